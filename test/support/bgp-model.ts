// A RIB as the RFCs describe it, without any of the tables' cleverness: plain objects, everything computed from scratch.
// The real RIB must agree with it after any sequence of events.
import type { PathAttributes } from '../../protocol/bgp/attribute/table.ts';
import type { RibConfig, RibPeerConfig } from '../../protocol/bgp/rib/route.ts';

/** A route in the model; next hop as dotted or colon text. */
export interface ModelRoute {
  readonly origin: 0 | 1 | 2;
  /** One AS_SEQUENCE; empty: no segment. */
  readonly path: readonly number[];
  readonly nextHop: string;
  readonly med?: number | undefined;
  readonly localPref?: number | undefined;
  readonly communities?: readonly number[] | undefined;
  readonly originatorId?: number | undefined;
  readonly clusterList?: readonly number[] | undefined;
}

export interface ModelPeer extends Omit<RibPeerConfig, 'address' | 'localAddress'> {
  readonly address: string;
  readonly localAddress: string;
  /** Number in order of establishment: the last tie-breaker. */
  readonly order: number;
}

interface Candidate {
  readonly peer: ModelPeer | undefined;
  readonly route: ModelRoute;
}

export class RibModel {
  readonly config: RibConfig;
  readonly peers: Map<string, ModelPeer> = new Map();
  /** By peer name (empty for own routes), then by prefix. */
  readonly routes: Map<string, Map<string, ModelRoute>> = new Map([['', new Map()]]);

  constructor(config: RibConfig) {
    this.config = config;
  }

  up(peer: ModelPeer): void {
    this.peers.set(peer.name, peer);
    this.routes.set(peer.name, new Map());
  }

  down(name: string): void {
    this.peers.delete(name);
    this.routes.delete(name);
  }

  prefixes(): string[] {
    return [...new Set([...this.routes.values()].flatMap((routes) => [...routes.keys()]))].sort();
  }

  /** Name of the peer with the best route (empty: own), with the route. */
  best(prefix: string): Candidate | undefined {
    let left: Candidate[] = [];
    for (const [name, routes] of this.routes) {
      const route = routes.get(prefix);
      const peer = this.peers.get(name);
      if (route !== undefined && (peer === undefined || this.#eligible(route, peer)))
        left.push({ peer, route });
    }
    const keep = (cost: (candidate: Candidate) => number): void => {
      const lowest = Math.min(...left.map(cost));
      left = left.filter((candidate) => cost(candidate) === lowest);
    };
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
    keep(({ peer, route }) => route.originatorId ?? peer?.routerId ?? 0);
    keep(({ route }) => route.clusterList?.length ?? 0);
    keep(({ peer }) => number(peer?.address ?? '0.0.0.0'));
    keep(({ peer }) => peer?.order ?? 0);
    return left[0];
  }

  /** What a peer should have been sent for a prefix. */
  sent(prefix: string, to: ModelPeer): ModelRoute | undefined {
    const best = this.best(prefix);
    if (best === undefined || best.peer?.name === to.name) return undefined;
    const { peer: from, route } = best;
    const communities = route.communities ?? [];
    if (communities.includes(0xffffff02)) return undefined;
    if (to.peerType === 'external' && (communities.includes(0xffffff01) || communities.includes(0xffffff03)))
      return undefined;
    const reflected = from !== undefined && from.peerType === 'internal' && to.peerType === 'internal';
    if (reflected && !from.client && !to.client) return undefined;
    const self = to.peerType === 'external' || to.nextHopSelf || route.nextHop === '';
    const nextHop = self ? to.localAddress : route.nextHop;
    if (nextHop === to.address) return undefined;
    if (to.peerType === 'external') {
      const { origin } = route;
      return {
        origin,
        path: [this.config.asn, ...route.path],
        nextHop,
        communities: route.communities,
        med: from === undefined ? route.med : undefined,
      };
    }
    const internal = { ...route, nextHop, localPref: route.localPref ?? 100 };
    if (!reflected) return internal;
    return {
      ...internal,
      originatorId: route.originatorId ?? from.routerId,
      clusterList: [this.config.clusterId ?? this.config.routerId, ...(route.clusterList ?? [])],
    };
  }

  #eligible(route: ModelRoute, peer: ModelPeer): boolean {
    if (route.path.includes(this.config.asn)) return false;
    if (route.originatorId === this.config.routerId) return false;
    if (this.config.clusterId !== undefined && route.clusterList?.includes(this.config.clusterId))
      return false;
    return route.nextHop !== peer.localAddress;
  }
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
  return {
    origin: attributes.origin!,
    path: attributes.asPath!.flatMap(({ asns }) => asns),
    nextHop: nextHop.join('.'),
    med: attributes.med,
    localPref: attributes.localPref,
    communities: attributes.communities,
    originatorId: attributes.originatorId,
    clusterList: attributes.clusterList,
  };
}
