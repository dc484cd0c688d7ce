/**
 * An open-addressed hash of small numbers: finds candidates by a 32-bit hash (signed, since V8 keeps such numbers in
 * registers and others on the heap), and leaves it to the table that owns it
 * whether one is what is looked for. The hash stands beside the number, so that nearly every wrong candidate is passed
 * over without a look at its key, and neither growth nor removal needs keys.
 */
import { discard, newColumn } from './columns.ts';

/** Words of a slot: the number plus one (0: empty), and its hash. */
const NUMBER = 0;
const HASH = 1;
const STRIDE = 2;

const SMALLEST = 16;

export class HashSlots {
  #slots = new Int32Array(SMALLEST * STRIDE);
  #mask = SMALLEST - 1;
  #count = 0;

  /** Numbers in the hash. */
  get count(): number {
    return this.#count;
  }

  /** The first slot that may hold what has this hash; go on with {@link after} until {@link at} says -1. */
  first(hash: number): number {
    return this.#seek(hash & this.#mask, hash);
  }

  /** The next such slot. */
  after(slot: number, hash: number): number {
    return this.#seek((slot + 1) & this.#mask, hash);
  }

  /** The number in a slot, -1 where it is empty. */
  at(slot: number): number {
    return this.#slots[slot * STRIDE + NUMBER]! - 1;
  }

  /** Enters a number that is not there yet. @param hash 32 bits, signed. */
  add(number: number, hash: number): void {
    // At most half full, so that few slots are looked at in vain.
    if ((this.#count + 1) * 2 > this.#mask) this.#resize((this.#mask + 1) * 2);
    this.#place(number + 1, hash);
    this.#count += 1;
  }

  /** Takes a number out that is there. */
  remove(number: number, hash: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let hole = hash & mask;
    while (slots[hole * STRIDE + NUMBER] !== number + 1) hole = (hole + 1) & mask;
    // Close the gap: move up what would no longer be found across it.
    for (let at = (hole + 1) & mask; slots[at * STRIDE + NUMBER] !== 0; at = (at + 1) & mask) {
      const home = slots[at * STRIDE + HASH]! & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      slots[hole * STRIDE + NUMBER] = slots[at * STRIDE + NUMBER]!;
      slots[hole * STRIDE + HASH] = slots[at * STRIDE + HASH]!;
      hole = at;
    }
    slots[hole * STRIDE + NUMBER] = 0;
    this.#count -= 1;
  }

  #seek(from: number, hash: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = from;
    while (slots[slot * STRIDE + NUMBER] !== 0 && slots[slot * STRIDE + HASH] !== hash)
      slot = (slot + 1) & mask;
    return slot;
  }

  #place(word: number, hash: number): void {
    const slots = this.#slots;
    let slot = hash & this.#mask;
    while (slots[slot * STRIDE + NUMBER] !== 0) slot = (slot + 1) & this.#mask;
    slots[slot * STRIDE + NUMBER] = word;
    slots[slot * STRIDE + HASH] = hash;
  }

  /** Gives memory back after most numbers went. */
  trim(): void {
    let size = this.#mask + 1;
    while (size > SMALLEST && size > this.#count * 8) size /= 2;
    if (size * 4 <= this.#mask) this.#resize(size);
  }

  #resize(size: number): void {
    const old = this.#slots;
    this.#slots = newColumn(old, size * STRIDE);
    this.#mask = size - 1;
    for (let at = 0; at < old.length; at += STRIDE) {
      if (old[at + NUMBER] !== 0) this.#place(old[at + NUMBER]!, old[at + HASH]!);
    }
    discard(old);
  }
}
