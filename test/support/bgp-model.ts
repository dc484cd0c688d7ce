// A RIB as the RFCs describe it, without any of the tables' cleverness: plain objects, everything computed from scratch.
// The real RIB must agree with it after any sequence of events.
import type { PathAttributes } from '../../protocol/bgp/attribute/table.ts';
import type { RibConfig, RibPeerConfig } from '../../protocol/bgp/rib/route.ts';
import { formatAddress } from '../../protocol/ip/prefix.ts';

const NO_EXPORT = 0xffffff01;
const NO_ADVERTISE = 0xffffff02;
const NO_EXPORT_SUBCONFED = 0xffffff03;
const LLGR_STALE = 0xffff0006;
const NO_LLGR = 0xffff0007;

/** A route in the model; next hop as dotted or colon text. */
export interface ModelRoute {
  readonly origin: 0 | 1 | 2;
  /** One AS_SEQUENCE; empty: no segment. */
  readonly path: readonly number[];
  /** One AS_CONFED_SEQUENCE before it; empty: no segment. */
  readonly confederation?: readonly number[];
  readonly nextHop: string;
  readonly med?: number | undefined;
  readonly localPref?: number | undefined;
  readonly communities?: readonly number[] | undefined;
  readonly originatorId?: number | undefined;
  readonly clusterList?: readonly number[] | undefined;
}

/** A policy: the route that it makes of one, or nothing where it rejects it. */
export type ModelPolicy = (route: ModelRoute, prefix: string) => ModelRoute | undefined;

export interface ModelPeer
  extends Omit<RibPeerConfig, 'address' | 'localAddress' | 'importPolicy' | 'exportPolicy'> {
  readonly address: string;
  readonly localAddress: string;
  readonly importPolicy?: ModelPolicy | undefined;
  readonly exportPolicy?: ModelPolicy | undefined;
  /** Number in order of first establishment: the last tie-breaker. */
  readonly order: number;
}

/** What a peer said about a prefix under one path identifier. */
interface Received {
  route: ModelRoute;
  readonly prefix: string;
  readonly pathId: number;
  stale: boolean;
  longLived: boolean;
  /** Not repeated since BoRR. */
  refreshing: boolean;
}

/** A path that takes part in selection, after import. */
export interface Candidate {
  readonly peer: ModelPeer | undefined;
  readonly route: ModelRoute;
  readonly pathId: number;
}

export class RibModel {
  readonly config: RibConfig;
  /** Peers that have routes here, whether their session is up or suspended. */
  readonly peers: Map<string, ModelPeer> = new Map();
  readonly #received = new Map<string, Map<string, Received>>();
  readonly #own = new Map<string, ModelRoute>();
  /** Cost of next hops, `undefined` where one cannot be reached; no function: nothing is known. */
  cost: ((nextHop: string) => number | undefined) | undefined;

  constructor(config: RibConfig) {
    this.config = config;
  }

  up(peer: ModelPeer): void {
    this.peers.set(peer.name, peer);
    if (!this.#received.has(peer.name)) this.#received.set(peer.name, new Map());
  }

  down(name: string): void {
    this.peers.delete(name);
    this.#received.delete(name);
  }

  announce(name: string, prefix: string, pathId: number, route: ModelRoute): void {
    const entry = { route, prefix, pathId, stale: false, longLived: false, refreshing: false };
    this.#received.get(name)!.set(`${prefix}#${pathId}`, entry);
  }

  withdraw(name: string, prefix: string, pathId: number): void {
    this.#received.get(name)!.delete(`${prefix}#${pathId}`);
  }

  own(prefix: string, route: ModelRoute | undefined): void {
    if (route === undefined) this.#own.delete(prefix);
    else this.#own.set(prefix, route);
  }

  /** The session of a peer went down and its routes stay; those that were stale already go. */
  suspend(name: string): void {
    this.#drop(name, ({ stale }) => stale);
    for (const entry of this.#received.get(name)!.values()) entry.stale = true;
  }

  purgeStale(name: string): void {
    this.#drop(name, ({ stale }) => stale);
  }

  startLongLived(name: string): void {
    const peer = this.peers.get(name)!;
    // NO_LLGR counts as import left it.
    this.#drop(name, (entry) => {
      if (!entry.stale) return false;
      return this.#judged(entry, peer, false)?.communities?.includes(NO_LLGR) ?? this.#hasNoLlgr(entry, peer);
    });
    for (const entry of this.#received.get(name)!.values()) if (entry.stale) entry.longLived = true;
  }

  /** A route that import refuses is looked at as it came. */
  #hasNoLlgr(entry: Received, peer: ModelPeer): boolean {
    const refused = this.#judged(entry, peer, false) === undefined;
    return refused && (entry.route.communities?.includes(NO_LLGR) ?? false);
  }

