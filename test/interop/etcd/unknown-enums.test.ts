// Numbers that no value of an enum has, as a client of a later etcd might send them: what a real etcd makes of each.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../agents/io/clock.ts';
import { type StoreServer, serveStore } from '../../../agents/store/http-server.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import type { Store } from '../../../agents/store/store.ts';
import { maintenance } from '../../../protocol/etcd/api/maintenance.ts';
import { keyBytes, keyText } from '../../../protocol/etcd/keys.ts';
import type { Compare, RangeRequest, WatchRequest } from '../../../protocol/etcd/types.ts';
import { type RealEtcd, realEtcd } from '../../store-checks/real-etcd.ts';
import { tool } from '../../support/tools.ts';
import { failure } from '../../unit/store/support.ts';
import { type EtcdServer, startEtcd } from '../etcd-server.ts';

const etcd = tool('etcd');

const ALL = { key: keyBytes('a'), rangeEnd: keyBytes('z') };
const RESULTS = ['EQUAL', 'GREATER', 'LESS', 'NOT_EQUAL', 4, -1] as const;
const TARGETS: readonly Compare['target'][] = [
  { kind: 'VERSION', operand: 9n },
  { kind: 'VALUE', operand: keyBytes('z') },
  { kind: 9 },
];
const SORTS: readonly Partial<RangeRequest>[] = [
  { sortOrder: 7 },
  { sortOrder: -1, sortTarget: 'VALUE' },
  { sortOrder: 7, sortTarget: 'VALUE', limit: 2n },
  { sortOrder: 7, sortTarget: 9 },
];
const FILTERS: readonly { readonly filters: NonNullable<WatchRequest['filters']> }[] = [
  { filters: [5] },
  { filters: [5, 'NOPUT'] },
  { filters: ['NODELETE', -1] },
];

describe.skipIf(etcd.missing)(etcd.title('enum values that nobody knows'), () => {
  let server: EtcdServer;
  let store: Store;
  let served: StoreServer;
  let theirs: RealEtcd;
  let ours: RealEtcd;

  beforeAll(async () => {
    server = await startEtcd(etcd.path);
    store = createMemoryStore({ clock: systemClock() });
    served = await serveStore(store, { address: '127.0.0.1', port: 0 });
    theirs = realEtcd(new URL(server.endpoint).host);
    ours = realEtcd(new URL(served.endpoint).host);
    for (const each of [theirs, ours]) {
      for (const [key, value] of Object.entries({ a: '3', b: '1', c: '2' })) {
        await each.put({ key: keyBytes(key), value: keyBytes(value) });
      }
      await each.deleteRange({ key: keyBytes('b') });
      await each.put({ key: keyBytes('b'), value: keyBytes('1') });
    }
  });

  afterAll(async () => {
    await theirs?.close();
    await ours?.close();
    await server?.stop();
    await served?.close();
    await store?.close();
  });

  test.each(SORTS)('sort $sortOrder by $sortTarget', async (sort) => {
    const keys = async (from: RealEtcd): Promise<string> =>
      (await from.range({ ...ALL, ...sort })).kvs.map(({ key }) => keyText(key)).join('');
    const expected = await keys(theirs);
    expect(expected).toBe(sort.limit === undefined ? 'abc' : 'ab');
    expect(await keys(ours)).toBe(expected);
  });

  test('compares: an unknown result always holds, an unknown target is equal', async () => {
    const held: string[] = [];
    for (const key of ['a', 'none'].map(keyBytes)) {
      for (const target of TARGETS) {
        for (const result of RESULTS) {
          const txn = { compare: [{ key, result, target }], success: [], failure: [] };
          const { succeeded } = await theirs.txn(txn);
          expect((await ours.txn(txn)).succeeded, JSON.stringify([target.kind, result])).toBe(succeeded);
          if (succeeded) held.push(`${keyText(key)} ${target.kind} ${result}`);
        }
      }
    }
    expect(held).toContain('none VERSION 4');
    expect(held).toContain('a 9 EQUAL');
    expect(held).not.toContain('none VALUE 4');
    expect(held).not.toContain('a 9 NOT_EQUAL');
  });

  test.each(FILTERS)('filters $filters', async ({ filters }) => {
    const events = async (from: RealEtcd): Promise<string[]> => {
      const seen: string[] = [];
      let done: () => void = () => {};
      const end = new Promise<void>((resolve) => {
        done = resolve;
      });
      const stream = from.watchStream({
        onResponse: ({ events: each }) => {
          for (const { type, kv } of each) seen.push(`${type} ${keyText(kv.key)}`);
          if (seen.at(-1) === 'PUT z' || seen.at(-1) === 'DELETE z') done();
        },
      });
      stream.create({ key: keyBytes('a'), rangeEnd: keyBytes('zz'), startRevision: 2n, filters });
      // Whatever is filtered, one of these comes last.
      await from.put({ key: keyBytes('z'), value: keyBytes('') });
      if (filters.includes('NOPUT')) await from.deleteRange({ key: keyBytes('z') });
      await end;
      stream.close();
      await from.deleteRange({ key: keyBytes('z') });
      return seen;
    };
    const expected = await events(theirs);
    expect(await events(ours)).toEqual(expected);
  });

  test('a permission of an unknown type is kept and permits nothing', async () => {
    const permission = { type: 9, key: keyBytes('a'), rangeEnd: keyBytes('z') };
    const got: object[] = [];
    for (const each of [theirs, ours]) {
      const { auth } = each;
      await auth.roleAdd('odd');
      await auth.roleGrantPermission('odd', permission);
      got.push((await auth.roleGet('odd')).permissions);
      for (const name of ['root', 'user']) await auth.userAdd(name, 'word');
      await auth.roleAdd('root');
      await auth.userGrantRole('root', 'root');
      await auth.userGrantRole('user', 'odd');
      await auth.enable();
      const { token } = await auth.authenticate('user', 'word');
      const host = new URL(each === theirs ? server.endpoint : served.endpoint).host;
      const user = realEtcd(host, token);
      expect(await failure(user.range({ key: keyBytes('a') }))).toBe('7 etcdserver: permission denied');
      await user.close();
      const root = realEtcd(host, (await auth.authenticate('root', 'word')).token);
      await root.auth.disable();
      await root.close();
    }
    expect(got[0]).toEqual([permission]);
    expect(got[1]).toEqual(got[0]);
  });

  // A real etcd 3.4 ends in a panic on each of these.
  test('what takes a real etcd down is refused', async () => {
    for (const sort of [{ sortTarget: 9 }, { sortOrder: 'DESCEND', sortTarget: 9 }] as const) {
      const range = { ...ALL, ...sort };
      expect(await failure(ours.range(range))).toBe('3 etcdserver: invalid sort option');
      const txn = { compare: [], success: [{ kind: 'range', request: range } as const], failure: [] };
      expect(await failure(ours.txn(txn))).toBe('3 etcdserver: invalid sort option');
    }
    const alarm = { action: 7, memberId: 0n, alarm: 'NONE' } as const;
    expect(await failure(ours.call(maintenance.alarm, alarm))).toBe('3 etcdserver: unknown alarm action 7');
  });
});
