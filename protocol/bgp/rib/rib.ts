/**
 * The RIB of one speaker, RFC 4271 §3.2: takes UPDATEs and own routes, selects, and says which messages go to which
 * peers. Pure: what comes out of {@link Rib.flush} is data.
 */
import type { Family } from '../family.ts';
import { announcedRoutes, type UpdateMessage, withdrawnRoutes } from '../message/update.ts';
import { forEachPrefix, type Nlri } from '../nlri/prefixes.ts';
import { AttributeTable } from './attribute-table.ts';
import type { DecisionStep } from './decision.ts';
import { ELIGIBLE, eligibility } from './import.ts';
import { LocRib } from './loc-rib.ts';
import {
  LOCAL,
  type NextHopResolver,
  type RibConfig,
  type RibPeer,
  type RibPeerConfig,
  type RouteAttributes,
} from './route.ts';
import { type Delivery, type GroupProfile, UpdateGroup } from './update-group.ts';

/** A path as an object, for people and for the node agent. */
export interface PathInfo {
  readonly family: Family;
  readonly prefix: string;
  readonly attributes: RouteAttributes;
  /** `undefined` for an own route. */
  readonly peer: RibPeer | undefined;
  readonly best: boolean;
  /** Why it may not be selected (constants of import.ts); 0: it may. */
  readonly ineligible: number;
  /** Step of route selection at which it lost against the best one. */
  readonly lost: DecisionStep | undefined;
}

/** A prefix whose best path changed; no path means that none is left. */
export interface RibChange {
  readonly family: Family;
  readonly prefix: string;
  readonly best: PathInfo | undefined;
}

/** What one flush yields. */
export interface RibFlush {
  readonly deliveries: readonly (Delivery & { readonly family: Family })[];
  readonly changes: readonly RibChange[];
  /** There is more: flush again in a later turn. */
  readonly pending: boolean;
  /** Something waits for its time (MRAI) and nothing else is pending: flush again then. ms, on the clock of `now`. */
  readonly nextFlushAt: number | undefined;
}

interface FamilyRib {
  readonly family: Family;
  readonly rib: LocRib;
  readonly groups: Map<string, UpdateGroup>;
  /** Prefixes whose best path changed since it was reported. */
  readonly changed: Set<number>;
}

export class Rib {
  readonly config: RibConfig;
  readonly #attributes = new AttributeTable();
  readonly #peers = new Map<number, RibPeer>();
  readonly #received = new Map<number, number>();
  readonly #families = new Map<Family, FamilyRib>();
  #lastPeer = LOCAL;

  constructor(config: RibConfig) {
    this.config = config;
  }

  /** Attribute sets in use, a measure for tests and statistics. */
  get attributeSets(): number {
    return this.#attributes.count;
  }

  /** Whether a flush has anything to do. */
  get pending(): boolean {
    for (const { groups, changed } of this.#families.values()) {
      if (changed.size > 0) return true;
      for (const group of groups.values()) if (group.pending) return true;
    }
    return false;
  }

  /** A session came up. Its number stands for the peer until {@link removePeer}; it will be fed what is there. */
  addPeer(config: RibPeerConfig): number {
    const peer: RibPeer = { ...config, id: ++this.#lastPeer };
    this.#peers.set(peer.id, peer);
    this.#received.set(peer.id, 0);
    for (const family of peer.families) this.#groupOf(peer, family).join(peer);
    return peer.id;
  }

  /** A session went down: its routes go, and it is sent nothing more (RFC 4271 §8.2.2). */
  removePeer(id: number): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    for (const { family, groups, rib } of this.#families.values()) {
      const key = groupKey(profileOf(peer, family));
      const group = groups.get(key);
      group?.leave(id);
      if (group?.members.size === 0) {
        group.dissolve();
        groups.delete(key);
      }
      rib.removePeer(id);
    }
    this.#peers.delete(id);
    this.#received.delete(id);
  }

