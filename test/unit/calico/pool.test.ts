import { describe, expect, test } from 'vitest';
import {
  blockOf,
  fnv1,
  inPoolOrder,
  overlappingPools,
  poolBlocks,
  poolContaining,
  poolSize,
  selectPools,
} from '../../../protocol/calico/ipam/pool.ts';
import { pool } from './setup.ts';

const request = { version: 4, use: 'Workload', nodeLabels: { rack: '1' } } as const;
const names = (pools: readonly { metadata: { name: string } }[]): string[] =>
  pools.map(({ metadata }) => metadata.name);

describe('selection', () => {
  const pools = [
    pool('b-all', { cidr: '10.1.0.0/16' }),
    pool('a-rack1', { cidr: '10.2.0.0/16', nodeSelector: "rack == '1'" }),
    pool('rack2', { cidr: '10.3.0.0/16', nodeSelector: "rack == '2'" }),
    pool('off', { cidr: '10.4.0.0/16', disabled: true }),
    pool('tunnels', { cidr: '10.5.0.0/16', allowedUses: ['Tunnel'] }),
    pool('manual', { cidr: '10.6.0.0/16', assignmentMode: 'Manual' }),
    pool('ns', { cidr: '10.7.0.0/16', namespaceSelector: "team == 'x'" }),
    pool('six', { cidr: 'fd00::/64' }),
  ];

  test('by node, by name', () => {
    expect(names(selectPools(pools, request))).toEqual(['a-rack1', 'b-all']);
  });
  test('by use', () => {
    expect(names(selectPools(pools, { ...request, use: 'Tunnel' }))).toEqual(['a-rack1', 'b-all', 'tunnels']);
    expect(() => selectPools(pools, { ...request, use: 'LoadBalancer' })).toThrow(
      'no pool allows use LoadBalancer: a-rack1, b-all',
    );
  });
  test('by namespace', () => {
    expect(names(selectPools(pools, { ...request, namespaceLabels: { team: 'x' } }))).toContain('ns');
  });
  test('by IP version', () => {
    expect(names(selectPools(pools, { ...request, version: 6 }))).toEqual(['six']);
  });
  test('as asked for: selectors and mode do not matter, existence does', () => {
    expect(names(selectPools(pools, { ...request, pools: ['manual', '10.3.0.0/16'] }))).toEqual([
      'manual',
      'rack2',
    ]);
    expect(() => selectPools(pools, { ...request, pools: ['off'] })).toThrow(
      'pool off does not exist or is disabled',
    );
  });
  test('none', () => {
    expect(() => selectPools([], request)).toThrow('there is no enabled IPv4 pool');
    expect(() => selectPools([pools[2]!], request)).toThrow('no IPv4 pool selects the node');
  });
});

describe('blocks of a pool', () => {
  const small = pool('p', { cidr: '10.0.0.0/24', blockSize: 26 });

  test('every block once, circularly, from a place that the name decides', () => {
    const blocks = [...poolBlocks(small, 'node1')];
    expect(blocks.toSorted()).toEqual(['10.0.0.0/26', '10.0.0.128/26', '10.0.0.192/26', '10.0.0.64/26']);
    expect([...poolBlocks(small, 'node1')]).toEqual(blocks);
    const start = Number(blocks[0]!.split(/[./]/)[3]);
    expect(blocks.map((cidr) => Number(cidr.split(/[./]/)[3]))).toEqual(
      [0, 64, 128, 192].map((step) => (start + step) % 256),
    );
  });

  test('hosts with similar names start at different places', () => {
    const wide = pool('w', { cidr: '10.0.0.0/8' });
    const starts = new Set(
      Array.from({ length: 200 }, (_, i) => poolBlocks(wide, `host${i + 1}`).next().value),
    );
    expect(starts.size).toBe(200);
  });

  test('the order of poolBlocks for those that exist', () => {
    for (const host of ['a', 'b', 'c', 'd', 'e']) {
      const all = [...poolBlocks(small, host)];
      expect(inPoolOrder(small, host, all.toSorted())).toEqual(all);
    }
  });

  test('a pool of IPv6 addresses is not walked to its end', () => {
    const six = pool('six', { cidr: 'fd00::/48' });
    const first = poolBlocks(six, 'node1').next().value!;
    expect(first).toMatch(/^fd00:.*\/122$/);
    expect(poolContaining([six], first)).toBe(six);
  });

  test('a seed replaces the name', () => {
    expect(poolBlocks(small, 'x', 2).next().value).toBe('10.0.0.128/26');
    expect(poolBlocks(small, 'x', 6).next().value).toBe('10.0.0.128/26');
  });
});

test('FNV-1 test vectors', () => {
  // draft-eastlake-fnv, 32-bit FNV-1 of "", "a", "foobar".
  expect([fnv1(''), fnv1('a'), fnv1('foobar')]).toEqual([0x811c9dc5, 0x050c5d7e, 0x31f0b262]);
});

test('what an address belongs to', () => {
  const pools = [pool('a', { cidr: '10.1.0.0/16' }), pool('b', { cidr: '10.2.0.0/16', blockSize: 28 })];
  expect(poolContaining(pools, '10.2.3.4')).toBe(pools[1]);
  expect(poolContaining(pools, '10.3.0.0')).toBeUndefined();
  expect(blockOf(pools[1]!, '10.2.3.20')).toBe('10.2.3.16/28');
  expect(poolSize(pools[0]!)).toBe(65536);
});

test('pools that share addresses', () => {
  const pools = [
    pool('a', { cidr: '10.1.0.0/16' }),
    pool('b', { cidr: '10.2.0.0/16' }),
    pool('c', { cidr: '10.2.128.0/24' }),
  ];
  expect(overlappingPools(pools).map((pair) => names(pair))).toEqual([['b', 'c']]);
});
