import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../agents/io/clock.ts';
import type { KvClient } from '../../../agents/store/client.ts';
import { createKey, deleteKey, updateKey } from '../../../agents/store/keys.ts';
import { listWatch } from '../../../agents/store/list-watch.ts';
import { b, below, eventLine, failure, line, put, record, t } from './support.ts';

export interface Subject {
  /** A new client of the store under test. */
  client(): KvClient;
  stop(): Promise<void>;
}

/**
 * What every store must do, whatever is behind it; the identifiers are the rules' (REV revisions, RNG range, PUT, DEL, TXN, CMP
 * compaction, WCH watch, LSE lease). It runs against a real etcd too, so the expectations are etcd's own.
 */
export function compliance(name: string, start: () => Promise<Subject>): void {
  describe(`${name} is an etcd`, () => {
    let subject: Subject;
    let client: KvClient;
    let number = 0;
    /** Every test has keys of its own; the store, and so the revision, is shared. */
    let p: string;

    beforeAll(async () => {
      subject = await start();
      client = subject.client();
    });
    afterAll(async () => {
      await client.close();
      await subject.stop();
    });
    beforeEach(() => {
      p = `/test/${++number}/`;
    });

    const now = async (): Promise<bigint> => (await client.range({ key: b('/') })).header.revision;
    const get = async (key: string): Promise<string | undefined> => {
      const kv = (await client.range({ key: b(key) })).kvs[0];
      return kv === undefined ? undefined : t(kv.value);
    };
    const lines = async (request: object = {}): Promise<string[]> =>
      (await client.range({ ...below(p), ...request })).kvs.map((kv) => line(kv).slice(p.length));
    const fill = async (...keys: string[]): Promise<void> => {
      for (const key of keys) await client.put({ key: b(p + key), value: b(key.toUpperCase()) });
    };

    test('REV-3 a revision per write, none for what changes nothing', async () => {
      const before = await now();
      expect((await client.put({ key: b(`${p}a`), value: b('1') })).header.revision).toBe(before + 1n);
      expect((await client.deleteRange({ key: b(`${p}none`) })).header.revision).toBe(before + 1n);
      const empty = await client.txn({ compare: [], success: [], failure: [] });
      expect(empty).toMatchObject({ succeeded: true, header: { revision: before + 1n } });
      const { id } = await client.leaseGrant(60n);
      await client.leaseKeepAlive(id);
      await client.leaseRevoke(id);
      expect(await now()).toBe(before + 1n);
    });

    test('REV-4 create_revision, mod_revision and version of a key through its lives', async () => {
      const first = (await client.put({ key: b(`${p}k`), value: b('1') })).header.revision;
      const second = (await client.put({ key: b(`${p}k`), value: b('2') })).header.revision;
      expect((await client.range({ key: b(`${p}k`) })).kvs).toMatchObject([
        { createRevision: first, modRevision: second, version: 2n, lease: 0n },
      ]);
      await client.deleteRange({ key: b(`${p}k`) });
      const third = (await client.put({ key: b(`${p}k`), value: b('3') })).header.revision;
      expect((await client.range({ key: b(`${p}k`) })).kvs).toMatchObject([
        { createRevision: third, modRevision: third, version: 1n },
      ]);
    });

    test('REV-5 RNG-8 reads at an old revision', async () => {
      await fill('a');
      const old = await now();
      await client.put({ key: b(`${p}a`), value: b('new') });
      await fill('b');
      const { kvs, header } = await client.range({ ...below(p), revision: old });
      expect(kvs.map(line)).toEqual([`${p}a=A`]);
      expect(header.revision).toBe(old + 2n);
      expect(await failure(client.range({ key: b(p), revision: old + 99n }))).toBe(
        '11 etcdserver: mvcc: required revision is a future revision',
      );
    });

    test('RNG-1 RNG-2 keys and their ranges', async () => {
      await fill('a', 'aa', 'b', 'c');
      expect(await failure(client.range({ key: b('') }))).toBe('3 etcdserver: key is not provided');
      expect(await lines()).toEqual(['a=A', 'aa=AA', 'b=B', 'c=C']);
      expect(await lines({ key: b(`${p}aa`), rangeEnd: b(`${p}c`) })).toEqual(['aa=AA', 'b=B']);
      expect(await lines({ key: b(`${p}b`), rangeEnd: b(`${p}a`) })).toEqual([]);
      expect(await lines({ key: b(`${p}b`), rangeEnd: new Uint8Array() })).toEqual(['b=B']);
      const from = await client.range({ key: b(`${p}c`), rangeEnd: new Uint8Array([0]) });
      expect(from.kvs.map(line)[0]).toBe(`${p}c=C`);
      const all = await client.range({
        key: new Uint8Array([0]),
        rangeEnd: new Uint8Array([0]),
        countOnly: true,
      });
      expect(all.count).toBeGreaterThanOrEqual(4n);
      expect(all.kvs).toEqual([]);
    });

    test('RNG-3 keys and values are any bytes, in bytes order', async () => {
      const keys = [[0x00], [0x00, 0x01], [0x7f], [0x80], [0xc3, 0x28], [0xff], [0xff, 0x00]];
      const full = (tail: number[]): Uint8Array => Uint8Array.from([...b(p), ...tail]);
      for (const tail of [...keys].reverse()) {
        await client.put({ key: full(tail), value: Uint8Array.from(tail) });
      }
      const { kvs } = await client.range(below(p));
      expect(kvs.map((kv) => [...kv.key.subarray(p.length)])).toEqual(keys);
      expect(kvs.map((kv) => [...kv.value])).toEqual(keys);
    });

    test('RNG-4 RNG-5 limit, count, more, keys_only, count_only', async () => {
      await fill('a', 'b', 'c', 'd');
      const limited = await client.range({ ...below(p), limit: 2n });
      expect(limited).toMatchObject({ more: true, count: 4n });
      expect(limited.kvs.map(line)).toEqual([`${p}a=A`, `${p}b=B`]);
      expect(await client.range({ ...below(p), limit: 4n })).toMatchObject({ more: false, count: 4n });
      expect(await client.range({ ...below(p), limit: 1n, countOnly: true })).toMatchObject({
        more: false,
        count: 4n,
        kvs: [],
      });
      const { kvs } = await client.range({ ...below(p), keysOnly: true });
      expect(kvs.map(line)).toEqual(['a', 'b', 'c', 'd'].map((key) => `${p}${key}=`));
      expect(kvs[0]!.version).toBe(1n);
    });

    test('RNG-6 sorting by key, version, create and mod revision and value, before the limit', async () => {
      await client.put({ key: b(`${p}a`), value: b('3') });
      await client.put({ key: b(`${p}b`), value: b('1') });
      await client.put({ key: b(`${p}c`), value: b('2') });
      await client.put({ key: b(`${p}b`), value: b('4') });
      await client.put({ key: b(`${p}b`), value: b('1') });
      await client.put({ key: b(`${p}a`), value: b('3') });
      const by = async (sortTarget: string, sortOrder: string): Promise<string> =>
        (await lines({ sortTarget, sortOrder })).map((text) => text[0]).join('');
      expect(await by('KEY', 'DESCEND')).toBe('cba');
      expect(await by('VALUE', 'ASCEND')).toBe('bca');
      expect(await by('VALUE', 'NONE')).toBe('bca');
      expect(await by('VERSION', 'ASCEND')).toBe('cab');
      expect(await by('CREATE', 'DESCEND')).toBe('cba');
      expect(await by('MOD', 'DESCEND')).toBe('abc');
      expect(await lines({ sortTarget: 'VALUE', sortOrder: 'DESCEND', limit: 1n })).toEqual(['a=3']);
      // Without an order the limit comes first, and leaves one key more than it says to be sorted.
      expect(await lines({ sortTarget: 'CREATE', limit: 1n })).toEqual(['a=3']);
      expect(await lines({ sortTarget: 'VERSION', limit: 1n })).toEqual(['a=3']);
      expect(await lines({ sortTarget: 'VERSION', sortOrder: 'ASCEND', limit: 1n })).toEqual(['c=2']);
    });

    test('RNG-7 filters by revision leave the count alone', async () => {
      await fill('a', 'b', 'c');
      const last = await now();
      await client.put({ key: b(`${p}a`), value: b('x') });
      expect(await lines({ minModRevision: last })).toEqual(['a=x', 'c=C']);
      expect(await lines({ maxModRevision: last })).toEqual(['b=B', 'c=C']);
      expect(await lines({ minCreateRevision: last - 1n })).toEqual(['b=B', 'c=C']);
      expect(await lines({ maxCreateRevision: last - 2n })).toEqual(['a=x']);
      const filtered = await client.range({ ...below(p), minModRevision: last, limit: 1n });
      expect(filtered).toMatchObject({ count: 3n, more: true });
    });

    test('PUT-1 options that contradict each other', async () => {
      const key = b(`${p}a`);
      expect(await failure(client.put({ key: b(''), value: b('1') }))).toBe(
        '3 etcdserver: key is not provided',
      );
      expect(await failure(client.put({ key, value: b('1'), ignoreValue: true }))).toBe(
        '3 etcdserver: value is provided',
      );
      expect(await failure(client.put({ key, value: b('1'), ignoreLease: true, lease: 5n }))).toBe(
        '3 etcdserver: lease is provided',
      );
      expect(await failure(client.put({ key, value: b(''), ignoreValue: true }))).toBe(
        '3 etcdserver: key not found',
      );
      expect(await failure(client.put({ key, value: b('1'), ignoreLease: true }))).toBe(
        '3 etcdserver: key not found',
      );
      expect(await failure(client.put({ key, value: b('1'), lease: 4711n }))).toBe(
        '5 etcdserver: requested lease not found',
      );
    });

    test('PUT-2 previous values; an empty value is a value', async () => {
      const key = b(`${p}a`);
      expect((await client.put({ key, value: b(''), prevKv: true })).prevKv).toBeUndefined();
      const { prevKv } = await client.put({ key, value: b('2'), prevKv: true });
      expect(prevKv).toMatchObject({ version: 1n, value: b('') });
      expect((await client.put({ key, value: b('3') })).prevKv).toBeUndefined();
    });

    test('PUT-3 leases of a key: attached, kept, moved, detached', async () => {
      const key = b(`${p}a`);
      const lease = async (): Promise<bigint> => (await client.range({ key })).kvs[0]!.lease;
      const one = (await client.leaseGrant(60n)).id;
      const two = (await client.leaseGrant(60n)).id;
      await client.put({ key, value: b('1'), lease: one });
      expect(await lease()).toBe(one);
      await client.put({ key, value: b('2'), ignoreLease: true });
      expect(await lease()).toBe(one);
      await client.put({ key, value: b(''), ignoreValue: true, lease: two });
      expect([await lease(), await get(`${p}a`)]).toEqual([two, '2']);
      await client.leaseRevoke(one);
      expect(await get(`${p}a`)).toBe('2');
      await client.put({ key, value: b('3') });
      expect(await lease()).toBe(0n);
      await client.leaseRevoke(two);
      expect(await get(`${p}a`)).toBe('3');
    });

    test('PUT-4 a value that is too large', async () => {
      const value = new Uint8Array(1.6 * 1024 * 1024);
      expect(await failure(client.put({ key: b(`${p}a`), value }))).toBe(
        '3 etcdserver: request is too large',
      );
    });

    test('DEL-1 a range in one revision, previous values in key order', async () => {
      await fill('c', 'a', 'b', 'x');
      const before = await now();
      const deleted = await client.deleteRange({ key: b(`${p}a`), rangeEnd: b(`${p}d`), prevKv: true });
      expect(deleted).toMatchObject({ deleted: 3n, header: { revision: before + 1n } });
      expect(deleted.prevKvs.map(line)).toEqual([`${p}a=A`, `${p}b=B`, `${p}c=C`]);
      expect(await lines()).toEqual(['x=X']);
    });

    test('TXN-1 TXN-2 compares', async () => {
      await client.put({ key: b(`${p}a`), value: b('m') });
      await client.put({ key: b(`${p}a`), value: b('m') });
      await client.put({ key: b(`${p}b`), value: b('n') });
      const mod = (await client.range({ key: b(`${p}a`) })).kvs[0]!.modRevision;
      const holds = async (key: string, kind: string, result: string, operand: unknown, more = {}) => {
        const compare = { key: b(p + key), target: { kind, operand }, result, ...more } as never;
        return (await client.txn({ compare: [compare], success: [], failure: [] })).succeeded;
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
      const both = { rangeEnd: b(`${p}z`) };
      expect(await holds('a', 'VERSION', 'GREATER', 0n, both)).toBe(true);
      expect(await holds('a', 'VERSION', 'EQUAL', 2n, both)).toBe(false);
      expect(await holds('x', 'CREATE', 'EQUAL', 0n, both)).toBe(true);
    });

    test('TXN-3 operations see the ones before them and share a revision', async () => {
      await client.put({ key: b(`${p}old`), value: b('1') });
      const before = await now();
      const { responses, header, succeeded } = await client.txn({
        compare: [],
        success: [
          { kind: 'range', request: below(p) },
          put(`${p}a`, '1'),
          { kind: 'range', request: below(p) },
          { kind: 'deleteRange', request: { key: b(`${p}old`), prevKv: true } },
          { kind: 'range', request: { ...below(p), revision: before } },
          { kind: 'range', request: below(p) },
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
      expect((await client.range(below(p))).kvs).toMatchObject([{ modRevision: before + 1n }]);
    });

    test('TXN-4 a key put twice, or put and deleted', async () => {
      const nested = (success: object[], failures: object[] = []) => ({
        kind: 'txn',
        request: { compare: [], success, failure: failures },
      });
      const a = put(`${p}a`, '1');
      const delA = { kind: 'deleteRange', request: { key: b(`${p}a`) } };
      const delAll = { kind: 'deleteRange', request: below(p) };
      const outcome = async (...success: object[]) => {
        const result = await failure(client.txn({ compare: [], success, failure: [] } as never));
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
      const onwards = { kind: 'deleteRange', request: { key: b(`${p}a`), rangeEnd: new Uint8Array([0]) } };
      expect(await outcome(onwards, a)).toBe('ok');
      expect(await outcome(a, put(`${p}b`, '1'))).toBe('ok');
    });

    test('TXN-5 TXN-7 too many operations, an empty one', async () => {
      const ranges = (count: number) =>
        Array.from({ length: count }, () => ({ kind: 'range' as const, request: { key: b(p) } }));
      const many = '3 etcdserver: too many operations in txn request';
      const txn = (success: object[]) => client.txn({ compare: [], success, failure: [] } as never);
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
      const bad = put(`${p}b`, '1', { lease: 4711n });
      const txn = (success: object[], failures: object[] = []) =>
        client.txn({ compare: [], success, failure: failures } as never);
      const before = await now();
      expect(await failure(txn([put(`${p}a`, '1'), bad]))).toBe('5 etcdserver: requested lease not found');
      expect(
        await failure(txn([put(`${p}a`, '1'), { kind: 'range', request: { key: b(p), revision: 9999n } }])),
      ).toBe('11 etcdserver: mvcc: required revision is a future revision');
      expect(await failure(txn([put(`${p}a`, '', { ignoreValue: true })]))).toBe(
        '3 etcdserver: key not found',
      );
      expect(await now()).toBe(before);
      expect((await txn([put(`${p}a`, '1')], [bad])).succeeded).toBe(true);
    });

    test('TXN-7 nested compares see the state before the transaction', async () => {
      const { responses } = await client.txn({
        compare: [],
        success: [
          put(`${p}a`, '1'),
          {
            kind: 'txn',
            request: {
              compare: [{ key: b(`${p}a`), result: 'EQUAL', target: { kind: 'VERSION', operand: 0n } }],
              success: [put(`${p}b`, 'before')],
              failure: [put(`${p}b`, 'after')],
            },
          },
        ],
        failure: [],
      });
      expect(responses[1]).toMatchObject({ kind: 'txn', response: { succeeded: true } });
      expect(await get(`${p}b`)).toBe('before');
    });

    test('CMP-1 RNG-8 compaction', async () => {
      await fill('a', 'b');
      const revision = await now();
      await client.put({ key: b(`${p}a`), value: b('new') });
      expect(await failure(client.compact(revision + 2n))).toBe(
        '11 etcdserver: mvcc: required revision is a future revision',
      );
      await client.compact(revision);
      const compacted = '11 etcdserver: mvcc: required revision has been compacted';
      expect(await failure(client.compact(revision))).toBe(compacted);
      expect(await failure(client.range({ ...below(p), revision: revision - 1n }))).toBe(compacted);
      expect(await lines({ revision })).toEqual(['a=A', 'b=B']);
      expect(await lines()).toEqual(['a=new', 'b=B']);
      await client.compact(revision + 1n);
      expect(await lines()).toEqual(['a=new', 'b=B']);
    });

    test('WCH-1 WCH-9 a watch from now on', async () => {
      await fill('old');
      const revision = await now();
      const seen = record(client, below(p));
      expect(await seen.untilCreated()).toBe(revision);
      await fill('a');
      await client.put({ key: b(`${p}a`), value: b('2') });
      await client.put({ key: b('/elsewhere'), value: b('x') });
      const { header } = await client.deleteRange({ key: b(`${p}a`) });
      await fill('z');
      expect((await seen.until(4)).map(eventLine)).toEqual([
        `PUT ${p}a=A`,
        `PUT ${p}a=2`,
        `DELETE ${p}a`,
        `PUT ${p}z=Z`,
      ]);
      expect(seen.events[2]!.kv).toMatchObject({
        modRevision: header.revision,
        createRevision: 0n,
        version: 0n,
      });
      seen.watch.cancel();
    });

    test('WCH-3 WCH-8 a watch from an old revision, with previous values', async () => {
      await fill('a', 'b');
      const start = (await now()) - 1n;
      await client.put({ key: b(`${p}a`), value: b('2') });
      await client.deleteRange(below(p));
      const seen = record(client, { ...below(p), startRevision: start, prevKv: true });
      expect((await seen.until(5)).map(eventLine)).toEqual([
        `PUT ${p}a=A`,
        `PUT ${p}b=B`,
        `PUT ${p}a=2 (A)`,
        `DELETE ${p}a (2)`,
        `DELETE ${p}b (B)`,
      ]);
      await fill('c');
      expect((await seen.until(6)).map(eventLine).at(-1)).toBe(`PUT ${p}c=C`);
      seen.watch.cancel();
    });

    test('WCH-6 all events of a revision come in one response', async () => {
      const seen = record(client, below(p));
      await seen.untilCreated();
      const puts = Array.from({ length: 100 }, (_, i) => put(`${p}${String(i).padStart(3, '0')}`, 'x'));
      await client.txn({ compare: [], success: puts, failure: [] });
      await client.deleteRange(below(p));
      await seen.until(200);
      expect(seen.sizes).toEqual([100, 100]);
      seen.watch.cancel();
    });

    test('WCH-3 a watch from a future revision is silent until then', async () => {
      const revision = await now();
      const seen = record(client, { ...below(p), startRevision: revision + 3n });
      await seen.untilCreated();
      await fill('a', 'b', 'c', 'd');
      expect((await seen.until(2)).map(eventLine)).toEqual([`PUT ${p}c=C`, `PUT ${p}d=D`]);
      seen.watch.cancel();
    });

    test('WCH-9 filters', async () => {
      const start = (await now()) + 1n;
      await fill('a', 'b');
      await client.deleteRange({ key: b(`${p}a`) });
      await fill('end');
      await client.deleteRange({ key: b(`${p}end`) });
      const puts = record(client, { ...below(p), startRevision: start, filters: ['NODELETE'] });
      const deletes = record(client, { ...below(p), startRevision: start, filters: ['NOPUT'] });
      expect((await puts.until(3)).map(eventLine)).toEqual([`PUT ${p}a=A`, `PUT ${p}b=B`, `PUT ${p}end=END`]);
      expect((await deletes.until(2)).map(eventLine)).toEqual([`DELETE ${p}a`, `DELETE ${p}end`]);
      puts.watch.cancel();
      deletes.watch.cancel();
    });

    test('WCH-4 a watch from a compacted revision ends with the compaction', async () => {
      await fill('a', 'b', 'c');
      const revision = await now();
      await client.compact(revision);
      const late = record(client, { ...below(p), startRevision: revision - 1n });
      expect(await late.ended).toMatchObject({
        code: 11,
        message: 'etcdserver: mvcc: required revision has been compacted',
      });
      const just = record(client, { ...below(p), startRevision: revision, prevKv: true });
      expect((await just.until(1)).map(eventLine)).toEqual([`PUT ${p}c=C`]);
      just.watch.cancel();
    });

    test('WCH-2 an empty range', async () => {
      const seen = record(client, { key: b(`${p}b`), rangeEnd: b(`${p}a`) });
      expect(await seen.ended).toMatchObject({ message: 'mvcc: watcher range is empty' });
    });

    test('WCH-10 nothing after cancel; others go on', async () => {
      const one = record(client, below(p));
      const two = record(client, below(p));
      await Promise.all([one.untilCreated(), two.untilCreated()]);
      one.watch.cancel();
      await fill('a');
      await two.until(1);
      expect(one.events).toEqual([]);
      two.watch.cancel();
    });

    test('LSE-1 ids and TTLs', async () => {
      const chosen = await client.leaseGrant(60n);
      expect(chosen.id).toBeGreaterThan(0n);
      expect(chosen.ttl).toBe(60n);
      const negative = -(BigInt(Date.now()) * 1000n + BigInt(number));
      expect(await client.leaseGrant(60n, negative)).toEqual({ id: negative, ttl: 60n });
      expect(await failure(client.leaseGrant(60n, negative))).toBe('9 etcdserver: lease already exists');
      expect(await failure(client.leaseGrant(9_000_000_001n))).toBe('11 etcdserver: too large lease TTL');
      expect((await client.leaseGrant(1n)).ttl).toBe(2n);
      await client.put({ key: b(`${p}a`), value: b('1'), lease: negative });
      expect((await client.range({ key: b(`${p}a`) })).kvs[0]!.lease).toBe(negative);
    });

    test('LSE-2 revoking deletes the keys in one revision, in key order', async () => {
      const { id } = await client.leaseGrant(60n);
      for (const key of ['c', 'a', 'b']) await client.put({ key: b(p + key), value: b('1'), lease: id });
      await fill('stays');
      const seen = record(client, { ...below(p), prevKv: true });
      await seen.untilCreated();
      const before = await now();
      await client.leaseRevoke(id);
      expect((await seen.until(3)).map(eventLine)).toEqual(
        ['a', 'b', 'c'].map((key) => `DELETE ${p}${key} (1)`),
      );
      expect(seen.sizes).toEqual([3]);
      expect(await now()).toBe(before + 1n);
      expect(await failure(client.leaseRevoke(id))).toBe('5 etcdserver: requested lease not found');
      expect(await failure(client.leaseKeepAlive(id))).toBe('5 etcdserver: requested lease not found');
      seen.watch.cancel();
    });

    test('LSE-3 LSE-5 a lease ends after its TTL, not before, and not while it is kept alive', async () => {
      const begin = performance.now();
      const short = await client.leaseGrant(2n);
      const kept = await client.leaseGrant(2n);
      await client.put({ key: b(`${p}short`), value: b('1'), lease: short.id });
      await client.put({ key: b(`${p}kept`), value: b('1'), lease: kept.id });
      const seen = record(client, below(p));
      const alive = setInterval(() => void client.leaseKeepAlive(kept.id).catch(() => {}), 300);
      expect((await seen.until(1)).map(eventLine)).toEqual([`DELETE ${p}short`]);
      clearInterval(alive);
      expect(performance.now() - begin).toBeGreaterThanOrEqual(2000);
      expect(await client.leaseKeepAlive(kept.id)).toBe(2n);
      expect(await lines()).toEqual(['kept=1']);
      seen.watch.cancel();
    });

    test('helpers: create, update and delete with guards', async () => {
      const key = b(`${p}a`);
      const created = await createKey(client, key, b('1'));
      if (created.kind !== 'ok') throw new Error('not created');
      expect(await createKey(client, key, b('2'))).toMatchObject({
        kind: 'conflict',
        current: { value: b('1') },
      });
      const updated = await updateKey(client, key, b('2'), created.revision);
      expect(updated).toMatchObject({ kind: 'ok', previous: { value: b('1') } });
      expect(await updateKey(client, key, b('3'), created.revision)).toMatchObject({ kind: 'conflict' });
      expect(await deleteKey(client, key, created.revision)).toMatchObject({ kind: 'conflict' });
      expect(await deleteKey(client, key)).toMatchObject({ kind: 'ok', previous: { value: b('2') } });
      expect(await deleteKey(client, key)).toEqual({ kind: 'conflict', current: undefined });
    });

    test('a storm of guarded updates loses none', async () => {
      const key = b(`${p}counter`);
      await client.put({ key, value: b('0') });
      const increment = async (): Promise<void> => {
        let { kvs } = await client.range({ key });
        for (;;) {
          const next = b(String(Number(t(kvs[0]!.value)) + 1));
          const result = await updateKey(client, key, next, kvs[0]!.modRevision);
          if (result.kind === 'ok') return;
          kvs = [result.current!];
        }
      };
      await Promise.all(Array.from({ length: 20 }, increment));
      expect(await get(`${p}counter`)).toBe('20');
    });

    test('listWatch tells each change once', async () => {
      await fill('a', 'b');
      const told: string[] = [];
      let wake = (): void => {};
      const follower = listWatch(
        client,
        b(p),
        {
          onPut: (kv, previous) =>
            told.push(`+${line(kv).slice(p.length)}${previous === undefined ? '' : '!'}`),
          onDelete: (kv) => {
            told.push(`-${t(kv.key).slice(p.length)}`);
            wake();
          },
          onSynced: () => {
            told.push('synced');
            wake();
          },
        },
        { clock: systemClock() },
      );
      const woken = (): Promise<void> =>
        new Promise((resolve) => {
          wake = resolve;
        });
      await woken();
      const deleted = woken();
      await client.put({ key: b(`${p}a`), value: b('2') });
      await fill('c');
      await client.deleteRange({ key: b(`${p}b`) });
      await deleted;
      follower.close();
      expect(told).toEqual(['+a=A', '+b=B', 'synced', '+a=2!', '+c=C', '-b']);
    });

    test('a closed client: calls fail, watches end', async () => {
      const other = subject.client();
      const seen = record(other, below(p));
      await seen.untilCreated();
      await other.close();
      expect(await seen.ended).toMatchObject({ code: 1 });
      expect(await failure(other.range({ key: b(p) }))).toBe('1 the store client is closed');
    });
  });
}
