/** Everything a RIB keeps of one family: paths, update groups, and what is still to be reported. */
import type { Family } from '../family.ts';

import type { Delivery } from './delivery.ts';
import { profileKey, profileOf } from './export-profile.ts';
import type { GroupContext } from './group-export.ts';
import { LocRib } from './loc-rib.ts';
import { type MacMove, MacMoves } from './mac-moves.ts';
import { MarkQueue } from './mark-queue.ts';
import type { RibConfig, RibPeer } from './route.ts';
import { UpdateGroup } from './update-group.ts';

const NONE = -1;
/** Routes of a peer that go without a pause. */
const AT_ONCE = 10_000;

export class FamilyRib {
  readonly family: Family;
  readonly rib: LocRib;
  /** Prefixes whose best path changed since it was reported. */
  readonly changed: MarkQueue = new MarkQueue();
  /** Changes are collected for reports. */
  reports: boolean;
  /** Routes that each peer announced and did not withdraw. */
  readonly received: Map<number, number> = new Map();
  readonly #config: RibConfig;
  readonly #context: GroupContext;
  readonly #groups = new Map<string, UpdateGroup>();
  readonly #groupOf = new Map<number, UpdateGroup>();
  /** The same groups, as they have their turn. */
  #turns: UpdateGroup[] = [];
  #pathGroups: UpdateGroup[] = [];
  /** Peers that are gone while routes of them are left, each with the number of the path to look at next. */
  readonly #removals: { readonly peer: number; cursor: number }[] = [];
  /** The last flush freed numbers, and there are more to look at. */
  #forgetting = false;
  #macMoves: MacMoves | undefined;
  #lastGroup = 0;

  constructor(family: Family, context: GroupContext, reports: boolean) {
    this.family = family;
    this.reports = reports;
    this.#config = context.config;
    this.#context = context;
    this.rib = new LocRib(family, context.config, context.attributes, context.peers, {
      changed: (prefix) => this.#changed(prefix),
      touched: (prefix) => this.#touched(prefix),
    });
    this.#watch();
  }

  #changed(prefix: number): void {
    if (this.reports) this.changed.mark(prefix);
    this.#macMoves?.mark(prefix);
    for (const group of this.#turns) if (!group.addPath) group.mark(prefix);
  }

  #touched(prefix: number): void {
    if (this.reports && this.#config.multipath !== undefined) this.changed.mark(prefix);
    for (const group of this.#pathGroups) group.mark(prefix);
  }

  /** From now on own MAC addresses are compared with those of others (RFC 7432 §15). */
  followMacs(): void {
    this.#macMoves ??= new MacMoves(this.rib, this.#context.attributes, this.#context.peers);
  }

  /** What happened to own MAC addresses since the last call. */
  takeMacMoves(): readonly MacMove[] {
    return this.#macMoves?.take() ?? [];
  }

  /** The groups of peers that get the same messages. */
  get groups(): readonly UpdateGroup[] {
    return this.#turns;
  }

  /** The group that a peer is in. */
  groupOf(peer: number): UpdateGroup | undefined {
    return this.#groupOf.get(peer);
  }

  /** Begins to send to a peer, from the start. */
  join(peer: RibPeer): void {
    const group = this.#group(peer);
    group.join(peer);
    this.#groupOf.set(peer.id, group);
  }

  /** The peer's configuration changed: it may belong to another group now. */
  regroup(peer: RibPeer): void {
    const old = this.#groupOf.get(peer.id);
    if (old === undefined) return;
    const group = this.#group(peer);
    if (group === old) return;
    group.adopt(peer, old);
    this.#groupOf.set(peer.id, group);
    this.#dissolve(old);
  }

  /** Sends nothing more to a peer. */
  leave(peer: number): void {
    const group = this.#groupOf.get(peer);
    if (group === undefined) return;
    group.leave(peer);
    this.#groupOf.delete(peer);
    this.#dissolve(group);
  }

  /** Takes out the peer's paths for which `which` holds; returns how many. */
  drop(peer: number, which?: (flags: number) => boolean): number {
    let count = 0;
    this.rib.eachOf(peer, (path) => {
      if (which !== undefined && !which(this.rib.paths.flags(path))) return;
      this.rib.drop(path);
      count += 1;
    });
    this.count(peer, -count);
    return count;
  }

  /** Takes out all routes of a peer that is gone: at once, or in slices where they are many ({@link removing}). */
  remove(peer: number): void {
    if ((this.received.get(peer) ?? 0) > AT_ONCE) this.#removals.push({ peer, cursor: 0 });
    else {
      this.drop(peer);
      this.received.delete(peer);
    }
  }

  /** Whether routes of a peer that is gone are still here. */
  removing(peer: number): boolean {
    return this.#removals.some((removal) => removal.peer === peer);
  }

  /** Goes on with removals for up to `limit` routes; returns how many it was. */
  #continueRemovals(limit: number): number {
    const { paths } = this.rib;
    let work = 0;
    while (work < limit && this.#removals.length > 0) {
      const removal = this.#removals[0]!;
      const path = paths.nextOf(removal.peer, removal.cursor);
      if (path === NONE) {
        this.received.delete(removal.peer);
        this.#removals.shift();
        continue;
      }
      this.rib.drop(path);
      this.count(removal.peer, -1);
      removal.cursor = path + 1;
      work += 1;
    }
    return work;
  }

