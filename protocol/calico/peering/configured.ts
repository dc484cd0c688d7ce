import { type BgpPeer, parsePeerAddress } from '../resources/bgp-peer.ts';
import { type Node, nodeAddress } from '../resources/node.ts';
import type { Topology } from './topology.ts';

/** A session that a BGPPeer resource gives to a node. */
export interface Peering {
  /** `global`: the resource is for every node; `node`: it names or selects nodes, or the session is a reverse one. */
  readonly scope: 'global' | 'node';
  readonly version: 4 | 6;
  readonly address: string;
  readonly port: number | undefined;
  readonly asn: number;
  /** Cluster id of the node behind the address; known only where the peer was found by selector. */
  readonly clusterId: string | undefined;
  readonly bgpPeer: BgpPeer;
}

type Target = Omit<Peering, 'scope' | 'bgpPeer'>;

/**
 * What the BGPPeers give to `self`: global peerings first, then node-specific ones, then the reverse of what other
 * nodes have towards `self`. An explicit peering wins over the reverse one of the same address and port, and a global
 * one over a node-specific one.
 */
export function configuredPeerings(topology: Topology, self: Node, bgpPeers: readonly BgpPeer[]): Peering[] {
  const peerings = new Map<string, Peering>();
  const add = (scope: Peering['scope'], bgpPeer: BgpPeer, targets: readonly Target[]): void => {
    for (const target of targets) {
      const key = `${target.address} ${target.port ?? ''}`;
      if (!peerings.has(key)) peerings.set(key, { ...target, scope, bgpPeer });
    }
  };
  const usable = bgpPeers
    .filter((bgpPeer) => !given(bgpPeer.spec.localWorkloadSelector))
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  for (const bgpPeer of usable) if (isGlobal(bgpPeer)) add('global', bgpPeer, targets(topology, bgpPeer));
  for (const bgpPeer of usable) {
    if (!isGlobal(bgpPeer) && selects(topology, bgpPeer, self))
      add('node', bgpPeer, targets(topology, bgpPeer));
  }
  for (const bgpPeer of usable) add('node', bgpPeer, reverseTargets(topology, bgpPeer, self));
  return [...peerings.values()];
}

function isGlobal({ spec }: BgpPeer): boolean {
  return !given(spec.node) && !given(spec.nodeSelector);
}

/** Whether the resource gives its sessions to this node. */
function selects(topology: Topology, { spec }: BgpPeer, node: Node): boolean {
  if (given(spec.nodeSelector)) return topology.matching(spec.nodeSelector).includes(node);
  return !given(spec.node) || spec.node === node.metadata.name;
}

/** The far ends: nodes by label, or the one address. */
function targets(topology: Topology, { spec }: BgpPeer): Target[] {
  if (given(spec.peerSelector)) {
    return topology.matching(spec.peerSelector).flatMap((node) => nodeTargets(topology, node, [4, 6]));
  }
  const { address, port } = parsePeerAddress(spec.peerIP ?? '');
  const asn = spec.asNumber ?? topology.globalAsn;
  const node = nodeOfPeerIp(topology, address, port, asn);
  return [
    {
      version: address.includes(':') ? 6 : 4,
      address,
      port: port ?? (node === undefined ? undefined : topology.listenPort(node.metadata.name)),
      asn,
      clusterId: undefined,
    },
  ];
}

/**
 * Where the resource makes `self` the far end of other nodes' sessions, the sessions back to those nodes, unless
 * reversePeering is Manual.
 */
function reverseTargets(topology: Topology, bgpPeer: BgpPeer, self: Node): Target[] {
  const { spec } = bgpPeer;
  if (spec.reversePeering === 'Manual') return [];
  const versions = versionsTowards(topology, bgpPeer, self);
  if (versions.length === 0) return [];
  return topology.nodes
    .filter((node) => selects(topology, bgpPeer, node))
    .flatMap((node) => nodeTargets(topology, node, versions));
}

/** IP versions in which the resource names `self` as the far end. */
function versionsTowards(topology: Topology, { spec }: BgpPeer, self: Node): readonly (4 | 6)[] {
  if (given(spec.peerSelector)) return topology.matching(spec.peerSelector).includes(self) ? [4, 6] : [];
  const { address, port } = parsePeerAddress(spec.peerIP ?? '');
  if (nodeOfPeerIp(topology, address, port, spec.asNumber ?? topology.globalAsn) !== self) return [];
  return [address.includes(':') ? 6 : 4];
}

/** The node that a peerIP means: same address, same AS, and the same port where the resource names one. */
function nodeOfPeerIp(
  topology: Topology,
  address: string,
  port: number | undefined,
  asn: number,
): Node | undefined {
  const node = topology.nodeAt(address);
  if (node === undefined || topology.asn(node) !== asn) return undefined;
  const listenPort = topology.listenPort(node.metadata.name);
  return port !== undefined && listenPort !== undefined && port !== listenPort ? undefined : node;
}

function nodeTargets(topology: Topology, node: Node, versions: readonly (4 | 6)[]): Target[] {
  return versions.flatMap((version) => {
    const address = nodeAddress(node, version);
    if (address === undefined) return [];
    const clusterId = node.spec.bgp?.routeReflectorClusterID;
    return [
      {
        version,
        address,
        port: topology.listenPort(node.metadata.name),
        asn: topology.asn(node),
        clusterId: given(clusterId) ? clusterId : undefined,
      },
    ];
  });
}

function given(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}
