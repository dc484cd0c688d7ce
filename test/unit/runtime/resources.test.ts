import { afterEach, beforeEach, expect, test } from 'vitest';
import { Ipam } from '../../../agents/calico/ipam.ts';
import { ResourceClient } from '../../../agents/calico/resources.ts';
import type { KvClient } from '../../../agents/store/client.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import type { Store } from '../../../agents/store/store.ts';
import type { LabPlan, PlannedNode } from '../../../lab/plan/plan.ts';
import { applyResources } from '../../../lab/runtime/resources.ts';
import { SimClock, seededRandom } from '../../support/sim-net.ts';
import { checkInvariants, dump } from '../calico/setup.ts';

const ports = { clock: new SimClock(), random: seededRandom(1) };
let store: Store;
let kv: KvClient;
beforeEach(() => {
  store = createMemoryStore(ports);
  kv = store.client();
});
afterEach(() => store.close());

function resource(kind: string, name: string, spec: object): LabPlan['resources'][number] {
  return {
    apiVersion: 'projectcalico.org/v3',
    kind,
    metadata: { name },
    spec,
  } as LabPlan['resources'][number];
}

function foreign(name: string, more: object = {}): PlannedNode {
  return { name, kind: 'linux', address: '127.9.0.9', foreignBlocks: [], ...more } as unknown as PlannedNode;
}

const POOL = resource('IPPool', 'default', { cidr: '10.65.0.0/16', vxlanMode: 'Always' });
const BIRD = foreign('bird', { foreignBlocks: ['10.65.9.0/26'], tunnelAddress: '10.65.9.0' });

function apply(nodes: readonly PlannedNode[], resources = [POOL]): Promise<void> {
  return applyResources({ nodes, resources }, kv, ports);
}

test('resources are in the store, with their defaults', async () => {
  await apply([], [POOL, resource('BGPConfiguration', 'default', { asNumber: 65001 })]);
  const client = new ResourceClient(kv, ports);
  expect((await client.get('IPPool', 'default'))?.spec).toMatchObject({
    cidr: '10.65.0.0/16',
    blockSize: 26,
  });
  expect((await client.get('BGPConfiguration', 'default'))?.spec.asNumber).toBe(65001);
});

test('a foreign node has its blocks and its tunnel address in IPAM', async () => {
  await apply([BIRD, foreign('other')]);
  const ipam = new Ipam(kv, ports);
  expect(await ipam.blocksOf('bird')).toEqual(['10.65.9.0/26']);
  expect(await ipam.blocksOf('other')).toEqual([]);
  expect(await ipam.ipsByHandle('vxlan-tunnel-addr-bird')).toEqual(['10.65.9.0']);
  await checkInvariants(kv);
});

test('again on the same store changes nothing of that', async () => {
  await apply([BIRD]);
  const before = await dump(kv, '/calico/ipam/');
  await apply([BIRD]);
  expect(await dump(kv, '/calico/ipam/')).toEqual(before);
});

test('a block that another node has is an error that names both', async () => {
  await apply([BIRD]);
  await expect(apply([foreign('frr', { foreignBlocks: ['10.65.9.0/26'] })])).rejects.toThrow(
    'node frr: block 10.65.9.0/26 belongs to another node',
  );
});

test('so is a tunnel address that is in use, or in no pool', async () => {
  await apply([BIRD]);
  await expect(apply([foreign('frr', { tunnelAddress: '10.65.9.0' })])).rejects.toThrow(
    'node frr: tunnel address 10.65.9.0: ',
  );
  await expect(apply([foreign('frr', { tunnelAddress: '10.99.0.1' })])).rejects.toThrow(
    'node frr: tunnel address 10.99.0.1: ipam: 10.99.0.1 is in no enabled pool',
  );
});

test('a resource that is none is an error that names the field', async () => {
  const bad = resource('IPPool', 'default', { cidr: 'nowhere' });
  await expect(apply([], [bad])).rejects.toThrow('spec.cidr');
});
