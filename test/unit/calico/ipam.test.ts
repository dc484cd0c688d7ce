import { beforeEach, describe, expect, test } from 'vitest';
import { Ipam } from '../../../agents/calico/ipam.ts';
import type { KvClient } from '../../../agents/store/client.ts';
import { keyBytes, keyText } from '../../../agents/store/keys.ts';
import { BLOCK_AFFINITY } from '../../../protocol/calico/ipam/values.ts';
import { affinityKey, blockKey } from '../../../protocol/calico/keys.ts';
import type { TxnRequest } from '../../../protocol/etcd/types.ts';
import { blocksIn, type Cluster, checkInvariants, cluster, dump } from './setup.ts';

const NODES = { a: {}, b: {}, c: {} };

/** The client with a hook before each transaction, to step in between read and write. */
function intercepted(
  client: KvClient,
  before: (key: string, request: TxnRequest) => Promise<void>,
): KvClient {
  return {
    ...client,
    txn: async (request) => {
      await before(keyText(request.compare[0]!.key), request);
      return client.txn(request);
    },
  };
}

async function affinities(client: KvClient): Promise<Record<string, string>> {
  const values = await dump(client, '/calico/ipam/v2/host/');
  return Object.fromEntries(
    Object.entries(values).map(([key, json]) => [
      key.slice('/calico/ipam/v2/host/'.length),
      BLOCK_AFFINITY.parse(json).state,
    ]),
  );
}

