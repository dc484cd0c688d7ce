import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClusterView, type ViewChange } from '../../../agents/node/cluster-view.ts';
import type { KvClient } from '../../../agents/store/client.ts';
import { keyBytes } from '../../../agents/store/keys.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import type { Store } from '../../../agents/store/store.ts';
import { affinityKey, resourceKey } from '../../../protocol/calico/keys.ts';
import { SimClock, seededRandom } from '../../support/sim-net.ts';
import { keptLog, nodeAt } from './support.ts';

let clock: SimClock;
let store: Store;
let kv: KvClient;
let view: ClusterView;
let log: ReturnType<typeof keptLog>;
let changes: ViewChange[];

beforeEach(() => {
  clock = new SimClock();
  store = createMemoryStore({ clock, random: seededRandom(1) });
  kv = store.client();
  log = keptLog();
  changes = [];
  view = new ClusterView(log, (change) => changes.push(change));
});
afterEach(async () => {
  view.close();
  await store.close();
});

async function put(key: string, value: unknown): Promise<void> {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  await kv.put({ key: keyBytes(key), value: keyBytes(text) });
  await clock.pass(0);
}

async function remove(key: string): Promise<void> {
  await kv.deleteRange({ key: keyBytes(key) });
  await clock.pass(0);
}

const putNode = (name: string, address: string, tunnel?: string): Promise<void> =>
  put(resourceKey('Node', name), nodeAt(name, address, tunnel));

function resource(kind: string, name: string, spec: object): object {
  return { apiVersion: 'projectcalico.org/v3', kind, metadata: { name }, spec };
}

describe('open', () => {
  test('resolves with everything that exists', async () => {
    await putNode('host1', '127.9.0.1');
    await put(resourceKey('IPPool', 'a'), resource('IPPool', 'a', { cidr: '10.65.0.0/16' }));
    await put(
      resourceKey('BGPPeer', 'p'),
      resource('BGPPeer', 'p', { peerIP: '127.9.0.9', asNumber: 65001 }),
    );
    await put(
      resourceKey('BGPConfiguration', 'default'),
      resource('BGPConfiguration', 'default', { asNumber: 65000 }),
    );
    await put(affinityKey('host1', '10.65.0.0/26'), { state: 'confirmed' });
    await clock.outcome(view.open(kv, clock));
    expect([...view.nodes.keys(), ...view.pools.keys(), ...view.bgpPeers.keys()]).toEqual([
      'host1',
      'a',
      'p',
    ]);
    expect(view.bgpConfigurations.get('default')?.spec.asNumber).toBe(65000);
    expect(view.confirmedBlocks()).toEqual([{ node: 'host1', block: '10.65.0.0/26' }]);
    expect(new Set(changes)).toEqual(new Set(['nodes', 'pools', 'peering', 'affinities']));
  });

  test('rejects when it is closed meanwhile', async () => {
    const opening = view.open(kv, clock);
    view.close();
    await expect(clock.outcome(opening)).rejects.toThrow('the store is not followed any more');
  });

  test('a closed view hears nothing', async () => {
    await clock.outcome(view.open(kv, clock));
    view.close();
    await putNode('host1', '127.9.0.1');
    expect([view.nodes.size, changes]).toEqual([0, []]);
  });
});