  /**
   * A session went down and its routes in `families` are to be kept (RFC 4724 §4.2): those stay, marked stale, all others
   * go, and the peer is sent nothing until {@link resumePeer}.
   */
  suspendPeer(id: number, families: readonly Family[]): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    for (const family of peer.families) {
      if (families.includes(family)) this.markStale(id, family);
      else this.dropFamily(id, family);
    }
  }

  /** The session of a suspended peer is back; what the peer was sent before is forgotten and it is fed anew. */
  resumePeer(id: number, config: RibPeerConfig): void {
    const peer: RibPeer = { ...config, id };
    this.#peers.set(id, peer);
    for (const family of peer.families) this.#groupOf(peer, family).join(peer);
  }

  /** Marks all routes of a peer in a family as stale (RFC 4724 §4.2); an update makes a route fresh again. */
  markStale(_id: number, _family: Family): void {}

  /** Takes out the routes of a peer that are still stale (RFC 4724 §4.2); returns how many those were. */
  purgeStale(_id: number, _family: Family): number {
    return 0;
  }

  /**
   * The long-lived phase begins for the peer's stale routes in a family (RFC 9494 §4.2): they get LLGR_STALE and become
   * least preferred, and those with NO_LLGR go.
   */
  startLongLived(_id: number, _family: Family): void {}

  /** Takes out the peer's routes of a family, which is used no more on its session (RFC 4760 §7). */
  dropFamily(id: number, family: Family): void {
    this.#families.get(family)?.rib.removePeer(id);
  }

  /** The peer begins to send a family again (BoRR, RFC 7313 §4): what it does not repeat goes at {@link endRefresh}. */
  beginRefresh(_id: number, _family: Family): void {}

  /** The peer has sent a family again (EoRR): takes out what it did not repeat; returns how many routes those were. */
  endRefresh(_id: number, _family: Family): number {
    return 0;
  }

  /** Puts route selection of a family off, and what follows from it, or takes it up again (RFC 4724 §4.1). */
  hold(_family: Family, _on: boolean): void {}

  /**
   * Says whether a peer takes bytes. One that does not is passed over in {@link flush}; what it misses collapses to the
   * newest state of each route and goes out when it is writable again.
   */
  setWritable(_id: number, _writable: boolean): void {}

  /** Applies the policies of a peer, or new ones in `config`, again: to what it sent and to what it is sent. */
  policyChanged(_id: number, _config?: RibPeerConfig): void {}

  /** Reachability or cost of next hops changed, RFC 4271 §9.1.2.1: selects again, by a new resolver if one is given. */
  nextHopChanged(_resolve?: NextHopResolver): void {}

  /** Takes an UPDATE from a peer: withdrawals first, then what it announces (RFC 4271 §4.3, §9). */
  update(id: number, message: UpdateMessage): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    for (const nlri of withdrawnRoutes(message)) {
      if (peer.families.includes(nlri.family)) this.#withdraw(id, nlri);
    }
    for (const nlri of announcedRoutes(message)) {
      if (!peer.families.includes(nlri.family)) continue;
      const attributes = routeAttributes(message, nlri.nextHop);
      this.#announce(id, nlri, attributes, eligibility(attributes, peer, this.config));
    }
  }

  /** Announces an own route; replaces an earlier one of the same prefix. */
  announce(nlri: Nlri, attributes: RouteAttributes): void {
    this.#announce(LOCAL, nlri, attributes, ELIGIBLE);
  }

  /** Withdraws an own route, if there is one. */
  withdraw(nlri: Nlri): void {
    this.#withdraw(LOCAL, nlri);
  }

  /** Sends a peer its Adj-RIB-Out of a family again (RFC 2918 §4). */
  refresh(id: number, family: Family, _options: { readonly borr?: boolean } = {}): void {
    const peer = this.#peers.get(id);
    if (peer?.families.includes(family)) this.#groupOf(peer, family).feed(id, false);
  }

  /**
   * Works off up to `limit` changes, and as many prefixes for each update group, so that a large table does not hold up everything else.
   */
  flush(_now = 0, limit = 10_000): RibFlush {
    const deliveries: (Delivery & { readonly family: Family })[] = [];
    const changes: RibChange[] = [];
    for (const family of this.#families.values()) {
      for (const prefix of family.changed) {
        if (changes.length >= limit) break;
        changes.push(this.#change(family, prefix));
        family.changed.delete(prefix);
      }
      for (const group of family.groups.values()) {
        if (!group.pending) continue;
        for (const delivery of group.flush(limit)) deliveries.push({ ...delivery, family: family.family });
      }
      this.#forget(family);
    }
    return { deliveries, changes, pending: this.pending, nextFlushAt: undefined };
  }

  /** Every path of every prefix, the best of each first. */
  paths(): PathInfo[] {
    const result: PathInfo[] = [];
    for (const family of this.#families.values()) {
      this.#eachPrefix(family, (prefix) => {
        for (const { path, lost } of family.rib.explain(prefix))
          result.push(this.#info(family, prefix, path, lost));
      });
    }
    return result;
  }

  /** What a peer announced and did not withdraw, whether it may be selected or not. */
  adjRibIn(id: number): PathInfo[] {
    return this.paths().filter((path) => path.peer?.id === id);
  }

  /** What a peer was sent and is still to believe. */
  adjRibOut(
    id: number,
  ): { readonly family: Family; readonly prefix: string; readonly attributes: RouteAttributes }[] {
    const result: { family: Family; prefix: string; attributes: RouteAttributes }[] = [];
    this.#eachSent(id, ({ family, rib }, prefix, set) => {
      result.push({ family, prefix: rib.prefixes.text(prefix), attributes: this.#attributes.get(set) });
    });
    return result;
  }

  /** How many prefixes a peer announced, in one family or in all. */
  receivedCount(id: number, _family?: Family): number {
    return this.#received.get(id) ?? 0;
  }

  /** How many prefixes a peer was sent. */
  sentCount(id: number): number {
    let count = 0;
    this.#eachSent(id, () => {
      count += 1;
    });
    return count;
  }

  #eachSent(id: number, visit: (family: FamilyRib, prefix: number, set: number) => void): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    for (const family of this.#families.values()) {
      const group = family.groups.get(groupKey(profileOf(peer, family.family)));
      if (group === undefined || !group.members.has(id)) continue;
      for (let prefix = 0; prefix < family.rib.prefixes.top; prefix++) {
        const set = group.sentTo(id, prefix);
        if (set !== 0) visit(family, prefix, set);
      }
    }
  }

  #eachPrefix({ rib }: FamilyRib, visit: (prefix: number) => void): void {
    for (let prefix = 0; prefix < rib.prefixes.top; prefix++) if (rib.paths.first(prefix) >= 0) visit(prefix);
  }

  #info({ family, rib }: FamilyRib, prefix: number, path: number, lost: DecisionStep | undefined): PathInfo {
    return {
      family,
      prefix: rib.prefixes.text(prefix),
      attributes: this.#attributes.get(rib.paths.attributes[path]!),
      peer: this.#peers.get(rib.paths.peer[path]!),
      best: rib.best(prefix) === path,
      ineligible: rib.paths.ineligible[path]!,
      lost,
    };
  }

  #change(family: FamilyRib, prefix: number): RibChange {
    const path = family.rib.best(prefix);
    return {
      family: family.family,
      prefix: family.rib.prefixes.text(prefix),
      best: path < 0 ? undefined : this.#info(family, prefix, path, undefined),
    };
  }

  #announce(peer: number, nlri: Nlri, attributes: RouteAttributes, ineligible: number): void {
    const { rib } = this.#family(nlri.family);
    const set = this.#attributes.intern(attributes);
    let added = 0;
    forEachPrefix(nlri.bytes, (offset, bits) => {
      if (isMulticast(nlri, offset, bits)) return;
      if (rib.set(rib.prefixes.add(nlri.bytes, offset, bits), peer, set, ineligible)) added += 1;
    });
    this.#attributes.release(set);
    if (peer !== LOCAL) this.#received.set(peer, this.#received.get(peer)! + added);
  }

  #withdraw(peer: number, nlri: Nlri): void {
    const { rib } = this.#family(nlri.family);
    let removed = 0;
    forEachPrefix(nlri.bytes, (offset, bits) => {
      const prefix = rib.prefixes.find(nlri.bytes, offset, bits);
      if (prefix >= 0 && rib.unset(prefix, peer)) removed += 1;
    });
    if (peer !== LOCAL) this.#received.set(peer, this.#received.get(peer)! - removed);
  }

  #family(family: Family): FamilyRib {
    const known = this.#families.get(family);
    if (known !== undefined) return known;
    const rib = new LocRib(family, this.#attributes, this.#peers, (prefix) => {
      created.changed.add(prefix);
      for (const group of created.groups.values()) group.mark(prefix);
    });
    const created: FamilyRib = { family, rib, groups: new Map(), changed: new Set() };
    this.#families.set(family, created);
    return created;
  }

  #groupOf(peer: RibPeer, family: Family): UpdateGroup {
    const { groups, rib } = this.#family(family);
    const profile = profileOf(peer, family);
    const key = groupKey(profile);
    const known = groups.get(key);
    if (known !== undefined) return known;
    const group = new UpdateGroup(profile, this.config, rib, this.#attributes, this.#peers);
    groups.set(key, group);
    return group;
  }

  /** Frees the numbers of prefixes that nobody knows any more. */
  #forget({ rib, groups, changed }: FamilyRib): void {
    for (const prefix of rib.emptied) {
      if (changed.has(prefix)) continue;
      if (![...groups.values()].every((group) => group.forgets(prefix))) continue;
      rib.emptied.delete(prefix);
      rib.prefixes.remove(prefix);
    }
  }
}

/** RFC 4271 §6.3: a multicast prefix is no unicast route; it alone is ignored. */
function isMulticast(nlri: Nlri, offset: number, bits: number): boolean {
  if (nlri.family === 'ipv6-unicast') return bits >= 8 && nlri.bytes[offset] === 0xff;
  return bits >= 4 && nlri.bytes[offset]! >> 4 === 14;
}

function routeAttributes(message: UpdateMessage, nextHop: Uint8Array): RouteAttributes {
  const { mpReach, mpUnreach, as4Path, as4Aggregator, ...rest } = message.attributes;
  return { ...rest, nextHop } as RouteAttributes;
}

function profileOf(peer: RibPeer, family: Family): GroupProfile {
  const { peerType, client, nextHopSelf, localAddress, fourOctetAs, maxMessageLength } = peer;
  return { family, peerType, client, nextHopSelf, localAddress, fourOctetAs, maxMessageLength };
}

/** Peers with equal keys get equal messages. */
function groupKey(profile: GroupProfile): string {
  const { peerType, client, nextHopSelf, localAddress, fourOctetAs, maxMessageLength } = profile;
  return [peerType, client, nextHopSelf, localAddress.join('.'), fourOctetAs, maxMessageLength].join('/');
}
