/**
 * The lab file after checking: names expanded, defaults filled in, one spelling for everything. The planner, the
 * runtimes and the command line use this and never the YAML.
 */

/** A lab as written: what should exist. What does exist is read from the running agents. */
export interface Lab {
  /** DNS label; names the running lab, its state folder and its namespaces. */
  readonly name: string;
  readonly cni: 'calico';
  /** The file it came from, as given; `undefined` for a lab made in memory. */
  readonly file: string | undefined;
  /** Networks between nodes. There is exactly one today: the underlay that every node is on. */
  readonly links: readonly [LabLink];
  /** In file order, patterns expanded. */
  readonly nodes: readonly LabNode[];
  /** In file order, patterns expanded, each on its node. */
  readonly pods: readonly LabPod[];
  readonly bgp: LabBgp;
  /** Calico resources to put into the store, defaults applied (at least one IPPool). */
  readonly resources: readonly CalicoResource[];
}

/** A network between nodes: one broadcast domain. */
export interface LabLink {
  readonly name: string;
  /** CIDR of the nodes' addresses, or `auto`: the planner takes a free one that suits the runtime. */
  readonly subnet: string;
  /** Bytes of the largest IP packet. */
  readonly mtu: number;
}

export type LabNode = HostNode | RouteReflectorNode | LinuxNode;

interface NodeBase {
  readonly name: string;
  /** Calico node labels, for selectors. */
  readonly labels: Readonly<Record<string, string>>;
  /** AS number of this node alone; `undefined`: that of the BGPConfiguration, or 64512. */
  readonly asn: number | undefined;
  /** Fixed address on the link; `undefined`: the planner gives one. */
  readonly address: string | undefined;
}

/** A host: runs a node agent and pods. */
export interface HostNode extends NodeBase {
  readonly kind: 'host';
  /** Makes the host a route reflector beside its own work (Calico's routeReflectorClusterID). */
  readonly clusterId: string | undefined;
}

/** A node that only reflects routes. */
export interface RouteReflectorNode extends NodeBase {
  readonly kind: 'route-reflector';
  /** Dotted quad. */
  readonly clusterId: string;
}

/** A foreign node of the netns runtime: a Linux namespace in which the lab runs commands and no agent. */
export interface LinuxNode extends NodeBase {
  readonly kind: 'linux';
  /** Shell commands, run to completion in order once the interface is up. */
  readonly exec: readonly string[];
  /** Shell command of a process that runs as long as the lab. */
  readonly run: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** What the lab writes into the store on the node's behalf, so that the agents see a Calico node. */
  readonly calico: ForeignCalicoNode | undefined;
}

export interface ForeignCalicoNode {
  /** Tunnel address of the node's VTEP, `ipv4VXLANTunnelAddr` of its Node resource. */
  readonly vxlanTunnelAddr: string | undefined;
  /** MAC of its VTEP, `vxlanTunnelMACAddr` of its Node resource. */
  readonly vxlanTunnelMACAddr: string | undefined;
  /** IPAM blocks whose affinity is confirmed to it, as CIDRs. */
  readonly blocks: readonly string[];
}

export interface LabPod {
  readonly namespace: string;
  readonly name: string;
  /** Name of the host it runs on. */
  readonly node: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `auto`: linux where the runtime can, else emulated. */
  readonly kind: 'auto' | 'linux' | 'emulated';
  /** Fixed address out of a pool. */
  readonly address: string | undefined;
  /** Name of the IPPool to take the address from; `undefined`: any that selects the node. */
  readonly pool: string | undefined;
}

export interface LabBgp {
  /** Seconds; 0 switches keepalives off. */
  readonly holdTime: number;
}

/** A resource in `projectcalico.org/v3` form, as it goes into the store. */
export interface CalicoResource {
  readonly apiVersion: 'projectcalico.org/v3';
  readonly kind: 'IPPool' | 'BGPConfiguration' | 'BGPPeer' | 'BGPFilter';
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>> | undefined;
    readonly annotations?: Readonly<Record<string, string>> | undefined;
  };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** `namespace/name`, how a pod is called everywhere. */
export function podKey(pod: { readonly namespace: string; readonly name: string }): string {
  return `${pod.namespace}/${pod.name}`;
}

/** Part of an environment variable's name that stands for a node: `host-1` → `HOST_1`. */
export function envName(node: string): string {
  return node.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
}
