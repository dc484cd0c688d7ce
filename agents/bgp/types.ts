import type { Family } from '../../protocol/bgp/family.ts';
import type { Policy } from '../../protocol/bgp/policy/policy.ts';
import type { SessionCounters } from '../../protocol/bgp/session/counters.ts';
import type { Negotiated } from '../../protocol/bgp/session/negotiated.ts';
import type { SessionState } from '../../protocol/bgp/session/state.ts';
import type { TcpAoKey } from '../ports.ts';
import type { AnnounceOptions } from './own-route.ts';

/** An address family a session may carry, by its usual name. */
export type FamilyName = Family;

/** What a family of one session may be set to beside being carried. */
export interface PeerFamilyConfig {
  readonly family: FamilyName;
  /** ADD-PATH (RFC 7911): accept several paths of a prefix, and send so many of the best ones (`all`: every one). */
  readonly addPath?: { readonly receive?: boolean; readonly send?: number | 'all' };
  readonly maxPrefixes?: MaxPrefixes;
  /** Carry NLRI of this IPv4 family over IPv6 next hops (RFC 8950). */
  readonly extendedNextHop?: boolean;
  /** The peer must carry the family too, or the session is refused (RFC 5492 §3). */
  readonly required?: boolean;
}

/** How many prefixes of a family a peer may announce, and what happens beyond (RFC 4271 §6.7). */
export interface MaxPrefixes {
  readonly limit: number;
  /** `warn`: log only; `teardown`: Cease, Maximum Number of Prefixes Reached (RFC 4486 §4). Default teardown. */
  readonly action?: 'warn' | 'teardown';
  /** Percent of the limit from which on a warning is logged; default 75. */
  readonly warnAt?: number;
  /** Seconds after which a session that was torn down is tried again; absent: when somebody clears it. */
  readonly restartAfter?: number;
}

/** Graceful restart (RFC 4724), for all families of the session unless `families` names some. */
export interface GracefulRestartConfig {
  /** How long our peer shall wait for us, seconds (12 bits); default 120. */
  readonly restartTime?: number;
  /** How long routes of a restarted peer stay stale without its End-of-RIB, seconds; default 360. */
  readonly staleTime?: number;
  /** Keep our peer's routes while it restarts, but announce no forwarding state of our own; default false. */
  readonly helperOnly?: boolean;
  /** Also across NOTIFICATIONs other than a hard reset (RFC 8538); default true. */
  readonly notification?: boolean;
  readonly families?: readonly FamilyName[];
}

/** Long-lived graceful restart (RFC 9494). */
export interface LongLivedGracefulRestartConfig {
  /** Long-lived stale time to advertise, seconds (24 bits). */
  readonly staleTime: number;
  readonly families?: readonly FamilyName[];
}

/** Capabilities that are advertised or not, whatever the settings of the features; defaults as far as not said otherwise: true. */
export interface CapabilityConfig {
  readonly fourOctetAs?: boolean;
  readonly routeRefresh?: boolean;
  readonly enhancedRouteRefresh?: boolean;
  /** Default false. */
  readonly softwareVersion?: string | false;
  /** Host and domain name (draft-walton-bgp-hostname-capability); default none. */
  readonly fqdn?: { readonly host: string; readonly domain?: string };
}

