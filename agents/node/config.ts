import type { PodSpec } from '../pod/types.ts';

/**
 * What one agent is told at start. Everything else (peers, AS numbers, pools, other nodes) it reads from the store or
 * learns from the wire.
 */
export interface NodeAgentConfig {
  /** Lab's name, for pod handles and logs. */
  readonly lab: string;
  /** Node's name as in its Calico Node resource. */
  readonly node: string;
  /** A route reflector runs no pods, claims no block and has no VTEP. */
  readonly kind: 'host' | 'route-reflector';
  /** Own address on the underlay. */
  readonly address: string;
  /** Prefix length of the underlay, for the Node resource's `ipv4Address` and CrossSubnet. */
  readonly prefixLength: number;
  /** Name of the underlay network. */
  readonly link: string;
  /** Largest IP packet of the underlay, bytes. */
  readonly mtu: number;
  /** TCP port on which every agent of the lab speaks BGP: 179 where allowed. */
  readonly bgpPort: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Own AS number where it differs from the BGPConfiguration's. */
  readonly asn?: number;
  /** Dotted quad; makes the node a route reflector (Calico `routeReflectorClusterID`). */
  readonly clusterId?: string;
  /** Hold time to offer, seconds. */
  readonly holdTime?: number;
  readonly pods: readonly PodSpec[];
  /** `socket`: linux pods are made by others, who bring them to {@link NodeAgent.podSet}; absent: by the agent. */
  readonly linuxPodsFrom?: 'socket';
  /** Every node of the lab that runs an agent, where nobody else watches over convergence: see `AgentStatus.awaited`. */
  readonly labNodes?: readonly { readonly name: string; readonly kind: NodeAgentConfig['kind'] }[];
}
