import { expect, test } from 'vitest';
import type { Scene } from './scene.ts';
import { b, below, failure, line, put, t } from './support.ts';

/** Revisions, ranges, puts, deletions and transactions, as etcd's; the identifiers are the rules'. */
export function keyValueRules(scene: () => Scene): void {
  test('REV-3 a revision per write, none for what changes nothing', async () => {
    const s = scene();
    const before = await s.now();
    expect((await s.client.put({ key: b(`${s.p}a`), value: b('1') })).header.revision).toBe(before + 1n);
    expect((await s.client.deleteRange({ key: b(`${s.p}none`) })).header.revision).toBe(before + 1n);
    const empty = await s.client.txn({ compare: [], success: [], failure: [] });
    expect(empty).toMatchObject({ succeeded: true, header: { revision: before + 1n } });
    const { id } = await s.client.leaseGrant(60n);
    await s.client.leaseKeepAlive(id);
    await s.client.leaseRevoke(id);
    expect(await s.now()).toBe(before + 1n);
  });

  test('REV-4 create_revision, mod_revision and version of a key through its lives', async () => {
    const s = scene();
    const first = (await s.client.put({ key: b(`${s.p}k`), value: b('1') })).header.revision;
    const second = (await s.client.put({ key: b(`${s.p}k`), value: b('2') })).header.revision;
    expect((await s.client.range({ key: b(`${s.p}k`) })).kvs).toMatchObject([
      { createRevision: first, modRevision: second, version: 2n, lease: 0n },
    ]);
    await s.client.deleteRange({ key: b(`${s.p}k`) });
    const third = (await s.client.put({ key: b(`${s.p}k`), value: b('3') })).header.revision;
    expect((await s.client.range({ key: b(`${s.p}k`) })).kvs).toMatchObject([
      { createRevision: third, modRevision: third, version: 1n },
    ]);
  });

  test('REV-5 RNG-8 reads at an old revision', async () => {
    const s = scene();
    await s.fill('a');
    const old = await s.now();
    await s.client.put({ key: b(`${s.p}a`), value: b('new') });
    await s.fill('b');
    const { kvs, header } = await s.client.range({ ...below(s.p), revision: old });
    expect(kvs.map(line)).toEqual([`${s.p}a=A`]);
    expect(header.revision).toBe(old + 2n);
    expect(await failure(s.client.range({ key: b(s.p), revision: old + 99n }))).toBe(
      '11 etcdserver: mvcc: required revision is a future revision',
    );
  });

  test('RNG-1 RNG-2 keys and their ranges', async () => {
    const s = scene();
    await s.fill('a', 'aa', 'b', 'c');
    expect(await failure(s.client.range({ key: b('') }))).toBe('3 etcdserver: key is not provided');
    expect(await s.lines()).toEqual(['a=A', 'aa=AA', 'b=B', 'c=C']);
    expect(await s.lines({ key: b(`${s.p}aa`), rangeEnd: b(`${s.p}c`) })).toEqual(['aa=AA', 'b=B']);
    expect(await s.lines({ key: b(`${s.p}b`), rangeEnd: b(`${s.p}a`) })).toEqual([]);
    expect(await s.lines({ key: b(`${s.p}b`), rangeEnd: new Uint8Array() })).toEqual(['b=B']);
    const from = await s.client.range({ key: b(`${s.p}c`), rangeEnd: new Uint8Array([0]) });
    expect(from.kvs.map(line)[0]).toBe(`${s.p}c=C`);
    const all = await s.client.range({
      key: new Uint8Array([0]),
      rangeEnd: new Uint8Array([0]),
      countOnly: true,
    });
    expect(all.count).toBeGreaterThanOrEqual(4n);
    expect(all.kvs).toEqual([]);
  });

  test('RNG-3 keys and values are any bytes, in bytes order', async () => {
    const s = scene();
    const keys = [[0x00], [0x00, 0x01], [0x7f], [0x80], [0xc3, 0x28], [0xff], [0xff, 0x00]];
    const full = (tail: number[]): Uint8Array => Uint8Array.from([...b(s.p), ...tail]);
    for (const tail of [...keys].reverse()) {
      await s.client.put({ key: full(tail), value: Uint8Array.from(tail) });
    }
    const { kvs } = await s.client.range(below(s.p));
    expect(kvs.map((kv) => [...kv.key.subarray(s.p.length)])).toEqual(keys);
    expect(kvs.map((kv) => [...kv.value])).toEqual(keys);
  });

  test('RNG-4 RNG-5 limit, count, more, keys_only, count_only', async () => {
    const s = scene();
    await s.fill('a', 'b', 'c', 'd');
    const limited = await s.client.range({ ...below(s.p), limit: 2n });
    expect(limited).toMatchObject({ more: true, count: 4n });
    expect(limited.kvs.map(line)).toEqual([`${s.p}a=A`, `${s.p}b=B`]);
    expect(await s.client.range({ ...below(s.p), limit: 4n })).toMatchObject({ more: false, count: 4n });
    expect(await s.client.range({ ...below(s.p), limit: 1n, countOnly: true })).toMatchObject({
      more: false,
      count: 4n,
      kvs: [],
    });
    const { kvs } = await s.client.range({ ...below(s.p), keysOnly: true });
    expect(kvs.map(line)).toEqual(['a', 'b', 'c', 'd'].map((key) => `${s.p}${key}=`));
    expect(kvs[0]!.version).toBe(1n);
  });

  test('RNG-6 sorting by key, version, create and mod revision and value, before the limit', async () => {
    const s = scene();
    await s.client.put({ key: b(`${s.p}a`), value: b('3') });
    await s.client.put({ key: b(`${s.p}b`), value: b('1') });
    await s.client.put({ key: b(`${s.p}c`), value: b('2') });
    await s.client.put({ key: b(`${s.p}b`), value: b('4') });
    await s.client.put({ key: b(`${s.p}b`), value: b('1') });
    await s.client.put({ key: b(`${s.p}a`), value: b('3') });
    const by = async (sortTarget: string, sortOrder: string): Promise<string> =>
      (await s.lines({ sortTarget, sortOrder })).map((text) => text[0]).join('');
    expect(await by('KEY', 'DESCEND')).toBe('cba');
    expect(await by('VALUE', 'ASCEND')).toBe('bca');
    expect(await by('VALUE', 'NONE')).toBe('bca');
    expect(await by('VERSION', 'ASCEND')).toBe('cab');
    expect(await by('CREATE', 'DESCEND')).toBe('cba');
    expect(await by('MOD', 'DESCEND')).toBe('abc');
    expect(await s.lines({ sortTarget: 'VALUE', sortOrder: 'DESCEND', limit: 1n })).toEqual(['a=3']);
    // Without an order the limit comes first, and leaves one key more than it says to be sorted.
    expect(await s.lines({ sortTarget: 'CREATE', limit: 1n })).toEqual(['a=3']);
    expect(await s.lines({ sortTarget: 'VERSION', limit: 1n })).toEqual(['a=3']);
    expect(await s.lines({ sortTarget: 'VERSION', sortOrder: 'ASCEND', limit: 1n })).toEqual(['c=2']);
  });

  test('RNG-7 filters by revision leave the count alone', async () => {
    const s = scene();
    await s.fill('a', 'b', 'c');
    const last = await s.now();
    await s.client.put({ key: b(`${s.p}a`), value: b('x') });
    expect(await s.lines({ minModRevision: last })).toEqual(['a=x', 'c=C']);
    expect(await s.lines({ maxModRevision: last })).toEqual(['b=B', 'c=C']);
    expect(await s.lines({ minCreateRevision: last - 1n })).toEqual(['b=B', 'c=C']);
    expect(await s.lines({ maxCreateRevision: last - 2n })).toEqual(['a=x']);
    const filtered = await s.client.range({ ...below(s.p), minModRevision: last, limit: 1n });
    expect(filtered).toMatchObject({ count: 3n, more: true });
  });

  test('PUT-1 options that contradict each other', async () => {
    const s = scene();
    const key = b(`${s.p}a`);
    expect(await failure(s.client.put({ key: b(''), value: b('1') }))).toBe(
      '3 etcdserver: key is not provided',
    );
    expect(await failure(s.client.put({ key, value: b('1'), ignoreValue: true }))).toBe(
      '3 etcdserver: value is provided',
    );
    expect(await failure(s.client.put({ key, value: b('1'), ignoreLease: true, lease: 5n }))).toBe(
      '3 etcdserver: lease is provided',
    );
    expect(await failure(s.client.put({ key, value: b(''), ignoreValue: true }))).toBe(
      '3 etcdserver: key not found',
    );
    expect(await failure(s.client.put({ key, value: b('1'), ignoreLease: true }))).toBe(
      '3 etcdserver: key not found',
    );
    expect(await failure(s.client.put({ key, value: b('1'), lease: 4711n }))).toBe(
      '5 etcdserver: requested lease not found',
    );
  });

  test('PUT-2 previous values; an empty value is a value', async () => {
    const s = scene();
    const key = b(`${s.p}a`);
    expect((await s.client.put({ key, value: b(''), prevKv: true })).prevKv).toBeUndefined();
    const { prevKv } = await s.client.put({ key, value: b('2'), prevKv: true });
    expect(prevKv).toMatchObject({ version: 1n, value: b('') });
    expect((await s.client.put({ key, value: b('3') })).prevKv).toBeUndefined();
  });

  test('PUT-3 leases of a key: attached, kept, moved, detached', async () => {
    const s = scene();
    const key = b(`${s.p}a`);
    const lease = async (): Promise<bigint> => (await s.client.range({ key })).kvs[0]!.lease;
    const one = (await s.client.leaseGrant(60n)).id;
    const two = (await s.client.leaseGrant(60n)).id;
    await s.client.put({ key, value: b('1'), lease: one });
    expect(await lease()).toBe(one);
    await s.client.put({ key, value: b('2'), ignoreLease: true });
    expect(await lease()).toBe(one);
    await s.client.put({ key, value: b(''), ignoreValue: true, lease: two });
    expect([await lease(), await s.get(`${s.p}a`)]).toEqual([two, '2']);
    await s.client.leaseRevoke(one);
    expect(await s.get(`${s.p}a`)).toBe('2');
    await s.client.put({ key, value: b('3') });
    expect(await lease()).toBe(0n);
    await s.client.leaseRevoke(two);
    expect(await s.get(`${s.p}a`)).toBe('3');
  });

  test('PUT-4 a value that is too large', async () => {
    const s = scene();
    const value = new Uint8Array(1.6 * 1024 * 1024);
    expect(await failure(s.client.put({ key: b(`${s.p}a`), value }))).toBe(
      '3 etcdserver: request is too large',
    );
  });

  test('DEL-1 a range in one revision, previous values in key order', async () => {
    const s = scene();
    await s.fill('c', 'a', 'b', 'x');
    const before = await s.now();
    const deleted = await s.client.deleteRange({ key: b(`${s.p}a`), rangeEnd: b(`${s.p}d`), prevKv: true });
    expect(deleted).toMatchObject({ deleted: 3n, header: { revision: before + 1n } });
    expect(deleted.prevKvs.map(line)).toEqual([`${s.p}a=A`, `${s.p}b=B`, `${s.p}c=C`]);
    expect(await s.lines()).toEqual(['x=X']);
  });

  test('TXN-1 TXN-2 compares', async () => {
    const s = scene();
    await s.client.put({ key: b(`${s.p}a`), value: b('m') });
    await s.client.put({ key: b(`${s.p}a`), value: b('m') });
    await s.client.put({ key: b(`${s.p}b`), value: b('n') });
    const mod = (await s.client.range({ key: b(`${s.p}a`) })).kvs[0]!.modRevision;
    const holds = async (key: string, kind: string, result: string, operand: unknown, more = {}) => {
      const compare = { key: b(s.p + key), target: { kind, operand }, result, ...more } as never;
      return (await s.client.txn({ compare: [compare], success: [], failure: [] })).succeeded;
    };
    const table: [string, string, string, unknown, boolean][] = [
      ['a', 'VERSION', 'EQUAL', 2n, true],
      ['a', 'VERSION', 'GREATER', 2n, false],
      ['a', 'VERSION', 'LESS', 3n, true],
      ['a', 'VERSION', 'NOT_EQUAL', 2n, false],
      ['a', 'MOD', 'EQUAL', mod, true],
      ['a', 'MOD', 'GREATER', mod - 1n, true],
      ['a', 'CREATE', 'LESS', mod, true],
      ['a', 'LEASE', 'EQUAL', 0n, true],
      ['a', 'VALUE', 'EQUAL', b('m'), true],
      ['a', 'VALUE', 'LESS', b('n'), true],
      ['a', 'VALUE', 'GREATER', b('mm'), false],
      ['none', 'VERSION', 'EQUAL', 0n, true],
      ['none', 'MOD', 'LESS', 1n, true],
      ['none', 'VALUE', 'NOT_EQUAL', b('x'), false],
      ['none', 'VALUE', 'EQUAL', b(''), false],
    ];
    for (const [key, kind, result, operand, expected] of table) {
      expect([key, kind, result, await holds(key, kind, result, operand)]).toEqual([
        key,
        kind,
        result,
        expected,
      ]);
    }
    const both = { rangeEnd: b(`${s.p}z`) };
    expect(await holds('a', 'VERSION', 'GREATER', 0n, both)).toBe(true);
    expect(await holds('a', 'VERSION', 'EQUAL', 2n, both)).toBe(false);
    expect(await holds('x', 'CREATE', 'EQUAL', 0n, both)).toBe(true);
  });

  test('TXN-3 operations see the ones before them and share a revision', async () => {
    const s = scene();
    await s.client.put({ key: b(`${s.p}old`), value: b('1') });
    const before = await s.now();
    const { responses, header, succeeded } = await s.client.txn({
      compare: [],
      success: [
        { kind: 'range', request: below(s.p) },
        put(`${s.p}a`, '1'),
        { kind: 'range', request: below(s.p) },
        { kind: 'deleteRange', request: { key: b(`${s.p}old`), prevKv: true } },
        { kind: 'range', request: { ...below(s.p), revision: before } },
        { kind: 'range', request: below(s.p) },
      ],
      failure: [],
    });
    expect(succeeded).toBe(true);
    expect(header.revision).toBe(before + 1n);
    const kinds = responses.map((r) =>
      r.kind === 'range' ? r.response.kvs.map((kv) => t(kv.key).at(-1)) : r.kind,
    );
    expect(kinds).toEqual([['d'], 'put', ['a', 'd'], 'deleteRange', ['d'], ['a']]);
    expect(responses.map((r) => (r.kind === 'txn' ? 0n : r.response.header.revision - before))).toEqual([
      0n,
      1n,
      1n,
      1n,
      1n,
      1n,
    ]);
    expect((await s.client.range(below(s.p))).kvs).toMatchObject([{ modRevision: before + 1n }]);
  });

  test('TXN-4 a key put twice, or put and deleted', async () => {
    const s = scene();
    const nested = (success: object[], failures: object[] = []) => ({
      kind: 'txn',
      request: { compare: [], success, failure: failures },
    });
    const a = put(`${s.p}a`, '1');
    const delA = { kind: 'deleteRange', request: { key: b(`${s.p}a`) } };
    const delAll = { kind: 'deleteRange', request: below(s.p) };
    const outcome = async (...success: object[]) => {
      const result = await failure(s.client.txn({ compare: [], success, failure: [] } as never));
      return result.startsWith('no error') ? 'ok' : result;
    };
    const duplicate = '3 etcdserver: duplicate key given in txn request';
    expect(await outcome(a, a)).toBe(duplicate);
    expect(await outcome(a, delA)).toBe(duplicate);
    expect(await outcome(delAll, a)).toBe(duplicate);
    expect(await outcome(a, nested([a]))).toBe(duplicate);
    expect(await outcome(nested([delAll]), a)).toBe(duplicate);
    expect(await outcome(nested([a]), nested([a]))).toBe(duplicate);
    expect(await outcome(nested([a], [a]))).toBe('ok');
    expect(await outcome(delA, delAll)).toBe('ok');
    // A deletion without end is overlooked: etcd takes its [0] for an end before every key.
    const onwards = { kind: 'deleteRange', request: { key: b(`${s.p}a`), rangeEnd: new Uint8Array([0]) } };
    expect(await outcome(onwards, a)).toBe('ok');
    expect(await outcome(a, put(`${s.p}b`, '1'))).toBe('ok');
  });

  test('TXN-5 TXN-7 too many operations, an empty one', async () => {
    const s = scene();
    const ranges = (count: number) =>
      Array.from({ length: count }, () => ({ kind: 'range' as const, request: { key: b(s.p) } }));
    const many = '3 etcdserver: too many operations in txn request';
    const txn = (success: object[]) => s.client.txn({ compare: [], success, failure: [] } as never);
    expect((await txn(ranges(128))).responses).toHaveLength(128);
    expect(await failure(txn(ranges(129)))).toBe(many);
    const inner = (count: number) => ({
      kind: 'txn',
      request: { compare: [], success: ranges(count), failure: [] },
    });
    expect((await txn([inner(127)])).succeeded).toBe(true);
    expect(await failure(txn([inner(128)]))).toBe(many);
    expect(await failure(txn([{ kind: 'put', request: { key: b(''), value: b('') } }]))).toBe(
      '3 etcdserver: key is not provided',
    );
  });

  test('TXN-6 an error in the branch taken undoes all of it', async () => {
    const s = scene();
    const bad = put(`${s.p}b`, '1', { lease: 4711n });
    const txn = (success: object[], failures: object[] = []) =>
      s.client.txn({ compare: [], success, failure: failures } as never);
    const before = await s.now();
    expect(await failure(txn([put(`${s.p}a`, '1'), bad]))).toBe('5 etcdserver: requested lease not found');
    expect(
      await failure(txn([put(`${s.p}a`, '1'), { kind: 'range', request: { key: b(s.p), revision: 9999n } }])),
    ).toBe('11 etcdserver: mvcc: required revision is a future revision');
    expect(await failure(txn([put(`${s.p}a`, '', { ignoreValue: true })]))).toBe(
      '3 etcdserver: key not found',
    );
    expect(await s.now()).toBe(before);
    expect((await txn([put(`${s.p}a`, '1')], [bad])).succeeded).toBe(true);
  });

  test('TXN-7 nested compares see the state before the transaction', async () => {
    const s = scene();
    const { responses } = await s.client.txn({
      compare: [],
      success: [
        put(`${s.p}a`, '1'),
        {
          kind: 'txn',
          request: {
            compare: [{ key: b(`${s.p}a`), result: 'EQUAL', target: { kind: 'VERSION', operand: 0n } }],
            success: [put(`${s.p}b`, 'before')],
            failure: [put(`${s.p}b`, 'after')],
          },
        },
      ],
      failure: [],
    });
    expect(responses[1]).toMatchObject({ kind: 'txn', response: { succeeded: true } });
    expect(await s.get(`${s.p}b`)).toBe('before');
  });
}
