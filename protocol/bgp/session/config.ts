/** What a session is told about itself and its peer. Plain data, so that a session can be recorded with it. */
import type { Capability } from '../capability/capability.ts';
import type { ROLE_NAMES } from '../capability/role.ts';
import type { Family } from '../family.ts';

export type { Negotiated } from './negotiated.ts';

/** A kind of capability, by the name of its descriptor. */
export type CapabilityKind = Exclude<Capability['kind'], 'unknown'>;

/** Our side of the relationship with an external peer, RFC 9234 §3: what we are to it. */
export type BgpRole = (typeof ROLE_NAMES)[number];

/** A confederation to which we belong (RFC 5065). */
export interface ConfederationConfig {
  /** The AS that the world outside sees. */
  readonly id: number;
  /** Every member AS, our own among them or not. */
  readonly members: readonly number[];
}

/** What we offer of graceful restart (RFC 4724 §3, RFC 8538 §2). */
export interface GracefulRestartConfig {
  /** Seconds within which we promise to be back, 0 to 4095. */
  readonly restartTime: number;
  /** R bit: we are just coming back. */
  readonly restarting: boolean;
  /** N bit: routes stay when a NOTIFICATION ends the session, too (RFC 8538). */
  readonly notification: boolean;
  /** Families whose routes are to be kept; `forwarding` is the F bit. Empty: we only keep routes for the peer. */
  readonly families: readonly { readonly family: Family; readonly forwarding: boolean }[];
}

/** What we offer of long-lived graceful restart (RFC 9494 §3.1). */
export interface LongLivedGracefulRestartConfig {
  /** `staleTime` in seconds, 24 bits. */
  readonly families: readonly {
    readonly family: Family;
    readonly staleTime: number;
    readonly forwarding: boolean;
  }[];
}

/** One family of ADD-PATH (RFC 7911 §4), from our side. */
export interface AddPathConfig {
  readonly family: Family;
  readonly send: boolean;
  readonly receive: boolean;
}

/** The capabilities that we advertise beside the families. */
export interface CapabilityConfig {
  /** RFC 6793; default true. */
  readonly fourOctetAs?: boolean;
  /** RFC 2918; default true. */
  readonly routeRefresh?: boolean;
  /** RFC 7313; default true. */
  readonly enhancedRouteRefresh?: boolean;
  /** RFC 8654: we take messages of up to 65535 octets; default false. */
  readonly extendedMessage?: boolean;
  readonly addPath?: readonly AddPathConfig[];
  /** Families whose routes may come with an IPv6 next hop although they are of IPv4 (RFC 8950). */
  readonly extendedNextHop?: readonly Family[];
  readonly gracefulRestart?: GracefulRestartConfig;
  readonly longLivedGracefulRestart?: LongLivedGracefulRestartConfig;
  /** RFC 9234; only external peers take part. */
  readonly role?: BgpRole;
  /** The session needs the peer's role as well (RFC 9234 §4.2 strict mode). */
  readonly roleStrict?: boolean;
  /** Host and domain name to show (draft-walton-bgp-hostname). */
  readonly fqdn?: { readonly hostName: string; readonly domainName: string };
  /** Name and version of the software to show (draft-ietf-idr-bgp-software-version). */
  readonly softwareVersion?: string;
  /** How many paths of a prefix the peer is asked to send at most (draft-abraitis-idr-addpath-paths-limit). */
  readonly pathsLimit?: readonly { readonly family: Family; readonly limit: number }[];
}

