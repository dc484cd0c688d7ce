/**
 * The RIB of one speaker, RFC 4271 §3.2: takes UPDATEs and own routes, selects, and says which messages go to which
 * peers. Pure: what comes out of {@link Rib.flush} is data.
 */
import type { Family } from '../family.ts';
import { RouteRun } from '../message/route-run.ts';
import { announcedRoutes, type UpdateMessage, withdrawnRoutes } from '../message/update.ts';
import type { Nlri } from '../nlri/codec.ts';
import { AttributeTable } from './attribute-table.ts';
import type { Delivery } from './delivery.ts';
import { FamilyRib } from './family-rib.ts';
import type { GroupContext } from './group-export.ts';
import type { MacMove } from './mac-moves.ts';
import { RibMonitor } from './monitor.ts';
import {
  allPaths,
  changeOf,
  type PathInfo,
  pathsAt,
  pathsOf,
  type RibChange,
  type SentInfo,
  sentTo,
} from './path-info.ts';
import { PathScan, type PathSelection } from './path-scan.ts';
import { REFRESHING, STALE } from './path-table.ts';
import { Receiver } from './receiver.ts';
import { importAgain, startLongLived } from './restart.ts';
import { allRows, type RouteRows } from './rib-rows.ts';
import {
  LOCAL,
  type NextHopResolver,
  type RibConfig,
  type RibPeer,
  type RibPeerConfig,
  type RouteAttributes,
} from './route.ts';
import { type RouteTargets, routeTargetsOf } from './route-targets.ts';

export type { MacMove } from './mac-moves.ts';
export type { PathInfo, RibChange, SentInfo } from './path-info.ts';

/** What one flush yields. */
export interface RibFlush {
  readonly deliveries: readonly (Delivery & { readonly family: Family })[];
  readonly changes: readonly RibChange[];
  /** Own MAC addresses that another PE has, or no more (RFC 7432 §15). */
  readonly macMoves: readonly MacMove[];
  /** There is more: flush again in a later turn. */
  readonly pending: boolean;
  /** Something waits for its time and nothing else is pending: flush again then. ms, on the clock of `now`. */
  readonly nextFlushAt: number | undefined;
}

/** @see Rib.statistics */
export interface FamilyStatistics {
  readonly family: Family;
  /** Destinations with a best path, and all paths. */
  readonly best: number;
  readonly paths: number;
  /** How often the best path of a prefix was decided. */
  readonly decisions: number;
  /** Update groups: peers, routes that they were sent, and routes that are still to be looked at. */
  readonly groups: readonly {
    /** Of the family, and given once only. */
    readonly number: number;
    readonly members: readonly number[];
    readonly sent: number;
    readonly waiting: number;
  }[];
}

/** Prefixes worked off in a flush unless the caller says otherwise. */
const DEFAULT_LIMIT = 10_000;

export class Rib {
  readonly config: RibConfig;
  readonly #attributes = new AttributeTable();
  readonly #peers = new Map<number, RibPeer>();
  readonly #families = new Map<Family, FamilyRib>();
  /** Peers that are gone while routes of them are left. */
  readonly #gone = new Set<number>();
  readonly #context: GroupContext;
  readonly #receiver: Receiver;
  /** Route targets that peers asked for, as far as known at the moment. */
  readonly #targets = new Map<number, RouteTargets>();
  #lastPeer = LOCAL;
  #now = 0;
  #reports: boolean;

