import type { SessionState } from '../../protocol/bgp/session/state.ts';

/** An address family a session may carry, by its usual name. */
export type FamilyName = 'ipv4-unicast' | 'ipv6-unicast';

/** A configured neighbour. Two sessions to one address and port are a configuration error. */
export interface PeerConfig {
  /** Stable name, e.g. `Mesh_10_0_0_2`; identifies the peer across reconfiguration. */
  readonly name: string;
  readonly address: string;
  /** TCP port of the peer (dialling); default 179. */
  readonly port?: number;
  readonly asn: number;
  /** Source address for dialling, and the only local address on which this peer is accepted. */
  readonly localAddress?: string;
  /** Never dial, only accept. */
  readonly passive?: boolean;
  /** This peer is our route-reflector client (RFC 4456). */
  readonly routeReflectorClient?: boolean;
  /** Seconds; default 240 as Calico's BIRD, 0 switches keepalives off. */
  readonly holdTime?: number;
  readonly families?: readonly FamilyName[];
  readonly nextHopSelf?: boolean;
  /** As calicoctl names it: `node-to-node mesh`, `global`, `node specific`. Shown, not interpreted. */
  readonly type?: string;
  /** Name of the node behind the address, where known. Shown, not interpreted. */
  readonly node?: string;
}

export interface SpeakerConfig {
  readonly asn: number;
  /** Dotted quad. */
  readonly routerId: string;
  /** Where to accept connections; the address is also NEXT_HOP of announced routes on sessions that use it. */
  readonly listen: readonly { readonly address: string; readonly port: number }[];
  /** Dotted quad; set on route reflectors. */
  readonly clusterId?: string;
}

/** State of one session, as `birdc show protocols all` or `show bgp neighbors` would tell it. */
export interface NeighborStatus {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly localAddress: string | undefined;
  readonly asn: number;
  readonly type: string | undefined;
  readonly node: string | undefined;
  readonly routeReflectorClient: boolean;
  readonly state: SessionState;
  /** Wall-clock nanoseconds since which it has been in or out of Established. */
  readonly since: bigint;
  /** Peer's BGP identifier once its OPEN was seen. */
  readonly routerId: string | undefined;
  /** Negotiated, seconds. */
  readonly holdTime: number | undefined;
  readonly families: readonly FamilyName[];
  readonly endOfRibReceived: readonly FamilyName[];
  readonly endOfRibSent: readonly FamilyName[];
  readonly prefixesReceived: number;
  readonly prefixesSent: number;
  readonly messagesReceived: number;
  readonly messagesSent: number;
  /** Last NOTIFICATION or transport error, one line. */
  readonly lastError: string | undefined;
}

/** A path in a RIB, in text, for control and for the node agent (not per-route storage). */
export interface PathView {
  readonly prefix: string;
  readonly nextHop: string;
  /** Peer it was learnt from: name and address; `undefined` for own routes. */
  readonly peer: { readonly name: string; readonly address: string } | undefined;
  readonly origin: 'IGP' | 'EGP' | 'INCOMPLETE';
  /** As text, e.g. `"64512 {1 2}"`; empty for own AS. */
  readonly asPath: string;
  readonly localPref: number | undefined;
  readonly med: number | undefined;
  readonly originatorId: string | undefined;
  readonly clusterList: readonly string[];
  readonly communities: readonly string[];
  readonly best: boolean;
}

/** Best route of a prefix changed; `best` undefined means that no route is left. */
export interface BestChange {
  readonly prefix: string;
  readonly best: PathView | undefined;
}
