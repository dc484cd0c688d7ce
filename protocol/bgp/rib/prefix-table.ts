/**
 * Plain prefixes of one family, each under a small number. Address words (one for IPv4, four for IPv6) and length
 * stand in typed arrays behind an open-addressed hash, at most half full, of numbers alone: to look at a key costs no
 * more than to look at its hash would. Starts tiny, since a process may hold hundreds.
 */
import { formatPrefix } from '../../ip/prefix.ts';
import { FAMILIES, type Family } from '../family.ts';
import type { PolicyPrefix } from '../policy/policy.ts';
import { discard, grown, newColumn, trimmed, trimmedLength } from './columns.ts';
import type { NlriTable } from './nlri-table.ts';

const NONE = -1;
/** Length of a prefix whose number is free. */
const FREE = 255;
/** A slot that a search ends at. */
const EMPTY = 0;
/**
 * A slot whose prefix went, while a search may have to go on past it. Closing the gap instead would need the hash of each
 * prefix behind it, whose key is anywhere in memory: that was most of the time of a withdrawal.
 */
const LEFT = -1;
const SMALLEST = 16;
/** Bits of the hash in which neighbouring prefixes differ. */
const NEIGHBOURS = 7;
/**
 * From a slot that is taken to the next to try: past the neighbours that are likely to stand beside it, to another place
 * among those of the next group. Odd, so that all slots are tried.
 */
const STEP = NEIGHBOURS + 2;

export class PrefixTable implements NlriTable {
  readonly family: Family;
  /** Address words of a prefix: 1 or 4. */
  readonly #words: number;
  /** Signed, so that V8 need not put large ones on the heap. */
  #keys: Int32Array;
  #bits = new Uint8Array(16);
  /** Number of a prefix plus one, {@link EMPTY} or {@link LEFT}. */
  #slots = new Int32Array(SMALLEST);
  /** Slots that are {@link LEFT}. */
  #left = 0;
  #count = 0;
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
    return this.#count;
  }

  get top(): number {
    return this.#top;
  }

  find(bytes: Uint8Array, start: number, _end: number): number {
    this.#read(bytes, start);
    const entry = this.#slots[this.#seek()]!;
    return entry > EMPTY ? entry - 1 : NONE;
  }

  add(bytes: Uint8Array, start: number, _end: number): number {
    this.#read(bytes, start);
    const slot = this.#seek();
    const entry = this.#slots[slot]!;
    if (entry > EMPTY) return entry - 1;
    if (entry === LEFT) this.#left -= 1;
    const id = this.#newId();
    this.#store(id);
    this.#slots[slot] = id + 1;
    this.#count += 1;
    if ((this.#count + this.#left) * 2 > this.#slots.length) this.#makeRoom();
    return id;
  }

  remove(id: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = this.#hashOf(id, this.#bits[id]!) & mask;
    while (slots[slot] !== id + 1) slot = (slot + STEP) & mask;
    this.#count -= 1;
    this.#release(id);
    if (slots[(slot + STEP) & mask] !== EMPTY) {
      slots[slot] = LEFT;
      this.#left += 1;
      return;
    }
    // No search leads past it any more, nor past those before it that were left.
    slots[slot] = EMPTY;
    for (let at = (slot - STEP) & mask; slots[at] === LEFT; at = (at - STEP) & mask) {
      slots[at] = EMPTY;
      this.#left -= 1;
    }
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
    let size = SMALLEST;
    while (size < this.#count * 4) size *= 2;
    if (size < this.#slots.length) this.#rehash(size);
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
   * Prefixes that differ in their last three bits have hashes that do so, too: neighbours, which often come together, stand
   * together in memory. Of IPv6 ones that end in zeros, such as `2a00:1::/48`, it is the last bits of what is before them.
   */
  #hash(): number {
    if (this.#words === 1) return hashOfOne(this.#length, this.#a);
    const bits = this.#length;
    const last = (bits - 1) >> 4;
    let hextet = last;
    while (hextet > 0 && this.#hextet(hextet) === 0) hextet -= 1;
    const shift = ((hextet & 1) === 0 ? 16 : 0) + (hextet === last ? -bits & 15 : 0);
    const low = (this.#word(hextet >> 1) >>> shift) & NEIGHBOURS;
    // Without those bits.
    const differing = low << shift;
    let hash = mix(bits, hextet <= 1 ? this.#a ^ differing : this.#a);
    hash = mix(hash, hextet >> 1 === 1 ? this.#b ^ differing : this.#b);
    if ((this.#c | this.#d) !== 0) {
      hash = mix(hash, hextet >> 1 === 2 ? this.#c ^ differing : this.#c);
      hash = mix(hash, hextet >> 1 === 3 ? this.#d ^ differing : this.#d);
    }
    return finished(hash, low);
  }

  /** The hash of a prefix that is here, which may take the place of the one that is looked for. */
  #hashOf(id: number, bits: number): number {
    if (this.#words === 1) return hashOfOne(bits, this.#keys[id]!);
    this.#load(id);
    return this.#hash();
  }

  #word(index: number): number {
    if (index <= 0) return this.#a;
    return index === 1 ? this.#b : index === 2 ? this.#c : this.#d;
  }

  /** One of the eight groups of 16 bits of an IPv6 address (RFC 5952 §1). */
  #hextet(index: number): number {
    const word = this.#word(index >> 1);
    return (index & 1) === 0 ? word >>> 16 : word & 0xffff;
  }

  /** The slot of the prefix that is looked for, or the first one free for it. */
  #seek(): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = this.#hash() & mask;
    let reusable = NONE;
    for (let entry = slots[slot]!; entry !== EMPTY; entry = slots[slot]!) {
      if (entry === LEFT) {
        if (reusable === NONE) reusable = slot;
      } else if (this.#equals(entry - 1)) return slot;
      slot = (slot + STEP) & mask;
    }
    return reusable === NONE ? slot : reusable;
  }

  /** Too few slots are empty: more of them, unless it is enough to clear those that are {@link LEFT}. */
  #makeRoom(): void {
    const size = this.#slots.length;
    this.#rehash(this.#left * 2 > this.#count ? size : size * 2);
  }

  #rehash(size: number): void {
    const old = this.#slots;
    const slots = newColumn(old, size);
    const mask = size - 1;
    for (let id = 0; id < this.#top; id++) {
      const bits = this.#bits[id]!;
      if (bits === FREE) continue;
      let slot = this.#hashOf(id, bits) & mask;
      while (slots[slot] !== EMPTY) slot = (slot + STEP) & mask;
      slots[slot] = id + 1;
    }
    this.#slots = slots;
    this.#left = 0;
    discard(old);
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

/** The hash of a prefix of one word. */
function hashOfOne(bits: number, word: number): number {
  const spare = -bits & 31;
  const low = (word >>> spare) & NEIGHBOURS;
  return finished(mix(bits, bits === 0 ? word : word ^ (low << spare)), low);
}

function finished(hash: number, low: number): number {
  const mixed = Math.imul(hash, 0xc2b2ae35);
  return mixed ^ (mixed >>> 13) ^ low;
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
