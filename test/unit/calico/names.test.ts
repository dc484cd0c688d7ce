import { describe, expect, test } from 'vitest';
import {
  hashedRouterId,
  hostInterfaceName,
  parseWorkloadEndpointName,
  podHandleId,
  tunnelHandleId,
  vtepMac,
  workloadEndpointName,
} from '../../../protocol/calico/names.ts';

test.each([
  ['remotehostname', '66:3e:ca:a4:db:65'],
  ['remotehostname2', '66:40:18:59:1f:16'],
  ['localhostname', '66:48:f6:56:dc:f1'],
  ['node1', '66:f9:37:c3:7e:94'],
  ['node2', '66:2d:bf:44:a6:8b'],
])('VTEP MAC of %s', (node, mac) => {
  expect(vtepMac(node)).toBe(mac);
});

test('the IPv6 VTEP has its own MAC', () => {
  expect(vtepMac('node1', 6)).toBe('66:0f:35:f2:60:df');
});

test.each([
  ['default', 'podA', 'cali7f94ce7c295'],
  ['default', 'pod1', 'calice0906292e2'],
])('host interface of %s.%s', (namespace, pod, name) => {
  expect(hostInterfaceName(namespace, pod)).toBe(name);
  expect(name).toHaveLength(15);
});

test.each([
  ['nodeTest', '109.174.215.226'],
  ['Testrobin123', '207.94.5.27'],
])('hashed router id of %s', (node, id) => {
  expect(hashedRouterId(node)).toBe(id);
});

describe('workload endpoint names', () => {
  test.each([
    [{ node: 'node1', pod: 'web', endpoint: 'eth0' }, 'node1-k8s-web-eth0'],
    [{ node: 'kind-worker', pod: 'web-6d4b-x', endpoint: 'eth0' }, 'kind--worker-k8s-web--6d4b--x-eth0'],
    [{ node: 'a--b', pod: 'c', endpoint: 'eth0' }, 'a----b-k8s-c-eth0'],
  ])('%o', (identity, name) => {
    expect(workloadEndpointName(identity)).toBe(name);
    expect(parseWorkloadEndpointName(name)).toEqual({ ...identity, orchestrator: 'k8s' });
  });

  test.each([
    '',
    'node1',
    'node1-k8s-web',
    'node1-cni-web-eth0',
    'a-b-k8s-c-eth0',
    '-k8s-web-eth0',
    'n---k8s-web-eth0',
  ])('%s is none', (name) => {
    expect(parseWorkloadEndpointName(name)).toBeUndefined();
  });

  test.each([
    { node: '', pod: 'w' },
    { node: 'n', pod: '-w' },
    { node: 'n-', pod: 'w' },
  ])('%o is refused', (part) => {
    expect(() => workloadEndpointName({ ...part, endpoint: 'eth0' })).toThrow(
      /must not be empty nor begin or end/,
    );
  });
});

test('handles', () => {
  expect(podHandleId('k8s-pod-network', 'abc')).toBe('k8s-pod-network.abc');
  expect(tunnelHandleId('vxlan', 'node1')).toBe('vxlan-tunnel-addr-node1');
});
