/**
 * What one collector is still to be told: who is up and down, which routes changed, and whole tables, in that order.
 * Of a route only that it changed is kept; its state is looked up when it is written, so what changes several times
 * before is told once, as it is then.
 */
import { ByteWriter } from '../../protocol/bgp/byte-writer.ts';
import type { Family } from '../../protocol/bgp/family.ts';
import type { Nlri } from '../../protocol/bgp/nlri/codec.ts';
import type { RibMonitor } from '../../protocol/bgp/rib/monitor.ts';
import type { RouteTime } from '../../protocol/bmp/monitoring-writer.ts';
import { type DownCause, writePeerDown } from '../../protocol/bmp/peer-down.ts';
import { writeStatistics } from '../../protocol/bmp/statistics.ts';
import type { Monitored } from './monitored.ts';
import { NO_TIME } from './time.ts';

/** A change that waits to be told. */
type Mark = { readonly peer: FeedPeer; readonly time: RouteTime } & (
  | { readonly kind: 'routes'; readonly nlri: Nlri }
  | { readonly kind: 'sent'; readonly update: Uint8Array }
  | { readonly kind: 'end-of-rib'; readonly family: Family }
);

/** What the collector believes of somebody, and what is so. */
interface FeedPeer {
  readonly monitored: Monitored;
  /** The collector has its Peer Up. */
  announced: boolean;
  /** It is down, with the cause. */
  down: { readonly cause: DownCause; readonly time: RouteTime } | undefined;
  /** Changes were lost: the collector is to forget its routes and to be told all of them. */
  forget: boolean;
  /** Families of which the End-of-RIB is due right after Peer Up, since there is no table. */
  readonly emptyFamilies: readonly Family[];
  /** It was there before the collector, so that there is a table. */
  readonly hasTable: boolean;
}

/** `all`: the whole table, with End-of-RIB; `again`: only what import may have changed. */
type Scope = 'all' | 'again';

interface Walk {
  readonly peers: Map<FeedPeer, Scope>;
  readonly steps: Iterator<unknown>;
}

/** Octets of memory that a mark takes beside what it points to, about. */
const MARK_OVERHEAD = 128;
/** Octets in one piece, about. */
const PIECE = 1 << 16;
/** Routes between two looks at the clock. */
const LOOK_EVERY = 32;

export class RouteFeed {
  /** Where everything is written; {@link Monitored}s write there as well. */
  readonly out: ByteWriter = new ByteWriter(PIECE * 2);
  readonly #monitor: RibMonitor;
  readonly #limit: number;
  readonly #peers = new Map<object, FeedPeer>();
  /** Those of whom something is to be told before any routes, in order. */
  readonly #controls = new Set<FeedPeer>();
  #marks: Mark[] = [];
  #firstMark = 0;
  #marked = 0;
  #nextWalk = new Map<FeedPeer, Scope>();
  #walk: Walk | undefined;
  /** How often marks grew beyond the limit. */
  overflows = 0;

  /** @param limit octets of marks that may wait. */
  constructor(monitor: RibMonitor, limit: number) {
    this.#monitor = monitor;
    this.#limit = limit;
  }

  /** There is something to write. */
  get pending(): boolean {
    return (
      this.#controls.size > 0 ||
      this.#firstMark < this.#marks.length ||
      this.#walk !== undefined ||
      this.#nextWalk.size > 0
    );
  }

  /** Octets of memory that the marks take, about. */
  get marked(): number {
    return this.#marked;
  }

  /**
   * Somebody is up.
   * @param key what it is called by from now on.
   * @param hasTable there are routes already; otherwise `emptyFamilies` are those of which none will be said to end.
   */
  up(key: object, monitored: Monitored, hasTable: boolean, emptyFamilies: readonly Family[] = []): void {
    const peer = { monitored, hasTable, emptyFamilies, announced: false, down: undefined, forget: false };
    this.#peers.set(key, peer);
    this.#controls.add(peer);
  }

  /** It is down. Routes of it that wait to be told are forgotten with it. */
  down(key: object, cause: DownCause, time: RouteTime): void {
    const peer = this.#peers.get(key);
    if (peer === undefined) return;
    this.#peers.delete(key);
    peer.down = { cause, time };
    this.#nextWalk.delete(peer);
    this.#walk?.peers.delete(peer);
    this.#controls.add(peer);
  }

  /** Routes of it may have changed; the octets are the feed's from now on. */
  routes(key: object, nlri: Nlri, time: RouteTime): void {
    this.#mark(key, nlri.bytes.length, (peer) => ({ kind: 'routes', peer, nlri, time }));
  }

  /** It was sent an UPDATE; octets that never change. */
  sent(key: object, update: Uint8Array, time: RouteTime): void {
    this.#mark(key, update.length, (peer) => ({ kind: 'sent', peer, update, time }));
  }

