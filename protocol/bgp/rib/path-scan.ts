/**
 * Looks through the paths of one family for some of them, entry by entry, so that the caller may pause in between
 * whatever happens to the table meanwhile. What is asked of a path is asked of numbers as long as that goes: a prefix
 * is compared as words, and each set of attributes is judged once, not once for each of its routes.
 */
import type { Family } from '../family.ts';
import type { PolicyPrefix } from '../policy/policy.ts';
import { grown } from './columns.ts';
import type { FamilyRib } from './family-rib.ts';
import { type PathInfo, pathInfo, type ViewContext } from './path-info.ts';
import { GONE } from './path-table.ts';
import { PrefixTable } from './prefix-table.ts';
import type { RouteAttributes } from './route.ts';
import { pathIdOf } from './update-writer.ts';

/** Which paths are looked for: everything that is said must hold. */
export interface PathSelection {
  /** All paths, or what a peer announced, or what it was sent. */
  readonly table:
    | { readonly kind: 'rib' }
    | { readonly kind: 'received' | 'advertised'; readonly peer: number };
  /** Of plain prefixes only those inside this one; it says nothing of other routes. */
  readonly within?: PolicyPrefix | undefined;
  /** Only best paths. */
  readonly best?: boolean | undefined;
  /** Only with attributes for which this holds; called once for each set. */
  readonly attributes?: ((attributes: RouteAttributes) => boolean) | undefined;
}

/** A path that was found; of what a peer was sent there is less to say. */
export type ScannedPath = Pick<PathInfo, 'family' | 'prefix' | 'attributes' | 'peer' | 'best' | 'pathId'> &
  Partial<Pick<PathInfo, 'ineligible' | 'multipath' | 'stale' | 'longLived'>>;

/** Verdicts on attribute sets. */
const UNKNOWN = 0;
const YES = 1;
const NO = 2;

export class PathScan {
  readonly family: Family;
  readonly #context: ViewContext;
  readonly #table: FamilyRib;
  readonly #selection: PathSelection;
  /** What was found out about sets, by their numbers; they are held so that those keep their meaning. */
  #verdicts = new Uint8Array(16);

  constructor(context: ViewContext, table: FamilyRib, selection: PathSelection) {
    this.family = table.family;
    this.#context = context;
    this.#table = table;
    this.#selection = selection;
  }

  /** One more than the highest entry: numbers of prefixes, of paths, or of what an update group sends. */
  get top(): number {
    const { rib } = this.#table;
    const { table } = this.#selection;
    if (table.kind === 'rib') return rib.prefixes.top;
    if (table.kind === 'received') return rib.paths.top;
    return this.#table.groupOf(table.peer)?.topFor(table.peer) ?? 0;
  }

  /** How many entries there are, wanted ones or not. */
  get count(): number {
    const { rib, received } = this.#table;
    const { table } = this.#selection;
    if (table.kind === 'rib') return rib.prefixes.count;
    if (table.kind === 'received') return received.get(table.peer) ?? 0;
    return this.#table.groupOf(table.peer)?.sentCount(table.peer) ?? 0;
  }

  /** Whether the routes are plain prefixes. */
  get plain(): boolean {
    return this.#table.rib.prefixes instanceof PrefixTable;
  }

