import { formatIpv4, ipv4Mask } from '../ip/ipv4.ts';
import type { Adjacency } from './adjacency.ts';
import type { Route } from './types.ts';

/** A route and what the packet path keeps with it. */
export interface RouteEntry {
  readonly address: number;
  readonly length: number;
  readonly route: Route;
  /** Where packets go, resolved on first use; stale where `generation` is not the forwarder's. */
  adjacency: Adjacency | undefined;
  generation: number;
}

/**
 * IPv4 routes with longest-prefix lookup: one hash table per prefix length in use, asked from the longest. A pod
 * network uses few lengths (/32, /26, /0), so a lookup is two or three probes however many routes there are. A table
 * for IPv6 has the same methods over two keys.
 */
export class RouteTable {
  readonly #byLength = new Map<number, Map<number, RouteEntry>>();
  /** Lengths in use, longest first, and mask and table of each. */
  #masks: number[] = [];
  #tables: Map<number, RouteEntry>[] = [];

  /** Adds or replaces. @throws RangeError on a length outside 0 to 32 or host bits. */
  set(address: number, length: number, route: Route): void {
    checkPrefix(address, length);
    let table = this.#byLength.get(length);
    if (table === undefined) {
      table = new Map();
      this.#byLength.set(length, table);
      this.#reorder();
    }
    table.set(address | 0, { address, length, route, adjacency: undefined, generation: -1 });
  }

  /** @returns whether there was such a route. */
  remove(address: number, length: number): boolean {
    const table = this.#byLength.get(length);
    if (table?.delete(address | 0) !== true) return false;
    if (table.size === 0) {
      this.#byLength.delete(length);
      this.#reorder();
    }
    return true;
  }

  /** The route of exactly this prefix. */
  get(address: number, length: number): RouteEntry | undefined {
    return this.#byLength.get(length)?.get(address | 0);
  }

  /** The longest prefix that contains `address`. */
  lookup(address: number): RouteEntry | undefined {
    const masks = this.#masks;
    for (let i = 0; i < masks.length; i++) {
      const entry = this.#tables[i]!.get(address & masks[i]!);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  /** All routes, longest prefixes first, in order of insertion within a length. */
  *entries(): IterableIterator<RouteEntry> {
    for (const table of this.#tables) yield* table.values();
  }

  #reorder(): void {
    const lengths = [...this.#byLength.keys()].sort((a, b) => b - a);
    this.#masks = lengths.map((length) => ipv4Mask(length) | 0);
    this.#tables = lengths.map((length) => this.#byLength.get(length)!);
  }
}

function checkPrefix(address: number, length: number): void {
  if (!Number.isInteger(length) || length < 0 || length > 32) {
    throw new RangeError(`prefix length must be 0 to 32, not ${length}`);
  }
  if ((address & ipv4Mask(length)) >>> 0 !== address) {
    throw new RangeError(`route ${formatIpv4(address)}/${length} has host bits set`);
  }
}
