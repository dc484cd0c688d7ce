/**
 * Which BGP sessions a Calico node has: the full mesh of nodes, and what BGPPeer resources add (Calico
 * `confd/pkg/backends/calico/client.go`, `confd/pkg/backends/calico/bgp_processor.go`).
 */

import { durationSeconds } from './duration.ts';
import { configuredPeerings, type Peering } from './peering/configured.ts';
import { Topology } from './peering/topology.ts';
import type { BgpConfiguration } from './resources/bgp-configuration.ts';
import type { BgpPeer } from './resources/bgp-peer.ts';
import { type Node, nodeAddress } from './resources/node.ts';

/** A BGP session that a node shall have; what a speaker needs to configure the neighbour. */
export interface CalicoPeer {
  /** `Mesh_10_0_0_2`, `Global_10_0_0_2`, `Node_10_0_0_2`; with `_port_1179` where a configured peer has a port. */
  readonly name: string;
  readonly address: string;
  /** TCP port of the peer; absent: 179. */
  readonly port?: number;
  readonly asn: number;
  /** Source address; absent where BGPPeer has `sourceAddress: None`. */
  readonly localAddress?: string;
  readonly passive: boolean;
  readonly routeReflectorClient: boolean;
  /** Seconds; absent: the speaker's default. */
  readonly holdTime?: number;
  readonly families: readonly ('ipv4-unicast' | 'ipv6-unicast')[];
  readonly nextHopSelf: boolean;
  /** Announce routes to this eBGP peer with their original next hop. */
  readonly nextHopKeep?: boolean;
  /** AS number to use towards this peer instead of the node's own. */
  readonly localAsn?: number;
  /** How often the own AS may occur in a received AS_PATH. */
  readonly allowOwnAsn?: number;
  /** Most hops that segments of the peer may have come over (RFC 5082); absent: not looked at. */
  readonly ttlSecurity?: number;
  /** Names of the BGPFilters that routes from and to the peer go through, in order; absent: none. */
  readonly filters?: readonly string[];
  /** As calicoctl names it. */
  readonly type: 'node-to-node mesh' | 'global' | 'node specific';
  /** Name of the node that has the address, where one does. */
  readonly node?: string;
}

export interface PeeringInput {
  /** Name of the node whose sessions are wanted. */
  readonly self: string;
  readonly nodes: readonly Node[];
  /** `default` alone, or with the `node.NAME` ones (their listenPort matters). Absent: Calico's defaults. */
  readonly bgpConfiguration?: BgpConfiguration | readonly BgpConfiguration[] | undefined;
  readonly bgpPeers: readonly BgpPeer[];
}

/**
 * Sessions of node `self`: IPv4 first, each IP version in the order mesh, global, node specific. Of two sessions to
 * one address and port the first stays. Empty where the node is unknown or has no address. BGPPeers with a
 * localWorkloadSelector concern workloads and are left out.
 */
export function computePeers(input: PeeringInput): CalicoPeer[] {
  const topology = new Topology(input.nodes, configurations(input));
  const self = topology.node(input.self);
  if (self === undefined) return [];
  const peers: CalicoPeer[] = [];
  for (const version of [4, 6] as const) {
    const address = nodeAddress(self, version);
    if (address === undefined) continue;
    const local: Local = { node: self, address, asn: topology.asn(self), version };
    const wanted = [
      ...meshPeers(topology, local),
      ...configuredPeerings(topology, self, input.bgpPeers)
        .filter((peering) => peering.version === version && peering.address !== address)
        .map((peering) => configuredPeer(topology, local, peering)),
    ];
    peers.push(...withoutDuplicates(wanted));
  }
  return peers;
}

interface Local {
  readonly node: Node;
  readonly address: string;
  readonly asn: number;
  readonly version: 4 | 6;
}

function configurations({ bgpConfiguration }: PeeringInput): readonly BgpConfiguration[] {
  if (bgpConfiguration === undefined) return [];
  return 'kind' in bgpConfiguration ? [bgpConfiguration] : bgpConfiguration;
}