describe('assignment', () => {
  let lab: Cluster;
  let ipam: Ipam;
  beforeEach(async () => {
    lab = await cluster({ p: { cidr: '10.0.0.0/24' } }, NODES);
    ipam = lab.ipam();
  });

  test('claims a block, takes its first addresses, and writes what Calico writes', async () => {
    const addresses = await ipam.autoAssign({
      node: 'a',
      count: 2,
      handleId: 'h',
      attributes: { pod: 'web' },
    });
    const cidr = (await ipam.blocksOf('a'))[0]!;
    const base = cidr.split('/')[0]!;
    expect(addresses[0]).toBe(base);
    const key = cidr.replace('/', '-');
    const stored = await dump(lab.client, '/calico/ipam/');
    expect(Object.keys(stored)).toEqual([
      `/calico/ipam/v2/assignment/ipv4/block/${key}`,
      '/calico/ipam/v2/handle/h',
      `/calico/ipam/v2/host/a/ipv4/block/${key}`,
    ]);
    expect(stored['/calico/ipam/v2/handle/h']).toBe(`{"block":{"${cidr}":2},"deleted":false}`);
    expect(stored[`/calico/ipam/v2/host/a/ipv4/block/${key}`]).toBe('{"state":"confirmed","deleted":false}');
    expect((await blocksIn(lab.client))[0]).toMatchObject({
      affinity: 'host:a',
      affinity_claim_time: '2026-09-21T14:13:20Z',
      attributes: [{ handle_id: 'h', secondary: { node: 'a', pod: 'web' } }],
      sequenceNumber: lab.clock.nanos + 1n,
    });
    await checkInvariants(lab.client);
  });

  test('released addresses come back last', async () => {
    const [first] = await ipam.autoAssign({ node: 'a', handleId: 'h1' });
    await ipam.releaseByHandle('h1');
    const seen = await ipam.autoAssign({ node: 'a', count: 63, handleId: 'h2' });
    expect(seen).not.toContain(first);
    expect(await ipam.autoAssign({ node: 'a', handleId: 'h3' })).toEqual([first]);
  });

  test('a node has its own block; more when it is full', async () => {
    await ipam.autoAssign({ node: 'a', count: 64, handleId: 'a1' });
    await ipam.autoAssign({ node: 'b', count: 1, handleId: 'b1' });
    const more = await ipam.autoAssign({ node: 'a', count: 64, handleId: 'a2' });
    expect(new Set(more).size).toBe(64);
    expect(await ipam.blocksOf('a')).toHaveLength(2);
    expect(await ipam.blocksOf('b')).toHaveLength(1);
    await checkInvariants(lab.client);
  });

  test('releasing: by handle, by address, with guards', async () => {
    const [x, y] = await ipam.autoAssign({ node: 'a', count: 2, handleId: 'h' });
    expect(await ipam.releaseByHandle('unknown')).toEqual([]);
    await expect(ipam.releaseIps([{ address: x!, handleId: 'other' }])).rejects.toThrow(
      `${x} belongs to handle h, not to other`,
    );
    expect(
      await ipam.releaseIps([{ address: x! }, { address: '10.0.0.250' }, { address: '192.0.2.1' }]),
    ).toEqual({
      released: [x],
      wereFree: ['10.0.0.250', '192.0.2.1'],
    });
    expect(await ipam.ipsByHandle('h')).toEqual([y]);
    expect(await ipam.releaseByHandle('h')).toEqual([y]);
    expect(await dump(lab.client, '/calico/ipam/v2/handle/')).toEqual({});
    expect(await ipam.blocksOf('a')).toHaveLength(1);
    await checkInvariants(lab.client);
  });

  test('addresses of a deleted pool can be released', async () => {
    const addresses = await ipam.autoAssign({ node: 'a', handleId: 'h' });
    await lab.resources.delete('IPPool', 'p');
    expect((await ipam.releaseIps([{ address: addresses[0]! }])).released).toEqual(addresses);
  });

  test('one particular address', async () => {
    await ipam.assignIp({ node: 'a', address: '10.0.0.77', handleId: 'h' });
    expect(await ipam.ipsByHandle('h')).toEqual(['10.0.0.77']);
    expect(await ipam.blocksOf('a')).toEqual(['10.0.0.64/26']);
    await expect(ipam.assignIp({ node: 'b', address: '10.0.0.77', handleId: 'x' })).rejects.toThrow(
      'ipam: 10.0.0.77 of block 10.0.0.64/26 is in use (h)',
    );
    await expect(ipam.assignIp({ node: 'a', address: '10.9.0.1', handleId: 'x' })).rejects.toThrow(
      'ipam: 10.9.0.1 is in no enabled pool',
    );
    await ipam.setConfig({ strict_affinity: true, auto_allocate_blocks: true, maxBlocksPerHost: 0 });
    await expect(ipam.assignIp({ node: 'b', address: '10.0.0.78', handleId: 'x' })).rejects.toThrow(
      'block 10.0.0.64/26 is affine to host:a, not to host:b',
    );
    await checkInvariants(lab.client);
  });

  test('a request needs the Node, for the pools choose by its labels', async () => {
    await expect(ipam.autoAssign({ node: 'x', handleId: 'h' })).rejects.toThrow(
      'ipam: there is no Node x in the store',
    );
  });

  test('IPv6', async () => {
    const six = await cluster({ six: { cidr: 'fd00::/64' } }, NODES);
    const addresses = await six.ipam().autoAssign({ node: 'a', version: 6, count: 2, handleId: 'h' });
    expect(addresses.every((address) => address.startsWith('fd00:'))).toBe(true);
    expect(await six.ipam().blocksOf('a', 6)).toHaveLength(1);
    await six.ipam().releaseByHandle('h');
    await checkInvariants(six.client);
  });
});