  beginRefresh(name: string): void {
    for (const entry of this.#received.get(name)!.values()) entry.refreshing = true;
  }

  endRefresh(name: string): void {
    this.#drop(name, ({ refreshing }) => refreshing);
  }

  #drop(name: string, which: (entry: Received) => boolean): void {
    const received = this.#received.get(name)!;
    for (const [key, entry] of received) if (which(entry)) received.delete(key);
  }

  count(name: string): number {
    return this.#received.get(name)!.size;
  }

  /** Paths of a prefix that may be selected, in no order. */
  candidates(prefix: string): Candidate[] {
    const result: Candidate[] = [];
    const own = this.#own.get(prefix);
    if (own !== undefined) result.push({ peer: undefined, route: own, pathId: 0 });
    for (const [name, received] of this.#received) {
      const peer = this.peers.get(name)!;
      for (const entry of received.values()) {
        if (entry.prefix !== prefix) continue;
        const route = this.#judged(entry, peer, entry.longLived);
        if (route !== undefined) result.push({ peer, route, pathId: entry.pathId });
      }
    }
    return result.filter(({ peer, route }) => {
      return peer === undefined || this.cost === undefined || this.cost(route.nextHop) !== undefined;
    });
  }

  /** The route after import; nothing where it takes no part in selection. */
  #judged({ route, prefix }: Received, peer: ModelPeer, longLived: boolean): ModelRoute | undefined {
    if (!this.#eligible(route, peer)) return undefined;
    const imported = peer.importPolicy === undefined ? route : peer.importPolicy(route, prefix);
    return imported !== undefined && longLived ? withCommunity(imported, LLGR_STALE) : imported;
  }

