import type { Interval } from './keys.ts';
import { isSingle } from './keys.ts';
import { ShardedMap } from './sharded-map.ts';

/** Keys per chunk before it is split: small enough that an insertion moves little, large enough for few chunks. */
const CHUNK = 128;

/** Neighbouring keys in order, with their values at the same positions. */
interface Chunk<V> {
  readonly keys: string[];
  readonly values: V[];
}

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

/**
 * A map ordered by key (bytes order): a B-tree of two levels, with a hash map beside it for single keys. A lookup is O(1), an
 * interval O(log n + keys in it), an insertion moves at most a chunk and the list of chunks.
 */
export class KeyIndex<V> {
  readonly #values: ShardedMap<V> = new ShardedMap();
  readonly #chunks: Chunk<V>[] = [];
  /** The first key of each chunk. */
  readonly #firsts: string[] = [];

  get size(): number {
    return this.#values.size;
  }

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: V): void {
    const isNew = this.#values.set(key, value);
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at];
    if (chunk === undefined) {
      this.#chunks.push({ keys: [key], values: [value] });
      this.#firsts.push(key);
      return;
    }
    const position = lowerBound(chunk.keys, key);
    if (!isNew) {
      chunk.values[position] = value;
      return;
    }
    chunk.keys.splice(position, 0, key);
    chunk.values.splice(position, 0, value);
    if (position === 0) this.#firsts[at] = key;
    if (chunk.keys.length > CHUNK) this.#split(at, chunk, position);
  }

  /** Keys that come in order fill their chunks; others leave room on both sides. */
  #split(at: number, chunk: Chunk<V>, inserted: number): void {
    const from = inserted === CHUNK ? CHUNK : CHUNK / 2;
    const next = { keys: chunk.keys.splice(from), values: chunk.values.splice(from) };
    this.#chunks.splice(at + 1, 0, next);
    this.#firsts.splice(at + 1, 0, next.keys[0]!);
  }

  delete(key: string): void {
    if (!this.#values.delete(key)) return;
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at]!;
    const position = lowerBound(chunk.keys, key);
    chunk.keys.splice(position, 1);
    chunk.values.splice(position, 1);
    if (chunk.keys.length === 0) {
      this.#chunks.splice(at, 1);
      this.#firsts.splice(at, 1);
    } else if (position === 0) {
      this.#firsts[at] = chunk.keys[0]!;
    }
  }

  /** Calls `visit` for every entry of the interval in key order. `visit` must not add or remove keys. */
  scan(range: Interval, visit: (value: V, key: string) => void): void {
    if (isSingle(range)) {
      const value = this.#values.get(range.from);
      if (value !== undefined) visit(value, range.from);
      return;
    }
    const first = this.#chunkOf(range.from);
    for (let c = first; c < this.#chunks.length; c++) {
      const { keys, values } = this.#chunks[c]!;
      const end = range.to === undefined ? keys.length : lowerBound(keys, range.to);
      for (let i = c === first ? lowerBound(keys, range.from) : 0; i < end; i++) visit(values[i]!, keys[i]!);
      if (end < keys.length) return;
    }
  }

  /** Number of the chunk that holds `key` or would: the last whose first key is not above it. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#firsts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#firsts[middle]! <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}