describe('shortage', () => {
  const tiny = (blockSize = 30): Promise<Cluster> =>
    cluster({ p: { cidr: '10.0.0.0/29', blockSize } }, NODES);

  test('borrowing from a foreign block; inspect tells', async () => {
    const lab = await tiny();
    const ipam = lab.ipam();
    await ipam.autoAssign({ node: 'a', count: 4, handleId: 'a' });
    await ipam.autoAssign({ node: 'b', count: 1, handleId: 'b' });
    const [borrowed] = await ipam.autoAssign({ node: 'c', count: 1, handleId: 'c' });
    const [own] = await ipam.blocksOf('b');
    expect(await ipam.blocksOf('c')).toEqual([]);
    const rows = await ipam.utilization();
    expect(rows.find(({ block }) => block === own)).toEqual({
      pool: '10.0.0.0/29',
      block: own,
      affinity: 'host:b',
      total: 4,
      inUse: 2,
      reserved: 0,
      free: 2,
      borrowed: [{ address: borrowed, node: 'c', handle: 'c' }],
    });
    await checkInvariants(lab.client);
  });

  test('an exhausted pool: the error names node, count and pool, and nothing is kept', async () => {
    const lab = await tiny();
    const ipam = lab.ipam();
    await ipam.autoAssign({ node: 'a', count: 5, handleId: 'a' });
    await expect(ipam.autoAssign({ node: 'b', count: 4, handleId: 'b' })).rejects.toThrow(
      'ipam: node b: assigned 3 of 4 IPv4 addresses: no free address in pool p (10.0.0.0/29)',
    );
    expect(await ipam.ipsByHandle('b')).toEqual([]);
    expect(await ipam.autoAssign({ node: 'b', count: 3, handleId: 'b' })).toHaveLength(3);
    await checkInvariants(lab.client);
  });

  test('strict affinity does not borrow', async () => {
    const lab = await tiny();
    const ipam = lab.ipam();
    await ipam.setConfig({ strict_affinity: true, auto_allocate_blocks: true, maxBlocksPerHost: 0 });
    await ipam.autoAssign({ node: 'a', handleId: 'a' });
    await ipam.autoAssign({ node: 'b', handleId: 'b' });
    await expect(ipam.autoAssign({ node: 'c', handleId: 'c' })).rejects.toThrow(
      'assigned 0 of 1 IPv4 addresses: no block left (strict affinity) in pool p',
    );
  });

  test('the limit of blocks per node, and blocks that may not be claimed', async () => {
    const lab = await cluster({ p: { cidr: '10.0.0.0/24', blockSize: 30 } }, NODES);
    const ipam = lab.ipam();
    await expect(ipam.autoAssign({ node: 'a', count: 81, handleId: 'h' })).rejects.toThrow(
      'assigned 80 of 81 IPv4 addresses: the node has 20 blocks, the limit is 20',
    );
    await ipam.setConfig({ strict_affinity: false, auto_allocate_blocks: false, maxBlocksPerHost: 0 });
    await expect(ipam.autoAssign({ node: 'b', handleId: 'h' })).rejects.toThrow(
      'auto_allocate_blocks is off',
    );
  });

  test('an empty foreign block is reclaimed, but not in its first minute', async () => {
    const lab = await tiny(29);
    const ipam = lab.ipam();
    expect(await ipam.ensureAffineBlock({ node: 'a' })).toBe('10.0.0.0/29');
    await expect(ipam.ensureAffineBlock({ node: 'b' })).rejects.toThrow(
      'ipam: node b gets no block: no free address in pool p (10.0.0.0/29)',
    );
    lab.clock.nanos += 59_000_000_000n;
    await expect(ipam.ensureAffineBlock({ node: 'b' })).rejects.toThrow('gets no block');
    lab.clock.nanos += 2_000_000_000n;
    expect(await ipam.ensureAffineBlock({ node: 'b' })).toBe('10.0.0.0/29');
    expect(await affinities(lab.client)).toEqual({ 'b/ipv4/block/10.0.0.0-29': 'confirmed' });
  });

  test('blocks of one address', async () => {
    const lab = await cluster({ p: { cidr: '10.0.0.0/30', blockSize: 32 } }, NODES);
    const addresses = await lab.ipam().autoAssign({ node: 'a', count: 4, handleId: 'h' });
    expect(addresses.toSorted()).toEqual(['10.0.0.0', '10.0.0.1', '10.0.0.2', '10.0.0.3']);
  });
});