/** Everything that can be set for a peer beside who it is; a peer group has been folded in already. */
export interface PeerSettings {
  /** AS that we are for this peer; default the speaker's. */
  readonly localAsn?: number;
  /** Source address for dialling, and the only local address on which this peer is accepted. */
  readonly localAddress?: string;
  /** Our addresses towards this peer, for next hops of the IP version that the session does not have. */
  readonly localAddresses?: { readonly ipv4?: string; readonly ipv6?: string };
  /** Source port for dialling. */
  readonly localPort?: number;
  /** Never dial, only accept. */
  readonly passive?: boolean;
  /** TTL of what we send to an eBGP peer that is not directly connected; absent: the system's default. */
  readonly multihop?: number;
  /** GTSM (RFC 5082): send with TTL 255 and accept only what came over at most so many hops (1: direct). */
  readonly ttlSecurity?: number;
  /** Key of TCP-MD5 signatures (RFC 2385). */
  readonly md5?: string;
  /** Keys of TCP-AO (RFC 5925), the one to sign with first. */
  readonly ao?: readonly TcpAoKey[];
  /** Seconds; default 240 as Calico's BIRD, 0 switches keepalives off. */
  readonly holdTime?: number;
  /** Seconds for which a peer may take nothing from us (RFC 9687); default the larger of 8 minutes and twice the hold time. 0: off. */
  readonly sendHoldTime?: number;
  /** Longest wait before dialling again, seconds; default 5. */
  readonly connectRetry?: number;
  /** Wait for the peer's OPEN before sending ours, seconds (RFC 4271 §8.1.1); default 0. */
  readonly delayOpen?: number;
  /** MinRouteAdvertisementIntervalTimer, seconds (RFC 4271 §9.2.1.1); default 0. */
  readonly advertisementInterval?: number;
  readonly families?: readonly FamilyName[];
  /** More about some of `families`. */
  readonly familySettings?: readonly PeerFamilyConfig[];
  /** This peer is our route-reflector client (RFC 4456). */
  readonly routeReflectorClient?: boolean;
  readonly nextHopSelf?: boolean;
  /** Leave NEXT_HOP as it is, also to eBGP peers. */
  readonly nextHopUnchanged?: boolean;
  /** How often the own AS may stand in AS_PATH; default 0. */
  readonly allowAsIn?: number;
  /** Our role towards the peer (RFC 9234). */
  readonly role?: Role;
  /** Refuse a peer that states no role. */
  readonly roleStrict?: boolean;
  /** Take messages of up to 65535 octets (RFC 8654); default false. */
  readonly extendedMessage?: boolean;
  readonly gracefulRestart?: GracefulRestartConfig;
  readonly longLivedGracefulRestart?: LongLivedGracefulRestartConfig;
  /** Refuse routes of an eBGP peer whose AS does not stand leftmost (RFC 4271 §6.3); default true. */
  readonly enforceFirstAs?: boolean;
  /** Absent: everything, or with the speaker's `ebgpRequiresPolicy` nothing from an eBGP peer. */
  readonly importPolicy?: Policy;
  readonly exportPolicy?: Policy;
  /** Announce everything to this peer with GRACEFUL_SHUTDOWN, its routes get local preference 0 (RFC 8326). */
  readonly gracefulShutdown?: boolean;
  readonly capabilities?: CapabilityConfig;
  /** Capabilities without which the peer is refused (RFC 5492 §3), beside the required families. */
  readonly require?: readonly RequiredCapability[];
  /** Configured, but not to be started; `podwire bgp enable` starts it. */
  readonly shutdown?: boolean;
  /** Peer group that the settings came from. Shown, not interpreted. */
  readonly group?: string;
  /** Free text. Shown, not interpreted. */
  readonly description?: string;
  /** As calicoctl names it: `node-to-node mesh`, `global`, `node specific`. Shown, not interpreted. */
  readonly type?: string;
  /** Name of the node behind the address, where known. Shown, not interpreted. */
  readonly node?: string;
}

/** Roles of RFC 9234 §4.1. */
export type Role = 'provider' | 'rs-server' | 'rs-client' | 'customer' | 'peer';

/** Capabilities that can be demanded of a peer. */
export type RequiredCapability =
  | 'four-octet-as'
  | 'route-refresh'
  | 'enhanced-route-refresh'
  | 'extended-message'
  | 'graceful-restart'
  | 'role';

/** A configured neighbour. Two sessions to one address and port are a configuration error. */
export interface PeerConfig extends PeerSettings {
  /** Stable name, e.g. `Mesh_10_0_0_2`; identifies the peer across reconfiguration. */
  readonly name: string;
  readonly address: string;
  /** TCP port of the peer (dialling); default 179. */
  readonly port?: number;
  /** Its AS; several, or `any`, where whoever is there may have one of several. */
  readonly asn: number | readonly number[] | 'any';
}

