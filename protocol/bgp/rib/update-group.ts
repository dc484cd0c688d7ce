/**
 * Adj-RIB-Out of peers that get the same messages (RFC 4271 §3.2, §9.2). The group keeps what it sent once for all its
 * members, encodes each message once, and members share the bytes. A member differs from the group only in the
 * routes that it must not get (those that came from itself, and those whose next hop it is, §5.1.3), and for a while
 * in what it does not know yet: while it is fed for the first time, and while it takes no bytes.
 *
 * Changes are only marked; what is sent is decided when the group is flushed, so the last state wins, and routes with
 * equal attributes travel together.
 */
import { AdjRibOut } from './adj-rib-out.ts';
import type { AttributeTable } from './attribute-table.ts';
import { Buckets } from './buckets.ts';

import { type Delivery, NOBODY, Segments } from './delivery.ts';
import type { ExportProfile } from './export-profile.ts';
import { type GroupContext, GroupExport } from './group-export.ts';
import { GroupFeeds } from './group-feeds.ts';
import { type Feed, GroupMember, Lag } from './group-member.ts';
import type { LocRib } from './loc-rib.ts';
import { MarkQueue } from './mark-queue.ts';
import { LOCAL, type RibPeer } from './route.ts';
import { SplitHorizon } from './split-horizon.ts';
import { UpdateWriter } from './update-writer.ts';

/** What a flush of a group yields. */
export interface GroupFlush {
  readonly deliveries: readonly Delivery[];
  /** Entries looked at. */
  readonly work: number;
}

/**
 * How long the others wait for a member that takes no bytes, so that short jams do not make it a case of its own; ms.
 */
const PATIENCE = 50;

export class UpdateGroup {
  readonly profile: ExportProfile;
  /** Tells it from others of its family, for people. */
  number = 0;
  readonly members: Map<number, GroupMember> = new Map();
  readonly #rib: LocRib;
  readonly #attributes: AttributeTable;
  readonly #sent: AdjRibOut;
  readonly #export: GroupExport;
  readonly #feeds: GroupFeeds;
  readonly #dirty = new MarkQueue();
  /** What is sent in the flush that goes on. */
  readonly #buckets = new Buckets();
  #lastSize = 0;
  readonly #horizon: SplitHorizon;
  /** Members that do not follow all changes now. */
  readonly #apart = new Set<GroupMember>();
  /** Marks that may have their turn before the interval between advertisements starts again (RFC 4271 §9.2.1.1). */
  #window = 0;
  #notBefore = 0;
  /** Sets no longer sent; kept to the end of the flush, so that their numbers do not get another meaning in it. */
  #replaced: number[] = [];

  constructor(profile: ExportProfile, context: GroupContext, rib: LocRib) {
    this.profile = profile;
    this.#rib = rib;
    this.#attributes = context.attributes;
    this.#sent = new AdjRibOut(context.attributes);
    this.#export = new GroupExport(profile, context, rib);
    const horizon = new SplitHorizon(profile.family, this.members, context.attributes);
    this.#horizon = horizon;
    this.#feeds = new GroupFeeds(this.#sent, this.#buckets, (set, source) => horizon.except(set, source));
    this.markAll();
  }

  /** Follows single paths: entries are path numbers. */
  get addPath(): boolean {
    return this.profile.addPath > 0;
  }

  /** A prefix's best path, or with ADD-PATH any of its paths, changed. */
  mark(prefix: number): void {
    this.#dirty.mark(prefix);
  }