  constructor(config: RibConfig) {
    this.config = config;
    this.#reports = config.reportChanges ?? true;
    this.#attributes.resolveWith(config.resolve);
    this.#receiver = new Receiver(config, this.#attributes);
    this.#context = {
      config,
      attributes: this.#attributes,
      peers: this.#peers,
      wantsTargets: (peer, set) => this.#targetsOf(peer).match(this.#attributes.get(set)),
    };
  }

  /** Attribute sets in use, a measure for tests and statistics. */
  get attributeSets(): number {
    return this.#attributes.count;
  }

  /** Whether changes are collected for {@link RibFlush.changes}; what changes while they are not is never reported. */
  get reportChanges(): boolean {
    return this.#reports;
  }

  set reportChanges(on: boolean) {
    this.#reports = on;
    for (const family of this.#families.values()) family.reports = on;
  }

  /** A session came up. Its number stands for the peer until {@link removePeer}; it will be fed what is there. */
  addPeer(config: RibPeerConfig): number {
    const id = ++this.#lastPeer;
    this.resumePeer(id, config);
    return id;
  }

  /**
   * A session went down: it is sent nothing more, and its routes go (RFC 4271 §8.2.2). Many go in slices that
   * {@link flush} takes; until then the peer is one of {@link peers}, but whatever it might still say is ignored.
   */
  removePeer(id: number): void {
    for (const family of this.#families.values()) {
      family.leave(id);
      family.remove(id);
    }
    this.#targets.delete(id);
    this.#gone.add(id);
    this.#forgetPeers();
  }

  /** Forgets peers that are gone once nothing is left of them. */
  #forgetPeers(): void {
    for (const id of this.#gone) {
      if ([...this.#families.values()].some((family) => family.removing(id))) continue;
      this.#gone.delete(id);
      this.#peers.delete(id);
    }
  }

  /**
   * A session went down and its routes in `families` are to be kept (RFC 4724 §4.2): those stay, marked stale, all others
   * go, those that were stale already among them; and the peer is sent nothing until {@link resumePeer}.
   */
  suspendPeer(id: number, families: readonly Family[]): void {
    for (const family of this.#families.values()) {
      family.leave(id);
      if (families.includes(family.family)) {
        family.drop(id, (flags) => (flags & STALE) !== 0);
        family.flag(id, STALE);
      } else family.drop(id);
    }
    this.#targets.delete(id);
  }

  /** The session of a suspended peer is back; what the peer was sent before is forgotten and it is fed anew. */
  resumePeer(id: number, config: RibPeerConfig): void {
    const peer: RibPeer = { ...config, id };
    this.#peers.set(id, peer);
    for (const family of peer.families) this.#family(family).join(peer);
  }

  /** Marks all routes of a peer in a family as stale (RFC 4724 §4.2); an update makes a route fresh again. */
  markStale(id: number, family: Family): void {
    this.#families.get(family)?.flag(id, STALE);
  }

  /** Takes out the routes of a peer that are still stale (RFC 4724 §4.2); returns how many those were. */
  purgeStale(id: number, family: Family): number {
    return this.#families.get(family)?.drop(id, (flags) => (flags & STALE) !== 0) ?? 0;
  }

  /**
   * The long-lived phase begins for the peer's stale routes in a family (RFC 9494 §4.2): they get LLGR_STALE and become
   * least preferred, and those with NO_LLGR go.
   */
  startLongLived(id: number, family: Family): void {
    const known = this.#families.get(family);
    if (known !== undefined) startLongLived(known, this.#attributes, id);
  }

  /** A family is used no more on a peer's session (RFC 4760 §7): its routes go, and none are sent in it. */
  dropFamily(id: number, family: Family): void {
    const known = this.#families.get(family);
    const peer = this.#peers.get(id);
    if (known === undefined || peer === undefined) return;
    known.leave(id);
    known.drop(id);
    this.#peers.set(id, { ...peer, families: peer.families.filter((other) => other !== family) });
    this.#targetsChanged(id, family);
  }

  /** The peer begins to send a family again (BoRR, RFC 7313 §4): what it does not repeat goes at {@link endRefresh}. */
  beginRefresh(id: number, family: Family): void {
    this.#families.get(family)?.flag(id, REFRESHING);
  }

  /** The peer has sent a family again (EoRR): takes out what it did not repeat; returns how many routes those were. */
  endRefresh(id: number, family: Family): number {
    const dropped = this.#families.get(family)?.drop(id, (flags) => (flags & REFRESHING) !== 0) ?? 0;
    if (dropped > 0) this.#targetsChanged(id, family);
    return dropped;
  }

  /** Puts route selection of a family off, and what follows from it, or takes it up again (RFC 4724 §4.1). */
  hold(family: Family, on: boolean): void {
    const { rib } = this.#family(family);
    if (rib.held && !on) rib.reselectAll();
    rib.held = on;
  }

  /**
   * Says whether a peer takes bytes. One that does not is passed over in {@link flush}; what it misses collapses to the
   * newest state of each route and goes out when it is writable again.
   */
  setWritable(id: number, writable: boolean): void {
    for (const family of this.#families.values()) {
      family.groupOf(id)?.setWritable(id, writable, this.#now);
    }
  }

  /** Applies the policies of a peer, or new ones in `config`, again: to what it sent and to what it is sent. */
  policyChanged(id: number, config?: RibPeerConfig): void {
    const before = this.#peers.get(id);
    if (before === undefined) return;
    const peer: RibPeer = config === undefined ? before : { ...config, id };
    this.#peers.set(id, peer);
    for (const family of this.#families.values()) {
      importAgain(family, this.#attributes, peer, this.config);
      family.regroup(peer);
      family.markAllOf(id);
    }
  }

  /** Reachability or cost of next hops changed, RFC 4271 §9.1.2.1: selects again, by a new resolver if one is given. */
  nextHopChanged(resolve: NextHopResolver | undefined = this.config.resolve): void {
    this.#attributes.resolveWith(resolve);
    for (const { rib } of this.#families.values()) rib.reselectAll();
  }

  /** Takes an UPDATE from a peer: withdrawals first, then what it announces (RFC 4271 §4.3, §9). */
  update(id: number, message: UpdateMessage): void {
    const peer = this.#peers.get(id);
    if (peer === undefined || this.#gone.has(id)) return;
    for (const routes of withdrawnRoutes(message)) {
      if (!peer.families.includes(routes.family)) continue;
      const removed = this.#receiver.withdraw(this.#family(routes.family), id, routes);
      if (removed > 0) this.#targetsChanged(id, routes.family);
    }
    for (const routes of announcedRoutes(message)) {
      if (!peer.families.includes(routes.family)) continue;
      const added = this.#receiver.receive(this.#family(routes.family), peer, routes, message);
      if (added > 0) this.#targetsChanged(id, routes.family);
    }
  }

  /**
   * Announces own routes; replaces earlier ones. One of EVPN for a MAC address that another PE has stays back until that
   * PE withdraws it (RFC 7432 §15).
   */
  announce(nlri: Nlri, attributes: RouteAttributes): void {
    const family = this.#family(nlri.family);
    if (nlri.family === 'l2vpn-evpn') family.followMacs();
    this.#receiver.announce(family, nlri, attributes);
  }

  /** Withdraws own routes, if there are any. */
  withdraw(nlri: Nlri): void {
    const run = new RouteRun(nlri.family, nlri.addPath === true, nlri.bytes);
    this.#receiver.withdraw(this.#family(nlri.family), LOCAL, run);
  }

  /**
   * Sends a peer its Adj-RIB-Out of a family again (RFC 2918 §4).
   * @param options.borr between BoRR and EoRR (RFC 7313 §4); default as the peer's configuration has it.
   */
  refresh(id: number, family: Family, options: { readonly borr?: boolean } = {}): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    const marked = options.borr ?? peer.enhancedRefresh ?? false;
    this.#families.get(family)?.groupOf(id)?.refresh(id, marked);
  }

  /**
   * Works off about `limit` changes, so that a large table does not hold up everything else.
   * @param now ms on a clock that never goes back.
   */
  flush(now = 0, limit: number = DEFAULT_LIMIT): RibFlush {
    this.#now = now;
    const deliveries: (Delivery & { readonly family: Family })[] = [];
    const changes: RibChange[] = [];
    const macMoves: MacMove[] = [];
    let left = limit;
    for (const family of this.#families.values()) {
      // Every family has its turn, however much there is to do for others.
      left -= family.flush(now, Math.max(1, left), deliveries);
      macMoves.push(...family.takeMacMoves());
      while (changes.length < limit && family.changed.length > 0) {
        changes.push(changeOf(this.#context, family, family.changed.take()));
      }
    }
    if (this.#gone.size > 0) this.#forgetPeers();
    const { pending, later } = this.#due(now);
    return { deliveries, changes, macMoves, pending, nextFlushAt: pending ? undefined : later };
  }

  #due(now: number): { readonly pending: boolean; readonly later: number | undefined } {
    let later: number | undefined;
    for (const family of this.#families.values()) {
      const due = family.changed.length > 0 ? now : family.due(now);
      if (due === undefined) continue;
      if (due <= now) return { pending: true, later: undefined };
      later = Math.min(later ?? due, due);
    }
    return { pending: false, later };
  }

  /** How many destinations have a best path, and how many paths are known, family by family. */
  counts(): { readonly family: Family; readonly prefixes: number; readonly paths: number }[] {
    return [...this.#families.values()].flatMap(({ family, rib }) => {
      const { selected: prefixes } = rib;
      const paths = rib.paths.count;
      return paths === 0 ? [] : [{ family, prefixes, paths }];
    });
  }

  /** Every path of every prefix, the best of each first; of one family or of all. */
  *paths(family?: Family): Generator<PathInfo> {
    for (const each of this.#families.values()) {
      if (family === undefined || each.family === family) yield* allPaths(this.#context, each);
    }
  }

  /** Looks for some paths of a family; of each family that has any where none is named. The caller closes what he gets. */
  scan(selection: PathSelection, family?: Family): PathScan[] {
    const families = [...this.#families.values()].filter((each) => (family ?? each.family) === each.family);
    return families.map((each) => new PathScan(this.#context, each, selection));
  }

  /** As {@link paths}, as octets. */
  *rows(): Generator<RouteRows> {
    for (const family of this.#families.values()) yield* allRows(this.#attributes, family);
  }

  /** Single paths before and after import, for monitoring. */
  monitor(): RibMonitor {
    return new RibMonitor(this.#attributes, this.#families);
  }

  /** Everybody whose routes are kept. */
  peers(): Iterable<RibPeer> {
    return this.#peers.values();
  }

  /** All paths to one destination, the best first, the others with the step at which they lost; empty for none. */
  explain({ family, bytes }: Nlri): PathInfo[] {
    const known = this.#families.get(family);
    const prefix = known?.rib.prefixes.find(bytes, 0, bytes.length) ?? -1;
    return prefix < 0 ? [] : pathsAt(this.#context, known!, prefix);
  }

  /** What a peer announced and did not withdraw, as it sent it, whether it may be selected or not. */
  *adjRibIn(id: number): Generator<PathInfo> {
    for (const family of this.#families.values()) yield* pathsOf(this.#context, family, id);
  }

  /** What a peer was sent and is still to believe. */
  *adjRibOut(id: number): Generator<SentInfo> {
    for (const family of this.#families.values()) yield* sentTo(this.#context, family, id);
  }

  /** How many routes a peer announced, in one family or in all. */
  receivedCount(id: number, family?: Family): number {
    let count = 0;
    for (const each of this.#families.values()) {
      if (family === undefined || each.family === family) count += each.received.get(id) ?? 0;
    }
    return count;
  }

  /** How many routes of a peer import accepted, in a family. */
  acceptedCount(id: number, family: Family): number {
    const known = this.#families.get(family);
    return known === undefined ? 0 : (known.received.get(id) ?? 0) - (known.rib.refused.get(id) ?? 0);
  }

  /** How many routes of a family are still to be looked at for a peer, before it was sent everything. */
  waitingCount(id: number, family: Family): number {
    return this.#families.get(family)?.groupOf(id)?.waiting(id) ?? 0;
  }

  /** What each family holds and has done, counted as it happens. */
  statistics(): FamilyStatistics[] {
    return Array.from(this.#families.values(), ({ family, rib, groups }) => ({
      family,
      best: rib.selected,
      paths: rib.paths.count,
      decisions: rib.decisions,
      groups: groups.map(({ number, members, sentEntries: sent, dirtyEntries: waiting }) => {
        return { number, members: [...members.keys()], sent, waiting };
      }),
    }));
  }

  /** How many routes a peer was sent, in one family or in all. */
  sentCount(id: number, family?: Family): number {
    let count = 0;
    for (const each of this.#families.values()) {
      if (family === undefined || each.family === family) count += each.groupOf(id)?.sentCount(id) ?? 0;
    }
    return count;
  }

  #targetsOf(peer: number): RouteTargets {
    let targets = this.#targets.get(peer);
    if (targets === undefined) {
      targets = routeTargetsOf(this.#family('rt-constraint').rib, peer);
      this.#targets.set(peer, targets);
    }
    return targets;
  }

  /** What a peer asked for changed, if that is what the family is for (RFC 4684). */
  #targetsChanged(peer: number, family: Family): void {
    if (family !== 'rt-constraint' || !this.#peers.get(peer)?.rtConstraint) return;
    this.#targets.delete(peer);
    for (const each of this.#families.values()) {
      const group = each.groupOf(peer);
      if (group?.profile.targetsOf === peer) group.markAll();
    }
  }

  #family(family: Family): FamilyRib {
    let known = this.#families.get(family);
    if (known === undefined) {
      known = new FamilyRib(family, this.#context, this.#reports);
      this.#families.set(family, known);
    }
    return known;
  }
}