/** Every pair of nodes that are no route reflectors, unless the mesh is off. */
function meshPeers(topology: Topology, local: Local): CalicoPeer[] {
  if (!topology.meshEnabled || clusterId(local.node) !== undefined) return [];
  const peers: CalicoPeer[] = [];
  for (const node of topology.nodes) {
    const address = nodeAddress(node, local.version);
    if (address === undefined || address === local.address || clusterId(node) !== undefined) continue;
    const port = topology.listenPort(node.metadata.name);
    peers.push({
      ...addressing(local, 'Mesh', address),
      ...(port === undefined ? {} : { port }),
      asn: topology.asn(node),
      localAddress: local.address,
      passive: isPassiveTowards(address, local.address),
      routeReflectorClient: false,
      nextHopSelf: false,
      type: 'node-to-node mesh',
      node: node.metadata.name,
    });
  }
  return peers;
}

function configuredPeer(topology: Topology, local: Local, peering: Peering): CalicoPeer {
  const { spec } = peering.bgpPeer;
  const localAsn = spec.localASNumber ?? local.asn;
  const external = peering.asn !== localAsn;
  const prefix = peering.scope === 'global' ? 'Global' : 'Node';
  const node = topology.nodeAt(peering.address);
  return {
    ...addressing(local, prefix, peering.address, peering.port),
    ...(peering.port === undefined ? {} : { port: peering.port }),
    asn: peering.asn,
    ...(spec.sourceAddress === 'None' ? {} : { localAddress: local.address }),
    // Two Calico nodes with a global peering would both dial; node-specific ones stay bidirectional.
    passive:
      peering.scope === 'global' && node !== undefined && isPassiveTowards(peering.address, local.address),
    routeReflectorClient: !external && isClient(clusterId(local.node), peering.clusterId),
    ...holdTime(spec.keepaliveTime),
    nextHopSelf: spec.nextHopMode === 'Self',
    ...(spec.nextHopMode === 'Keep' || (spec.keepOriginalNextHop === true && external)
      ? { nextHopKeep: true }
      : {}),
    ...(spec.localASNumber === undefined ? {} : { localAsn: spec.localASNumber }),
    ...(spec.numAllowedLocalASNumbers === undefined ? {} : { allowOwnAsn: spec.numAllowedLocalASNumbers }),
    ...(spec.ttlSecurity === undefined || spec.ttlSecurity === 0 ? {} : { ttlSecurity: spec.ttlSecurity }),
    ...(spec.filters === undefined || spec.filters.length === 0 ? {} : { filters: spec.filters }),
    type: peering.scope === 'global' ? 'global' : 'node specific',
    ...(node === undefined ? {} : { node: node.metadata.name }),
  };
}

function addressing(
  local: Local,
  prefix: string,
  address: string,
  port?: number,
): Pick<CalicoPeer, 'name' | 'address' | 'families'> {
  const suffix = port === undefined ? '' : `_port_${port}`;
  return {
    name: `${prefix}_${address.replaceAll(/[.:]/g, '_')}${suffix}`,
    address,
    families: [local.version === 4 ? 'ipv4-unicast' : 'ipv6-unicast'],
  };
}

/** Of two nodes the one with the larger address dials. Compared as text: 10.0.0.10 comes before 10.0.0.9. */
function isPassiveTowards(peer: string, own: string): boolean {
  return peer > own;
}

/** A reflector's internal peers are its clients unless they reflect in the same cluster. */
function isClient(own: string | undefined, peer: string | undefined): boolean {
  return own !== undefined && own !== peer;
}

/** Keepalive time of a BGPPeer in seconds, and three times that as hold time (RFC 4271 §4.4 suggests the ratio). */
function holdTime(keepaliveTime: string | undefined): { readonly holdTime?: number } {
  if (keepaliveTime === undefined) return {};
  return { holdTime: Math.min(65535, 3 * Math.round(durationSeconds(keepaliveTime))) };
}

function clusterId(node: Node): string | undefined {
  const id = node.spec.bgp?.routeReflectorClusterID;
  return id === '' ? undefined : id;
}

function withoutDuplicates(peers: readonly CalicoPeer[]): CalicoPeer[] {
  const seen = new Set<string>();
  return peers.filter((peer) => {
    const endpoint = `${peer.address} ${peer.port ?? 179}`;
    if (seen.has(endpoint)) return false;
    seen.add(endpoint);
    return true;
  });
}