  /** What is sent may change for other reasons: everything is looked at again. */
  markAll(): void {
    for (let prefix = 0; prefix < this.#rib.prefixes.top; prefix++) {
      if (this.#rib.paths.first(prefix) >= 0) this.mark(prefix);
    }
  }

  /** Takes a member in; it will be told everything, then End-of-RIB. */
  join(peer: RibPeer): void {
    // Where nothing was sent so far, all there is to tell is still to come as changes.
    const cursor = this.#sent.count === 0 ? Number.POSITIVE_INFINITY : 0;
    const member = new GroupMember(peer, { cursor, until: this.#dirty.total, marked: false });
    member.missing = this.#sent.count;
    this.members.set(peer.id, member);
    this.#apart.add(member);
    this.#horizon.add(peer.id, peer.address);
  }

  /**
   * Takes a member over from another group of the same family, whose profile it no longer has: it is told of what is
   * different here, and only of that.
   */
  adopt(peer: RibPeer, from: UpdateGroup): void {
    const old = from.members.get(peer.id);
    if (old === undefined) return;
    this.join(peer);
    const member = this.members.get(peer.id)!;
    // What is in order here is decided first, so that nothing is withdrawn only to be announced again.
    const lag = new Lag(this.#dirty.total);
    const top = Math.max(from.topFor(peer.id), this.#sent.top);
    for (let entry = 0; entry < top; entry++) {
      const had = from.sentTo(peer.id, entry);
      if (had === 0 && this.#sent.set(entry) === 0) continue;
      if (had !== 0) {
        this.#attributes.retain(had);
        member.missing -= 1;
      }
      lag.note(entry, had);
    }
    member.lag = lag;
    member.writable = old.writable;
    member.blockedAt = old.blockedAt;
    // The first feed goes on as what it lags behind; only its end is left of it.
    member.initial = { cursor: Number.POSITIVE_INFINITY, until: this.#dirty.total, marked: false };
    member.quiet = old.initial === undefined || old.quiet;
    for (const { marked } of old.refreshes) this.refresh(peer.id, marked);
    from.leave(peer.id);
  }

  /**
   * Tells a member everything again (route refresh). One that has not begun yet serves later requests too, so that a peer
   * that asks and does not read costs no more the more it asks.
   * @param marked between BoRR and EoRR.
   */
  refresh(peer: number, marked: boolean): void {
    const refreshes = this.members.get(peer)?.refreshes;
    const last = refreshes?.at(-1);
    if (last !== undefined && last.cursor === 0 && last.marked === marked) return;
    refreshes?.push({ cursor: 0, until: 0, marked });
  }

  leave(peer: number): void {
    const member = this.members.get(peer);
    if (member === undefined) return;
    this.members.delete(peer);
    this.#horizon.remove(peer, member.peer.address);
    this.#apart.delete(member);
    while (member.lag !== undefined && member.lag.length > 0) {
      const had = member.lag.had(member.lag.take());
      if (had !== 0) this.#attributes.release(had);
    }
    member.lag?.dispose();
  }

  /** Says whether a member takes bytes. */
  setWritable(peer: number, writable: boolean, now: number): void {
    const member = this.members.get(peer);
    if (member === undefined || member.writable === writable) return;
    member.writable = writable;
    member.blockedAt = now;
  }

  /** Gives back what the group holds; it must not be used afterwards. */
  dissolve(): void {
    this.#sent.dissolve();
    this.#dirty.dispose();
  }

  /** Whether nothing here refers to a prefix number that has no paths. */
  forgets(prefix: number): boolean {
    return !this.#dirty.has(prefix) && (this.addPath || this.#forgetsEntry(prefix));
  }

  /** Whether nothing here refers to the number of a path that is gone. */
  forgetsPath(path: number): boolean {
    if (!this.addPath) return true;
    return !this.#dirty.has(this.#rib.paths.prefix(path)) && this.#forgetsEntry(path);
  }

  /** Gives memory back after most routes went; `prefixes` is one more than the highest number of an NLRI. */
  trim(prefixes: number): void {
    this.#dirty.trim(prefixes);
    this.#sent.trim();
  }

  #forgetsEntry(entry: number): boolean {
    if (this.#sent.set(entry) !== 0) return false;
    for (const { lag } of this.#apart) if (lag?.has(entry)) return false;
    return true;
  }

  /** One more than the highest entry that a member may know. */
  topFor(peer: number): number {
    return Math.max(this.#sent.top, this.members.get(peer)?.lag?.top ?? 0);
  }

  /** Attribute set of an entry as a member knows it; 0: none. */
  sentTo(peer: number, entry: number): number {
    const member = this.members.get(peer);
    if (member === undefined) return 0;
    if (member.initial !== undefined && entry >= member.initial.cursor) return 0;
    if (member.lag?.has(entry)) return member.lag.had(entry);
    // Members and sets may be others than when it was asked last.
    this.#horizon.forget();
    return this.#current(peer, entry);
  }

  /** How many entries a member knows. */
  sentCount(peer: number): number {
    const member = this.members.get(peer);
    return member === undefined ? 0 : this.#sent.count - member.missing;
  }

  /** How many entries the group has sent, members that must not get some of them aside. */
  get sentEntries(): number {
    return this.#sent.count;
  }

  /** How many entries are still to be looked at, for all members. */
  get dirtyEntries(): number {
    return this.#dirty.length;
  }

  /** How many entries are still to be looked at for a member: changes, what it missed, what it is fed. */
  waiting(peer: number): number {
    const member = this.members.get(peer);
    if (member === undefined) return 0;
    const left = ({ cursor }: Feed): number => Math.max(0, this.#sent.top - cursor);
    const feeds = member.initial === undefined ? member.refreshes : [member.initial, ...member.refreshes];
    return feeds.reduce((sum, feed) => sum + left(feed), this.#dirty.length + (member.lag?.length ?? 0));
  }

  /** Attribute set of an entry as a member should know it. */
  #current(peer: number, entry: number): number {
    const set = this.#sent.set(entry);
    return set !== 0 && this.#horizon.except(set, this.#sent.source(entry)).includes(peer) ? 0 : set;
  }

  /**
   * When the next flush has something to do, on the clock of `now`: at once, later, or not before something happens.
   */
  due(now: number): number | undefined {
    let ready = false;
    let jammed = Number.NEGATIVE_INFINITY;
    for (const member of this.members.values()) {
      const { lag, feed } = member;
      if (!member.writable) {
        if (lag === undefined) jammed = Math.max(jammed, member.blockedAt);
        continue;
      }
      ready = true;
      if (lag === undefined ? feed !== undefined && this.#canFeed(feed) : this.#dirty.taken >= lag.until) {
        return now;
      }
    }
    if (!ready || this.#dirty.length === 0) return undefined;
    const open = this.#window > 0 ? now : this.#notBefore;
    return Math.max(now, open, jammed + PATIENCE);
  }

  /** Whether a feed can go on or end, rather than wait for changes to be sent first. */
  #canFeed(feed: Feed): boolean {
    return !this.#feeds.isTold(feed) || this.#dirty.taken >= feed.until;
  }

  /**
   * Decides and encodes what to send, for about `limit` entries.
   * @param settled selection is up to date, so that an End-of-RIB would be true.
   */
  flush(now: number, limit: number, settled: boolean): GroupFlush {
    const { members } = this;
    const ready = [...members.values()].filter((member) => member.writable);
    if (ready.length === 0) return { deliveries: [], work: 0 };
    // As large as the last one: the slices of a full table are about equal.
    const writer = this.#newWriter();
    const segments = new Segments();
    this.#horizon.forget();
    let work = 0;
    for (const member of ready) work += this.#catchUp(member, limit - work, writer, segments);
    work += this.#feeds.go(ready, limit - work, writer, segments);
    work += this.#sendChanges(now, limit - work, writer, segments);
    if (settled) this.#feeds.end(ready, this.#dirty.taken, writer, segments);
    for (const member of this.#apart) if (member.isLevel) this.#apart.delete(member);
    this.#forgetFlush();
    this.#lastSize = writer.out.position;
    return { deliveries: segments.deliver(members.keys(), writer.out.view()), work };
  }

  #newWriter(): UpdateWriter {
    const { prefixes, paths } = this.#rib;
    const capacity = this.#lastSize + (this.#lastSize >> 3) + 256;
    return new UpdateWriter(this.profile, this.#attributes, prefixes, paths, capacity);
  }

  #forgetFlush(): void {
    this.#export.end();
    for (const set of this.#replaced) this.#attributes.release(set);
    this.#replaced = [];
    this.#horizon.forget();
  }

  /** Sends a member that was behind the newest state of what it missed. */
  #catchUp(member: GroupMember, limit: number, writer: UpdateWriter, segments: Segments): number {
    const { lag, peer } = member;
    if (lag === undefined || this.#dirty.taken < lag.until) return 0;
    const buckets = this.#buckets;
    const only = member.alone;
    let work = 0;
    for (; work < limit && lag.length > 0; work++) {
      const entry = lag.take();
      const had = lag.had(entry);
      const set = this.#current(peer.id, entry);
      if (set !== had) buckets.put(set, entry, NOBODY, only);
      if (set === 0 && had !== 0) member.missing += 1;
      else if (set !== 0 && had === 0) member.missing -= 1;
      if (had !== 0) this.#replaced.push(had);
    }
    if (lag.length === 0) {
      lag.dispose();
      member.lag = undefined;
    }
    buckets.encode(writer, segments);
    return work;
  }

  /** Sends what changed, unless that has to wait. */
  #sendChanges(now: number, limit: number, writer: UpdateWriter, segments: Segments): number {
    if (limit <= 0 || this.#dirty.length === 0 || !this.#mayChange(now)) return 0;
    const count = Math.min(limit, this.#window, this.#dirty.length);
    const buckets = this.#buckets;
    for (let i = 0; i < count; i++) this.#decide(this.#dirty.take(), buckets, writer);
    this.#window -= count;
    if (this.#window === 0) this.#notBefore = now + this.profile.mrai;
    buckets.encode(writer, segments);
    return count;
  }

  /** Whether the interval between advertisements is over, and nobody is waited for. */
  #mayChange(now: number): boolean {
    if (this.#window === 0) {
      if (now < this.#notBefore) return false;
      this.#window = this.#dirty.length;
    }
    let wait = false;
    for (const member of this.members.values()) {
      if (member.writable || member.lag !== undefined) continue;
      if (now - member.blockedAt < PATIENCE) wait = true;
      else {
        member.lag = new Lag();
        this.#apart.add(member);
      }
    }
    return !wait;
  }

  /** Compares what is to be sent of a prefix with what was sent. */
  #decide(prefix: number, buckets: Buckets, writer: UpdateWriter): void {
    if (this.addPath) {
      this.#decidePaths(prefix, buckets, writer);
      return;
    }
    const path = this.#rib.best(prefix);
    const { paths } = this.#rib;
    if (path < 0) {
      this.#change(prefix, 0, LOCAL, buckets);
      return;
    }
    const source = paths.peer(path);
    this.#change(prefix, this.#export.export(paths.selected(path), source, prefix, writer), source, buckets);
  }

  /** The best paths that may go out, each under its own number (RFC 7911 §2); the others are withdrawn. */
  #decidePaths(prefix: number, buckets: Buckets, writer: UpdateWriter): void {
    const { paths } = this.#rib;
    const ranked: number[] = [];
    this.#rib.rank(prefix, Number.MAX_SAFE_INTEGER, ranked);
    const sets = new Map<number, number>();
    for (const path of ranked) {
      if (sets.size >= this.profile.addPath) break;
      const set = this.#export.export(paths.selected(path), paths.peer(path), prefix, writer);
      if (set !== 0) sets.set(path, set);
    }
    for (let path = paths.first(prefix); path >= 0; path = paths.next(path)) {
      this.#change(path, sets.get(path) ?? 0, paths.peer(path), buckets);
    }
  }

  #change(entry: number, set: number, source: number, buckets: Buckets): void {
    const oldSet = this.#sent.set(entry);
    if (set === 0 && oldSet === 0) return;
    const before = oldSet === 0 ? NOBODY : this.#horizon.except(oldSet, this.#sent.source(entry));
    const after = set === 0 ? NOBODY : this.#horizon.except(set, source);
    const more = (set === 0 ? 0 : 1) - (oldSet === 0 ? 0 : 1);
    const apart = this.#apart.size === 0 ? NOBODY : this.#noteApart(entry, oldSet, before, more);
    if (before !== after) {
      this.#miss(before, apart, -1);
      this.#miss(after, apart, 1);
    }
    if (apart.length < this.members.size) {
      if (set === 0) buckets.put(0, entry, union(before, apart), undefined);
      else if (set !== oldSet) buckets.put(set, entry, union(after, apart), undefined);
      else this.#tell(set, entry, before, union(after, apart), buckets);
      // Who must not get the new route still has the old one.
      if (oldSet !== 0 && set !== 0) this.#tell(0, entry, after, union(before, apart), buckets);
    }
    this.#sent.replace(entry, set, source);
    if (oldSet !== 0) this.#replaced.push(oldSet);
  }

  /** Tells those of `members` that are not in `except`, each by itself. */
  #tell(
    set: number,
    entry: number,
    members: readonly number[],
    except: readonly number[],
    buckets: Buckets,
  ): void {
    for (const member of members) {
      if (!except.includes(member)) buckets.put(set, entry, NOBODY, this.members.get(member)!.alone);
    }
  }

  /** Counts an entry that those of `members` that are not `apart` must not get. */
  #miss(members: readonly number[], apart: readonly number[], difference: number): void {
    for (const id of members) {
      if (!apart.includes(id)) this.members.get(id)!.missing += difference;
    }
  }

  /**
   * Members that are not told of a change of this entry now; those that take no bytes have it noted.
   * @param more entries that the group has sent afterwards.
   */
  #noteApart(entry: number, oldSet: number, before: readonly number[], more: number): readonly number[] {
    const apart: number[] = [];
    for (const member of this.#apart) {
      if (member.follows(entry)) continue;
      const { lag, initial, peer } = member;
      apart.push(peer.id);
      member.missing += more;
      if (lag === undefined || lag.has(entry) || (initial !== undefined && entry >= initial.cursor)) continue;
      const had = before.includes(peer.id) ? 0 : oldSet;
      if (had !== 0) this.#attributes.retain(had);
      lag.note(entry, had);
    }
    return apart;
  }
}

function union(a: readonly number[], b: readonly number[]): readonly number[] {
  if (b.length === 0) return a;
  return a.length === 0 ? b : [...a, ...b.filter((member) => !a.includes(member))];
}
