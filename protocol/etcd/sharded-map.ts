/** Maps that one is made of: each stays so small that growing it takes well below a millisecond with a million keys. */
const SHARDS = 256;

/** Characters from the start and from the end of a long key that are looked at: what tells keys apart may be at either. */
const START = 64;
const END = 32;

function shardOf(key: string): number {
  const { length } = key;
  let hash = length;
  for (let i = Math.min(START, length) - 1; i >= 0; i--) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  for (let i = Math.max(START, length - END); i < length; i++) {
    hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  }
  // The high bits have something of all characters, the low ones mostly of the last.
  return (hash ^ (hash >>> 8) ^ (hash >>> 16)) & (SHARDS - 1);
}

/** A map by key that never stops to grow as a whole, as a large Map does (tens of milliseconds at some hundred thousand keys). */
export class ShardedMap<V> {
  readonly #shards: (Map<string, V> | undefined)[] = new Array(SHARDS).fill(undefined);
  #size = 0;
  /** The key asked for last, and its shard's number: a key is mostly looked up several times in a row. */
  #lastKey = '';
  #lastShard = shardOf('');

  get size(): number {
    return this.#size;
  }

  #shardOf(key: string): number {
    if (key !== this.#lastKey) {
      this.#lastShard = shardOf(key);
      this.#lastKey = key;
    }
    return this.#lastShard;
  }

  get(key: string): V | undefined {
    return this.#shards[this.#shardOf(key)]?.get(key);
  }

  /** Sets a value; true where the key is new. */
  set(key: string, value: V): boolean {
    const number = this.#shardOf(key);
    let shard = this.#shards[number];
    if (shard === undefined) {
      shard = new Map();
      this.#shards[number] = shard;
    }
    const before = shard.size;
    shard.set(key, value);
    if (shard.size === before) return false;
    this.#size++;
    return true;
  }

  delete(key: string): boolean {
    if (this.#shards[this.#shardOf(key)]?.delete(key) !== true) return false;
    this.#size--;
    return true;
  }
}
