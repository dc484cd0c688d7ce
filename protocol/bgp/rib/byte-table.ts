/**
 * Byte strings, each kept once under a small number: the octets stand in one arena behind an open-addressed hash.
 * Attribute sets and the keys of routes that are no plain prefixes are kept so.
 */
import { discard, grown, newColumn, trimmed, trimmedLength } from './columns.ts';
import { HashSlots } from './hash-slots.ts';

/** Words of an entry. */
const OFFSET = 0;
const LENGTH = 1;
const HASH = 2;
const STRIDE = 3;
/** Length of an entry whose number is free. */
const FREE = -1;
const SMALLEST_ARENA = 256;

export class ByteTable {
  #words = new Int32Array(16 * STRIDE);
  readonly #slots = new HashSlots();
  /** The first number given back, to be used again, whose offset is the next one; 0: none. */
  #free = 0;
  #arena = new Uint8Array(SMALLEST_ARENA);
  #arenaTop = 0;
  /** Octets of the arena that belong to entries. */
  #live = 0;
  #top = 1;

  /** Entries in the table. */
  get count(): number {
    return this.#slots.count;
  }

  /** One more than the highest number ever used: how long arrays indexed by it must be. Numbers start at 1. */
  get top(): number {
    return this.#top;
  }

  /** Where the octets of all entries stand; another array after an entry was added. */
  get arena(): Uint8Array {
    return this.#arena;
  }

  /** Where an entry's octets start in {@link arena}. */
  offset(id: number): number {
    return this.#words[id * STRIDE + OFFSET]!;
  }

  /** How many octets an entry has. */
  length(id: number): number {
    return this.#words[id * STRIDE + LENGTH]!;
  }

  /** An entry's octets, a view that is valid until an entry is added. */
  bytes(id: number): Uint8Array {
    const offset = this.offset(id);
    return this.#arena.subarray(offset, offset + this.length(id));
  }

  /** Number of the octets of `bytes` from `start` to `end`; 0 where they are not here. */
  find(bytes: Uint8Array, start: number, end: number): number {
    return this.#find(bytes, start, end, hashOf(bytes, start, end));
  }

  /** As {@link find}, but enters them where they are new; `count` tells whether they were. */
  add(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashOf(bytes, start, end);
    const known = this.#find(bytes, start, end, hash);
    if (known !== 0) return known;
    const id = this.#newId();
    const size = end - start;
    this.#reserve(size);
    const at = id * STRIDE;
    this.#words[at + OFFSET] = this.#arenaTop;
    this.#words[at + LENGTH] = size;
    this.#words[at + HASH] = hash;
    for (let i = start, to = this.#arenaTop; i < end; i++, to++) this.#arena[to] = bytes[i]!;
    this.#arenaTop += size;
    this.#live += size;
    this.#slots.add(id, hash);
    return id;
  }

  /** Forgets an entry; its number will be used again. */
  remove(id: number): void {
    const at = id * STRIDE;
    this.#slots.remove(id, this.#words[at + HASH]!);
    this.#live -= this.#words[at + LENGTH]!;
    this.#release(id);
  }

  /** Gives memory back after most entries went. Returns {@link top}, which may be lower now. */
  trim(): number {
    let top = this.#top;
    while (top > 1 && this.#isFree(top - 1)) top -= 1;
    if (trimmedLength(this.#top, top) === this.#top) return this.#top;
    this.#top = top;
    this.#free = 0;
    for (let id = top - 1; id > 0; id--) if (this.#isFree(id)) this.#release(id);
    this.#words = trimmed(this.#words, top * STRIDE);
    this.#slots.trim();
    this.#moveInto(this.#sizeFor(SMALLEST_ARENA, 0));
    return top;
  }

  #isFree(id: number): boolean {
    return this.#words[id * STRIDE + LENGTH] === FREE;
  }

  #release(id: number): void {
    this.#words[id * STRIDE + LENGTH] = FREE;
    this.#words[id * STRIDE + OFFSET] = this.#free;
    this.#free = id;
  }

  #find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const slots = this.#slots;
    for (let slot = slots.first(hash); ; slot = slots.after(slot, hash)) {
      const id = slots.at(slot);
      if (id < 0) return 0;
      if (this.#equals(id * STRIDE, bytes, start, end)) return id;
    }
  }

  #equals(at: number, bytes: Uint8Array, start: number, end: number): boolean {
    const words = this.#words;
    if (words[at + LENGTH] !== end - start) return false;
    const arena = this.#arena;
    for (let i = start, from = words[at + OFFSET]!; i < end; i++, from++) {
      if (arena[from] !== bytes[i]) return false;
    }
    return true;
  }

  #newId(): number {
    const free = this.#free;
    if (free !== 0) {
      this.#free = this.#words[free * STRIDE + OFFSET]!;
      return free;
    }
    const id = this.#top++;
    this.#words = grown(this.#words, (id + 1) * STRIDE);
    return id;
  }

  /** Room for `length` more octets: moves the entries together, into a larger arena where half of it is in use. */
  #reserve(length: number): void {
    if (this.#arenaTop + length <= this.#arena.length) return;
    this.#moveInto(this.#sizeFor(this.#arena.length, length));
  }

  /** Octets of an arena that is half full at most with `length` more. */
  #sizeFor(smallest: number, length: number): number {
    let size = smallest;
    while ((this.#live + length) * 2 > size) size *= 2;
    return size;
  }

  #moveInto(size: number): void {
    const old = this.#arena;
    const arena = newColumn(old, size);
    if (this.#live === this.#arenaTop) arena.set(old.subarray(0, this.#arenaTop));
    else this.#compact(arena);
    this.#arena = arena;
    this.#arenaTop = this.#live;
    discard(old);
  }

  #compact(into: Uint8Array): void {
    let top = 0;
    for (let id = 1; id < this.#top; id++) {
      const length = this.length(id);
      if (length === FREE) continue;
      into.set(this.bytes(id), top);
      this.#words[id * STRIDE + OFFSET] = top;
      top += length;
    }
  }
}

/** Four octets at a time, then the rest; 32 bits, signed. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
