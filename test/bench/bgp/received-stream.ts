// Octets that peers were sent, so that one that was sent the same as another need not be read as well.

/** What one peer was sent since something was expected of it, chunk by chunk as it came. */
export class ReceivedStream {
  readonly #chunks: Buffer[] = [];
  /** Where each chunk ends. */
  readonly #ends: number[] = [];

  /** Octets so far. */
  get length(): number {
    return this.#ends.at(-1) ?? 0;
  }

  append(chunk: Buffer): void {
    this.#ends.push(this.length + chunk.length);
    this.#chunks.push(chunk);
  }

  /** Whether the octets of `chunk`, as far as `limit` reaches, are those from `at` on here. */
  has(at: number, chunk: Buffer, limit: number): boolean {
    const end = Math.min(at + chunk.length, limit, this.length);
    let index = this.#at(at);
    for (let from = at; from < end; index++) {
      const to = Math.min(end, this.#ends[index]!);
      const own = this.#chunks[index]!;
      const start = from - (this.#ends[index]! - own.length);
      if (own.compare(chunk, from - at, to - at, start, start + to - from) !== 0) return false;
      from = to;
    }
    return true;
  }

  /** Index of the chunk with the octet `at`. */
  #at(at: number): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ends[middle]! <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