describe('pools', () => {
  test('of several, the next when one is full; use and selectors decide', async () => {
    const lab = await cluster(
      {
        p1: { cidr: '10.1.0.0/30', blockSize: 30, allowedUses: ['Workload'] },
        p2: { cidr: '10.2.0.0/30', blockSize: 30 },
        rack: { cidr: '10.3.0.0/24', nodeSelector: "rack == '1'" },
      },
      { ...NODES, r: { rack: '1' } },
    );
    const ipam = lab.ipam();
    expect((await ipam.autoAssign({ node: 'a', count: 8, handleId: 'h' })).toSorted()[4]).toBe('10.2.0.0');
    await expect(ipam.autoAssign({ node: 'a', handleId: 'h2' })).rejects.toThrow(
      'pool p1 (10.1.0.0/30), p2 (10.2.0.0/30)',
    );
    await ipam.releaseIps([{ address: '10.2.0.0' }, { address: '10.1.0.0' }]);
    expect(await ipam.autoAssign({ node: 'b', handleId: 't', intendedUse: 'Tunnel' })).toEqual(['10.2.0.0']);
    expect((await ipam.autoAssign({ node: 'r', handleId: 'r', pools: ['rack'] }))[0]).toMatch(/^10\.3\./);
  });

  test('a pool that stops selecting a node gets its empty block back', async () => {
    const lab = await cluster({ p1: { cidr: '10.1.0.0/26' }, p2: { cidr: '10.2.0.0/26' } }, NODES);
    const ipam = lab.ipam();
    await ipam.ensureAffineBlock({ node: 'a', pools: ['p1'] });
    const p1 = (await lab.resources.get('IPPool', 'p1'))!;
    await lab.resources.update({ ...p1, spec: { ...p1.spec, nodeSelector: 'has(none)' } });
    await ipam.autoAssign({ node: 'a', handleId: 'h' });
    expect(await ipam.blocksOf('a')).toEqual(['10.2.0.0/26']);
    expect((await blocksIn(lab.client)).map(({ cidr }) => cidr)).toEqual(['10.2.0.0/26']);
  });

  test('no pool', async () => {
    const lab = await cluster({}, NODES);
    await expect(lab.ipam().autoAssign({ node: 'a', handleId: 'h' })).rejects.toThrow(
      'ipam: node a: there is no enabled IPv4 pool',
    );
  });
});

