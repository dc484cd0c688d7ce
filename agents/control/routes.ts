import type { SpeakerControl } from './bgp.ts';
import type { AgentControl } from './types.ts';

/** The questions that one GET answers with one JSON document: the path's last segment is the method's name. */
export const INSPECTIONS = ['status', 'bgp', 'rib', 'routes', 'fdb', 'ipam', 'pods', 'store'] as const;
export type Inspection = (typeof INSPECTIONS)[number];

/** A line of the answer to `exec`: a piece of output (base64), or the exit code as the last line. */
export type ExecLine =
  | { readonly stream: 'stdout' | 'stderr'; readonly data: string }
  | { readonly exit: number };

/** The last line of every streamed answer that failed after its headers were sent. */
export interface ErrorLine {
  readonly error: string;
}

/** What a lab's supervisor answers beside its nodes; agents of a compose lab have none. */
export interface LabControl {
  info(): Promise<LabInfo>;
  /** Ends the lab; resolves when nothing of it is left but the supervisor's own process, which ends next. */
  down(): Promise<void>;
  /** Stops a node in order (BGP Cease), or kills it as SIGKILL would, or starts it again. */
  node(name: string, action: NodeAction): Promise<void>;
}

export const NODE_ACTIONS = ['stop', 'kill', 'start'] as const;
export type NodeAction = (typeof NODE_ACTIONS)[number];

export interface LabInfo {
  readonly name: string;
  readonly runtime: 'local' | 'netns' | 'compose';
  /** Supervisor's process id; 0 in compose. */
  readonly pid: number;
  /** `starting`, `converged`, `degraded` (a node does not run), `stopping`. */
  readonly phase: string;
  readonly file: string | null;
  readonly store: string;
  /** Where the store serves etcd's API to this machine, for `etcdctl --endpoints`; null where it does not. */
  readonly storeEndpoint: string | null;
  readonly bgpPort: number;
  readonly podKind: 'linux' | 'emulated' | 'mixed';
  readonly startedAt: string;
  /** Milliseconds from the start of the process to convergence; null before. */
  readonly convergedMs: number | null;
  /** Path of the network namespace of the underlay's bridge `br0` (netns runtime). */
  readonly fabric?: string | null;
  readonly nodes: readonly LabNodeInfo[];
}

export interface LabNodeInfo {
  readonly name: string;
  readonly kind: 'host' | 'route-reflector' | 'linux';
  readonly address: string;
  readonly running: boolean;
  readonly pid: number | null;
  /** Where its control interface answers. */
  readonly endpoint: ControlEndpoint | null;
  /** Path of its network namespace (netns runtime). */
  readonly netns: string | null;
  /** Folder and variables that commands of a foreign node have. */
  readonly folder?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** How to reach a control interface. */
export type ControlEndpoint =
  | { readonly kind: 'unix'; readonly path: string }
  /** Through `docker exec -i CONTAINER podwire control-proxy`. */
  | { readonly kind: 'docker'; readonly container: string };

/** Agents by node name, as they come and go. */
export type AgentDirectory = ReadonlyMap<string, AgentControl>;

/** What a control socket serves, by name: agents of nodes, or a BGP speaker by itself. */
export type ControlDirectory = ReadonlyMap<string, AgentControl | SpeakerControl>;
