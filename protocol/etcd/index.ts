import type { Interval } from './keys.ts';
import { isSingle } from './keys.ts';

/** Keys per chunk before it is split: small enough that an insertion moves little, large enough for few chunks. */
const CHUNK = 512;

/** Position of the first element of sorted `list` that is >= `key`. */
function lowerBound(list: readonly string[], key: string): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A map ordered by key (bytes order): O(1) reads, and ranges by binary search in a list of sorted chunks. */
export class KeyIndex<V> {
  readonly #values: Map<string, V> = new Map();
  readonly #chunks: string[][] = [];

  get size(): number {
    return this.#values.size;
  }

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: V): void {
    const known = this.#values.size;
    this.#values.set(key, value);
    if (this.#values.size !== known) this.#insert(key);
  }

  delete(key: string): void {
    if (!this.#values.delete(key)) return;
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at]!;
    chunk.splice(lowerBound(chunk, key), 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
  }

  /** Calls `visit` for every entry of the interval in key order. `visit` must not add or remove keys. */
  scan(range: Interval, visit: (value: V, key: string) => void): void {
    if (isSingle(range)) {
      const value = this.#values.get(range.from);
      if (value !== undefined) visit(value, range.from);
      return;
    }
    for (let c = this.#chunkOf(range.from); c < this.#chunks.length; c++) {
      const chunk = this.#chunks[c]!;
      for (let i = lowerBound(chunk, range.from); i < chunk.length; i++) {
        const key = chunk[i]!;
        if (range.to !== undefined && key >= range.to) return;
        visit(this.#values.get(key)!, key);
      }
    }
  }

  /** Number of the chunk that holds `key` or would: the last whose first key is not above it. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#chunks[middle]![0]! <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  #insert(key: string): void {
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at];
    if (chunk === undefined) {
      this.#chunks.push([key]);
      return;
    }
    chunk.splice(lowerBound(chunk, key), 0, key);
    if (chunk.length > CHUNK) this.#chunks.splice(at + 1, 0, chunk.splice(CHUNK / 2));
  }
}
