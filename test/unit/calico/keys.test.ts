import { describe, expect, test } from 'vitest';
import {
  affinityKey,
  affinityPrefix,
  blockKey,
  blockPrefix,
  handleKey,
  IPAM_CONFIG_KEY,
  parseKey,
  resourceKey,
  resourcePrefix,
} from '../../../protocol/calico/keys.ts';

describe("keys are Calico's and parse back", () => {
  test.each([
    [
      resourceKey('IPPool', 'default-ipv4-ippool'),
      '/calico/resources/v3/projectcalico.org/ippools/default-ipv4-ippool',
      { kind: 'resource', resource: 'IPPool', namespace: undefined, name: 'default-ipv4-ippool' },
    ],
    [
      resourceKey('WorkloadEndpoint', 'node1-k8s-web-eth0', 'default'),
      '/calico/resources/v3/projectcalico.org/workloadendpoints/default/node1-k8s-web-eth0',
      { kind: 'resource', resource: 'WorkloadEndpoint', namespace: 'default', name: 'node1-k8s-web-eth0' },
    ],
    [
      blockKey('192.168.0.0/26'),
      '/calico/ipam/v2/assignment/ipv4/block/192.168.0.0-26',
      { kind: 'block', cidr: '192.168.0.0/26' },
    ],
    [
      blockKey('FD00:0::0:40/122'),
      '/calico/ipam/v2/assignment/ipv6/block/fd00::40-122',
      { kind: 'block', cidr: 'fd00::40/122' },
    ],
    [
      affinityKey('node1', '192.168.0.0/26'),
      '/calico/ipam/v2/host/node1/ipv4/block/192.168.0.0-26',
      { kind: 'affinity', type: 'host', owner: 'node1', cidr: '192.168.0.0/26' },
    ],
    [
      affinityKey('load-balancer', '10.9.0.0/26', 'virtual'),
      '/calico/ipam/v2/virtual/load-balancer/ipv4/block/10.9.0.0-26',
      { kind: 'affinity', type: 'virtual', owner: 'load-balancer', cidr: '10.9.0.0/26' },
    ],
    [
      handleKey('k8s-pod-network.abc'),
      '/calico/ipam/v2/handle/k8s-pod-network.abc',
      { kind: 'handle', id: 'k8s-pod-network.abc' },
    ],
    [IPAM_CONFIG_KEY, '/calico/ipam/v2/config', { kind: 'ipam-config' }],
  ])('%s', (key, expected, parsed) => {
    expect(key).toBe(expected);
    expect(parseKey(key)).toEqual(parsed);
  });
});

test('prefixes end with a slash, so that node1 does not match node10', () => {
  expect(resourcePrefix('BGPPeer')).toBe('/calico/resources/v3/projectcalico.org/bgppeers/');
  expect(resourcePrefix('WorkloadEndpoint', 'kube-system')).toMatch(/\/workloadendpoints\/kube-system\/$/);
  expect(blockPrefix(6)).toBe('/calico/ipam/v2/assignment/ipv6/block/');
  expect(affinityPrefix('node1', 4)).toBe('/calico/ipam/v2/host/node1/ipv4/block/');
});

test.each([
  '/calico/ipam/v2/assignment/ipv6/block/192.168.0.0-26',
  '/calico/ipam/v2/assignment/ipv4/block/192.168.0.1-26',
  '/calico/ipam/v2/host//ipv4/block/192.168.0.0-26',
  '/calico/ipam/v2/handle/a/b',
  '/calico/resources/v3/projectcalico.org/ippools/a/b',
  '/calico/resources/v3/projectcalico.org/workloadendpoints/a',
  '/calico/resources/v3/projectcalico.org/tiers/default',
  '/coreos.com/network/config',
])('%s names nothing that we know', (key) => {
  expect(parseKey(key)).toBeUndefined();
});

test('keys that would escape their folder are refused', () => {
  expect(() => handleKey('a/b')).toThrow('handle id must not be empty nor contain "/": "a/b"');
  expect(() => resourceKey('Node', '')).toThrow('name of a Node');
  expect(() => resourceKey('WorkloadEndpoint', 'x')).toThrow('needs a namespace');
  expect(() => resourceKey('Node', 'x', 'default')).toThrow('has no namespace');
});
