import type { ControlEndpoint } from '../../agents/control/routes.ts';
import type { AgentControl } from '../../agents/control/types.ts';
import type { PlannedNode } from '../plan/plan.ts';

/** A node that was started. */
export interface RunningNode {
  /** Undefined for foreign nodes, which run no agent. */
  readonly control: AgentControl | undefined;
  /** Where other processes reach its control interface; undefined: through the supervisor. */
  readonly endpoint: ControlEndpoint | undefined;
  readonly pid: number;
  /** Path of its network namespace. */
  readonly netns: string | null;
  /** Stops in order: BGP Cease, pods closed. IPAM stays, so that the node finds its block again. */
  stop(): Promise<void>;
  /** Ends at once, as SIGKILL does: no message to anybody. */
  kill(): Promise<void>;
  /** Settles when the node ended by itself; `undefined` after `stop` or `kill`. */
  readonly exited: Promise<string | undefined>;
}

/** Where the nodes of a lab run: in this process, or each in a network namespace. */
export interface Runtime {
  readonly kind: 'local' | 'netns';
  /** Path of the network namespace that has the underlay's bridge; null where there is none. */
  readonly fabric: string | null;
  /** Makes what all nodes share (the fabric). */
  prepare(): Promise<void>;
  /** Starts a node; `signal` gives up on one that is not up yet. */
  start(node: PlannedNode, signal: AbortSignal): Promise<RunningNode>;
  /** Removes what `prepare` made; all nodes have been stopped. */
  close(): Promise<void>;
}
