import type { Interval } from './keys.ts';
import { contains, fromKeyText, isSingle, prefixEnd, toKeyText } from './keys.ts';

/**
 * Finds which of many intervals contain a key without looking at all of them. Single keys and prefixes, which is nearly
 * everything that is watched, are found by hash; other intervals by binary search in a list that knows the largest
 * end before each position.
 */
export class IntervalIndex<T> {
  readonly #single: Map<string, T> = new Map();
  /** Prefixes by their length. */
  readonly #prefixes: Map<number, Map<string, T>> = new Map();
  readonly #others: Map<string, { readonly range: Interval; readonly value: T }> = new Map();
  #tree: IntervalTree<T> | undefined;

  get(range: Interval): T | undefined {
    if (isSingle(range)) return this.#single.get(range.from);
    if (isPrefix(range)) return this.#prefixes.get(range.from.length)?.get(range.from);
    return this.#others.get(name(range))?.value;
  }

  set(range: Interval, value: T): void {
    if (isSingle(range)) {
      this.#single.set(range.from, value);
    } else if (isPrefix(range)) {
      const known = this.#prefixes.get(range.from.length);
      if (known === undefined) this.#prefixes.set(range.from.length, new Map([[range.from, value]]));
      else known.set(range.from, value);
    } else {
      this.#others.set(name(range), { range, value });
      this.#tree = undefined;
    }
  }

  delete(range: Interval): void {
    if (isSingle(range)) {
      this.#single.delete(range.from);
    } else if (isPrefix(range)) {
      const known = this.#prefixes.get(range.from.length);
      if (known?.delete(range.from) === true && known.size === 0) this.#prefixes.delete(range.from.length);
    } else {
      this.#others.delete(name(range));
      this.#tree = undefined;
    }
  }

  /** Calls `visit` for each interval that contains `key`. */
  match(key: string, visit: (value: T) => void): void {
    const single = this.#single.get(key);
    if (single !== undefined) visit(single);
    for (const [length, prefixes] of this.#prefixes) {
      if (length > key.length) continue;
      const value = prefixes.get(length === key.length ? key : key.slice(0, length));
      if (value !== undefined) visit(value);
    }
    if (this.#others.size === 0) return;
    this.#tree ??= new IntervalTree([...this.#others.values()]);
    this.#tree.match(key, visit);
  }
}

function isPrefix(range: Interval): boolean {
  if (range.to === undefined) return range.from === '';
  return toKeyText(prefixEnd(fromKeyText(range.from))) === range.to;
}

/** A string that only this interval has. */
function name(range: Interval): string {
  const end = range.to === undefined ? '*' : `>${range.to}`;
  return `${range.from.length}:${range.from}${end}`;
}

interface Entry<T> {
  readonly range: Interval;
  readonly value: T;
}

/** Static interval tree over intervals sorted by their start: node i of a segment knows the largest end below it. */
class IntervalTree<T> {
  readonly #entries: readonly Entry<T>[];
  /** Largest `to` of the segment whose middle is this position; undefined: unbounded. */
  readonly #largest: (string | undefined)[];

  constructor(entries: Entry<T>[]) {
    this.#entries = entries.sort((a, b) => (a.range.from < b.range.from ? -1 : 1));
    this.#largest = new Array(entries.length);
    if (entries.length > 0) this.#build(0, entries.length);
  }

  #build(low: number, high: number): string | undefined {
    const middle = (low + high) >>> 1;
    let largest = this.#entries[middle]!.range.to;
    for (const [from, to] of [
      [low, middle],
      [middle + 1, high],
    ] as const) {
      if (from >= to) continue;
      const below = this.#build(from, to);
      if (below === undefined || (largest !== undefined && below > largest)) largest = below;
    }
    this.#largest[middle] = largest;
    return largest;
  }

  match(key: string, visit: (value: T) => void): void {
    this.#search(0, this.#entries.length, key, visit);
  }

  #search(low: number, high: number, key: string, visit: (value: T) => void): void {
    if (low >= high) return;
    const middle = (low + high) >>> 1;
    const largest = this.#largest[middle];
    if (largest !== undefined && largest <= key) return;
    this.#search(low, middle, key, visit);
    const { range, value } = this.#entries[middle]!;
    if (range.from > key) return;
    if (contains(range, key)) visit(value);
    this.#search(middle + 1, high, key, visit);
  }
}
