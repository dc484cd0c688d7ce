import { expect, test } from 'vitest';
import type { NeighborStatus } from '../../../agents/bgp/types.ts';
import { fdbRows, neighborRows, podRows, routeRows, storeRows } from '../../../agents/node/inspect.ts';
import { EmulatedPod } from '../../../agents/pod/emulated.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import { parseMac } from '../../../protocol/ethernet/mac.ts';
import { Forwarder } from '../../../protocol/forwarder/forwarder.ts';
import { parseIpv4 } from '../../../protocol/ip/ipv4.ts';
import { SimClock, seededRandom } from '../../support/sim-net.ts';

const BGP = { source: 'bgp', detail: 'BGP from rr1' };
const IPAM = { source: 'ipam', detail: 'block of this node' };
const MAC = parseMac('66:00:00:00:00:02');

function forwarder(): Forwarder {
  const sink = { toWorkload: () => undefined, toVtep: () => undefined, toUnderlay: () => undefined };
  const made = new Forwarder({ host: 'host1', icmpSource: 0, sink });
  const address = parseIpv4('10.65.1.0');
  const vxlan = made.addPort({ kind: 'vxlan', name: 'vxlan.calico', vni: 4096, mac: 1, address, mtu: 1450 });
  const common = { kind: 'workload', name: 'cali1', workload: 'default/a', podMac: 2, mtu: 1400 } as const;
  const pod = made.addPort({ ...common, addresses: [parseIpv4('10.65.1.7')] });
  const eth0 = made.addPort({ kind: 'underlay', name: 'eth0', address: 0, mac: 3, mtu: 1500 });
  const gateway = parseIpv4('10.65.2.0');
  made.setRoute(gateway, 26, { kind: 'vxlan', port: vxlan, gateway, origin: BGP });
  made.setRoute(address, 26, { kind: 'blackhole', origin: IPAM });
  made.setRoute(parseIpv4('10.65.1.7'), 32, { kind: 'workload', port: pod, origin: IPAM });
  made.setRoute(0, 0, { kind: 'underlay', port: eth0, gateway: parseIpv4('127.9.0.254'), origin: BGP });
  made.setNeighbor(vxlan, gateway, MAC, BGP);
  made.setFdb(vxlan, MAC, parseIpv4('127.9.0.2'), BGP);
  made.setFdb(vxlan, MAC + 1, parseIpv4('127.9.0.3'), BGP);
  return made;
}

test('routes as ip route lists them, longest prefixes first', () => {
  const row = { node: 'host1', gateway: null, device: null, scope: null, flags: [], mtu: null };
  const host = { ...row, type: 'local', protocol: 'kernel', scope: 'host' };
  const bird = { ...row, type: 'unicast', protocol: 'bird', learnedFrom: 'BGP from rr1' };
  const own = { ...row, protocol: '80', learnedFrom: 'block of this node' };
  expect(routeRows('host1', forwarder())).toEqual([
    { ...host, destination: '10.65.1.0', learnedFrom: 'address of vxlan.calico' },
    { ...own, type: 'unicast', destination: '10.65.1.7', device: 'cali1', scope: 'link' },
    {
      ...bird,
      destination: '10.65.2.0/26',
      gateway: '10.65.2.0',
      device: 'vxlan.calico',
      flags: ['onlink'],
      mtu: 1450,
    },
    { ...own, type: 'blackhole', destination: '10.65.1.0/26' },
    { ...bird, destination: 'default', gateway: '127.9.0.254', device: 'eth0', mtu: 1500 },
  ]);
});

test('the FDB with the neighbour that leads to each entry, where one does', () => {
  const row = { node: 'host1', device: 'vxlan.calico', state: 'permanent', learnedFrom: 'BGP from rr1' };
  expect(fdbRows('host1', forwarder())).toEqual([
    { ...row, mac: '66:00:00:00:00:02', destination: '127.9.0.2', neighbor: '10.65.2.0' },
    { ...row, mac: '66:00:00:00:00:03', destination: '127.9.0.3', neighbor: '' },
  ]);
});

test('neighbours with their time in RFC 3339', () => {
  const status = { name: 'Mesh_1', state: 'Established', since: 1_790_000_000_123_456_789n };
  expect(neighborRows('host1', [status as NeighborStatus])).toEqual([
    { name: 'Mesh_1', state: 'Established', node_name: 'host1', since: '2026-09-21T14:13:20.123Z' },
  ]);
});

test('pods', () => {
  const network = { address: '10.65.1.7', mac: '02:00:00:00:00:01', mtu: 1450, gateway: '169.254.1.1' };
  const spec = { namespace: 'default', name: 'a', labels: { app: 'x' }, kind: 'emulated' } as const;
  const pod = new EmulatedPod(network, new SimClock());
  expect(podRows('host1', [{ spec, network, pod, interfaceName: 'cali1' }])).toEqual([
    {
      node: 'host1',
      namespace: 'default',
      name: 'a',
      kind: 'emulated',
      addresses: ['10.65.1.7'],
      mac: '02:00:00:00:00:01',
      interface: 'cali1',
      labels: { app: 'x' },
      ready: true,
      netns: null,
      uts: null,
    },
  ]);
});

test('every key of the store in order, values that are no text as base64', async () => {
  const store = createMemoryStore({ clock: new SimClock(), random: seededRandom(1) });
  const kv = store.client();
  const put = (key: string, value: Uint8Array): Promise<unknown> => kv.put({ key: Buffer.from(key), value });
  await put('/calico/a', Buffer.from('äöü'));
  await put('zoo', Uint8Array.of(0xff, 0xfe));
  await put('/calico/a', Buffer.from('{}'));
  await put('!', Buffer.from(''));
  expect(await storeRows(kv)).toEqual([
    row('!', '', { createRevision: '5', modRevision: '5' }),
    row('/calico/a', '{}', { createRevision: '2', modRevision: '4', version: '2' }),
    row('zoo', '//4=', { createRevision: '3', modRevision: '3', encoding: 'base64' }),
  ]);
  await store.close();
});

function row(key: string, value: string, more: object): object {
  return { key, value, encoding: 'utf8', version: '1', lease: '0', ...more };
}
