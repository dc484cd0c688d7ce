import { describe, expect, test } from 'vitest';
import {
  addressesOfHandle,
  allocationsOf,
  type BlockError,
  borrowedOf,
  inUse,
  isEmpty,
  newBlock,
  nextSequence,
  release,
  releaseHandle,
  takeAddress,
  takeFree,
  withoutAffinity,
} from '../../../protocol/calico/ipam/block.ts';
import { addressAt, enclosingPrefix, offsetOf, subPrefixAt } from '../../../protocol/calico/ipam/range.ts';
import { BLOCK, BLOCK_AFFINITY, IPAM_CONFIG, IPAM_HANDLE } from '../../../protocol/calico/ipam/values.ts';
import { parsePrefix } from '../../../protocol/ip/prefix.ts';

const SEQUENCE = 1_790_000_000_123_456_789n;
const empty = newBlock({
  cidr: '10.0.0.0/30',
  affinity: 'host:a',
  sequenceNumber: SEQUENCE,
  claimTime: '2026-09-21T14:13:20Z',
});
const pod = (handleId: string, node = 'a'): { handleId: string; attributes: Record<string, string> } => ({
  handleId,
  attributes: { node },
});
const reasonOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return (error as BlockError).reason;
  }
  return 'none';
};

describe('giving out', () => {
  test('from the front of the free ones', () => {
    const first = takeFree(empty, 2, pod('h1'));
    expect(first.addresses).toEqual(['10.0.0.0', '10.0.0.1']);
    expect(first.block).toMatchObject({ allocations: [0, 0, null, null], unallocated: [2, 3] });
    const second = takeFree(first.block, 5, pod('h2'));
    expect(second.addresses).toEqual(['10.0.0.2', '10.0.0.3']);
    expect(takeFree(second.block, 1, pod('h3'))).toEqual({ block: second.block, addresses: [] });
  });

  test('attributes of one owner are kept once', () => {
    const one = takeFree(empty, 1, pod('h1')).block;
    const two = takeFree(one, 1, pod('h2')).block;
    const three = takeFree(two, 1, pod('h1')).block;
    expect(three.allocations).toEqual([0, 1, 0, null]);
    expect(three.attributes).toEqual([
      { handle_id: 'h1', secondary: { node: 'a' } },
      { handle_id: 'h2', secondary: { node: 'a' } },
    ]);
    expect(takeFree(three, 1, pod('h1', 'b')).block.attributes).toHaveLength(3);
  });

  test('one particular address', () => {
    const block = takeAddress(empty, '10.0.0.2', pod('h'));
    expect(block.unallocated).toEqual([0, 1, 3]);
    expect(() => takeAddress(block, '10.0.0.2', pod('x'))).toThrow(
      '10.0.0.2 of block 10.0.0.0/30 is in use (h)',
    );
    expect(reasonOf(() => takeAddress(block, '10.0.0.4', pod('x')))).toBe('outside');
    expect(reasonOf(() => takeAddress(block, 'fd00::1', pod('x')))).toBe('outside');
  });

  test('strict affinity', () => {
    const strict = { ...pod('h', 'b'), requiredAffinity: 'host:b' };
    expect(() => takeFree(empty, 1, strict)).toThrow('block 10.0.0.0/30 is affine to host:a, not to host:b');
    expect(reasonOf(() => takeAddress(withoutAffinity(empty), '10.0.0.0', strict))).toBe('affinity');
  });
});

describe('taking back', () => {
  const full = takeFree(takeFree(empty, 2, pod('h1')).block, 2, pod('h2')).block;

  test('to the end of the free ones, in the order asked for', () => {
    const { block, addresses, wereFree } = release(full, [{ address: '10.0.0.3' }, { address: '10.0.0.0' }]);
    expect(addresses).toEqual(['10.0.0.3', '10.0.0.0']);
    expect(wereFree).toEqual([]);
    expect(block.unallocated).toEqual([3, 0]);
    expect(takeFree(block, 1, pod('h3')).addresses).toEqual(['10.0.0.3']);
  });

  test('by handle; unused attributes go and the rest is renumbered', () => {
    const { block, addresses, countByHandle } = releaseHandle(full, 'h1');
    expect(addresses).toEqual(['10.0.0.0', '10.0.0.1']);
    expect([...countByHandle]).toEqual([['h1', 2]]);
    expect(block.allocations).toEqual([null, null, 0, 0]);
    expect(block.attributes).toEqual([{ handle_id: 'h2', secondary: { node: 'a' } }]);
    expect(addressesOfHandle(block, 'h2')).toEqual(['10.0.0.2', '10.0.0.3']);
    expect(releaseHandle(block, 'h1')).toMatchObject({ block, addresses: [] });
    expect(isEmpty(releaseHandle(block, 'h2').block)).toBe(true);
  });

  test('twice the same address counts once; free ones are told', () => {
    const once = release(full, [{ address: '10.0.0.1' }, { address: '10.0.0.1' }]);
    expect([...once.countByHandle]).toEqual([['h1', 1]]);
    expect(release(once.block, [{ address: '10.0.0.1' }])).toMatchObject({
      addresses: [],
      wereFree: ['10.0.0.1'],
    });
  });

  test('guards: nothing is released where one does not match', () => {
    const wrongHandle = [{ address: '10.0.0.2' }, { address: '10.0.0.0', handleId: 'h2' }];
    expect(() => release(full, wrongHandle)).toThrow('10.0.0.0 belongs to handle h1, not to h2');
    const stale = [{ address: '10.0.0.0', sequenceNumber: SEQUENCE - 1n }];
    expect(() => release(full, stale)).toThrow(
      `10.0.0.0 was given out again since: sequence number ${SEQUENCE}`,
    );
    expect(
      release(full, [{ address: '10.0.0.0', handleId: 'h1', sequenceNumber: SEQUENCE }]).addresses,
    ).toHaveLength(1);
    expect(reasonOf(() => release(full, [{ address: '10.0.1.0' }]))).toBe('outside');
  });
});

