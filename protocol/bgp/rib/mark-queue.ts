import { discard, grown, resized, trimmed } from './columns.ts';

/** Places of a queue in which nobody waits. */
const SMALLEST = 16;
/** A ring with more places than this is given up when it is empty. */
const KEPT = 2 ** 14;

/**
 * Small numbers that wait for their turn, each once, in order: which prefixes to look at again. Marking one that waits
 * already does nothing, so any number of changes to it becomes one.
 */
export class MarkQueue {
  #ring = new Uint32Array(SMALLEST);
  #head = 0;
  #length = 0;
  #marked = new Uint8Array(SMALLEST);
  #total = 0;

  /** How many wait. */
  get length(): number {
    return this.#length;
  }

  /** How many were ever marked: when {@link taken} has reached what this is now, all that wait now had their turn. */
  get total(): number {
    return this.#total;
  }

  /** How many had their turn. */
  get taken(): number {
    return this.#total - this.#length;
  }

  /** Whether a number waits. */
  has(number: number): boolean {
    return this.#marked[number] === 1;
  }

  mark(number: number): void {
    if (number >= this.#marked.length) this.#marked = grown(this.#marked, number);
    if (this.#marked[number] === 1) return;
    this.#marked[number] = 1;
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#length) & (this.#ring.length - 1)] = number;
    this.#length += 1;
    this.#total += 1;
  }

  /** The one that waits longest. The caller has seen that there is one. */
  take(): number {
    const number = this.#ring[this.#head]!;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#length -= 1;
    this.#marked[number] = 0;
    if (this.#length === 0 && this.#ring.length > KEPT) {
      discard(this.#ring);
      this.#ring = new Uint32Array(SMALLEST);
      this.#head = 0;
    }
    return number;
  }

  /** Gives memory back, where no number from `top` on waits. */
  trim(top: number): void {
    this.#marked = trimmed(this.#marked, top);
  }

  /** Gives all memory back; it must not be used afterwards. */
  dispose(): void {
    discard(this.#ring);
    discard(this.#marked);
  }

  #grow(): void {
    const size = this.#ring.length;
    const wrapped = this.#ring.slice(0, this.#head);
    this.#ring.copyWithin(0, this.#head);
    this.#ring.set(wrapped, size - this.#head);
    this.#ring = resized(this.#ring, size * 2);
    this.#head = 0;
  }
}
