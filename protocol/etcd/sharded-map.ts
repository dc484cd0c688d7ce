/** Maps that one is made of: each stays so small that growing it takes well below a millisecond with a million keys. */
const SHARDS = 256;

/** Tells keys apart by their end, which is where most differ. */
function shardOf(key: string): number {
  const end = key.length;
  const last = end > 0 ? key.charCodeAt(end - 1) : 0;
  const before = end > 1 ? key.charCodeAt(end - 2) : 0;
  const third = end > 2 ? key.charCodeAt(end - 3) : 0;
  return (last + 31 * before + 173 * third) % SHARDS;
}

/** A map by key that never stops to grow as a whole, as a large Map does (tens of milliseconds at some hundred thousand keys). */
export class ShardedMap<V> {
  readonly #shards: (Map<string, V> | undefined)[] = new Array(SHARDS).fill(undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    return this.#shards[shardOf(key)]?.get(key);
  }

  /** Sets a value; true where the key is new. */
  set(key: string, value: V): boolean {
    const number = shardOf(key);
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
    if (this.#shards[shardOf(key)]?.delete(key) !== true) return false;
    this.#size--;
    return true;
  }
}
