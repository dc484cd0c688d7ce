import type { NeighborStatus, PathView } from '../bgp/types.ts';
import type { BgpControl } from './bgp.ts';

/**
 * The control interface of an agent: what `podwire inspect`, `ping`, `exec`, `capture` ask a running agent. In one
 * process it is called directly; otherwise it is served as JSON over HTTP on a Unix socket (docs/control-api.md).
 * Everything returned is plain JSON (bigint as decimal strings).
 */
export interface AgentControl {
  readonly node: string;
  /** Its BGP speaker. */
  readonly speaker: BgpControl;
  status(): Promise<AgentStatus>;
  /** Calls `listener` with the status now and after each change (coalesced), until `signal` aborts. */
  watchStatus(listener: (status: AgentStatus) => void, signal: AbortSignal): Promise<void>;
  bgp(): Promise<NeighborRow[]>;
  /** Loc-RIB and, for each prefix, the losing paths. */
  rib(): Promise<PathView[]>;
  routes(): Promise<RouteRow[]>;
  fdb(): Promise<FdbRow[]>;
  ipam(): Promise<IpamRow[]>;
  pods(): Promise<PodRow[]>;
  store(): Promise<StoreRow[]>;
  /** Sends `count` echo requests from a pod of this node, one result each as it comes. */
  ping(request: PingRequest, onResult: (result: PingResult) => void, signal: AbortSignal): Promise<void>;
  /** Steps that this node took for packets between two addresses, until `signal` aborts. `onReady`: armed now. */
  trace(
    filter: TraceFilter,
    onStep: (step: TraceStepRow) => void,
    signal: AbortSignal,
    onReady?: () => void,
  ): Promise<void>;
  /**
   * pcapng bytes, beginning with a section header, until `signal` aborts. `onReady`: every later packet is recorded.
   * A promise from `onBytes` says that the reader is busy until it settles; packets beyond a bound are then dropped
   * and counted in the capture.
   */
  capture(
    filter: CaptureFilter,
    onBytes: (bytes: Uint8Array) => void | Promise<void>,
    signal: AbortSignal,
    onReady?: () => void,
  ): Promise<void>;
  /**
   * Runs a built-in command of an emulated pod (`ping`, `nc`, `ip addr`), writing to `output`; resolves with its exit
   * code. `signal` ends it as Ctrl-C would.
   */
  exec(
    pod: string,
    command: readonly string[],
    output: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => void,
    signal: AbortSignal,
    /** The command's whole standard input. */
    input?: Uint8Array,
  ): Promise<number>;
  /** Asks the agent to stop in order (Cease, IPAM kept); resolves when it has. */
  stop(): Promise<void>;
}

/** What `lab` needs to know whether a node has converged; every field is observed, none configured. */
export interface AgentStatus {
  readonly node: string;
  readonly kind: 'host' | 'route-reflector';
  /** Process id of the agent. */
  readonly pid: number;
  readonly address: string;
  readonly asn: number;
  /** Sessions configured from the store's resources, and how many of them are Established with the peer's initial routes in. */
  readonly sessions: { readonly total: number; readonly established: number; readonly synced: number };
  /** Blocks with confirmed affinity to this node. */
  readonly blocks: readonly string[];
  /** Remote prefixes that the forwarder can reach now (route, neighbour and FDB entry all present). */
  readonly reachable: readonly string[];
  /** Blocks of other nodes as the store has them (confirmed affinities): what should be reachable. */
  readonly remoteBlocks: readonly { readonly node: string; readonly block: string }[];
  readonly pods: { readonly total: number; readonly ready: number };
  /** Nodes of the lab that are not in the store yet, hosts also without a block; of an agent that was told the lab's nodes. */
  readonly awaited?: readonly string[];
  /** True when the node did all it can do alone: pods up, own block announced, store synced. */
  readonly ready: boolean;
  /** One line about what is missing, for people. */
  readonly message: string;
}

