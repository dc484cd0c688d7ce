/**
 * Prefixes of one family, each under a small number. Address words and length stand in typed arrays behind an
 * open-addressed hash; other tables are arrays indexed by the number. Starts tiny, since a process may hold hundreds.
 */

import { formatPrefix } from '../../ip/prefix.ts';
import { FAMILIES, type Family } from '../family.ts';

const NONE = -1;

export class PrefixTable {
  readonly family: Family;
  readonly #wordsPerKey: number;
  #keys: Uint32Array;
  #bits = new Uint8Array(16);
  /** Hash slots hold prefix numbers. */
  #slots = new Int32Array(32).fill(NONE);
  /** Numbers given back, to be used again. */
  readonly #free: number[] = [];
  readonly #key: Uint32Array;
  #top = 0;
  #count = 0;

  constructor(family: Family) {
    this.family = family;
    this.#wordsPerKey = FAMILIES[family].bytes / 4;
    this.#keys = new Uint32Array(16 * this.#wordsPerKey);
    this.#key = new Uint32Array(this.#wordsPerKey);
  }

  /** Prefixes in the table. */
  get count(): number {
    return this.#count;
  }

  /** One more than the highest number in use: how long arrays indexed by it must be. */
  get top(): number {
    return this.#top;
  }

  /** Number of the prefix whose octets stand at `offset`, or -1. Bits beyond its length do not count. */
  find(bytes: Uint8Array, offset: number, bits: number): number {
    this.#read(bytes, offset, bits);
    return this.#slots[this.#slot(bits)]!;
  }

  /** As {@link find}, but enters the prefix where it is new. */
  add(bytes: Uint8Array, offset: number, bits: number): number {
    this.#read(bytes, offset, bits);
    let slot = this.#slot(bits);
    if (this.#slots[slot] !== NONE) return this.#slots[slot]!;
    if ((this.#count + 1) * 2 > this.#slots.length) {
      this.#rehash(this.#slots.length * 2);
      slot = this.#slot(bits);
    }
    const id = this.#free.pop() ?? this.#top++;
    this.#grow(id + 1);
    this.#keys.set(this.#key, id * this.#wordsPerKey);
    this.#bits[id] = bits;
    this.#slots[slot] = id;
    this.#count += 1;
    return id;
  }

  /** Forgets a prefix; its number will be used again. */
  remove(id: number): void {
    const mask = this.#slots.length - 1;
    let hole = this.#load(id);
    this.#count -= 1;
    this.#free.push(id);
    // Close the gap: move up what would no longer be found across it.
    for (let at = (hole + 1) & mask; this.#slots[at] !== NONE; at = (at + 1) & mask) {
      const home = this.#home(this.#slots[at]!);
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        this.#slots[hole] = this.#slots[at]!;
        hole = at;
      }
    }
    this.#slots[hole] = NONE;
  }

  /** Whether a number stands for a prefix now. */
  has(id: number): boolean {
    return id < this.#top && this.#slots[this.#load(id)] === id;
  }

  /** Octets that {@link write} needs for a prefix. */
  size(id: number): number {
    return 1 + ((this.#bits[id]! + 7) >> 3);
  }

  /** Writes the prefix as NLRI at `at` and returns where it ends. */
  write(id: number, bytes: Uint8Array, at: number): number {
    const size = (this.#bits[id]! + 7) >> 3;
    const base = id * this.#wordsPerKey;
    bytes[at] = this.#bits[id]!;
    for (let i = 0; i < size; i++) bytes[at + 1 + i] = this.#keys[base + (i >> 2)]! >>> (24 - 8 * (i & 3));
    return at + 1 + size;
  }

  /** `"10.0.0.0/24"` */
  text(id: number): string {
    const bytes = new Uint8Array(17);
    this.write(id, bytes, 0);
    const address = bytes.slice(1, 1 + this.#wordsPerKey * 4);
    return formatPrefix({ version: address.length === 4 ? 4 : 6, bytes: address, length: this.#bits[id]! });
  }

  /** Loads the key of an entered prefix and returns its slot. */
  #load(id: number): number {
    const base = id * this.#wordsPerKey;
    for (let i = 0; i < this.#wordsPerKey; i++) this.#key[i] = this.#keys[base + i]!;
    return this.#slot(this.#bits[id]!);
  }

  #home(id: number): number {
    const base = id * this.#wordsPerKey;
    let hash = this.#bits[id]!;
    for (let i = 0; i < this.#wordsPerKey; i++) hash = mix(hash, this.#keys[base + i]!);
    return finish(hash) & (this.#slots.length - 1);
  }

  /** Reads masked octets into the key. */
  #read(bytes: Uint8Array, offset: number, bits: number): void {
    for (let i = 0; i < this.#wordsPerKey; i++) {
      const left = bits - 32 * i;
      if (left <= 0) {
        this.#key[i] = 0;
        continue;
      }
      const at = offset + 4 * i;
      let word = bytes[at]! << 24;
      if (left > 8) word |= bytes[at + 1]! << 16;
      if (left > 16) word |= bytes[at + 2]! << 8;
      if (left > 24) word |= bytes[at + 3]!;
      this.#key[i] = left >= 32 ? word : word & (-1 << (32 - left));
    }
  }

  /** Slot of the key, or the free slot where it belongs. */
  #slot(bits: number): number {
    const mask = this.#slots.length - 1;
    let hash = bits;
    for (let i = 0; i < this.#wordsPerKey; i++) hash = mix(hash, this.#key[i]!);
    let slot = finish(hash) & mask;
    for (; this.#slots[slot] !== NONE; slot = (slot + 1) & mask) {
      if (this.#same(this.#slots[slot]!, bits)) break;
    }
    return slot;
  }

  #same(id: number, bits: number): boolean {
    if (this.#bits[id] !== bits) return false;
    const base = id * this.#wordsPerKey;
    for (let i = 0; i < this.#wordsPerKey; i++) if (this.#keys[base + i] !== this.#key[i]) return false;
    return true;
  }

  #rehash(size: number): void {
    const old = this.#slots;
    this.#slots = new Int32Array(size).fill(NONE);
    for (const id of old) {
      if (id === NONE) continue;
      let slot = this.#home(id);
      while (this.#slots[slot] !== NONE) slot = (slot + 1) & (size - 1);
      this.#slots[slot] = id;
    }
  }

  #grow(needed: number): void {
    if (needed <= this.#bits.length) return;
    const size = this.#bits.length * 2;
    const keys = new Uint32Array(size * this.#wordsPerKey);
    const bits = new Uint8Array(size);
    keys.set(this.#keys);
    bits.set(this.#bits);
    this.#keys = keys;
    this.#bits = bits;
  }
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

function finish(hash: number): number {
  const mixed = Math.imul(hash, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