/**
 * Dynamic neighbours: whoever connects from an address of the range becomes a passive peer with these settings while
 * its session lasts.
 */
export interface PeerRangeConfig extends PeerSettings {
  /** Stable name of the range; its peers are named after their address. */
  readonly name: string;
  /** Prefix, e.g. `10.0.0.0/8`; of several that hold an address the longest counts. */
  readonly range: string;
  /** AS numbers that a peer may have; `any`: whatever its OPEN says. */
  readonly asn: number | readonly number[] | 'any';
  /** Most peers at a time; default 256. */
  readonly limit?: number;
}

/** What a speaker is and does, beside its peers ({@link BgpSpeaker.setPeers}). */
export interface SpeakerConfig {
  readonly asn: number;
  /** Dotted quad. */
  readonly routerId: string;
  /** Where to accept connections; the address is also NEXT_HOP of announced routes on sessions that use it. */
  readonly listen: readonly { readonly address: string; readonly port: number }[];
  /** Dotted quad; set on route reflectors. */
  readonly clusterId?: string;
  /** RFC 5065: `asn` is then the AS of our member of the confederation with the AS `id`, the others are `members`. */
  readonly confederation?: { readonly id: number; readonly members: readonly number[] };
  /** RFC 8212: without a policy no route comes from or goes to an eBGP peer; default false. */
  readonly ebgpRequiresPolicy?: boolean;
  /** Equal-cost paths to use, 1 to switch it off; default 1. */
  readonly multipath?: { readonly ebgp: number; readonly ibgp: number };
  /**
   * RFC 4684, for sessions that carry the family `rt-constraint`: whether peers are sent only what they asked for, and
   * what we ask for; default {@link RtConstraintConfig}'s.
   */
  readonly rtConstraint?: boolean | RtConstraintConfig;
  /** Absent: every next hop can be reached, at a cost that nobody knows. */
  readonly nextHops?: readonly NextHopConfig[];
  /**
   * We come back from a restart (RFC 4724 §4.1): OPENs say so, and selection waits for the End-of-RIB of all peers, at
   * most `deferral` seconds (default 360). Of a range with graceful restart it waits for callers as long as its restart
   * time, since nobody knows who they were.
   */
  readonly restarting?: { readonly deferral?: number };
}

/** Route targets to ask peers for (RFC 4684), such as `rt:65000:1`. */
export interface RtConstraintConfig {
  /** Default: everything (`default`) where we are a route reflector, otherwise nothing. */
  readonly import?: 'default' | readonly string[];
}

/** Next hops that can be reached, and at what cost (RFC 4271 §9.1.2.1). */
export interface NextHopConfig {
  readonly prefix: string;
  /** IGP metric; default 0. */
  readonly cost?: number | undefined;
}

/** A prefix (or EVPN route in text) that a speaker originates. */
export interface NetworkConfig extends AnnounceOptions {
  readonly prefix: string;
}