describe('claims', () => {
  const one = (): Promise<Cluster> => cluster({ p: { cidr: '10.0.0.0/26' } }, NODES);

  test('pending, block, confirmed: in that order', async () => {
    const lab = await one();
    const steps: string[] = [];
    const client = intercepted(lab.client, async (key, request) => {
      const put = request.success[0];
      const value = put?.kind === 'put' ? keyText(put.request.value) : '';
      const state = /"state":"(\w+)"/.exec(value)?.[1] ?? '';
      steps.push(`${key.split('/')[4]} ${state}`.trim());
    });
    await lab.ipam(client).ensureAffineBlock({ node: 'a' });
    expect(steps).toEqual(['host pending', 'assignment', 'host confirmed']);
  });

  test('who loses the race for a block gives up its claim and takes the next', async () => {
    const lab = await cluster({ p: { cidr: '10.0.0.0/25' } }, NODES);
    let rival: string | undefined;
    const client = intercepted(lab.client, async (key) => {
      // b takes the block after a has announced its claim and before a creates the block.
      if (rival !== undefined || !key.includes('/assignment/')) return;
      rival = key.split('/').at(-1)!.replace('-', '/');
      await lab.ipam().assignIp({ node: 'b', address: rival.split('/')[0]!, handleId: 'b' });
    });
    const got = await lab.ipam(client).ensureAffineBlock({ node: 'a' });
    expect(got).not.toBe(rival);
    expect(await affinities(lab.client)).toEqual({
      [`a/ipv4/block/${got.replace('/', '-')}`]: 'confirmed',
      [`b/ipv4/block/${rival!.replace('/', '-')}`]: 'confirmed',
    });
  });

  test('a node that starts again has its block and its pods their addresses', async () => {
    const lab = await cluster({ p: { cidr: '10.0.0.0/16' } }, NODES);
    const cidr = await lab.ipam().ensureAffineBlock({ node: 'a' });
    const addresses = await lab.ipam().autoAssign({ node: 'a', handleId: 'pod-1' });
    const restarted = lab.ipam();
    expect(await restarted.ensureAffineBlock({ node: 'a' })).toBe(cidr);
    expect(await restarted.reuseOrAssign({ node: 'a', handleId: 'pod-1' })).toEqual(addresses);
    expect(await restarted.reuseOrAssign({ node: 'a', handleId: 'pod-2' })).not.toEqual(addresses);
    expect(await restarted.blocksOf('a')).toEqual([cidr]);
  });

  test.each(['pending', 'pendingDeletion'] as const)(
    'a crash that left the claim %s is mended',
    async (state) => {
      const lab = await one();
      const key = affinityKey('a', '10.0.0.0/26');
      const value = keyBytes(BLOCK_AFFINITY.format({ state, deleted: false }));
      await lab.client.put({ key: keyBytes(key), value });
      // Before the block existed: it is created.
      expect(await lab.ipam().ensureAffineBlock({ node: 'a' })).toBe('10.0.0.0/26');
      expect(await lab.ipam().blocksOf('a')).toEqual(['10.0.0.0/26']);
      // And after: it is confirmed, with addresses kept.
      await lab.ipam().autoAssign({ node: 'a', handleId: 'h' });
      await lab.client.put({ key: keyBytes(key), value });
      expect(await lab.ipam().blocksOf('a')).toEqual([]);
      await lab.ipam().ensureAffineBlock({ node: 'a' });
      expect(await lab.ipam().blocksOf('a')).toEqual(['10.0.0.0/26']);
      expect(await lab.ipam().ipsByHandle('h')).toHaveLength(1);
    },
  );

  test('a claim to a block that another node owns is removed', async () => {
    const lab = await cluster({ p: { cidr: '10.0.0.0/25' } }, NODES);
    const cidr = await lab.ipam().ensureAffineBlock({ node: 'a' });
    const stale = keyBytes(affinityKey('b', cidr));
    await lab.client.put({
      key: stale,
      value: keyBytes(BLOCK_AFFINITY.format({ state: 'confirmed', deleted: false })),
    });
    const own = await lab.ipam().ensureAffineBlock({ node: 'b' });
    expect(own).not.toBe(cidr);
    expect(await lab.ipam().blocksOf('b')).toEqual([own]);
  });

  test('one particular block', async () => {
    const lab = await cluster({ p: { cidr: '10.0.0.0/24' } }, NODES);
    const ipam = lab.ipam();
    expect(await ipam.claimAffinity('a', '10.0.0.64/26')).toBe(true);
    expect(await ipam.claimAffinity('a', '10.0.0.64/26')).toBe(true);
    expect(await ipam.claimAffinity('b', '10.0.0.64/26')).toBe(false);
    expect(await affinities(lab.client)).toEqual({ 'a/ipv4/block/10.0.0.64-26': 'confirmed' });
    for (const cidr of ['10.0.0.0/27', '10.0.0.0/24', '10.1.0.0/26']) {
      await expect(ipam.claimAffinity('b', cidr)).rejects.toThrow(
        `ipam: ${cidr} is no block of an enabled pool`,
      );
    }
  });

  test('releasing: an empty block goes, one in use stays without owner until its last address is released', async () => {
    const lab = await one();
    const ipam = lab.ipam();
    await ipam.ensureAffineBlock({ node: 'a' });
    expect(await ipam.releaseAffinity('b', '10.0.0.0/26')).toBe('not-claimed');
    expect(await ipam.releaseAffinity('a', '10.0.0.0/26')).toBe('released');
    expect(await dump(lab.client, '/calico/ipam/')).toEqual({});
    await ipam.autoAssign({ node: 'a', handleId: 'h' });
    expect(await ipam.releaseAffinity('a', '10.0.0.0/26', { mustBeEmpty: true })).toBe('not-empty');
    await ipam.releaseNode('a');
    expect(await blocksIn(lab.client)).toMatchObject([{ affinity: null }]);
    expect(await affinities(lab.client)).toEqual({});
    // Without an owner it can be borrowed from, not claimed.
    expect(await ipam.autoAssign({ node: 'b', handleId: 'b' })).toHaveLength(1);
    expect(await ipam.blocksOf('b')).toEqual([]);
    await ipam.releaseByHandle('b');
    await ipam.releaseByHandle('h');
    expect(await dump(lab.client, '/calico/ipam/')).toEqual({});
  });
});

