/** One family's paths and the best of each prefix: Adj-RIBs-In and Loc-RIB (RFC 4271 §3.2, §9.1). */
import { type Family, isFlowspec } from '../family.ts';
import { MAC_IP } from '../nlri/evpn/layout.ts';
import { type AttributeTable, UNREACHABLE } from './attribute-table.ts';
import { grown, trimmed } from './columns.ts';
import { compareBeforeMed, type DecisionContext, decide, keepEqual, type LostListener } from './decision.ts';
import { MarkQueue } from './mark-queue.ts';
import { type NlriTable, nlriTable } from './nlri-table.ts';
import { GONE, PathTable, REASON } from './path-table.ts';
import type { RibConfig, RibPeer } from './route.ts';

const NONE = -1;

/** Who wants to know what happens in a {@link LocRib}. */
export interface LocRibListener {
  /** The best path of a prefix, or that path's attributes, changed. */
  changed(prefix: number): void;
  /** Any path of a prefix came, went or changed; told before {@link changed}, and only while `watched`. */
  touched(prefix: number): void;
}

export class LocRib {
  readonly prefixes: NlriTable;
  readonly paths: PathTable = new PathTable();
  /** Prefixes whose last path went; they can be forgotten once nobody refers to them. */
  readonly emptied: MarkQueue = new MarkQueue();
  /** Paths that are gone but keep their number until nobody refers to it; only while `watched`. */
  readonly gone: MarkQueue = new MarkQueue();
  /** Somebody follows single paths: numbers of those that go are kept, and `touched` is called. */
  watched = false;
  /** No selection takes place (RFC 4724 §4.1). */
  held = false;
  /** How often the best path of a prefix was decided. */
  decisions = 0;
  /** Prefixes with a best path. */
  selected = 0;
  /** Paths of each peer that import refused; who has none is absent. */
  readonly refused: Map<number, number> = new Map();
  readonly #attributes: AttributeTable;
  readonly #context: DecisionContext;
  readonly #listener: LocRibListener;
  readonly #candidates: number[] = [];
  /** Next hops mean nothing. */
  readonly #anyNextHop: boolean;
  /** Path number of the best path of each prefix, plus one; 0: none. */
  #best = new Int32Array(16);
  /** Next prefix to select again; past all of them where none is. */
  #reselect = Number.POSITIVE_INFINITY;

