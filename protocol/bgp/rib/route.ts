import type { PathAttributes } from '../attribute/table.ts';
import type { Family } from '../family.ts';

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
  /** 4, 16 or 32 octets; none for an own route that is to carry each session's local address. */
  readonly nextHop: Uint8Array;
}

/** The speaker that a RIB belongs to. */
export interface RibConfig {
  readonly asn: number;
  /** BGP identifier as an unsigned integer. */
  readonly routerId: number;
  /** Where the speaker is a route reflector (RFC 4456 §7). */
  readonly clusterId: number | undefined;
}

/** An established peer as the RIB sees it. */
export interface RibPeerConfig {
  readonly name: string;
  readonly external: boolean;
  /** BGP identifier from its OPEN. */
  readonly routerId: number;
  /** 4 or 16 octets. */
  readonly address: Uint8Array;
  /** Our end of the session; 4 or 16 octets. */
  readonly localAddress: Uint8Array;
  /** It is our route-reflector client. */
  readonly client: boolean;
  readonly nextHopSelf: boolean;
  readonly families: readonly Family[];
  readonly fourOctetAs: boolean;
  readonly maxMessageLength: number;
}

export interface RibPeer extends RibPeerConfig {
  /** Never used twice; 0 stands for the speaker's own routes. */
  readonly id: number;
}

/** Peer number of own routes. */
export const LOCAL = 0;

/** What LOCAL_PREF counts as where it is absent, as all implementations have it. */
export const DEFAULT_LOCAL_PREF = 100;
