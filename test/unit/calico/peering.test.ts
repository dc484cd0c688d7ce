import { describe, expect, test } from 'vitest';
import type { PeerConfig } from '../../../agents/bgp/types.ts';
import { type CalicoPeer, computePeers, type PeeringInput } from '../../../protocol/calico/peering.ts';
import type {
  BgpConfiguration,
  BgpConfigurationSpec,
} from '../../../protocol/calico/resources/bgp-configuration.ts';
import type { BgpPeer, BgpPeerSpec } from '../../../protocol/calico/resources/bgp-peer.ts';
import type { Node, NodeBgpSpec } from '../../../protocol/calico/resources/node.ts';

const apiVersion = 'projectcalico.org/v3';
function node(
  name: string,
  address: string,
  bgp: NodeBgpSpec = {},
  labels: Record<string, string> = {},
): Node {
  return {
    apiVersion,
    kind: 'Node',
    metadata: { name, labels },
    spec: { bgp: { ...(address === '' ? {} : { ipv4Address: `${address}/24` }), ...bgp } },
  };
}
function configuration(spec: BgpConfigurationSpec, name = 'default'): BgpConfiguration {
  return { apiVersion, kind: 'BGPConfiguration', metadata: { name }, spec };
}
function bgpPeer(name: string, spec: BgpPeerSpec): BgpPeer {
  return { apiVersion, kind: 'BGPPeer', metadata: { name }, spec };
}
function allPeers(input: Omit<PeeringInput, 'self'>): Record<string, CalicoPeer[]> {
  return Object.fromEntries(
    input.nodes.map(({ metadata }) => [metadata.name, computePeers({ ...input, self: metadata.name })]),
  );
}
const names = (peers: readonly CalicoPeer[]): string[] => peers.map(({ name }) => name);

const abc = [node('a', '10.0.0.1'), node('b', '10.0.0.2'), node('c', '10.0.0.3')];
const rrLabels = { 'route-reflector': 'true' };
const rrPeer = bgpPeer('peer-with-rr', { nodeSelector: 'all()', peerSelector: "route-reflector == 'true'" });

