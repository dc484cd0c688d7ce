/**
 * Plain prefixes of one family, each under a small number. Address words (one for IPv4, four for IPv6) and length
 * stand in typed arrays behind an open-addressed hash. Starts tiny, since a process may hold hundreds.
 */
import { formatPrefix } from '../../ip/prefix.ts';
import { FAMILIES, type Family } from '../family.ts';
import type { PolicyPrefix } from '../policy/policy.ts';
import { grown, trimmed, trimmedLength } from './columns.ts';
import { HashSlots } from './hash-slots.ts';
import type { NlriTable } from './nlri-table.ts';

const NONE = -1;
/** Length of a prefix whose number is free. */
const FREE = 255;
/** Bits of the hash in which neighbouring prefixes differ. */
const NEIGHBOURS = 7;

export class PrefixTable implements NlriTable {
  readonly family: Family;
  /** Address words of a prefix: 1 or 4. */
  readonly #words: number;
  /** Signed, so that V8 need not put large ones on the heap. */
  #keys: Int32Array;
  #bits = new Uint8Array(16);
  readonly #slots = new HashSlots();
  /** The first number given back, to be used again; its key is the next one. */
  #free = NONE;
  #top = 0;
  /** The prefix that is looked for: masked words, and its length. */
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;
  #length = 0;

  /** For a family of plain prefixes. */
  constructor(family: Family) {
    this.family = family;
    this.#words = FAMILIES[family].bytes / 4;
    this.#keys = new Int32Array(16 * this.#words);
  }

  get count(): number {
    return this.#slots.count;
  }

  get top(): number {
    return this.#top;
  }

  find(bytes: Uint8Array, start: number, _end: number): number {
    this.#read(bytes, start);
    return this.#find(this.#hash());
  }

  add(bytes: Uint8Array, start: number, _end: number): number {
    this.#read(bytes, start);
    const hash = this.#hash();
    const known = this.#find(hash);
    if (known !== NONE) return known;
    const id = this.#newId();
    this.#store(id);
    this.#slots.add(id, hash);
    return id;
  }

  remove(id: number): void {
    this.#load(id);
    this.#slots.remove(id, this.#hash());
    this.#release(id);
  }