  constructor(
    family: Family,
    config: RibConfig,
    attributes: AttributeTable,
    peers: ReadonlyMap<number, RibPeer>,
    listener: LocRibListener,
  ) {
    this.prefixes = nlriTable(family);
    this.#anyNextHop = isFlowspec(family);
    this.#attributes = attributes;
    const isMacRoute = (prefix: number): boolean => this.prefixes.key(prefix)?.[0] === MAC_IP;
    this.#context = {
      paths: this.paths,
      attributes,
      peers,
      config,
      isMacRoute: family === 'l2vpn-evpn' ? isMacRoute : undefined,
    };
    this.#listener = listener;
  }

  /** Path number of the best path, or -1. */
  best(prefix: number): number {
    return prefix < this.#best.length ? this.#best[prefix]! - 1 : NONE;
  }

  /**
   * Enters or replaces a path.
   * @param selected set after import; `received` where the path is refused for `reason`.
   * @returns whether it is a new path.
   */
  set(
    prefix: number,
    peer: number,
    pathId: number,
    received: number,
    selected: number,
    reason: number,
  ): boolean {
    const path = this.paths.find(prefix, peer, pathId);
    this.#attributes.retain(received);
    this.#attributes.retain(selected);
    if (path !== NONE && !this.isGone(path)) {
      this.#replace(path, received, selected, reason);
      return false;
    }
    let entered = path;
    if (path === NONE) entered = this.paths.add(prefix, peer, pathId, received, selected, reason);
    else this.paths.comeBack(path, received, selected, reason);
    if (reason === 0) this.#select(prefix, entered, true);
    else {
      this.#countRefused(peer, 1);
      if (this.watched) this.#listener.touched(prefix);
    }
    return true;
  }

  #countRefused(peer: number, difference: number): void {
    const count = (this.refused.get(peer) ?? 0) + difference;
    if (count === 0) this.refused.delete(peer);
    else this.refused.set(peer, count);
  }

  #judged(path: number, before: number, reason: number): void {
    if ((before === 0) !== (reason === 0)) this.#countRefused(this.paths.peer(path), reason === 0 ? -1 : 1);
  }

  #replace(path: number, received: number, selected: number, reason: number): void {
    const { paths } = this;
    const oldReceived = paths.received(path);
    const oldSelected = paths.selected(path);
    const oldReason = paths.flags(path) & REASON;
    const same = oldSelected === selected && oldReason === reason;
    this.#judged(path, oldReason, reason);
    paths.setSets(path, received, selected);
    // It is fresh again, whatever it was before.
    paths.setFlags(path, reason);
    this.#attributes.release(oldReceived);
    this.#attributes.release(oldSelected);
    if (!same) this.#select(paths.prefix(path), path, false);
  }

  /** Takes out what `peer` said about a prefix under `pathId`. Returns whether there was anything. */
  unset(prefix: number, peer: number, pathId: number): boolean {
    const path = this.paths.find(prefix, peer, pathId);
    if (path === NONE || this.isGone(path)) return false;
    this.drop(path);
    return true;
  }

  /** Takes a path out. */
  drop(path: number): void {
    const { paths } = this;
    const prefix = paths.prefix(path);
    const eligible = (paths.flags(path) & REASON) === 0;
    if (!eligible) this.#countRefused(paths.peer(path), -1);
    paths.leave(path);
    this.#attributes.release(paths.received(path));
    this.#attributes.release(paths.selected(path));
    // One that was gone before may still have its place there, and is freed from there.
    if (this.watched || this.gone.has(path)) this.gone.mark(path);
    else paths.remove(path);
    if (paths.first(prefix) === NONE) this.emptied.mark(prefix);
    if (eligible) this.#select(prefix, path, false);
    else if (this.watched) this.#listener.touched(prefix);
  }

  /** Gives memory back after most routes went. */
  trim(): void {
    const top = this.prefixes.trim();
    this.paths.trim(top);
    this.emptied.trim(top);
    this.gone.trim(this.paths.top);
    this.#best = trimmed(this.#best, top);
  }

  /** Frees the number of a path that is {@link gone}. */
  free(path: number): void {
    const prefix = this.paths.prefix(path);
    this.paths.remove(path);
    if (this.paths.first(prefix) === NONE) this.emptied.mark(prefix);
  }

  /** Gives a path another set to select and send on: import judged it anew, or it became long-lived stale. */
  reselect(path: number, selected: number, reason: number): void {
    const { paths } = this;
    const old = paths.selected(path);
    const flags = paths.flags(path);
    if (old === selected && (flags & REASON) === reason) return;
    this.#attributes.retain(selected);
    this.#judged(path, flags & REASON, reason);
    paths.setSets(path, paths.received(path), selected);
    paths.setFlags(path, (flags & ~REASON) | reason);
    this.#attributes.release(old);
    this.#select(paths.prefix(path), path, false);
  }

  /** Whether a path is gone. */
  isGone(path: number): boolean {
    return (this.paths.flags(path) & GONE) !== 0;
  }

  /** Calls `visit` for each path of a peer; it may take out the one that it is called for. */
  eachOf(peer: number, visit: (path: number) => void): void {
    const { paths } = this;
    for (let path = paths.nextOf(peer, 0); path !== NONE; path = paths.nextOf(peer, path + 1)) visit(path);
  }

  /** Calls `visit` for each path of a prefix that is not gone. */
  eachAt(prefix: number, visit: (path: number) => void): void {
    for (let path = this.paths.first(prefix); path !== NONE; path = this.paths.next(path)) {
      if (!this.isGone(path)) visit(path);
    }
  }

  /** Whether a path may be selected now. */
  eligible(path: number): boolean {
    if ((this.paths.flags(path) & (REASON | GONE)) !== 0) return false;
    return this.#anyNextHop || this.#attributes.cost(this.paths.selected(path)) !== UNREACHABLE;
  }

  /** Decides a prefix as if by hand: tells `lost` of each path that falls out. */
  explain(prefix: number, lost: LostListener): void {
    const candidates = this.#eligible(prefix, []);
    if (candidates.length > 0) decide(this.#context, candidates, lost);
  }

  /** Appends paths of a prefix that may be selected to `into`, the best first, at most `max`. */
  rank(prefix: number, max: number, into: number[]): void {
    this.#rank(this.#eligible(prefix, []), max, into);
  }

  #rank(left: number[], max: number, into: number[]): void {
    while (left.length > 0 && into.length < max) {
      const best = left.length === 1 ? left[0]! : decide(this.#context, [...left]);
      into.push(best);
      left.splice(left.indexOf(best), 1);
    }
  }

  /** Paths of a prefix to be used together (ECMP), the best first; just that one unless multipath is on. */
  multipath(prefix: number): readonly number[] {
    const best = this.best(prefix);
    if (best === NONE) return [];
    const { config, paths, peers } = this.#context;
    const external = peers.get(paths.peer(best))?.peerType === 'external';
    const max = (external ? config.multipath?.ebgp : config.multipath?.ibgp) ?? 1;
    if (max <= 1) return [best];
    const candidates = this.#eligible(prefix, []);
    keepEqual(this.#context, candidates);
    const used: number[] = [];
    this.#rank(candidates, max, used);
    return used;
  }

  /** Selects every prefix again, in the slices that {@link continueReselect} takes. */
  reselectAll(): void {
    this.#reselect = 0;
  }

  /** Whether there are prefixes to select again. */
  get reselecting(): boolean {
    return !this.held && this.#reselect < this.prefixes.top;
  }

  /** Goes on with {@link reselectAll} for up to `limit` prefixes; returns how many it was. */
  continueReselect(limit: number): number {
    const end = Math.min(this.prefixes.top, this.#reselect + limit);
    const start = this.#reselect;
    for (let prefix = start; prefix < end; prefix++) {
      if (this.paths.first(prefix) !== NONE) this.#select(prefix, NONE, false);
    }
    this.#reselect = end < this.prefixes.top ? end : Number.POSITIVE_INFINITY;
    return end - start;
  }

  /** Selects again after `touched` came (as a new path), changed or went. */
  #select(prefix: number, touched: number, isNew: boolean): void {
    if (this.watched) this.#listener.touched(prefix);
    const before = this.best(prefix);
    if (this.held) {
      if (before !== NONE && before === touched) this.#setBest(prefix, NONE);
      return;
    }
    this.decisions += 1;
    const after = this.#choose(prefix, before, isNew ? touched : NONE);
    if (after === before && (after === NONE || after !== touched)) return;
    this.#setBest(prefix, after);
  }

  #setBest(prefix: number, best: number): void {
    if (prefix >= this.#best.length) this.#best = grown(this.#best, prefix);
    if (this.#best[prefix] === 0) this.selected += 1;
    if (best === NONE) this.selected -= 1;
    this.#best[prefix] = best + 1;
    this.#listener.changed(prefix);
  }

  /** @param added a path that is new beside `before`, which was the best; -1 where that is not all that happened. */
  #choose(prefix: number, before: number, added: number): number {
    const first = this.paths.first(prefix);
    if (first === NONE) return NONE;
    if (this.paths.next(first) === NONE) return this.eligible(first) ? first : NONE;
    if (added !== NONE && before !== NONE) {
      if (!this.eligible(added)) return before;
      const order = compareBeforeMed(this.#context, added, before);
      if (order !== 0) return order < 0 ? added : before;
    }
    const candidates = this.#eligible(prefix, this.#candidates);
    return candidates.length === 0 ? NONE : decide(this.#context, candidates);
  }

  #eligible(prefix: number, into: number[]): number[] {
    into.length = 0;
    for (let path = this.paths.first(prefix); path !== NONE; path = this.paths.next(path)) {
      if (this.eligible(path)) into.push(path);
    }
    return into;
  }
}