test('sequence numbers: of the block per write, of an allocation from its block', () => {
  const first = nextSequence(takeFree(empty, 1, pod('h')).block);
  const second = takeFree(first, 1, pod('h')).block;
  expect(second.sequenceNumber).toBe(SEQUENCE + 1n);
  expect(second.sequenceNumberForAllocation).toEqual({ 0: SEQUENCE, 1: SEQUENCE + 1n });
  expect(releaseHandle(second, 'h').block.sequenceNumberForAllocation).toEqual({});
});

test('counting and borrowing', () => {
  const block = takeFree(takeFree(empty, 1, pod('own')).block, 1, pod('other', 'b')).block;
  expect(inUse(block)).toBe(2);
  expect(allocationsOf(block).map(({ address, handle_id }) => `${address} ${handle_id}`)).toEqual([
    '10.0.0.0 own',
    '10.0.0.1 other',
  ]);
  expect(borrowedOf(block)).toMatchObject([
    { address: '10.0.0.1', handle_id: 'other', secondary: { node: 'b' } },
  ]);
  expect(borrowedOf(withoutAffinity(block))).toHaveLength(2);
});

describe('JSON as Calico writes it', () => {
  test('a block keeps every digit of its sequence numbers', () => {
    const block = takeFree(empty, 1, pod('h')).block;
    const json = BLOCK.format(block);
    expect(json).toBe(
      '{"cidr":"10.0.0.0/30","affinity":"host:a","affinity_claim_time":"2026-09-21T14:13:20Z",' +
        '"allocations":[0,null,null,null],"unallocated":[1,2,3],' +
        '"attributes":[{"handle_id":"h","secondary":{"node":"a"}}],"sequenceNumber":1790000000123456789,' +
        '"sequenceNumberForAllocation":{"0":1790000000123456789},"deleted":false}',
    );
    expect(BLOCK.parse(json)).toEqual(block);
  });

  test('other versions: missing and unknown fields, null attributes', () => {
    const block = BLOCK.parse(
      '{"cidr":"10.0.0.0/31","affinity":null,"allocations":[0,null],"unallocated":[1],' +
        '"attributes":[{"handle_id":null,"secondary":null,"alternate":{}}],"sequenceNumber":5,"hostAffinity":"x"}',
    );
    expect(block).toMatchObject({ affinity: null, sequenceNumber: 5n, deleted: false });
    expect(block.attributes).toEqual([{ handle_id: null, secondary: {} }]);
  });

  test.each(['[]', '{"cidr":"10.0.0.0/31"}', '{"cidr":"x","affinity":null,"allocations":[-1]}', '{'])(
    '%s is refused',
    (json) => {
      expect(() => BLOCK.parse(json)).toThrow();
    },
  );

  test('affinity, handle, configuration', () => {
    expect(BLOCK_AFFINITY.format({ state: 'confirmed', deleted: false })).toBe(
      '{"state":"confirmed","deleted":false}',
    );
    expect(BLOCK_AFFINITY.parse('{}')).toEqual({ state: '', deleted: false });
    expect(IPAM_HANDLE.parse('{"block":{"10.0.0.0/26":2},"deleted":false}')).toEqual({
      block: { '10.0.0.0/26': 2 },
      deleted: false,
    });
    expect(IPAM_CONFIG.parse('{"auto_allocate_blocks":true}')).toEqual({
      strict_affinity: false,
      auto_allocate_blocks: true,
      maxBlocksPerHost: 0,
    });
  });
});

describe('ranges', () => {
  test.each([
    ['192.168.0.0/16', 26, 0, '192.168.0.0/26'],
    ['192.168.0.0/16', 26, 1023, '192.168.255.192/26'],
    ['10.0.0.0/8', 24, 65535, '10.255.255.0/24'],
    ['10.0.0.0/30', 32, 3, '10.0.0.3/32'],
    ['10.0.0.0/26', 26, 0, '10.0.0.0/26'],
    ['fd00::/64', 122, 1, 'fd00::40/122'],
    ['fd00::/64', 122, 2 ** 40 + 3, 'fd00::4000:0:c0/122'],
    ['fd00::/112', 128, 65535, 'fd00::ffff/128'],
  ])('%s cut to /%i, number %i', (prefix, length, index, expected) => {
    expect(subPrefixAt(parsePrefix(prefix), length, index)).toBe(expected);
    expect(enclosingPrefix(expected.split('/')[0]!, length)).toBe(expected);
  });

  test.each([
    ['10.0.0.0/24', '10.0.0.255', 255],
    ['10.0.0.192/26', '10.0.0.192', 0],
    ['10.0.0.0/24', '10.0.1.0', undefined],
    ['10.0.1.0/24', '10.0.0.255', undefined],
    ['fd00::40/122', 'fd00::7f', 63],
    ['fd00::ff00/120', 'fd00::1:0', undefined],
    ['fd00::/122', 'fe00::1', undefined],
  ])('offset in %s of %s', (prefix, address, offset) => {
    expect(offsetOf(parsePrefix(prefix), address)).toBe(offset);
    if (offset !== undefined) expect(addressAt(parsePrefix(prefix), offset)).toBe(address);
  });
});