describe('mesh', () => {
  test('one session', () => {
    // What the speaker takes as configuration.
    const peers: readonly PeerConfig[] = computePeers({ self: 'a', nodes: abc.slice(0, 2), bgpPeers: [] });
    expect(peers).toEqual([
      {
        name: 'Mesh_10_0_0_2',
        address: '10.0.0.2',
        asn: 64512,
        localAddress: '10.0.0.1',
        passive: true,
        routeReflectorClient: false,
        families: ['ipv4-unicast'],
        nextHopSelf: false,
        type: 'node-to-node mesh',
        node: 'b',
      },
    ]);
  });

  test('three nodes: every node has two sessions, every pair is dialled from one side', () => {
    const peers = allPeers({ nodes: abc, bgpPeers: [] });
    expect(Object.values(peers).map(({ length }) => length)).toEqual([2, 2, 2]);
    const dialling = Object.entries(peers).flatMap(([self, list]) =>
      list.filter(({ passive }) => !passive).map((peer) => `${self}>${peer.node}`),
    );
    expect(dialling.toSorted()).toEqual(['b>a', 'c>a', 'c>b']);
  });

  test('addresses are compared as text: the peer 10.0.0.10 comes before 10.0.0.9', () => {
    const peers = allPeers({ nodes: [node('nine', '10.0.0.9'), node('ten', '10.0.0.10')], bgpPeers: [] });
    expect(peers.nine![0]!.passive).toBe(false);
    expect(peers.ten![0]!.passive).toBe(true);
  });

  test('nodes without an address, and unknown nodes, have no sessions', () => {
    const nodes = [...abc, node('d', '')];
    expect(computePeers({ self: 'd', nodes, bgpPeers: [] })).toEqual([]);
    expect(computePeers({ self: 'x', nodes, bgpPeers: [] })).toEqual([]);
    expect(names(computePeers({ self: 'a', nodes, bgpPeers: [] }))).toEqual([
      'Mesh_10_0_0_2',
      'Mesh_10_0_0_3',
    ]);
  });

  test('switched off', () => {
    const bgpConfiguration = configuration({ nodeToNodeMeshEnabled: false });
    expect(computePeers({ self: 'a', nodes: abc, bgpConfiguration, bgpPeers: [] })).toEqual([]);
  });

  test('AS of the node before that of the cluster; port without a suffix in the name', () => {
    const nodes = [abc[0]!, node('b', '10.0.0.2', { asNumber: 65001 }), abc[2]!];
    const bgpConfiguration = [
      configuration({ asNumber: 65000, listenPort: 1790 }),
      configuration({ listenPort: 1791 }, 'node.c'),
    ];
    const [b, c] = computePeers({ self: 'a', nodes, bgpConfiguration, bgpPeers: [] });
    expect(b).toMatchObject({ name: 'Mesh_10_0_0_2', asn: 65001, port: 1790 });
    expect(c).toMatchObject({ name: 'Mesh_10_0_0_3', asn: 65000, port: 1791 });
  });

  test('IPv6 has sessions of its own', () => {
    const nodes = [
      node('a', '10.0.0.1', { ipv6Address: 'fd00::1/64' }),
      node('b', '10.0.0.2', { ipv6Address: 'fd00::2/64' }),
      node('c', '', { ipv6Address: 'fd00::3/64' }),
    ];
    const peers = computePeers({ self: 'a', nodes, bgpPeers: [] });
    expect(names(peers)).toEqual(['Mesh_10_0_0_2', 'Mesh_fd00__2', 'Mesh_fd00__3']);
    expect(peers[1]).toMatchObject({ localAddress: 'fd00::1', families: ['ipv6-unicast'], passive: true });
  });
});

describe('route reflectors', () => {
  const rr = node('rr', '10.0.0.9', { routeReflectorClusterID: '244.0.0.1' }, rrLabels);

  test('a cluster id takes the node out of the mesh: it is isolated until a BGPPeer is there', () => {
    const peers = allPeers({ nodes: [...abc, rr], bgpPeers: [] });
    expect(peers.rr).toEqual([]);
    expect(names(peers.a!)).toEqual(['Mesh_10_0_0_2', 'Mesh_10_0_0_3']);
  });

  test('the usual migration: BGPPeer from all to the reflectors, then the mesh off', () => {
    const nodes = [...abc, rr];
    const before = allPeers({ nodes, bgpPeers: [rrPeer] });
    expect(names(before.a!)).toEqual(['Mesh_10_0_0_2', 'Mesh_10_0_0_3', 'Node_10_0_0_9']);
    const after = allPeers({
      nodes,
      bgpPeers: [rrPeer],
      bgpConfiguration: configuration({ nodeToNodeMeshEnabled: false }),
    });
    expect(names(after.a!)).toEqual(['Node_10_0_0_9']);
    expect(after.a![0]).toMatchObject({
      type: 'node specific',
      routeReflectorClient: false,
      passive: false,
      node: 'rr',
    });
    // The reverse sessions: the reflector is given one to each node, as its clients.
    expect(names(after.rr!)).toEqual(['Node_10_0_0_1', 'Node_10_0_0_2', 'Node_10_0_0_3']);
    expect(after.rr!.every(({ routeReflectorClient, passive }) => routeReflectorClient && !passive)).toBe(
      true,
    );
  });

  test.each([
    ['244.0.0.1', false],
    ['244.0.0.2', true],
  ])('two reflectors, the other in cluster %s', (routeReflectorClusterID, client) => {
    const other = node('rr2', '10.0.0.8', { routeReflectorClusterID }, rrLabels);
    const peers = allPeers({ nodes: [...abc, rr, other], bgpPeers: [rrPeer] });
    expect(names(peers.rr!)).toEqual(['Node_10_0_0_8', 'Node_10_0_0_1', 'Node_10_0_0_2', 'Node_10_0_0_3']);
    expect(peers.rr!.find((peer) => peer.node === 'rr2')!.routeReflectorClient).toBe(client);
    expect(peers.rr2!.find((peer) => peer.node === 'rr')!.routeReflectorClient).toBe(client);
    expect(names(peers.a!)).toEqual(['Mesh_10_0_0_2', 'Mesh_10_0_0_3', 'Node_10_0_0_9', 'Node_10_0_0_8']);
  });

  test('external peers are never clients', () => {
    const peers = computePeers({
      self: 'rr',
      nodes: [rr],
      bgpPeers: [bgpPeer('tor', { peerIP: '10.0.0.254', asNumber: 65100 })],
    });
    expect(peers[0]).toMatchObject({ name: 'Global_10_0_0_254', asn: 65100, routeReflectorClient: false });
  });

  test('reversePeering Manual gives the reflector no sessions', () => {
    const manual = bgpPeer('m', { ...rrPeer.spec, reversePeering: 'Manual' });
    const peers = allPeers({ nodes: [...abc, rr], bgpPeers: [manual] });
    expect(names(peers.a!)).toContain('Node_10_0_0_9');
    expect(peers.rr).toEqual([]);
  });
});

