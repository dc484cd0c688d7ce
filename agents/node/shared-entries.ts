interface Held<V> {
  readonly value: V;
  count: number;
}

/**
 * Entries of a table that several owners hold: written while anybody holds them, and removed with the last. Where
 * owners want different values under one key, the one that came last counts, and after it the one before.
 */
export class SharedEntries<V> {
  readonly #write: (key: number, value: V) => void;
  readonly #remove: (key: number) => void;
  /** Values by key and by what they are, in the order in which they were first held. */
  readonly #held = new Map<number, Map<string, Held<V>>>();

  constructor(write: (key: number, value: V) => void, remove: (key: number) => void) {
    this.#write = write;
    this.#remove = remove;
  }

  /** Holds `value` under `key`; `identity` says which values are the same. Each `hold` needs its own `release`. */
  hold(key: number, identity: string, value: V): void {
    let values = this.#held.get(key);
    if (values === undefined) {
      values = new Map();
      this.#held.set(key, values);
    }
    const held = values.get(identity);
    if (held !== undefined) {
      held.count++;
      return;
    }
    values.set(identity, { value, count: 1 });
    this.#write(key, value);
  }

  /** Lets go of what `hold` held. */
  release(key: number, identity: string): void {
    const values = this.#held.get(key);
    const held = values?.get(identity);
    if (values === undefined || held === undefined || --held.count > 0) return;
    const counted = [...values.values()].at(-1) === held;
    values.delete(identity);
    const last = [...values.values()].at(-1);
    if (last === undefined) {
      this.#held.delete(key);
      this.#remove(key);
    } else if (counted) {
      this.#write(key, last.value);
    }
  }
}
