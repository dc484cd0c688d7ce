import type { PathAttributes } from '../attribute/table.ts';
import type { Family } from '../family.ts';
import type { Policy } from '../policy/policy.ts';
import type { BgpRole, ConfederationConfig } from '../session/config.ts';

/**
 * The attributes of a route as a RIB keeps them: NLRI apart, 4-octet AS numbers, one next hop whatever attribute it
 * came in.
 */
export interface RouteAttributes
  extends Omit<
    PathAttributes,
    'origin' | 'asPath' | 'nextHop' | 'mpReach' | 'mpUnreach' | 'as4Path' | 'as4Aggregator'
  > {
  readonly origin: NonNullable<PathAttributes['origin']>;
  readonly asPath: NonNullable<PathAttributes['asPath']>;
  /**
   * As it stands in NEXT_HOP or MP_REACH_NLRI: 4, 16 or 32 octets for prefixes, with a route distinguisher before it for
   * VPNs; none for an own route that is to carry each session's local address.
   */
  readonly nextHop: Uint8Array;
  /**
   * What the NLRI says beside the key of the route (labels, an ESI; see NlriCodec.data); absent where that is nothing.
   * It travels with the attributes, so that a route stays a key and one number.
   */
  readonly nlriData?: Uint8Array;
}

/**
 * Finds out what it costs to reach a next hop (4 or 16 octets, RFC 4271 §9.1.2.1): the IGP metric, or `undefined` where
 * the next hop cannot be reached.
 */
export type NextHopResolver = (nextHop: Uint8Array) => number | undefined;

/** The speaker that a RIB belongs to. */
export interface RibConfig {
  /** Our AS; within a confederation that of our member. */
  readonly asn: number;
  /** BGP identifier as an unsigned integer. */
  readonly routerId: number;
  /** Where the speaker is a route reflector (RFC 4456 §7). */
  readonly clusterId?: number | undefined;
  /** RFC 5065: `asn` is then our member AS. */
  readonly confederation?: ConfederationConfig | undefined;
  /** Most paths of equal cost to use for a prefix, from other ASes and from our own; default 1 each. */
  readonly multipath?: { readonly ebgp: number; readonly ibgp: number } | undefined;
  /** Compare MED between paths of different neighbouring ASes as well; default false (RFC 4271 §9.1.2.2 c). */
  readonly alwaysCompareMed?: boolean | undefined;
  /** Let AIGP decide before AS_PATH length (RFC 7311 §4.1); default false. */
  readonly compareAigp?: boolean | undefined;
  /** Default: every next hop can be reached, at a cost that nobody knows, so that the step is skipped. */
  readonly resolve?: NextHopResolver | undefined;
  /** Nothing comes in from or goes out to an external peer without a policy (RFC 8212); default false. */
  readonly ebgpRequiresPolicy?: boolean | undefined;
  /** Prefixes whose best path changed are reported by flush; default true. */
  readonly reportChanges?: boolean | undefined;
}

/** An established peer as the RIB sees it. */
export interface RibPeerConfig {
  readonly name: string;
  /** Inside our AS, in another member AS of our confederation, or outside. */
  readonly peerType: 'internal' | 'confederation' | 'external';
  /** Its AS. */
  readonly asn?: number | undefined;
  /** The AS that we are for it. Default: ours, to the outside that of the confederation. */
  readonly localAs?: number | undefined;
  /** BGP identifier from its OPEN. */
  readonly routerId: number;
  /** 4 or 16 octets. */
  readonly address: Uint8Array;
  /** Our end of the session; 4 or 16 octets. */
  readonly localAddress: Uint8Array;
  /** Our addresses on the session's link, for next hops of the other IP version. */
  readonly localAddresses?:
    | {
        readonly ipv4?: Uint8Array | undefined;
        readonly ipv6?: Uint8Array | undefined;
        readonly ipv6LinkLocal?: Uint8Array | undefined;
      }
    | undefined;
  /** It is our route-reflector client (RFC 4456). */
  readonly client: boolean;
  /** Our own address as next hop of everything that we send it. */
  readonly nextHopSelf: boolean;
  /** Next hops stay as they are towards other ASes as well, as VPN and EVPN fabrics want it. */
  readonly nextHopUnchanged?: boolean | undefined;
  /**
   * Tells next hops on the subnet that we share with an external peer one hop away: those stay (third-party next hop,
   * RFC 4271 §5.1.3). Absent: our own address.
   */
  readonly sharesSubnet?: ((nextHop: Uint8Array) => boolean) | undefined;
  readonly families: readonly Family[];
  readonly fourOctetAs: boolean;
  /** Octets, 4096 or 65535 (RFC 8654). */
  readonly maxMessageLength: number;
  /** Families in which it is sent several paths of a prefix (RFC 7911), at most `max` of the best. */
  readonly addPathSend?: readonly { readonly family: Family; readonly max: number }[] | undefined;
  /** IPv4 families whose routes it takes with an IPv6 next hop (RFC 8950). */
  readonly extendedNextHop?: readonly Family[] | undefined;
  readonly importPolicy?: Policy | undefined;
  readonly exportPolicy?: Policy | undefined;
  /** Overrides {@link RibConfig.ebgpRequiresPolicy}. */
  readonly ebgpRequiresPolicy?: boolean | undefined;
  /** How often our AS may stand in AS_PATH; default 0. */
  readonly allowAsIn?: number | undefined;
  /** What we are to it, where roles are used (RFC 9234 §5). */
  readonly role?: BgpRole | undefined;
  /** MinRouteAdvertisementIntervalTimer, RFC 4271 §9.2.1.1; ms, default 0. */
  readonly mrai?: number | undefined;
  /** Families in which it understands long-lived stale routes (RFC 9494 §4.3). */
  readonly longLived?: readonly Family[] | undefined;
  /** We are about to leave: routes go to it with GRACEFUL_SHUTDOWN, those from it get LOCAL_PREF 0 (RFC 8326). */
  readonly gracefulShutdown?: boolean | undefined;
  /** It is sent only routes whose targets it asked for in the family `rt-constraint` (RFC 4684). */
  readonly rtConstraint?: boolean | undefined;
  /** Refreshes that it asks for are marked with BoRR and EoRR (RFC 7313 §4). */
  readonly enhancedRefresh?: boolean | undefined;
}

export interface RibPeer extends RibPeerConfig {
  /** Never used twice; 0 stands for the speaker's own routes. */
  readonly id: number;
}

/** Peer number of own routes. */
export const LOCAL = 0;

/** What LOCAL_PREF counts as where it is absent, as all implementations have it. */
export const DEFAULT_LOCAL_PREF = 100;