describe('BGPPeer', () => {
  const off = configuration({ nodeToNodeMeshEnabled: false });

  test('a global peer with a port', () => {
    const peers = computePeers({
      self: 'a',
      nodes: abc,
      bgpConfiguration: off,
      bgpPeers: [bgpPeer('tor', { peerIP: '10.0.0.254:1179', asNumber: 65100 })],
    });
    expect(peers).toEqual([
      {
        name: 'Global_10_0_0_254_port_1179',
        address: '10.0.0.254',
        port: 1179,
        asn: 65100,
        localAddress: '10.0.0.1',
        passive: false,
        routeReflectorClient: false,
        families: ['ipv4-unicast'],
        nextHopSelf: false,
        type: 'global',
      },
    ]);
  });

  test('a global peer that is a Calico node: the reverse sessions, and one side passive', () => {
    const bgpPeers = [bgpPeer('to-b', { peerIP: '10.0.0.2', asNumber: 64512 })];
    const peers = allPeers({ nodes: abc, bgpConfiguration: off, bgpPeers });
    expect(peers.a).toMatchObject([{ name: 'Global_10_0_0_2', passive: true, node: 'b' }]);
    expect(peers.c).toMatchObject([{ name: 'Global_10_0_0_2', passive: false }]);
    // b does not peer with itself; what it has is the reverse of the others' sessions, and dials.
    expect(peers.b).toMatchObject([
      { name: 'Node_10_0_0_1', passive: false },
      { name: 'Node_10_0_0_3', passive: false },
    ]);
  });

  test('no session may be passive on both sides', () => {
    const bgpPeers = [bgpPeer('all', { peerSelector: 'all()' })];
    const peers = allPeers({ nodes: abc, bgpConfiguration: off, bgpPeers });
    const passive = Object.entries(peers).flatMap(([self, list]) =>
      list.filter((peer) => peer.passive).map((peer) => [self, peer.node!].toSorted().join()),
    );
    expect(passive.toSorted()).toEqual(['a,b', 'a,c', 'b,c']);
  });

  test('of a global and a node-specific peering to one address the global one stays', () => {
    const bgpPeers = [
      bgpPeer('a-special', { node: 'a', peerIP: '10.0.0.254', asNumber: 65100, nextHopMode: 'Self' }),
      bgpPeer('everyone', { peerIP: '10.0.0.254', asNumber: 65200 }),
    ];
    const peers = computePeers({ self: 'a', nodes: abc, bgpConfiguration: off, bgpPeers });
    expect(peers).toMatchObject([{ name: 'Global_10_0_0_254', asn: 65200, nextHopSelf: false }]);
  });

  test('two ports of one address are two peerings', () => {
    const bgpPeers = [
      bgpPeer('one', { peerIP: '10.0.0.254', asNumber: 65100 }),
      bgpPeer('two', { node: 'a', peerIP: '10.0.0.254:1179', asNumber: 65100 }),
    ];
    const peers = computePeers({ self: 'a', nodes: abc, bgpConfiguration: off, bgpPeers });
    expect(names(peers)).toEqual(['Global_10_0_0_254', 'Node_10_0_0_254_port_1179']);
  });

  test('node and nodeSelector choose who has the session', () => {
    const nodes = [abc[0]!, node('b', '10.0.0.2', {}, { rack: '1' })];
    const bgpPeers = [
      bgpPeer('by-name', { node: 'a', peerIP: '10.0.0.250', asNumber: 65100 }),
      bgpPeer('by-label', { nodeSelector: "rack == '1'", peerIP: '10.0.0.251', asNumber: 65100 }),
    ];
    const peers = allPeers({ nodes, bgpConfiguration: off, bgpPeers });
    expect(names(peers.a!)).toEqual(['Node_10_0_0_250']);
    expect(names(peers.b!)).toEqual(['Node_10_0_0_251']);
  });

  test('the port of a peer that is a node comes from its listenPort', () => {
    const bgpConfiguration = [off, configuration({ listenPort: 1790 }, 'node.b')];
    const bgpPeers = [
      bgpPeer('to-b', { node: 'a', peerIP: '10.0.0.2' }),
      bgpPeer('sel', { node: 'c', peerSelector: "x == 'y'" }),
    ];
    const nodes = [abc[0]!, node('b', '10.0.0.2', {}, { x: 'y' }), abc[2]!];
    expect(computePeers({ self: 'a', nodes, bgpConfiguration, bgpPeers })).toMatchObject([
      { name: 'Node_10_0_0_2_port_1790', port: 1790 },
    ]);
    expect(computePeers({ self: 'c', nodes, bgpConfiguration, bgpPeers })).toMatchObject([
      { name: 'Node_10_0_0_2_port_1790', port: 1790 },
    ]);
  });

  test('next hop, source address and keepalive', () => {
    const one = (spec: BgpPeerSpec): CalicoPeer =>
      computePeers({
        self: 'a',
        nodes: abc,
        bgpConfiguration: off,
        bgpPeers: [bgpPeer('p', { peerIP: '10.9.0.1', ...spec })],
      })[0]!;
    expect(one({ nextHopMode: 'Self' })).toMatchObject({ nextHopSelf: true });
    expect(one({ nextHopMode: 'Keep' })).toMatchObject({ nextHopSelf: false, nextHopKeep: true });
    expect(one({ keepOriginalNextHop: true, asNumber: 65100 }).nextHopKeep).toBe(true);
    expect(one({ keepOriginalNextHop: true, asNumber: 64512 }).nextHopKeep).toBeUndefined();
    expect(one({ sourceAddress: 'None' }).localAddress).toBeUndefined();
    expect(one({}).holdTime).toBeUndefined();
    expect(one({ keepaliveTime: '30s' }).holdTime).toBe(90);
    expect(one({ localASNumber: 65100, asNumber: 65100, numAllowedLocalASNumbers: 2 })).toMatchObject({
      localAsn: 65100,
      allowOwnAsn: 2,
    });
    expect(one({}).asn).toBe(64512);
  });

  test('peers of workloads are not sessions of the node', () => {
    const bgpPeers = [bgpPeer('local', { localWorkloadSelector: 'all()', asNumber: 65100 })];
    expect(computePeers({ self: 'a', nodes: abc, bgpConfiguration: off, bgpPeers })).toEqual([]);
  });
});