  trim(): number {
    let top = this.#top;
    while (top > 0 && this.#bits[top - 1] === FREE) top -= 1;
    if (trimmedLength(this.#top, top) === this.#top) return this.#top;
    this.#top = top;
    this.#free = NONE;
    for (let id = top - 1; id >= 0; id--) if (this.#bits[id] === FREE) this.#release(id);
    this.#bits = trimmed(this.#bits, top);
    this.#keys = trimmed(this.#keys, top * this.#words);
    this.#slots.trim();
    return top;
  }

  size(id: number): number {
    return 1 + ((this.#bits[id]! + 7) >> 3);
  }

  write(id: number, _data: Uint8Array | undefined, into: Uint8Array, at: number): number {
    const bits = this.#bits[id]!;
    const base = id * this.#words;
    into[at] = bits;
    let to = at + 1;
    for (let done = 0; done < bits; done += 32) {
      const word = this.#keys[base + (done >> 5)]!;
      const left = bits - done;
      into[to++] = word >>> 24;
      if (left > 8) into[to++] = word >>> 16;
      if (left > 16) into[to++] = word >>> 8;
      if (left > 24) into[to++] = word;
    }
    return to;
  }

  /** `"10.0.0.0/24"` */
  text(id: number): string {
    const { bytes, length } = this.prefix(id);
    return formatPrefix({ version: bytes.length === 4 ? 4 : 6, bytes, length });
  }

  key(): undefined {
    return undefined;
  }

  /** Whether a prefix is inside another one, or is that one. */
  within(id: number, { bytes, length }: PolicyPrefix): boolean {
    if (bytes.length !== this.#words * 4 || this.#bits[id]! < length) return false;
    const base = id * this.#words;
    for (let done = 0; done < length; done += 32) {
      const bits = Math.min(32, length - done);
      const differing = this.#keys[base + (done >> 5)]! ^ wordAt(bytes, done >> 3, bits);
      if ((differing & (-1 << (32 - bits))) !== 0) return false;
    }
    return true;
  }

  /** Below 0 where the first of two prefixes comes first: by address, then by length. */
  compare(a: number, b: number): number {
    const words = this.#words;
    for (let i = 0; i < words; i++) {
      const one = this.#keys[a * words + i]! >>> 0;
      const other = this.#keys[b * words + i]! >>> 0;
      if (one !== other) return one - other;
    }
    return this.#bits[a]! - this.#bits[b]!;
  }

  prefix(id: number): PolicyPrefix {
    const bytes = new Uint8Array(1 + this.#words * 4);
    this.write(id, undefined, bytes, 0);
    return { bytes: bytes.subarray(1), length: this.#bits[id]! };
  }

  /** Reads the prefix whose length octet stands at `at`; bits past its length do not count. */
  #read(bytes: Uint8Array, at: number): void {
    const bits = bytes[at]!;
    this.#length = bits;
    this.#a = wordAt(bytes, at + 1, bits);
    if (this.#words === 1) return;
    this.#b = wordAt(bytes, at + 5, bits - 32);
    this.#c = wordAt(bytes, at + 9, bits - 64);
    this.#d = wordAt(bytes, at + 13, bits - 96);
  }

  #load(id: number): void {
    const base = id * this.#words;
    this.#length = this.#bits[id]!;
    this.#a = this.#keys[base]!;
    if (this.#words === 1) return;
    this.#b = this.#keys[base + 1]!;
    this.#c = this.#keys[base + 2]!;
    this.#d = this.#keys[base + 3]!;
  }

  #store(id: number): void {
    const base = id * this.#words;
    this.#bits[id] = this.#length;
    this.#keys[base] = this.#a;
    if (this.#words === 1) return;
    this.#keys[base + 1] = this.#b;
    this.#keys[base + 2] = this.#c;
    this.#keys[base + 3] = this.#d;
  }

  /**
   * The last three bits of a prefix are the last of its hash, so that neighbours, which often come together, stand
   * together in memory.
   */
  #hash(): number {
    const bits = this.#length;
    const spare = -bits & 31;
    const word = (bits - 1) >> 5;
    const low = (this.#word(word) >>> spare) & NEIGHBOURS;
    let hash = bits;
    for (let i = 0; i < this.#words; i++) {
      hash = mix(hash, i === word ? this.#word(i) ^ (low << spare) : this.#word(i));
    }
    hash = Math.imul(hash, 0xc2b2ae35);
    return ((hash ^ (hash >>> 13)) & ~NEIGHBOURS) | low;
  }

  #word(index: number): number {
    if (index <= 0) return this.#a;
    return index === 1 ? this.#b : index === 2 ? this.#c : this.#d;
  }

  #find(hash: number): number {
    const slots = this.#slots;
    for (let slot = slots.first(hash); ; slot = slots.after(slot, hash)) {
      const id = slots.at(slot);
      if (id < 0 || this.#equals(id)) return id;
    }
  }

  #equals(id: number): boolean {
    const base = id * this.#words;
    const keys = this.#keys;
    if (keys[base] !== this.#a || this.#bits[id] !== this.#length) return false;
    if (this.#words === 1) return true;
    return keys[base + 1] === this.#b && keys[base + 2] === this.#c && keys[base + 3] === this.#d;
  }

  #release(id: number): void {
    this.#bits[id] = FREE;
    this.#keys[id * this.#words] = this.#free;
    this.#free = id;
  }

  #newId(): number {
    const free = this.#free;
    if (free !== NONE) {
      this.#free = this.#keys[free * this.#words]!;
      return free;
    }
    const id = this.#top++;
    if (id >= this.#bits.length) {
      this.#bits = grown(this.#bits, id);
      this.#keys = grown(this.#keys, (id + 1) * this.#words - 1);
    }
    return id;
  }
}

/** Up to 32 bits at `at`, signed; those past `bits` are 0. */
function wordAt(bytes: Uint8Array, at: number, bits: number): number {
  if (bits <= 0) return 0;
  let word = bytes[at]! << 24;
  if (bits > 8) word |= bytes[at + 1]! << 16;
  if (bits > 16) word |= bytes[at + 2]! << 8;
  if (bits > 24) word |= bytes[at + 3]!;
  return bits >= 32 ? word : word & (-1 << (32 - bits));
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
