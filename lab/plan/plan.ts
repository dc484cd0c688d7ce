import type { NodeAgentConfig } from '../../agents/node/config.ts';
import type { PodSpec } from '../../agents/pod/types.ts';
import { vtepMac } from '../../protocol/calico/names.ts';
import type { Node } from '../../protocol/calico/resources/node.ts';
import {
  type CalicoResource,
  envName,
  type Lab,
  type LabNode,
  type LabPod,
  type LinuxNode,
  podKey,
} from '../file/model.ts';
import {
  type LabPlan,
  PlanError,
  type PlannedAgentNode,
  type PlannedForeignNode,
  type PlannedLink,
  type PlannedNode,
  type PlanOptions,
} from './types.ts';
import { planAddresses, planLink } from './underlay.ts';

export type * from './types.ts';
export { PlanError } from './types.ts';

/** AS number of Calico nodes that set none. */
const DEFAULT_ASN = 64512;

/**
 * Decides addresses, ports, AS numbers and kinds of pods for a lab; the same answer for the same question.
 * @throws PlanError where the lab cannot run in this runtime or on this machine.
 */
export function planLab(lab: Lab, options: PlanOptions): LabPlan {
  const name = options.name ?? lab.name;
  checkEncapsulation(lab);
  const link = planLink(lab, options);
  const addresses = planAddresses(lab.nodes, link);
  const variables = addressVariables(addresses);
  const global = lab.resources.find(
    ({ kind, metadata }) => kind === 'BGPConfiguration' && metadata.name === 'default',
  );
  const bgpPort = (global?.spec.listenPort as number | undefined) ?? options.bgpPort;
  const asn = (global?.spec.asNumber as number | undefined) ?? DEFAULT_ASN;
  const kinds = new Map(lab.pods.map((pod) => [podKey(pod), kindOf(pod, options)]));
  const context: Context = { lab, name, link, addresses, variables, bgpPort, asn, kinds };
  const nodes = lab.nodes.map((node, index) => planNode(node, index, context, options));
  const used = new Set(kinds.values());
  return {
    name,
    file: lab.file,
    runtime: options.runtime,
    store: options.store,
    bgpPort,
    link,
    nodes,
    pods: lab.pods.map((pod) => ({
      namespace: pod.namespace,
      name: pod.name,
      node: pod.node,
      kind: kinds.get(podKey(pod))!,
    })),
    podKind: used.size === 2 ? 'mixed' : ([...used][0] ?? podKind('auto', options) ?? 'emulated'),
    podReason: podReason(lab, options),
    resources: [
      ...withListenPort(lab.resources, bgpPort).map((resource) => fillVariables(resource, variables)),
      ...lab.nodes.flatMap((node) => (node.kind === 'linux' ? foreignNode(node, context) : [])),
    ],
  };
}

/** Pod traffic goes between hosts in VXLAN only; a pool that wants it otherwise must not seem to work. */
function checkEncapsulation(lab: Lab): void {
  for (const { kind, metadata, spec } of lab.resources) {
    if (kind !== 'IPPool' || spec.vxlanMode === 'Always') continue;
    throw new PlanError(
      `IPPool ${metadata.name}: vxlanMode ${spec.vxlanMode ?? 'Never'} is not supported yet, expected Always`,
    );
  }
}

interface Context {
  readonly lab: Lab;
  readonly name: string;
  readonly link: PlannedLink;
  readonly addresses: ReadonlyMap<string, string>;
  /** `PODWIRE_..._ADDRESS` of every node. */
  readonly variables: Readonly<Record<string, string>>;
  readonly bgpPort: number;
  readonly asn: number;
  readonly kinds: ReadonlyMap<string, 'linux' | 'emulated'>;
}

function addressVariables(addresses: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries(
    [...addresses].map(([node, address]) => [`PODWIRE_${envName(node)}_ADDRESS`, address]),
  );
}

function kindOf(pod: LabPod, options: PlanOptions): 'linux' | 'emulated' {
  const kind = podKind(pod.kind, options);
  if (kind === undefined)
    throw new PlanError(`pod ${podKey(pod)} cannot be a linux pod: ${linuxReason(options)}`);
  return kind;
}

/** What a pod that the lab file gives this kind becomes; `undefined` where it must be what this machine cannot make. */
function podKind(declared: LabPod['kind'], options: PlanOptions): 'linux' | 'emulated' | undefined {
  const wanted = options.pods === 'auto' ? declared : options.pods;
  if (wanted === 'emulated') return 'emulated';
  if (options.linuxPods.possible) return 'linux';
  return wanted === 'auto' ? 'emulated' : undefined;
}

function linuxReason({ linuxPods }: PlanOptions): string {
  return linuxPods.possible ? 'this machine can make network namespaces' : linuxPods.reason;
}

function podReason(lab: Lab, options: PlanOptions): string {
  if (options.pods !== 'auto') return `--pods ${options.pods}`;
  if (lab.pods.some(({ kind }) => kind !== 'auto')) return 'as the lab file says';
  return linuxReason(options);
}

