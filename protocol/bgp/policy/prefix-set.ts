/** Sets of prefixes with bounds on their length, as prefix lists have them, in one binary trie per address size. */
import { type Prefix, parsePrefix } from '../../ip/prefix.ts';
import type { PrefixRange } from './definition.ts';
import type { PolicyPrefix } from './policy.ts';

/** A prefix and the lengths (bits, both ends inside) that prefixes within it must have. */
export interface PrefixBounds {
  readonly prefix: Prefix;
  readonly min: number;
  readonly max: number;
}

const TEXT = /^(\S+?)(\+|\{(\d{1,3}),(\d{1,3})\})?(?:\s+ge\s+(\d{1,3}))?(?:\s+le\s+(\d{1,3}))?$/;

/**
 * Reads a range: text as FRR (`"10.0.0.0/8 ge 16 le 24"`) or BIRD (`"10.0.0.0/8+"`, `"10.0.0.0/8{16,24}"`) have it, or
 * an object.
 * @throws RangeError with what is wrong in one line.
 */
export function parsePrefixRange(range: PrefixRange): PrefixBounds {
  const { prefix: text, ge, le } = typeof range === 'string' ? parseText(range) : range;
  if (!text.includes('/')) {
    throw new RangeError(`${JSON.stringify(text)} has no prefix length, expected for example 10.0.0.0/8`);
  }
  const prefix = parsePrefix(text);
  const bits = prefix.bytes.length * 8;
  const min = ge ?? prefix.length;
  const max = le ?? (ge === undefined ? prefix.length : bits);
  if (min < prefix.length || min > max || max > bits) {
    throw new RangeError(
      `prefix lengths ${min} to ${max} of ${text}, expected ${prefix.length} <= ge <= le <= ${bits}`,
    );
  }
  return { prefix, min, max };
}

function parseText(text: string): { prefix: string; ge?: number; le?: number } {
  const match = TEXT.exec(text.trim());
  const [, prefix, suffix, low, high, ge, le] = match ?? [];
  if (prefix === undefined || (suffix !== undefined && (ge ?? le) !== undefined)) {
    throw new RangeError(
      `not a range of prefixes: ${JSON.stringify(text)}, expected "P/LEN", "P/LEN ge N le M", "P/LEN+" or "P/LEN{N,M}"`,
    );
  }
  if (suffix === '+') return { prefix, ge: Number(prefix.split('/')[1]) };
  if (low !== undefined) return { prefix, ge: Number(low), le: Number(high) };
  return {
    prefix,
    ...(ge === undefined ? {} : { ge: Number(ge) }),
    ...(le === undefined ? {} : { le: Number(le) }),
  };
}

/** Asks whether a prefix lies in any of many ranges, in time that grows with its length, not with their number. */
export class PrefixSet {
  readonly #ipv4 = new Trie();
  readonly #ipv6 = new Trie();

  constructor(ranges: Iterable<PrefixBounds>) {
    for (const range of ranges) (range.prefix.version === 4 ? this.#ipv4 : this.#ipv6).add(range);
  }

  /** Whether some range holds the prefix. */
  has(prefix: PolicyPrefix): boolean {
    return (prefix.bytes.length === 4 ? this.#ipv4 : this.#ipv6).has(prefix.bytes, prefix.length);
  }

  /** Whether some range holds the address as a host route. */
  hasAddress(address: Uint8Array): boolean {
    return (address.length === 4 ? this.#ipv4 : this.#ipv6).has(address, address.length * 8);
  }
}

/** Nodes are numbers; `#next[2 * node + bit]` is the child, 0 for none (the root, 0, is nobody's child). */
class Trie {
  #next = new Int32Array(64);
  #count = 1;
  /** By node: bounds as min, max, min, max, ... */
  readonly #bounds: (number[] | undefined)[] = [];

  add({ prefix, min, max }: PrefixBounds): void {
    let node = 0;
    for (let i = 0; i < prefix.length; i++) {
      const at = 2 * node + bitOf(prefix.bytes, i);
      if (this.#next[at] === 0) this.#next[at] = this.#count++;
      node = this.#next[at]!;
      this.#reserve();
    }
    const bounds = this.#bounds[node];
    if (bounds === undefined) this.#bounds[node] = [min, max];
    else bounds.push(min, max);
  }

  has(bytes: Uint8Array, length: number): boolean {
    let node = 0;
    for (let i = 0; ; i++) {
      const bounds = this.#bounds[node];
      if (bounds !== undefined && within(bounds, length)) return true;
      if (i === length) return false;
      node = this.#next[2 * node + bitOf(bytes, i)]!;
      if (node === 0) return false;
    }
  }

  #reserve(): void {
    if (2 * this.#count < this.#next.length) return;
    const larger = new Int32Array(this.#next.length * 2);
    larger.set(this.#next);
    this.#next = larger;
  }
}

function within(bounds: readonly number[], length: number): boolean {
  for (let i = 0; i < bounds.length; i += 2) {
    if (length >= bounds[i]! && length <= bounds[i + 1]!) return true;
  }
  return false;
}

function bitOf(bytes: Uint8Array, i: number): number {
  return (bytes[i >> 3]! >> (7 - (i & 7))) & 1;
}
