import { FAMILIES, type Family } from '../family.ts';
import type { PolicyPrefix } from '../policy/policy.ts';
import { KeyTable } from './key-table.ts';
import { PrefixTable } from './prefix-table.ts';

/**
 * The routes of one family by what identifies them, each under a small number by which other tables are indexed. Plain
 * prefixes and all other kinds of NLRI have one such table each.
 */
export interface NlriTable {
  readonly family: Family;
  /** Routes in the table. */
  readonly count: number;
  /** One more than the highest number ever used. */
  readonly top: number;
  /** Number of the route whose NLRI stands from `start` to `end`; -1 where it is not here. */
  find(bytes: Uint8Array, start: number, end: number): number;
  /** As {@link find}, but enters the route where it is new. */
  add(bytes: Uint8Array, start: number, end: number): number;
  /** Forgets a route; its number will be used again. */
  remove(id: number): void;
  /** Gives memory back after most routes went. Returns {@link top}, which may be lower now. */
  trim(): number;
  /** Octets of the NLRI that {@link write} gives. */
  size(id: number, data: Uint8Array | undefined): number;
  /**
   * Writes the NLRI at `at`, where there is room for it, and returns where it ends.
   * @param data what it says beside the key (RouteAttributes.nlriData); `undefined` for a withdrawal.
   */
  write(id: number, data: Uint8Array | undefined, into: Uint8Array, at: number): number;
  /** The route as people write it. */
  text(id: number, data: Uint8Array | undefined): string;
  /**
   * What tells the route from others (NlriCodec.key), a view that is valid until a route is entered; `undefined` in
   * families of plain prefixes.
   */
  key(id: number): Uint8Array | undefined;
  /** The prefix for policies; `undefined` in families that have none. */
  prefix(id: number): PolicyPrefix | undefined;
}

/** An empty table for the family. */
export function nlriTable(family: Family): NlriTable {
  return FAMILIES[family].prefixes ? new PrefixTable(family) : new KeyTable(family);
}