function planNode(node: LabNode, index: number, context: Context, options: PlanOptions): PlannedNode {
  const address = context.addresses.get(node.name)!;
  const base = {
    index,
    name: node.name,
    address,
    prefixLength: context.link.prefixLength,
    routerId: address,
    asn: node.asn ?? context.asn,
    labels: node.labels,
  };
  if (node.kind === 'linux') {
    if (options.runtime !== 'netns') {
      throw new PlanError(
        `node ${node.name} is of kind linux, which runtime ${options.runtime} has not, expected --runtime netns`,
      );
    }
    const planned: PlannedForeignNode = {
      ...base,
      kind: 'linux',
      foreignBlocks: node.calico?.blocks ?? [],
      exec: node.exec,
      run: node.run,
      env: foreignEnv(node, base.asn, context),
      tunnelAddress: node.calico?.vxlanTunnelAddr,
    };
    return planned;
  }
  const planned: PlannedAgentNode = {
    ...base,
    kind: node.kind,
    foreignBlocks: [],
    config: agentConfig(node, context),
  };
  return planned;
}

function agentConfig(node: Exclude<LabNode, LinuxNode>, context: Context): NodeAgentConfig {
  return {
    lab: context.name,
    node: node.name,
    kind: node.kind,
    address: context.addresses.get(node.name)!,
    prefixLength: context.link.prefixLength,
    link: context.link.name,
    mtu: context.link.mtu,
    bgpPort: context.bgpPort,
    labels: node.labels,
    ...(node.asn === undefined ? {} : { asn: node.asn }),
    ...(node.clusterId === undefined ? {} : { clusterId: node.clusterId }),
    holdTime: context.lab.bgp.holdTime,
    pods: context.lab.pods.filter((pod) => pod.node === node.name).map((pod) => podSpec(pod, context)),
  };
}

function podSpec(pod: LabPod, context: Context): PodSpec {
  return {
    namespace: pod.namespace,
    name: pod.name,
    labels: pod.labels,
    kind: context.kinds.get(podKey(pod))!,
    ...(pod.address === undefined ? {} : { address: pod.address }),
    ...(pod.pool === undefined ? {} : { pool: pod.pool }),
  };
}

/** What commands of a foreign node find in their environment. */
function foreignEnv(node: LinuxNode, asn: number, context: Context): Record<string, string> {
  const macs = [...context.addresses.keys()].map((name) => [
    `PODWIRE_${envName(name)}_VTEP_MAC`,
    vtepMac(name),
  ]);
  return {
    PODWIRE_LAB: context.name,
    PODWIRE_NODE: node.name,
    PODWIRE_ADDRESS: context.addresses.get(node.name)!,
    PODWIRE_PREFIX_LENGTH: String(context.link.prefixLength),
    PODWIRE_SUBNET: context.link.subnet,
    PODWIRE_MTU: String(context.link.mtu),
    PODWIRE_ASN: String(asn),
    PODWIRE_BGP_PORT: String(context.bgpPort),
    ...context.variables,
    ...Object.fromEntries(macs),
    ...node.env,
  };
}

/** Peers learn the port from the BGPConfiguration, so a port other than 179 must be in it. */
function withListenPort(resources: readonly CalicoResource[], port: number): readonly CalicoResource[] {
  if (port === 179) return resources;
  const isGlobal = (resource: CalicoResource): boolean =>
    resource.kind === 'BGPConfiguration' && resource.metadata.name === 'default';
  if (!resources.some(isGlobal)) {
    const created: CalicoResource = {
      apiVersion: 'projectcalico.org/v3',
      kind: 'BGPConfiguration',
      metadata: { name: 'default' },
      spec: { listenPort: port },
    };
    return [...resources, created];
  }
  return resources.map((resource) =>
    isGlobal(resource) ? { ...resource, spec: { ...resource.spec, listenPort: port } } : resource,
  );
}

/** Puts nodes' addresses where the lab file names them as `${PODWIRE_NODE_ADDRESS}`. */
function fillVariables(
  resource: CalicoResource,
  variables: Readonly<Record<string, string>>,
): CalicoResource {
  const { peerIP } = resource.spec;
  if (typeof peerIP !== 'string') return resource;
  const filled = peerIP.replace(
    /\$\{(PODWIRE_[A-Z0-9_]+)\}/,
    (whole, name: string) => variables[name] ?? whole,
  );
  return { ...resource, spec: { ...resource.spec, peerIP: filled } };
}

function foreignNode(node: LinuxNode, context: Context): Node[] {
  if (node.calico === undefined) return [];
  const { vxlanTunnelAddr, vxlanTunnelMACAddr } = node.calico;
  return [
    {
      apiVersion: 'projectcalico.org/v3',
      kind: 'Node',
      metadata: { name: node.name, labels: node.labels },
      spec: {
        bgp: {
          ipv4Address: `${context.addresses.get(node.name)!}/${context.link.prefixLength}`,
          ...(node.asn === undefined ? {} : { asNumber: node.asn }),
        },
        ...(vxlanTunnelAddr === undefined ? {} : { ipv4VXLANTunnelAddr: vxlanTunnelAddr }),
        ...(vxlanTunnelMACAddr === undefined ? {} : { vxlanTunnelMACAddr }),
      },
    },
  ];
}
