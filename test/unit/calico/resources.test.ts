import { describe, expect, test } from 'vitest';
import { durationSeconds } from '../../../protocol/calico/duration.ts';
import { parsePeerAddress } from '../../../protocol/calico/resources/bgp-peer.ts';
import { FieldError } from '../../../protocol/calico/resources/field.ts';
import { nodeAddress } from '../../../protocol/calico/resources/node.ts';
import { parseResource, parseResourceOf } from '../../../protocol/calico/resources/parse.ts';

const apiVersion = 'projectcalico.org/v3';
const resource = (kind: string, name: string, spec: object, more: object = {}): object => ({
  apiVersion,
  kind,
  metadata: { name, ...more },
  spec,
});
const pool = (spec: object): object => resource('IPPool', 'p', { cidr: '192.168.0.0/16', ...spec });

function failure(value: unknown): FieldError {
  try {
    parseResource(value);
  } catch (error) {
    if (error instanceof FieldError) return error;
    throw error;
  }
  throw new Error('parsed');
}

describe('defaults', () => {
  test('of an IPv4 pool', () => {
    expect(parseResource(pool({ vxlanMode: 'Always' }))).toEqual({
      apiVersion,
      kind: 'IPPool',
      metadata: { name: 'p' },
      spec: {
        cidr: '192.168.0.0/16',
        vxlanMode: 'Always',
        ipipMode: 'Never',
        natOutgoing: false,
        disabled: false,
        disableBGPExport: false,
        blockSize: 26,
        nodeSelector: 'all()',
        allowedUses: ['Workload', 'Tunnel'],
        assignmentMode: 'Automatic',
      },
    });
  });

  test('of an IPv6 pool', () => {
    expect(parseResourceOf('IPPool', pool({ cidr: 'fd00:10::/64' })).spec.blockSize).toBe(122);
  });
});

describe('errors name resource, field and expectation', () => {
  test.each([
    [pool({ blockSize: 33 }), 'IPPool p: spec.blockSize: expected an integer from 20 to 32, got 33'],
    [
      pool({ cidr: '10.0.0.0/27' }),
      'IPPool p: spec.cidr: 10.0.0.0/27 is smaller than one block of blockSize 26',
    ],
    [pool({ cidr: '10.0.0.1/24' }), 'spec.cidr: expected valid text (10.0.0.1/24 has host bits set'],
    [pool({ cidr: '10.0.0.0' }), 'a CIDR needs a prefix length'],
    [
      pool({ vxlanMode: 'Always', ipipMode: 'CrossSubnet' }),
      'spec.vxlanMode: vxlanMode and ipipMode exclude each other',
    ],
    [
      pool({ vxlanMode: 'always' }),
      'spec.vxlanMode: expected one of Never, Always, CrossSubnet, got "always"',
    ],
    [pool({ cidr: 'fd00::/64', ipipMode: 'Always' }), 'spec.ipipMode: IP in IP carries IPv4 only'],
    [
      pool({ nodeSelector: 'a = b' }),
      'spec.nodeSelector: expected valid text (selector "a = b", character 3',
    ],
    [pool({ vxlan: true }), 'spec.vxlan: unknown field, expected one of cidr, vxlanMode'],
    [
      pool({ allowedUses: ['Workload', 'Pods'] }),
      'spec.allowedUses[1]: expected one of Workload, Tunnel, LoadBalancer',
    ],
    [resource('IPPool', 'p', {}), 'spec.cidr: expected text, got nothing'],
    [
      resource('IPPool', 'No_Name', { cidr: '10.0.0.0/8' }),
      'metadata.name: expected a name of lower-case letters',
    ],
    [{ apiVersion, kind: 'IPPool', spec: {} }, 'IPPool: metadata: expected an object, got nothing'],
    [
      { ...pool({}), apiVersion: 'crd.projectcalico.org/v1' },
      'apiVersion: expected one of projectcalico.org/v3',
    ],
    [{ kind: 'Tier' }, 'kind: expected one of IPPool, BGPConfiguration'],
    [null, 'kind: expected one of'],
    [
      resource('IPPool', 'p', { cidr: '10.0.0.0/8' }, { namespace: 'default' }),
      'metadata.namespace: a IPPool has no namespace',
    ],
    [
      resource('BGPConfiguration', 'other', {}),
      'BGPConfiguration other: metadata.name: expected default or node.NAME',
    ],
    [
      resource('BGPConfiguration', 'node.a', { asNumber: 1 }),
      'spec.asNumber: may be set only in the BGPConfiguration named default',
    ],
    [
      resource('BGPConfiguration', 'default', { asNumber: 0 }),
      'spec.asNumber: expected an AS number from 1 to 4294967295, got 0',
    ],
    [
      resource('BGPConfiguration', 'default', { serviceClusterIPs: [{ cidr: 'x' }] }),
      'spec.serviceClusterIPs[0].cidr: expected valid text',
    ],
    [
      resource('BGPPeer', 'b', {}),
      'BGPPeer b: spec: expected one of peerIP, peerSelector, localWorkloadSelector',
    ],
    [
      resource('BGPPeer', 'b', { node: 'n', nodeSelector: 'all()', peerIP: '1.1.1.1' }),
      'node and nodeSelector exclude each other',
    ],
    [
      resource('BGPPeer', 'b', { peerIP: '1.1.1.1', peerSelector: 'all()' }),
      'peerIP and peerSelector exclude each other',
    ],
    [
      resource('BGPPeer', 'b', { peerIP: '1.1.1.1:0' }),
      'spec.peerIP: expected valid text (expected IP, IP:PORT or [IPv6]:PORT)',
    ],
    [
      resource('BGPPeer', 'b', { peerIP: '1.1.1.1', keepaliveTime: '10' }),
      'spec.keepaliveTime: expected valid text (not a duration',
    ],
    [
      resource('Node', 'n', { bgp: { ipv4Address: '10.0.0.300' } }),
      'spec.bgp.ipv4Address: expected an IPv4 address',
    ],
    [resource('WorkloadEndpoint', 'w', {}), 'WorkloadEndpoint w: spec.orchestrator: expected text'],
  ])('%#', (value, message) => {
    expect(failure(value).message).toContain(message);
  });

  test('the path leads to the field in the source', () => {
    expect(failure(pool({ allowedUses: ['x'] })).path).toEqual(['spec', 'allowedUses', 0]);
  });
});