/** State of one session, as `birdc show protocols all` or `show bgp neighbors` would tell it. */
export interface NeighborStatus {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly localAddress: string | undefined;
  /** Its AS; `undefined` while it may have several and none is known. */
  readonly asn: number | undefined;
  /** AS that we are for it. */
  readonly localAsn: number;
  /** What we are to it (RFC 9234). */
  readonly role: Role | undefined;
  readonly type: string | undefined;
  readonly node: string | undefined;
  readonly group: string | undefined;
  readonly description: string | undefined;
  /** It is a peer because it called from a range. */
  readonly dynamic: boolean;
  readonly routeReflectorClient: boolean;
  readonly state: SessionState;
  /** Ended by an operator or by the configuration, until somebody enables it. */
  readonly shutDown: boolean;
  /** The family of which the peer sent too many prefixes, which ended the session; absent where it may go on. */
  readonly prefixLimit?: FamilyName;
  /** Wall-clock nanoseconds since which it has been in or out of Established. */
  readonly since: bigint;
  /** Peer's BGP identifier once its OPEN was seen. */
  readonly routerId: string | undefined;
  /** Negotiated, seconds. */
  readonly holdTime: number | undefined;
  readonly families: readonly FamilyName[];
  /** What both sides can do, by the names of the capabilities; empty unless Established. */
  readonly capabilities: readonly string[];
  /** What that means in detail; absent before both OPENs are accepted. */
  readonly negotiated?: NegotiatedStatus;
  readonly endOfRibReceived: readonly FamilyName[];
  readonly endOfRibSent: readonly FamilyName[];
  readonly prefixesReceived: number;
  readonly prefixesSent: number;
  /** Families of which routes are kept while the peer restarts. */
  readonly staleFamilies: readonly FamilyName[];
  readonly messagesReceived: number;
  readonly messagesSent: number;
  /** Messages by type, and received ones with faults by what came of them (RFC 7606). */
  readonly counters: Pick<SessionCounters, 'received' | 'sent' | 'faults'>;
  /** How often the session came up. */
  readonly established: number;
  /** Last NOTIFICATION or transport error, one line. */
  readonly lastError: string | undefined;
}

/** What the two OPENs of a session settled, beside families and hold time. */
export interface NegotiatedStatus
  extends Pick<
    Negotiated,
    | 'addPathSend'
    | 'addPathReceive'
    | 'extendedNextHop'
    | 'gracefulRestart'
    | 'longLived'
    | 'role'
    | 'fqdn'
    | 'softwareVersion'
    | 'pathsLimit'
  > {
  /** Most octets of a message that we take, and that the peer takes (RFC 8654). */
  readonly maxMessageLength: { readonly receive: number; readonly send: number };
  /** Every capability that the peer advertised, one line each. */
  readonly peerCapabilities: readonly string[];
}

/** A path in a RIB, in text, for control and for the node agent (not per-route storage). */
export interface PathView {
  readonly family: FamilyName;
  readonly prefix: string;
  /** Path identifier of the peer that sent it, or with which it was sent (RFC 7911); absent where there is none. */
  readonly pathId?: number;
  readonly nextHop: string;
  /** Peer it was learnt from: name and address; `undefined` for own routes. */
  readonly peer: { readonly name: string; readonly address: string } | undefined;
  /** What that peer is to us. */
  readonly source: 'local' | 'internal' | 'confederation' | 'external';
  readonly origin: 'IGP' | 'EGP' | 'INCOMPLETE';
  /** As text, e.g. `"64512 {1,2}"`; empty for own AS. */
  readonly asPath: string;
  readonly localPref: number | undefined;
  readonly med: number | undefined;
  readonly originatorId: string | undefined;
  readonly clusterList: readonly string[];
  /** Standard, extended and large communities. */
  readonly communities: readonly string[];
  /** ONLY_TO_CUSTOMER (RFC 9234). */
  readonly otc?: number;
  readonly best: boolean;
  /** Used beside the best path, which costs as much. */
  readonly multipath?: boolean;
  /** Why it takes no part in selection, in words; absent where it does. */
  readonly ineligible?: string;
  /** Its peer is restarting and has not confirmed it yet (RFC 4724). */
  readonly stale?: boolean;
  /** In the long-lived phase of that (RFC 9494). */
  readonly longLived?: boolean;
}

/** A path and what became of it in route selection. */
export interface ExplainedPath extends PathView {
  /** The step at which it lost against the best path, and what was compared there; absent for the best one. */
  readonly lost?: {
    readonly step: string;
    /** The rule in words, e.g. `higher local preference wins`. */
    readonly rule: string;
    readonly value: string;
    readonly best: string;
  };
}

/** Best route of a prefix changed; `best` undefined means that no route is left. */
export interface BestChange {
  readonly prefix: string;
  readonly best: PathView | undefined;
}
