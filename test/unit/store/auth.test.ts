import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PasswordHasher } from '../../../agents/ports.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import type { Store, StoreClient, WatchStreamResponse } from '../../../agents/store/store.ts';
import { SimClock } from '../../support/sim-net.ts';
import { b, below, failure, put } from './support.ts';

/** Hashes that cost nothing. */
const PLAIN: PasswordHasher = {
  hash: async (password) => `hash of ${password}`,
  verify: async (password, hash) => hash === `hash of ${password}`,
};
const DENIED = '7 etcdserver: permission denied';

describe('a store with users', () => {
  let clock: SimClock;
  let store: Store;
  let root: StoreClient;
  const as = async (name: string, password = name): Promise<StoreClient> => {
    const { token } = await store.client({}).auth.authenticate(name, password);
    expect(token).toMatch(/^[a-zA-Z]{16}\.\d+$/);
    return store.client({ token });
  };
  /** A user with a role of its own. */
  const user = async (name: string, type: 'READ' | 'WRITE' | 'READWRITE', prefix: string): Promise<void> => {
    await root.auth.userAdd(name, name);
    await root.auth.roleAdd(name);
    await root.auth.roleGrantPermission(name, { type, ...below(prefix) });
    await root.auth.userGrantRole(name, name);
  };

  beforeEach(async () => {
    clock = new SimClock();
    store = createMemoryStore({ clock, passwords: PLAIN });
    root = store.client();
    await root.auth.userAdd('root', 'root');
    await root.auth.userGrantRole('root', 'root');
    await user('reader', 'READ', '/a');
    await user('writer', 'WRITE', '/a');
    await user('both', 'READWRITE', '/a');
    await root.put({ key: b('/a1'), value: b('secret') });
    await root.auth.enable();
  });
  afterEach(() => store.close());

  test('ATH-1 tokens: good for 300 s behind their last use, over with a new password', async () => {
    const reader = await as('reader');
    for (let i = 0; i < 3; i++) {
      clock.run(299_000);
      await reader.range({ key: b('/a1') });
    }
    clock.run(300_001);
    expect(await failure(reader.range({ key: b('/a1') }))).toBe('16 etcdserver: invalid auth token');
    const again = await as('reader');
    await root.auth.userChangePassword('reader', 'other');
    expect(await failure(again.range({ key: b('/a1') }))).toBe('16 etcdserver: invalid auth token');
    expect(await failure(as('reader'))).toContain('3 etcdserver: authentication failed');
    await (await as('reader', 'other')).range({ key: b('/a1') });
    // What is wrong with a request by itself counts first.
    expect(await failure(again.range({ key: b('') }))).toBe('3 etcdserver: key is not provided');
  });

  test('ATH-1 a certificate’s name, nobody, and the store’s own process', async () => {
    await store.client({ commonName: 'reader' }).range({ key: b('/a1') });
    expect(await failure(store.client({ commonName: 'stranger' }).range({ key: b('/a1') }))).toBe(DENIED);
    expect(await failure(store.client({}).range({ key: b('/a1') }))).toBe('3 etcdserver: user name is empty');
    expect((await store.client().range({ key: b('/a1') })).count).toBe(1n);
  });

  test('ATH-2 prev_kv needs the right to read, also within transactions', async () => {
    const writer = await as('writer');
    const write = put('/a1', 'x', { prevKv: true });
    await writer.put({ key: b('/a1'), value: b('x') });
    expect(await failure(writer.put(write.request))).toBe(DENIED);
    expect(await failure(writer.deleteRange({ key: b('/a1'), prevKv: true }))).toBe(DENIED);
    const txn = { compare: [], success: [write], failure: [] };
    expect(await failure(writer.txn(txn))).toBe(DENIED);
    const nested = { kind: 'txn', request: txn } as const;
    expect(await failure(writer.txn({ compare: [], success: [], failure: [nested] }))).toBe(DENIED);
    await (await as('both')).txn(txn);
  });

  test('ATH-2 leases: no key may be attached to, revoked with or told of that one may not write or read', async () => {
    const { id } = await root.leaseGrant(600n);
    await root.put({ key: b('/b'), value: b('x'), lease: id });
    const both = await as('both');
    const attach = put('/a1', 'x', { lease: id });
    expect(await failure(both.put(attach.request))).toBe(DENIED);
    expect(await failure(both.txn({ compare: [], success: [attach], failure: [] }))).toBe(DENIED);
    expect(await failure(both.leaseRevoke(id))).toBe(DENIED);
    expect(await failure(both.leaseTimeToLive(id, true))).toBe(DENIED);
    expect((await both.leaseTimeToLive(id)).grantedTtl).toBe(600n);
    const own = await both.leaseGrant(600n);
    await both.put({ key: b('/a1'), value: b('x'), lease: own.id });
    expect((await both.leaseTimeToLive(own.id, true)).keys).toHaveLength(1);
    await both.leaseRevoke(own.id);
  });

  test('ATH-2 watches: only within what one may read, and never from a key on', async () => {
    const told: WatchStreamResponse[] = [];
    const stream = (await as('reader')).watchStream({
      onResponse: (response) => told.push(response),
      onEnd: () => {},
    });
    stream.create(below('/a'));
    stream.create({ key: b('/a1'), rangeEnd: Uint8Array.of(0) });
    stream.create(below('/'));
    await new Promise(setImmediate);
    const denied = {
      watchId: -1n,
      created: true,
      canceled: true,
      cancelReason: 'rpc error: code = PermissionDenied desc = etcdserver: permission denied',
    };
    expect(told).toMatchObject([{ watchId: 0n, created: true, canceled: false }, denied, denied]);
  });

  test('permissions of several roles add up, without a gap', async () => {
    await root.auth.roleAdd('more');
    await root.auth.userGrantRole('reader', 'more');
    const range = (key: string, rangeEnd: string) => ({ key: b(key), rangeEnd: b(rangeEnd) });
    await root.auth.roleGrantPermission('more', { type: 'READ', ...range('/b', '/c') });
    const reader = await as('reader');
    await reader.range(range('/a', '/c'));
    expect(await failure(reader.range(range('/a', '/c1')))).toBe(DENIED);
    await root.auth.roleRevokePermission('more', b('/b'), b('/c'));
    await root.auth.roleGrantPermission('more', { type: 'READ', ...range('/b1', '/c') });
    expect(await failure(reader.range(range('/a', '/c')))).toBe(DENIED);
  });

  test('maintenance needs the role root, in etcd 3.4’s words', async () => {
    const reader = await as('reader');
    for (const call of [
      () => reader.hash(),
      () => reader.hashKv(0n),
      () => reader.snapshot(),
      () => reader.requireRoot(),
    ]) {
      expect(await failure(call())).toBe('2 auth: permission denied');
    }
    await reader.status();
    const admin = await as('root');
    await admin.requireRoot();
    expect((await admin.hashKv(0n)).hash).toBe((await root.hashKv(0n)).hash);
    const before = (await admin.hash()).hash;
    await root.auth.roleAdd('another');
    expect((await admin.hash()).hash).not.toBe(before);
  });
});