  /** Whether there is an entry, and one that leads to where it is to; its attributes are not looked at. */
  has(entry: number): boolean {
    const { rib } = this.#table;
    const { paths } = rib;
    const { table, within } = this.#selection;
    if (table.kind === 'received') {
      if (paths.peer(entry) !== table.peer || (paths.flags(entry) & GONE) !== 0) return false;
    } else if (table.kind === 'rib' && paths.first(entry) < 0) return false;
    if (within !== undefined && !this.#within(this.#prefix(entry), within)) return false;
    // The dearest question comes last.
    return table.kind !== 'advertised' || this.#sent(table.peer, entry) !== 0;
  }

  /** Entries that lead to a route; empty where it is not known. */
  find(nlri: Uint8Array): number[] {
    const { rib } = this.#table;
    const { table } = this.#selection;
    const prefix = rib.prefixes.find(nlri, 0, nlri.length);
    if (prefix < 0) return [];
    const byPath = table.kind === 'received' || (table.kind === 'advertised' && this.#addPath(table.peer));
    if (!byPath) return this.has(prefix) ? [prefix] : [];
    const entries: number[] = [];
    rib.eachAt(prefix, (path) => {
      if (this.has(path)) entries.push(path);
    });
    return entries;
  }

  /** Order of two entries by address and length, for {@link plain} routes. */
  compare(a: number, b: number): number {
    return (this.#table.rib.prefixes as PrefixTable).compare(this.#prefix(a), this.#prefix(b));
  }

  /** What identifies the route of an entry, in text. */
  key(entry: number): string {
    return this.#table.rib.prefixes.text(this.#prefix(entry), undefined);
  }

  /** Calls for the paths of an entry that are wanted, the best first; none where the entry is gone. */
  at(entry: number, onPath: (path: ScannedPath) => void): void {
    if (!this.has(entry)) return;
    const { table, best } = this.#selection;
    const { rib } = this.#table;
    if (table.kind === 'advertised') {
      this.#showSent(table.peer, entry, onPath);
      return;
    }
    const used = rib.multipath(this.#prefix(entry));
    if (table.kind === 'received') {
      if (best !== true || used[0] === entry) this.#show(entry, used, true, onPath);
      return;
    }
    for (const path of best === true ? used.slice(0, 1) : used) this.#show(path, used, false, onPath);
    if (best === true) return;
    rib.eachAt(entry, (path) => {
      if (!used.includes(path)) this.#show(path, used, false, onPath);
    });
  }

  /** Lets go of what it holds; it must not be used afterwards. */
  close(): void {
    this.#verdicts.forEach((verdict, set) => {
      if (verdict !== UNKNOWN) this.#context.attributes.release(set);
    });
    this.#verdicts = new Uint8Array(0);
  }

  #show(path: number, used: readonly number[], received: boolean, onPath: (path: ScannedPath) => void): void {
    const { paths } = this.#table.rib;
    const set = received ? paths.received(path) : paths.selected(path);
    if (this.#wanted(set)) onPath(pathInfo(this.#context, this.#table, path, used, undefined, received));
  }

  #showSent(peer: number, entry: number, onPath: (path: ScannedPath) => void): void {
    const set = this.#sent(peer, entry);
    if (!this.#wanted(set)) return;
    const { rib, family } = this.#table;
    const attributes = this.#context.attributes.get(set);
    onPath({
      family,
      prefix: rib.prefixes.text(this.#prefix(entry), attributes.nlriData),
      attributes,
      peer: undefined,
      best: true,
      pathId: this.#addPath(peer) ? pathIdOf(entry) : 0,
    });
  }

  #wanted(set: number): boolean {
    const { attributes: test } = this.#selection;
    if (test === undefined) return true;
    const known = this.#verdicts[set] ?? UNKNOWN;
    if (known !== UNKNOWN) return known === YES;
    const { attributes } = this.#context;
    const wanted = test(attributes.get(set));
    attributes.retain(set);
    this.#verdicts = grown(this.#verdicts, set);
    this.#verdicts[set] = wanted ? YES : NO;
    return wanted;
  }

  #prefix(entry: number): number {
    const { table } = this.#selection;
    if (table.kind === 'rib') return entry;
    if (table.kind === 'advertised' && !this.#addPath(table.peer)) return entry;
    return this.#table.rib.paths.prefix(entry);
  }

  #within(prefix: number, outer: PolicyPrefix): boolean {
    const { prefixes } = this.#table.rib;
    return !(prefixes instanceof PrefixTable) || prefixes.within(prefix, outer);
  }

  #addPath(peer: number): boolean {
    return this.#table.groupOf(peer)?.addPath ?? false;
  }

  #sent(peer: number, entry: number): number {
    return this.#table.groupOf(peer)?.sentTo(peer, entry) ?? 0;
  }
}