  /** It has ended its initial routes of a family. */
  endOfRib(key: object, family: Family, time: RouteTime): void {
    const peer = this.#peers.get(key);
    // The table that is still to come ends with one.
    if (peer === undefined || this.#isWaiting(peer)) return;
    this.#mark(key, 0, () => ({ kind: 'end-of-rib', peer, family, time }));
  }

  /** Import has judged all its routes again. */
  judged(key: object): void {
    const peer = this.#peers.get(key);
    if (peer === undefined || peer.forget || (!peer.announced && peer.hasTable)) return;
    if (!this.#nextWalk.has(peer)) this.#nextWalk.set(peer, 'again');
  }

  /** Changes of it were lost: the collector will be told everything from the start. */
  forget(key: object): void {
    const peer = this.#peers.get(key);
    if (peer !== undefined) this.#forget(peer);
  }

  /** Appends a Statistics Report for everybody whom the collector knows to be up. */
  statistics(time: RouteTime): void {
    for (const { announced, monitored } of this.#peers.values()) {
      if (!announced) continue;
      writeStatistics(this.out, {
        peer: { ...monitored.header, ...time },
        statistics: monitored.statistics(),
      });
    }
  }

  /** Appends Peer Ups and Peer Downs, and nothing else. */
  writeControls(): void {
    for (const peer of this.#controls) this.#control(peer);
    this.#controls.clear();
  }

  /** Appends as much as goes into a piece. @param late whether the time is over, asked now and then. */
  write(late: () => boolean): void {
    this.writeControls();
    let steps = 0;
    const over = (): boolean => this.out.position >= PIECE || (++steps % LOOK_EVERY === 0 && late());
    while (this.#firstMark < this.#marks.length && !over()) this.#tell(this.#takeMark());
    while (this.#firstMark >= this.#marks.length && this.#step() && !over());
    // Numbers of attribute sets may mean others in the next turn.
    for (const { monitored } of this.#peers.values()) monitored.close();
  }

  #mark(key: object, octets: number, make: (peer: FeedPeer) => Mark): void {
    const peer = this.#peers.get(key);
    if (peer === undefined || peer.forget) return;
    this.#marks.push(make(peer));
    this.#marked += octets + MARK_OVERHEAD;
    if (this.#marked <= this.#limit) return;
    this.overflows += 1;
    const lost = new Set(this.#marks.slice(this.#firstMark).map((mark) => mark.peer));
    this.#clearMarks();
    for (const each of lost) if (each.down === undefined) this.#forget(each);
  }

  #clearMarks(): void {
    this.#marks = [];
    this.#firstMark = 0;
    this.#marked = 0;
  }

  #takeMark(): Mark {
    const mark = this.#marks[this.#firstMark]!;
    this.#firstMark += 1;
    this.#marked -= octetsOf(mark) + MARK_OVERHEAD;
    if (this.#firstMark === this.#marks.length) this.#clearMarks();
    else if (this.#firstMark > 4096 && this.#firstMark * 2 > this.#marks.length) {
      this.#marks = this.#marks.slice(this.#firstMark);
      this.#firstMark = 0;
    }
    return mark;
  }

  #tell(mark: Mark): void {
    const { peer, time } = mark;
    if (peer.down !== undefined || peer.forget) return;
    if (mark.kind === 'routes') peer.monitored.report(mark.nlri, time);
    else if (mark.kind === 'sent') peer.monitored.sent(mark.update, time);
    else peer.monitored.endOfRib(mark.family, time, false);
  }

  #forget(peer: FeedPeer): void {
    peer.forget = true;
    this.#nextWalk.delete(peer);
    this.#walk?.peers.delete(peer);
    this.#controls.add(peer);
  }

  /** Its whole table is still to come. */
  #isWaiting(peer: FeedPeer): boolean {
    if (peer.forget || (!peer.announced && peer.hasTable)) return true;
    return this.#nextWalk.get(peer) === 'all' || this.#walk?.peers.get(peer) === 'all';
  }

  #control(peer: FeedPeer): void {
    const { monitored, down } = peer;
    if (down !== undefined) {
      if (peer.announced) this.#writeDown(peer, down.cause, down.time);
      return;
    }
    const again = peer.announced && peer.forget;
    if (again) this.#writeDown(peer, monitored.forget, NO_TIME);
    if (peer.announced && !again) return;
    monitored.close();
    monitored.up(this.out);
    if (again || peer.forget || peer.hasTable) this.#nextWalk.set(peer, 'all');
    else for (const family of peer.emptyFamilies) monitored.endOfRib(family, NO_TIME, false);
    peer.announced = true;
    peer.forget = false;
  }

  #writeDown({ monitored }: FeedPeer, cause: DownCause, time: RouteTime): void {
    monitored.close();
    writePeerDown(this.out, { peer: { ...monitored.header, ...time }, cause });
  }

  /** Goes one step further in a walk; returns whether there is more to do. */
  #step(): boolean {
    if (this.#walk === undefined) {
      if (this.#nextWalk.size === 0) return false;
      const peers = this.#nextWalk;
      this.#nextWalk = new Map();
      this.#walk = { peers, steps: this.#steps(peers) };
    }
    if (this.#walk.steps.next().done === true) this.#walk = undefined;
    return true;
  }

  /** Whoever goes down or is to be forgotten meanwhile is no more among the peers. */
  *#steps(peers: Map<FeedPeer, Scope>): Generator<unknown> {
    const byNumber = new Map<number, FeedPeer>();
    for (const peer of peers.keys()) {
      const { ribPeer } = peer.monitored;
      if (ribPeer !== undefined) byNumber.set(ribPeer, peer);
    }
    if (byNumber.size > 0) {
      for (const known of this.#monitor.routes((number) => byNumber.has(number))) {
        for (const path of known?.paths ?? []) {
          const peer = byNumber.get(path.peer)!;
          const scope = peers.get(peer);
          if (scope !== undefined) peer.monitored.path(known!.family, known!.route, path, scope === 'again');
        }
        yield;
      }
    }
    for (const [peer, scope] of peers) {
      if (scope === 'again') continue;
      for (const _ of peer.monitored.otherRoutes()) {
        yield;
        if (!peers.has(peer)) break;
      }
      if (!peers.has(peer)) continue;
      for (const family of peer.monitored.families) peer.monitored.endOfRib(family, NO_TIME, true);
      yield;
    }
  }
}

function octetsOf(mark: Mark): number {
  if (mark.kind === 'routes') return mark.nlri.bytes.length;
  return mark.kind === 'sent' ? mark.update.length : 0;
}