describe('compaction by itself', () => {
  const compacted = async (store: Store): Promise<string> =>
    failure(store.client().range({ key: b('a'), revision: 3n }));

  test('keeps so many revisions', async () => {
    const clock = new SimClock();
    const autoCompaction = { mode: 'revision', retention: 10n } as const;
    const store = createMemoryStore({ clock, autoCompaction });
    for (let i = 0; i < 20; i++) await store.client().put({ key: b('a'), value: b('x') });
    expect(await compacted(store)).toContain('no error');
    await clock.pass(300_001);
    expect(await compacted(store)).toContain('has been compacted');
    expect(await failure(store.client().range({ key: b('a'), revision: 11n }))).toContain('no error');
    await store.close();
    expect(clock.pending).toBe(0);
  });

  test('keeps the history of so long a time', async () => {
    const clock = new SimClock();
    const store = createMemoryStore({ clock, autoCompaction: { mode: 'periodic', retention: 60_000 } });
    for (let i = 0; i < 5; i++) await store.client().put({ key: b('a'), value: b('x') });
    await clock.pass(30_000);
    await store.client().put({ key: b('a'), value: b('y') });
    await clock.pass(35_000);
    expect(await compacted(store)).toContain('no error');
    await clock.pass(10_000);
    expect(await compacted(store)).toContain('has been compacted');
    expect(await failure(store.client().range({ key: b('a'), revision: 6n }))).toContain('no error');
    await store.close();
  });
});