describe('concurrency', () => {
  test('a storm of 50 allocators on one node: no address twice, no handle leaked', async () => {
    const lab = await cluster({ p: { cidr: '10.0.0.0/24' } }, NODES);
    const got = await Promise.all(
      Array.from({ length: 50 }, (_, i) => lab.ipam().autoAssign({ node: 'a', count: 2, handleId: `h${i}` })),
    );
    expect(new Set(got.flat()).size).toBe(100);
    await checkInvariants(lab.client);
    await Promise.all(got.map((_, i) => lab.ipam().releaseByHandle(`h${i}`)));
    expect(await dump(lab.client, '/calico/ipam/v2/handle/')).toEqual({});
    await checkInvariants(lab.client);
  });

  test('50 nodes want a block each of a pool of 64', async () => {
    const nodes = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`n${i}`, {}]));
    const lab = await cluster({ p: { cidr: '10.0.0.0/24', blockSize: 30 } }, nodes);
    const cidrs = await Promise.all(Object.keys(nodes).map((node) => lab.ipam().ensureAffineBlock({ node })));
    expect(new Set(cidrs).size).toBe(50);
    expect(Object.values(await affinities(lab.client))).toEqual(new Array(50).fill('confirmed'));
  });

  test('more nodes than blocks: what is left is shared', async () => {
    const nodes = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`n${i}`, {}]));
    const lab = await cluster({ p: { cidr: '10.0.0.0/27', blockSize: 30 } }, nodes);
    const got = await Promise.all(
      Object.keys(nodes).map((node) => lab.ipam().autoAssign({ node, handleId: node })),
    );
    expect(new Set(got.flat()).size).toBe(20);
    await checkInvariants(lab.client);
  });

  test('one handle used from everywhere at once', async () => {
    const lab = await cluster({ p: { cidr: '10.0.0.0/24' } }, NODES);
    await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        lab.ipam().autoAssign({ node: 'abc'[i % 3]!, handleId: 'shared' }),
      ),
    );
    expect(await lab.ipam().ipsByHandle('shared')).toHaveLength(30);
    await checkInvariants(lab.client);
    expect(await lab.ipam().releaseByHandle('shared')).toHaveLength(30);
    await checkInvariants(lab.client);
  });

  test('a write that fails undoes the count of its handle', async () => {
    const lab = await cluster({ p: { cidr: '10.0.0.0/26' } }, NODES);
    await lab.ipam().ensureAffineBlock({ node: 'a' });
    const client = intercepted(lab.client, async (key) => {
      if (key === blockKey('10.0.0.0/26')) throw new Error('store gone');
    });
    await expect(lab.ipam(client).autoAssign({ node: 'a', handleId: 'h' })).rejects.toThrow('store gone');
    expect(await dump(lab.client, '/calico/ipam/v2/handle/')).toEqual({});
  });

  test('a block that changes under every attempt is given up after 100', async () => {
    const lab = await cluster({ p: { cidr: '10.0.0.0/26' } }, NODES);
    const other = lab.ipam();
    await other.ensureAffineBlock({ node: 'a' });
    const client = intercepted(lab.client, async (key) => {
      if (key !== blockKey('10.0.0.0/26')) return;
      await other.autoAssign({ node: 'a', handleId: 'other' });
      await other.releaseByHandle('other');
    });
    await expect(lab.ipam(client).autoAssign({ node: 'a', handleId: 'h' })).rejects.toThrow(
      'block 10.0.0.0/26: given up after 100 concurrent changes by others',
    );
    expect(await lab.ipam().ipsByHandle('h')).toEqual([]);
    await checkInvariants(lab.client);
  });
});

test('a value that is none names its key', async () => {
  const lab = await cluster({ p: { cidr: '10.0.0.0/26' } }, NODES);
  await lab.client.put({ key: keyBytes('/calico/ipam/v2/handle/h'), value: keyBytes('{"block":{"x":-1}}') });
  await expect(new Ipam(lab.client, lab).ipsByHandle('h')).rejects.toThrow(
    'store key /calico/ipam/v2/handle/h: block.x: expected an integer from 0',
  );
});
