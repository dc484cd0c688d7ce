import { describe, expect, test } from 'vitest';
import type { WatchOutput } from '../../../protocol/etcd/watch.ts';
import { b, commit, event, everything, newStore, put, t, thrown } from './helpers.ts';

describe('leases', () => {
  test('LSE-1 any 64-bit id; small TTLs are raised to 2 s', () => {
    const store = newStore();
    for (const id of [-1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      expect(commit(store, (draft) => draft.grant(id, 0n))).toEqual({ id, ttl: 2n });
      put(store, `k${id}`, 'x', id);
    }
    expect(store.range(everything).kvs.map((kv) => kv.lease)).toEqual([-1n, -(2n ** 63n), 2n ** 63n - 1n]);
    expect(thrown(() => store.draft().grant(-1n, 60n))).toBe('9 etcdserver: lease already exists');
    expect(thrown(() => store.draft().grant(7n, 9_000_000_001n))).toBe('11 etcdserver: too large lease TTL');
  });

  test('LSE-3 LSE-5 deadlines: not before, renewed to the full TTL, not after they passed', () => {
    const store = newStore();
    commit(store, (draft) => draft.grant(1n, 10n), 1000);
    expect(store.expiredLeases(10_999)).toEqual([]);
    expect(store.keepAlive(1n, 6000)).toBe(10n);
    expect(store.nextLeaseDeadline()).toBe(16_000);
    expect(store.expiredLeases(15_999.9)).toEqual([]);
    expect(store.expiredLeases(16_000)).toEqual([1n]);
    expect(store.keepAlive(1n, 16_000)).toBeUndefined();
    expect(store.keepAlive(2n, 0)).toBeUndefined();
  });

  test('LSE-4 time to live in whole seconds, with the keys', () => {
    const store = newStore();
    commit(store, (draft) => draft.grant(1n, 10n), 0);
    put(store, 'b', 'x', 1n);
    put(store, 'a', 'x', 1n);
    put(store, 'b', 'y');
    const { keys, ...rest } = store.timeToLive(1n, 1500);
    expect(rest).toEqual({ ttl: 8n, grantedTtl: 10n });
    expect(keys.map(t)).toEqual(['a']);
    expect(store.timeToLive(0n, 0)).toEqual({ ttl: -1n, grantedTtl: 0n, keys: [] });
  });

  test('LSE-2 a revoked lease takes its keys along in one revision, in key order', () => {
    const store = newStore();
    commit(store, (draft) => draft.grant(1n, 10n));
    for (const key of ['c', 'a', 'b']) put(store, key, 'x', 1n);
    const { watchId } = store.watch(everything);
    const outputs: WatchOutput[] = [];
    expect(commit(store, (draft) => draft.revoke(1n), 0, outputs).revision).toBe(5n);
    expect(outputs.map((output) => [output.watchId, output.response.events.map(event)])).toEqual([
      [watchId, ['-a@5', '-b@5', '-c@5']],
    ]);
    expect(store.leaseIds()).toEqual([]);
  });

  test('REV-3 revoking a lease without keys makes no revision, but an entry', () => {
    const store = newStore();
    commit(store, (draft) => draft.grant(1n, 10n));
    const { entry } = store.draft().revoke(1n);
    expect(entry).toEqual({ kind: 'revoke', id: 1n });
    store.apply(entry!, 0);
    expect(store.revision).toBe(1n);
    expect(thrown(() => store.draft().put({ key: b('a'), value: b('x'), lease: 1n }))).toBe(
      '5 etcdserver: requested lease not found',
    );
  });
});
