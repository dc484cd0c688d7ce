/** Columns of tables: typed arrays that are indexed by small numbers and grow with them. */

type Column = Uint8Array | Uint32Array | Int32Array;

/**
 * `old` at the start of `larger`. The memory of `old` is free at once and `old` empty: a table that grows would
 * otherwise hold all its former sizes until garbage is collected.
 */
export function copyInto<T extends Column>(larger: T, old: T): T {
  larger.set(old);
  (old.buffer as ArrayBuffer).transfer(0);
  return larger;
}

/** Length to which a column of `length` grows so that it has index `index`: doubled as often as it takes. */
export function grownLength(length: number, index: number): number {
  let size = length;
  while (size <= index) size *= 2;
  return size;
}

/**
 * Small numbers that wait for their turn, each once, in order: which prefixes to look at again. Marking one that waits
 * already does nothing, so any number of changes to it becomes one.
 */
export class MarkQueue {
  #ring = new Uint32Array(16);
  #head = 0;
  #length = 0;
  #marked = new Uint8Array(16);
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
    if (number >= this.#marked.length) {
      this.#marked = copyInto(new Uint8Array(grownLength(this.#marked.length, number)), this.#marked);
    }
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
    return number;
  }

  #grow(): void {
    const ring = new Uint32Array(this.#ring.length * 2);
    ring.set(this.#ring.subarray(this.#head));
    ring.set(this.#ring.subarray(0, this.#head), this.#ring.length - this.#head);
    this.#ring = ring;
    this.#head = 0;
  }
}
