import type { NodeAgentConfig } from '../../agents/node/config.ts';
import type { Node } from '../../protocol/calico/resources/node.ts';
import type { CalicoResource } from '../file/model.ts';

/** What the planner must know of the machine and of the command line. */
export interface PlanOptions {
  readonly runtime: 'local' | 'netns';
  /** `--pods`: overrides what the lab file says, unless `auto`. */
  readonly pods: 'auto' | 'linux' | 'emulated';
  /** Whether this machine can make linux pods here, and if not why. */
  readonly linuxPods: { readonly possible: true } | { readonly possible: false; readonly reason: string };
  /** `memory`, or the URL of a Redis. */
  readonly store: string;
  /** TCP port that BGP can listen on: 179 or 1790. A BGPConfiguration's listenPort goes before it. */
  readonly bgpPort: number;
  /** CIDRs that the underlay must not overlap: those of running labs, and for netns the machine's own networks. */
  readonly usedUnderlays: readonly string[];
  /** `--name`: overrides the lab file's. */
  readonly name?: string | undefined;
}

/** A lab with everything decided that can be before it runs. Addresses of pods are not: IPAM gives them. */
export interface LabPlan {
  readonly name: string;
  /** The lab file, as given. */
  readonly file: string | undefined;
  readonly runtime: PlanOptions['runtime'];
  readonly store: string;
  readonly bgpPort: number;
  readonly link: PlannedLink;
  readonly nodes: readonly PlannedNode[];
  /** Every pod with its node, in file order. */
  readonly pods: readonly PlannedPod[];
  readonly podKind: 'linux' | 'emulated' | 'mixed';
  /** Why pods have that kind, one line for people. */
  readonly podReason: string;
  /** Resources to put into the store before agents start; agents write their own Node resources. */
  readonly resources: readonly (CalicoResource | Node)[];
}

export interface PlannedLink {
  readonly name: string;
  readonly subnet: string;
  readonly prefixLength: number;
  readonly mtu: number;
}

export type PlannedNode = PlannedAgentNode | PlannedForeignNode;

interface PlannedBase {
  /** Position in the lab, from 0. */
  readonly index: number;
  readonly name: string;
  readonly address: string;
  readonly prefixLength: number;
  /** Dotted quad: the address, as Calico has it. */
  readonly routerId: string;
  readonly asn: number;
  readonly labels: Readonly<Record<string, string>>;
  /** IPAM blocks that the lab itself gives to the node (foreign nodes; empty for agents, which claim theirs). */
  readonly foreignBlocks: readonly string[];
}

/** A node that runs an agent. */
export interface PlannedAgentNode extends PlannedBase {
  readonly kind: 'host' | 'route-reflector';
  readonly config: NodeAgentConfig;
}

/** A namespace in which the lab runs commands. */
export interface PlannedForeignNode extends PlannedBase {
  readonly kind: 'linux';
  readonly exec: readonly string[];
  readonly run: string | undefined;
  /** Environment of the commands. */
  readonly env: Readonly<Record<string, string>>;
  /** Tunnel address that the store has for it. */
  readonly tunnelAddress: string | undefined;
}

export interface PlannedPod {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly kind: 'linux' | 'emulated';
}

/** A lab that cannot run this way; one line. */
export class PlanError extends Error {
  override readonly name = 'PlanError';
}
