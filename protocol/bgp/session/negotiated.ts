/** What the two OPENs of a session settled. Plain data. */
import type { Capability } from '../capability/capability.ts';
import type { CodecContext, PeerType } from '../context.ts';
import type { Family } from '../family.ts';
import type { BgpRole } from './config.ts';

/** What the peer said about graceful restart (RFC 4724 §3, RFC 8538 §2). */
export interface PeerGracefulRestart {
  /** R bit: the peer just restarted. */
  readonly restarting: boolean;
  /** N bit, and ours is set as well: routes stay when a NOTIFICATION ends the session. */
  readonly notification: boolean;
  /** Seconds for which the peer's routes are to be kept. */
  readonly restartTime: number;
  /** Negotiated families whose routes are to be kept; `forwarding` is the F bit. */
  readonly families: readonly { readonly family: Family; readonly forwarding: boolean }[];
}

/** What the peer said about long-lived graceful restart (RFC 9494 §3.1). */
export interface PeerLongLivedGracefulRestart {
  /** `staleTime` in seconds. */
  readonly families: readonly {
    readonly family: Family;
    readonly staleTime: number;
    readonly forwarding: boolean;
  }[];
}

/** What the two OPENs settled. */
export interface Negotiated {
  /** The AS that the peer sees. */
  readonly localAs: number;
  readonly peerAs: number;
  /** BGP identifier of the peer as an unsigned integer. */
  readonly peerId: number;
  readonly peerType: PeerType;
  /** Seconds; 0: no keepalives, no expiry. */
  readonly holdTime: number;
  /** Families that both sides offered, in our order. */
  readonly families: readonly Family[];
  /** The peer answers route refreshes, and so do we (RFC 2918). */
  readonly routeRefresh: boolean;
  /** Route refreshes have a beginning and an end (RFC 7313). */
  readonly enhancedRouteRefresh: boolean;
  /** Families whose NLRI carries path identifiers on its way to the peer (RFC 7911). */
  readonly addPathSend: readonly Family[];
  /** Families whose NLRI carries path identifiers on its way to us (RFC 7911). */
  readonly addPathReceive: readonly Family[];
  /** The peer takes messages of up to 65535 octets (RFC 8654). */
  readonly extendedMessageSend: boolean;
  /** Families whose routes may have an IPv6 next hop in both directions (RFC 8950). */
  readonly extendedNextHop: readonly Family[];
  /** The peer's, where both sides advertised the capability. */
  readonly gracefulRestart?: PeerGracefulRestart;
  /** The peer's, where both sides advertised the capability. */
  readonly longLived?: PeerLongLivedGracefulRestart;
  /** What each is to the other (RFC 9234), where both said so. */
  readonly role?: { readonly local: BgpRole; readonly remote: BgpRole };
  /** Host and domain name of the peer, as it shows them. */
  readonly fqdn?: { readonly hostName: string; readonly domainName: string };
  /** Name and version of the peer's software, as it shows them. */
  readonly softwareVersion?: string;
  /** How many paths of a prefix the peer wants at most. */
  readonly pathsLimit?: readonly { readonly family: Family; readonly limit: number }[];
  /** How to read the peer's messages from now on. */
  readonly context: CodecContext;
  /** How to write messages to the peer, as it will read them. */
  readonly sendContext: CodecContext;
  /** Everything that the peer advertised. */
  readonly peerCapabilities: readonly Capability[];
}