describe('an open view', () => {
  beforeEach(() => clock.outcome(view.open(kv, clock)));

  test.each([
    ['no JSON', '{'],
    ['another kind', resource('BGPPeer', 'host1', { peerIP: '127.9.0.9' })],
    ['a wrong address', resource('Node', 'host1', { bgp: { ipv4Address: 'nowhere' } })],
    ['another name than its key', nodeAt('host2', '127.9.0.1')],
    ['nothing', 'null'],
  ])('logs and leaves out a resource with %s, also where it could be read before', async (_, value) => {
    await put(resourceKey('Node', 'host1'), value);
    expect(view.nodes.size).toBe(0);
    expect(changes).toEqual([]);
    await putNode('host1', '127.9.0.1');
    await put(resourceKey('Node', 'host1'), value);
    expect(view.nodes.size).toBe(0);
    expect(view.nodeAt('127.9.0.1')).toBeUndefined();
    expect(changes).toEqual(['nodes', 'nodes']);
    expect(log.lines).toHaveLength(2);
    expect(log.lines[0]).toEqual([
      'warn',
      'a resource in the store cannot be read',
      { key: resourceKey('Node', 'host1'), error: expect.stringMatching(/./) },
    ]);
    await putNode('host1', '127.9.0.1');
    expect(view.nodeAt('127.9.0.1')?.metadata.name).toBe('host1');
  });

  test('ignores keys that no resource has', async () => {
    await put(`${resourceKey('Node', 'host1')}/more`, nodeAt('host1', '127.9.0.1'));
    expect([view.nodes.size, changes]).toEqual([0, []]);
  });

  test('finds nodes by address, of both versions, and follows their changes', async () => {
    const both = nodeAt('host1', '127.9.0.1');
    const bgp = { ...both.spec.bgp, ipv6Address: 'fd00::1/64' };
    await put(resourceKey('Node', 'host1'), { ...both, spec: { bgp } });
    expect(view.nodeAt('fd00::1')?.metadata.name).toBe('host1');
    await putNode('host1', '127.9.0.5');
    expect(view.nodeAt('127.9.0.5')?.metadata.name).toBe('host1');
    expect(view.nodeAt('127.9.0.1')).toBeUndefined();
    expect(view.nodeAt('fd00::1')).toBeUndefined();
    await remove(resourceKey('Node', 'host1'));
    expect(view.nodeAt('127.9.0.5')).toBeUndefined();
    expect(view.nodes.size).toBe(0);
  });

  test('an address that another node took stays that node’s when the first one goes or moves', async () => {
    await putNode('host1', '127.9.0.1');
    await putNode('host2', '127.9.0.1');
    expect(view.nodeAt('127.9.0.1')?.metadata.name).toBe('host2');
    await putNode('host1', '127.9.0.7');
    expect(view.nodeAt('127.9.0.1')?.metadata.name).toBe('host2');
    await putNode('host1', '127.9.0.1');
    await remove(resourceKey('Node', 'host1'));
    expect(view.nodeAt('127.9.0.1')?.metadata.name).toBe('host2');
    await remove(resourceKey('Node', 'host2'));
    expect(view.nodeAt('127.9.0.1')).toBeUndefined();
  });

  test('blocks count while their affinity is confirmed', async () => {
    const key = affinityKey('host1', '10.65.0.0/26');
    await put(key, { state: 'pending' });
    expect([view.confirmedBlocks(), changes]).toEqual([[], []]);
    await put(key, { state: 'confirmed' });
    expect(view.blocksOf('host1')).toEqual(['10.65.0.0/26']);
    expect(view.blocksOf('host2')).toEqual([]);
    await put(key, { state: 'confirmed', type: 'host' });
    expect(changes).toEqual(['affinities']);
    await put(key, { state: 'pendingDeletion' });
    expect(view.blocksOf('host1')).toEqual([]);
    await put(key, { state: 'confirmed' });
    await remove(key);
    expect(view.confirmedBlocks()).toEqual([]);
    expect(changes).toEqual(['affinities', 'affinities', 'affinities', 'affinities']);
    await remove(key);
    expect(changes).toHaveLength(4);
  });

  test.each([
    ['', true],
    ['{}', true],
    ['{"state":"confirmed","deleted":true}', false],
    ['{"state":"half"}', false],
    ['null', false],
    ['nonsense', false],
  ])('an affinity with the value %j counts: %s', async (value, counts) => {
    await put(affinityKey('host1', '10.65.0.0/26'), value);
    expect(view.blocksOf('host1')).toHaveLength(counts ? 1 : 0);
  });

  test('leaves out blocks of IPv6 and keys that are no affinity', async () => {
    await put(affinityKey('host1', 'fd00:65::/122'), { state: 'confirmed' });
    await put('/calico/ipam/v2/host/host1/ipv4/block/nonsense', { state: 'confirmed' });
    await put('/calico/ipam/v2/host/host1', { state: 'confirmed' });
    expect([view.confirmedBlocks(), changes]).toEqual([[], []]);
  });

  test('finds the pool of a block', async () => {
    await put(resourceKey('IPPool', 'a'), resource('IPPool', 'a', { cidr: '10.65.0.0/16' }));
    await put(resourceKey('IPPool', 'b'), resource('IPPool', 'b', { cidr: 'fd00:65::/48' }));
    expect(view.poolOf('10.65.3.64/26')?.metadata.name).toBe('a');
    expect(view.poolOf('fd00:65::7')?.metadata.name).toBe('b');
    expect(view.poolOf('10.66.0.0/26')).toBeUndefined();
    expect(view.poolOf('10.0.0.0/8')).toBeUndefined();
  });
});