  /** Counts routes of a peer. */
  count(peer: number, difference: number): void {
    if (difference !== 0) this.received.set(peer, (this.received.get(peer) ?? 0) + difference);
  }

  /** Sets flags of all paths of a peer. */
  flag(peer: number, flags: number): void {
    this.rib.eachOf(peer, (path) => {
      this.rib.paths.setFlags(path, this.rib.paths.flags(path) | flags);
    });
  }

  /** When there is something to send or to select, on the clock of `now`. */
  due(now: number): number | undefined {
    if (this.#removals.length > 0) return now;
    if (this.rib.held) return undefined;
    if (this.rib.reselecting || this.#macMoves?.pending || this.#forgetting) return now;
    let earliest: number | undefined;
    for (const group of this.#turns) {
      const due = group.due(now);
      if (due !== undefined && (earliest === undefined || due < earliest)) earliest = due;
    }
    return earliest;
  }

  /** Works off about `limit` prefixes; returns how many it was. */
  flush(now: number, limit: number, deliveries: (Delivery & { readonly family: Family })[]): number {
    let work = this.#continueRemovals(limit);
    if (this.rib.held || work >= limit) return work;
    if (this.rib.reselecting) work += this.rib.continueReselect(limit - work);
    if (this.#macMoves !== undefined) {
      work += this.#macMoves.settle(Math.max(1, limit - work));
      // Own routes go out only once it is known that they are ours to announce.
      if (this.#macMoves.pending) return work;
    }
    const settled = !this.rib.reselecting;
    // Each time another group begins, so that none has to wait for good.
    const first = this.#turns.shift();
    if (first !== undefined) this.#turns.push(first);
    for (const group of this.#turns) {
      if (work >= limit) break;
      const due = group.due(now);
      if (due === undefined || due > now) continue;
      const flushed = group.flush(now, limit - work, settled);
      work += flushed.work;
      for (const delivery of flushed.deliveries) deliveries.push({ ...delivery, family: this.family });
    }
    this.#forget(limit);
    return work;
  }

  /** Has the group of a peer look at everything again. */
  markAllOf(peer: number): void {
    this.#groupOf.get(peer)?.markAll();
  }

  #group(peer: RibPeer): UpdateGroup {
    const profile = profileOf(peer, this.family, this.#config);
    const key = profileKey(profile);
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const group = new UpdateGroup(profile, this.#context, this.rib);
    group.number = ++this.#lastGroup;
    this.#groups.set(key, group);
    this.#turns.push(group);
    this.#watch();
    return group;
  }

  #dissolve(group: UpdateGroup): void {
    if (group.members.size > 0) return;
    group.dissolve();
    this.#groups.delete(profileKey(group.profile));
    this.#turns = this.#turns.filter((other) => other !== group);
    this.#watch();
  }

  #watch(): void {
    this.#pathGroups = this.#turns.filter((group) => group.addPath);
    this.rib.watched = this.#pathGroups.length > 0 || this.#config.multipath !== undefined;
  }

  /** Frees up to `limit` numbers of paths and prefixes that nobody knows any more. */
  #forget(limit: number): void {
    const { rib, changed } = this;
    const { gone, emptied, paths, prefixes } = rib;
    const before = gone.length + emptied.length;
    for (let left = Math.min(limit, gone.length); left > 0; left--) {
      const path = gone.take();
      // It may be back.
      if (!rib.isGone(path)) continue;
      if (forgetsPath(this.#pathGroups, path)) rib.free(path);
      else gone.mark(path);
    }
    for (let left = Math.min(limit, emptied.length); left > 0; left--) {
      const prefix = emptied.take();
      if (paths.first(prefix) !== NONE) continue;
      if (changed.has(prefix) || !forgets(this.#turns, prefix)) emptied.mark(prefix);
      else {
        this.#macMoves?.forget(prefix);
        prefixes.remove(prefix);
      }
    }
    const left = gone.length + emptied.length;
    this.#forgetting = left > 0 && left < before;
    if (gone.length === 0 && emptied.length === 0 && prefixes.count * 4 < prefixes.top) this.#trim();
  }

  /** Most routes went: gives back what they took. */
  #trim(): void {
    const { rib, changed } = this;
    const before = rib.prefixes.top;
    rib.trim();
    const { top } = rib.prefixes;
    if (top === before) return;
    changed.trim(top);
    for (const group of this.#turns) group.trim(top);
    this.#context.attributes.trim();
  }
}

// Without closures, since after the withdrawal of a full table each is asked a million times.

function forgets(groups: readonly UpdateGroup[], prefix: number): boolean {
  for (const group of groups) if (!group.forgets(prefix)) return false;
  return true;
}

function forgetsPath(groups: readonly UpdateGroup[], path: number): boolean {
  for (const group of groups) if (!group.forgetsPath(path)) return false;
  return true;
}