  #eligible(route: ModelRoute, peer: ModelPeer): boolean {
    const { asn, confederation, routerId, clusterId } = this.config;
    const ours = [asn, confederation?.id];
    if ([...route.path, ...(route.confederation ?? [])].some((as) => ours.includes(as))) return false;
    if (route.originatorId === routerId) return false;
    if (route.clusterList?.includes(clusterId ?? routerId)) return false;
    return route.nextHop !== peer.localAddress;
  }

  /** The best path of a prefix. */
  best(prefix: string): Candidate | undefined {
    return this.#best(this.candidates(prefix));
  }

  /** All paths that may be selected, the best first. */
  ranked(prefix: string): Candidate[] {
    const left = this.candidates(prefix);
    const result: Candidate[] = [];
    for (let best = this.#best(left); best !== undefined; best = this.#best(left)) {
      result.push(best);
      left.splice(left.indexOf(best), 1);
    }
    return result;
  }

  #best(candidates: readonly Candidate[]): Candidate | undefined {
    let left = [...candidates];
    const keep = (cost: (candidate: Candidate) => number): void => {
      const lowest = Math.min(...left.map(cost));
      left = left.filter((candidate) => cost(candidate) === lowest);
    };
    keep(({ route }) => (route.communities?.includes(LLGR_STALE) ? 1 : 0));
    keep(({ route }) => -(route.localPref ?? 100));
    keep(({ peer }) => (peer === undefined ? 0 : 1));
    keep(({ route }) => route.path.length);
    keep(({ route }) => route.origin);
    left = left.filter(
      (a) =>
        !left.some(
          (b) => (a.route.path[0] ?? 0) === (b.route.path[0] ?? 0) && (b.route.med ?? 0) < (a.route.med ?? 0),
        ),
    );
    keep(({ peer }) => (peer?.peerType === 'external' ? 0 : 1));
    keep(({ peer, route }) =>
      peer === undefined || this.cost === undefined ? 0 : this.cost(route.nextHop)!,
    );
    keep(({ peer, route }) => route.originatorId ?? peer?.routerId ?? 0);
    keep(({ route }) => route.clusterList?.length ?? 0);
    keep(({ peer }) => number(peer?.address ?? '0.0.0.0'));
    keep(({ peer }) => peer?.order ?? 0);
    keep(({ pathId }) => pathId);
    return left[0];
  }

  /** What a peer should have been sent for a prefix: several routes only with ADD-PATH. */
  sent(prefix: string, to: ModelPeer): ModelRoute[] {
    const max = to.addPathSend?.[0]?.max ?? 0;
    const paths = max > 0 ? this.ranked(prefix) : this.ranked(prefix).slice(0, 1);
    const routes: { readonly route: ModelRoute; readonly from: ModelPeer | undefined }[] = [];
    for (const { peer, route } of paths) {
      const exported = this.#exported(route, peer, prefix, to);
      if (exported !== undefined) routes.push({ route: exported, from: peer });
    }
    return routes
      .slice(0, Math.max(1, max))
      .filter(({ route, from }) => from?.name !== to.name && route.nextHop !== to.address)
      .map(({ route }) => route);
  }

  #exported(
    route: ModelRoute,
    from: ModelPeer | undefined,
    prefix: string,
    to: ModelPeer,
  ): ModelRoute | undefined {
    const communities = route.communities ?? [];
    const external = to.peerType === 'external';
    if (communities.includes(NO_ADVERTISE)) return undefined;
    if (external && communities.includes(NO_EXPORT)) return undefined;
    if (to.peerType !== 'internal' && communities.includes(NO_EXPORT_SUBCONFED)) return undefined;
    if (communities.includes(LLGR_STALE) && !to.longLived?.includes('ipv4-unicast')) return undefined;
    const reflected = from?.peerType === 'internal' && to.peerType === 'internal';
    if (reflected && !from.client && !to.client) return undefined;
    const foreign = external && from !== undefined ? { ...route, med: undefined } : route;
    const accepted = to.exportPolicy === undefined ? foreign : to.exportPolicy(foreign, prefix);
    return accepted === undefined ? undefined : this.#rewritten(accepted, reflected ? from : undefined, to);
  }

  /** @param reflectedFrom the internal peer that it came from, if it also goes to one. */
  #rewritten(route: ModelRoute, reflectedFrom: ModelPeer | undefined, to: ModelPeer): ModelRoute {
    const { asn, confederation, clusterId, routerId } = this.config;
    const self = to.peerType === 'external' || to.nextHopSelf || route.nextHop === '';
    const nextHop = self ? to.localAddress : route.nextHop;
    const { origin, path, med, communities } = route;
    if (to.peerType === 'external') {
      return { origin, path: [confederation?.id ?? asn, ...path], nextHop, communities, med };
    }
    const inside = { ...route, nextHop, localPref: route.localPref ?? 100 };
    if (to.peerType === 'confederation') {
      const { originatorId, clusterList, ...rest } = inside;
      return { ...rest, confederation: [asn, ...(route.confederation ?? [])] };
    }
    if (reflectedFrom === undefined) return inside;
    return {
      ...inside,
      originatorId: route.originatorId ?? reflectedFrom.routerId,
      clusterList: [clusterId ?? routerId, ...(route.clusterList ?? [])],
    };
  }
}

function withCommunity(route: ModelRoute, community: number): ModelRoute {
  const { communities = [] } = route;
  return communities.includes(community) ? route : { ...route, communities: [...communities, community] };
}

function number(address: string): number {
  return address.split('.').reduce((value, octet) => value * 256 + Number(octet), 0);
}

/** One text for equal routes, however they are written. */
export function routeKey(route: ModelRoute | undefined): string {
  if (route === undefined) return 'none';
  const { origin, path, nextHop, med, localPref, communities, originatorId, clusterList } = route;
  return JSON.stringify([
    origin,
    route.confederation ?? [],
    path,
    nextHop,
    med,
    localPref,
    communities ?? [],
    originatorId,
    clusterList ?? [],
  ]);
}

/** The model's view of decoded attributes. */
export function modelRoute(attributes: PathAttributes, nextHop: Uint8Array): ModelRoute {
  const segments = attributes.asPath!;
  return {
    origin: attributes.origin!,
    path: segments.flatMap(({ kind, asns }) => (kind === 'sequence' ? asns : [])),
    confederation: segments.flatMap(({ kind, asns }) => (kind === 'confed-sequence' ? asns : [])),
    nextHop: nextHop.length === 0 ? '' : formatAddress(nextHop),
    med: attributes.med,
    localPref: attributes.localPref,
    communities: attributes.communities,
    originatorId: attributes.originatorId,
    clusterList: attributes.clusterList,
  };
}