test('what Calico stores is read, with fields of other versions ignored and nulls as absent', () => {
  const stored = resource(
    'Node',
    'node1',
    {
      addresses: [{ address: '172.18.0.2/16', type: 'CalicoNodeIP' }, { address: '172.18.0.2' }],
      bgp: { ipv4Address: '172.18.0.2/16', asNumber: '1.10', futureField: 1 },
      orchRefs: [{ nodeName: 'node1', orchestrator: 'k8s' }],
    },
    { creationTimestamp: null, uid: 'u', managedFields: [] },
  );
  const value = { ...stored, status: { podCIDRs: ['10.244.0.0/24'] } };
  const node = parseResourceOf(
    'Node',
    { ...value, spec: { ...(stored as { spec: object }).spec, addresses: null } },
    'ignore',
  );
  expect(node.metadata).toEqual({ name: 'node1', uid: 'u' });
  expect(node.spec.bgp).toEqual({ ipv4Address: '172.18.0.2/16', asNumber: 65546 });
  expect(node.status).toEqual({ podCIDRs: ['10.244.0.0/24'] });
  expect(nodeAddress(node)).toBe('172.18.0.2');
  expect(nodeAddress(node, 6)).toBeUndefined();
});

test('a workload endpoint', () => {
  const value = resource(
    'WorkloadEndpoint',
    'node1-k8s-web-eth0',
    {
      orchestrator: 'k8s',
      node: 'node1',
      pod: 'web',
      endpoint: 'eth0',
      ipNetworks: ['192.168.0.3/32', 'fd00::3/128'],
      interfaceName: 'cali7f94ce7c295',
      ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
    },
    { namespace: 'default', labels: { app: 'web' } },
  );
  expect(parseResource(value)).toEqual(value);
});

test.each([
  ['10.0.0.1', { address: '10.0.0.1', port: undefined }],
  ['10.0.0.1:1179', { address: '10.0.0.1', port: 1179 }],
  ['fd00::1', { address: 'fd00::1', port: undefined }],
  ['[fd00::1]:179', { address: 'fd00::1', port: 179 }],
])('peer address %s', (text, expected) => {
  expect(parsePeerAddress(text)).toEqual(expected);
});

test.each([
  ['0', 0],
  ['90s', 90],
  ['1m30s', 90],
  ['1.5h', 5400],
  ['250ms', 0.25],
])('duration %s', (text, seconds) => {
  expect(durationSeconds(text)).toBe(seconds);
});