/** What a session is told about itself and its peer; {@link completeConfig} gives the defaults. */
export interface SessionConfig {
  /** The AS that this peer sees: with a confederation, the member AS towards members, its id towards others. */
  readonly localAs: number;
  /** BGP identifier as an unsigned integer. */
  readonly localId: number;
  /** AS of the peer, or several that it may have; left out: any (neighbours that are only known by their range). */
  readonly peerAs?: number | readonly number[] | undefined;
  readonly confederation?: ConfederationConfig;
  /** Seconds to offer; 0 switches keepalives off. */
  readonly holdTime: number;
  /** Smallest hold time of a peer that is acceptable, s: less is answered with 2/6 (RFC 4271 §6.2). Default 0: any. */
  readonly minHoldTime?: number;
  /** How long a peer may read nothing, s (RFC 9687); 0: forever. Default: the larger of 480 and twice the hold time. */
  readonly sendHoldTime?: number;
  /** Never dial (RFC 4271 §8.1.1, PassiveTcpEstablishment). */
  readonly passive: boolean;
  readonly families: readonly Family[];
  readonly capabilities?: CapabilityConfig;
  /**
   * Capabilities without which no session comes up (RFC 5492 §3): the peer is told 2/7 with those that it lacks.
   * `multiprotocol` means every one of `families`.
   */
  readonly required?: readonly CapabilityKind[];
  /** The AS_PATH of an external peer's routes must start with its AS (RFC 4271 §6.3, RFC 7606 §7.2). Default true. */
  readonly enforceFirstAs?: boolean;
  /** Longest wait before dialling again, ms; also how long one dial may take. */
  readonly connectRetryTime: number;
  /** First wait after a failed dial, ms; doubles up to `connectRetryTime`. */
  readonly firstRetryTime: number;
  /** Wait for the peer's OPEN before sending ours, ms (RFC 4271 §8.1.1); 0: do not wait. */
  readonly delayOpenTime: number;
  /** Compare with a new connection also what is Established (RFC 4271 §8.1.1). Default false: the new one goes. */
  readonly collisionDetectEstablished?: boolean;
  /** Answer faults also before our OPEN is out, with DelayOpen (RFC 4271 §8.1.1). Default true. */
  readonly sendNotificationWithoutOpen?: boolean;
  /**
   * Wait ever longer before starting again after faults (RFC 4271 §8.1.1, DampPeerOscillations). Default true.
   * False: always `firstRetryTime`.
   */
  readonly dampPeerOscillations?: boolean;
}

/** Waiting for OPEN, RFC 4271 §8.2.2: "a large value", 4 minutes suggested. ms */
export const LARGE_HOLD_TIME = 240_000;

/** `holdTime` of BIRD, and so of Calico. Seconds. */
export const DEFAULT_HOLD_TIME = 240;

/** Smallest default of `sendHoldTime`, RFC 9687 §6: 8 minutes. Seconds. */
export const DEFAULT_SEND_HOLD_TIME = 480;

/** Values that a lab wants: dial again soon, give up never. */
export const DEFAULT_TIMING: Pick<SessionConfig, 'connectRetryTime' | 'firstRetryTime' | 'delayOpenTime'> = {
  connectRetryTime: 5_000,
  firstRetryTime: 100,
  delayOpenTime: 0,
};

/** A {@link SessionConfig} whose capabilities are all said. */
export interface CompleteCapabilities extends CapabilityConfig {
  readonly fourOctetAs: boolean;
  readonly routeRefresh: boolean;
  readonly enhancedRouteRefresh: boolean;
  readonly extendedMessage: boolean;
  readonly addPath: readonly AddPathConfig[];
  readonly extendedNextHop: readonly Family[];
  readonly roleStrict: boolean;
  readonly pathsLimit: readonly { readonly family: Family; readonly limit: number }[];
}

/** A {@link SessionConfig} with its defaults filled in. */
export interface CompleteConfig extends SessionConfig {
  readonly minHoldTime: number;
  readonly capabilities: CompleteCapabilities;
  readonly required: readonly CapabilityKind[];
  readonly enforceFirstAs: boolean;
  readonly collisionDetectEstablished: boolean;
  readonly sendNotificationWithoutOpen: boolean;
  readonly dampPeerOscillations: boolean;
}

/** Fills in what a configuration leaves out. */
export function completeConfig(config: SessionConfig): CompleteConfig {
  return {
    minHoldTime: 0,
    required: [],
    enforceFirstAs: true,
    collisionDetectEstablished: false,
    sendNotificationWithoutOpen: true,
    dampPeerOscillations: true,
    ...config,
    capabilities: {
      fourOctetAs: true,
      routeRefresh: true,
      enhancedRouteRefresh: true,
      extendedMessage: false,
      addPath: [],
      extendedNextHop: [],
      roleStrict: false,
      pathsLimit: [],
      ...config.capabilities,
    },
  };
}