export interface NeighborRow extends Omit<NeighborStatus, 'since'> {
  readonly node_name: string;
  /** RFC 3339 time. */
  readonly since: string;
}

/** A row of the forwarding table, as `ip route` shows it. */
export interface RouteRow {
  readonly node: string;
  readonly destination: string;
  readonly type: 'unicast' | 'blackhole' | 'local';
  readonly gateway: string | null;
  readonly device: string | null;
  /** As iproute2 prints it: `bird`, `80`, `boot`, `kernel`. */
  readonly protocol: string;
  readonly scope: string | null;
  readonly flags: readonly string[];
  readonly mtu: number | null;
  /** Where it was learnt. */
  readonly learnedFrom: string;
}

/** A row of the FDB (`bridge fdb`) with the neighbour entry (`ip neigh`) that leads to it. */
export interface FdbRow {
  readonly node: string;
  readonly mac: string;
  readonly device: string;
  readonly destination: string;
  readonly neighbor: string;
  readonly state: string;
  readonly learnedFrom: string;
}

/** A block of a pool as `calicoctl ipam show --show-blocks` shows it. */
export interface IpamRow {
  readonly pool: string;
  readonly block: string;
  readonly affinity: string | null;
  readonly total: number;
  readonly inUse: number;
  readonly reserved: number;
  readonly free: number;
  /** Addresses of the block used by other nodes than the affine one. */
  readonly borrowed: readonly { readonly address: string; readonly node: string; readonly handle: string }[];
}

export interface PodRow {
  readonly node: string;
  readonly namespace: string;
  readonly name: string;
  readonly kind: 'linux' | 'emulated';
  readonly addresses: readonly string[];
  readonly mac: string;
  /** Interface on the host side. */
  readonly interface: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ready: boolean;
  /** Path of the network namespace of a linux pod, for setns(2); null otherwise. */
  readonly netns: string | null;
  /** Path of its UTS namespace (host name). */
  readonly uts: string | null;
}

export interface StoreRow {
  readonly key: string;
  /** UTF-8 text, or base64 where `encoding` says so. */
  readonly value: string;
  readonly encoding: 'utf8' | 'base64';
  readonly createRevision: string;
  readonly modRevision: string;
  readonly version: string;
  readonly lease: string;
}

export interface PingRequest {
  /** `namespace/name`. */
  readonly pod: string;
  readonly destination: string;
  readonly count: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Bytes of ICMP payload. */
  readonly size: number;
  readonly ttl: number;
  /** As `ping -M do`: what exceeds the path MTU is refused instead of fragmented. */
  readonly dontFragment?: boolean;
}
export interface PingResult {
  readonly sequence: number;
  /** `reply`, `timeout`, or the ICMP error received, e.g. `Time to live exceeded`. */
  readonly outcome: 'reply' | 'timeout' | 'error';
  readonly from: string | null;
  readonly rttMs: number | null;
  readonly ttl: number | null;
  readonly bytes: number | null;
  readonly error: string | null;
}

/** Packets between two addresses, in either direction; absent: any. */
export interface TraceFilter {
  readonly a?: string;
  readonly b?: string;
  readonly protocol?: 'icmp' | 'udp' | 'tcp';
}
export interface TraceStepRow {
  readonly node: string;
  /** Nanoseconds since the epoch, decimal. */
  readonly time: string;
  /** Same for every appearance of one packet on all nodes, hexadecimal. */
  readonly packetId: string;
  readonly source: string;
  readonly destination: string;
  readonly at: string;
  readonly text: string;
  readonly fields: Readonly<Record<string, string | number>>;
}

export interface CaptureFilter {
  /** Include the node's underlay interface. */
  readonly underlay: boolean;
  /** Pods (`namespace/name`) to include; absent: all. */
  readonly pods?: readonly string[];
  /** Links (underlay networks) to include: their frames are recorded once, as sent. */
  readonly links?: readonly string[];
}
