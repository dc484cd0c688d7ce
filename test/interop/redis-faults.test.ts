import { Redis } from 'ioredis';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../agents/io/clock.ts';
import { openLog } from '../../agents/log.ts';
import type { Clock } from '../../agents/ports.ts';
import type { KvClient } from '../../agents/store/client.ts';
import { updateKey } from '../../agents/store/keys.ts';
import { createRedisStore, destroyRedisStore, type RedisStore } from '../../agents/store/redis.ts';
import { connectRedis } from '../../agents/store/redis-connection.ts';
import { RedisLog, redisKeys } from '../../agents/store/redis-log.ts';
import type { Head } from '../../agents/store/redis-position.ts';
import { RedisReplica } from '../../agents/store/redis-replica.ts';
import { Change } from '../../protocol/etcd/change.ts';
import { encodeLogEntry } from '../../protocol/etcd/entry.ts';
import { toKeyText } from '../../protocol/etcd/keys.ts';
import { toSlab } from '../../protocol/etcd/slab.ts';
import { tool } from '../support/tools.ts';
import { b, below, eventLine, failure, line, record, t } from '../unit/store/support.ts';
import { freePort } from './etcd-server.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

const redis = tool('redis-server');
const clock = systemClock();
const p = '/t/';

describe.skipIf(redis.missing)(redis.title('the Redis store under faults'), () => {
  const cleanups: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function server(...options: string[]): Promise<RedisServer> {
    const started = await startRedis(redis.path, options);
    cleanups.push(() => started.stop());
    return started;
  }

  async function open(url: string, patience = 10_000): Promise<RedisStore> {
    const store = await createRedisStore(url, { namespace: 'test', clock, patience });
    cleanups.push(() => store.close());
    return store;
  }

  async function admin(url: string): Promise<Redis> {
    const connection = new Redis(url);
    connection.on('error', () => {});
    cleanups.push(async () => connection.disconnect());
    return connection;
  }

  const contents = async (client: KvClient): Promise<string[]> =>
    (await client.range(below(p))).kvs.map(line);

  test('a store that cannot be opened says why in one line and leaves nothing open', async () => {
    const opened = (url: string) => failure(createRedisStore(url, { namespace: 'test', clock }));
    const before = process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;
    const port = await freePort();
    expect(await opened(`redis://127.0.0.1:${port}`)).toMatch(
      / redis:\/\/127\.0\.0\.1:\d+: connection refused$/,
    );
    expect(await opened('http://127.0.0.1')).toContain('http://127.0.0.1: expected redis://');
    const locked = await server('--requirepass', 'secret');
    expect(await opened(`redis://:wrong@127.0.0.1:${locked.port}`)).toMatch(
      / redis:\/\/127[^@]*: wrong password$/,
    );
    expect(await opened(locked.url)).toMatch(/: needs a password/);
    const store = await createRedisStore(`redis://:secret@127.0.0.1:${locked.port}`, {
      namespace: 'test',
      clock,
    });
    await store.close();
    const left = (): number =>
      process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;
    // A socket that was ended is gone when the kernel says so.
    await vi.waitFor(() => expect(left()).toBe(before), { timeout: 5000, interval: 5 });
  });

  test('a store whose snapshot is damaged leaves no timer', async () => {
    const { url } = await server();
    const { meta, snapshot } = redisKeys('test');
    const redis = await admin(url);
    await redis.hset(meta, 'format', '2', 'cluster_id', '1', 'snapshot_head', '9-0 x');
    await redis.rpush(snapshot, 'damaged');
    const pending = new Set<object>();
    const counting: Clock = {
      ...clock,
      setTimer: (delay, callback) => {
        const timer = clock.setTimer(delay, () => {
          pending.delete(timer);
          callback();
        });
        pending.add(timer);
        const cancel = (): void => {
          pending.delete(timer);
          timer.cancel();
        };
        return { cancel };
      },
    };
    const autoCompaction = { mode: 'periodic', retention: 3_600_000 } as const;
    const options = { namespace: 'test', clock: counting, autoCompaction };
    expect(await failure(createRedisStore(url, options))).toContain('snapshot');
    expect(pending.size).toBe(0);
  });

  test('of a command that Redis refuses, only the name is logged', async () => {
    let logged = '';
    const sink = {
      write: (text: string) => {
        logged += text;
      },
    };
    const { log } = openLog(sink, 'debug', {});
    const { url } = await server();
    await (await admin(url)).call('auth', 'topsecret').catch((err: unknown) => log.error({ err }, 'refused'));
    expect(JSON.parse(logged)).toMatchObject({ err: { command: 'auth' }, msg: 'refused' });
    expect(logged).not.toContain('topsecret');
  });

  test('a store that is destroyed while it saves a snapshot leaves no key', async () => {
    const { url } = await server();
    const store = await createRedisStore(url, { namespace: 'test', clock });
    const client = store.client();
    for (let i = 0; i < 8; i++) await client.put({ key: b(`${p}${i}`), value: new Uint8Array(2 ** 20) });
    await client.compact((await client.range(below(p))).header.revision);
    await store.destroy();
    expect(await (await admin(url)).keys('*')).toEqual([]);
  });

  test('closing and opening again: keys, history, leases, compaction; the log is trimmed', async () => {
    const { url } = await server();
    const first = await open(url);
    const one = first.client();
    const { id } = await one.leaseGrant(600n);
    for (let i = 0; i < 50; i++)
      await one.put({ key: b(`${p}${i % 7}`), value: b(String(i)), lease: i % 2 === 0 ? id : 0n });
    await one.deleteRange({ key: b(`${p}3`) });
    const compacted = (await one.range(below(p))).header.revision - 5n;
    await one.compact(compacted);
    const connection = await admin(url);
    await expect
      .poll(() => connection.hget('podwire:{test}:meta', 'snapshot_revision'))
      .toBe(String(compacted));
    expect(await connection.xlen('podwire:{test}:log')).toBeLessThan(10);
    const expected = await one.range(below(p));
    const old = await one.range({ ...below(p), revision: compacted });
    await first.close();

    const second = await open(url);
    const two = second.client();
    expect(await two.range(below(p))).toEqual(expected);
    expect((await two.range({ ...below(p), revision: compacted })).kvs).toEqual(old.kvs);
    expect(await failure(two.range({ ...below(p), revision: compacted - 1n }))).toContain(
      'has been compacted',
    );
    const seen = record(two, { ...below(p), startRevision: compacted, prevKv: true });
    // The compacted revision, four more puts and the deletion.
    expect((await seen.until(6)).map(eventLine).at(-1)).toMatch(new RegExp(`^DELETE ${p}3 \\(\\d+\\)$`));
    const { keys, grantedTtl } = await second.leaseTimeToLive(id);
    expect(grantedTtl).toBe(600n);
    const attached = expected.kvs.filter((kv) => kv.lease === id).map((kv) => t(kv.key));
    expect(keys.map(t).sort()).toEqual(attached);
    await two.leaseRevoke(id);
    expect(await contents(two)).toEqual(expected.kvs.filter((kv) => kv.lease !== id).map(line));
  });

  test('Redis killed again and again: no acknowledged write is lost or done twice, watches go on', async () => {
    const redisServer = await server();
    const store = await open(redisServer.url, 30_000);
    const client = store.client();
    const seen = record(client, below(p));
    await seen.untilCreated();
    let stop = false;
    const acknowledged: string[] = [];
    const writer = async (name: number): Promise<void> => {
      for (let i = 0; !stop; i++) {
        await client.put({ key: b(`${p}${name}-${i}`), value: b('x') });
        acknowledged.push(`${p}${name}-${i}=x`);
      }
    };
    const writers = Promise.all([0, 1, 2, 3].map(writer));
    const more = async (): Promise<void> => {
      const target = acknowledged.length + 200;
      await expect.poll(() => acknowledged.length, { timeout: 20_000, interval: 5 }).toBeGreaterThan(target);
    };
    for (let round = 0; round < 5; round++) {
      await more();
      await redisServer.kill(round === 2 ? 'SIGTERM' : 'SIGKILL');
      await redisServer.start();
    }
    await more();
    stop = true;
    await writers;
    const { kvs, header } = await client.range(below(p));
    expect(kvs.map(line).sort()).toEqual(acknowledged.sort());
    expect(new Set(kvs.map((kv) => kv.version))).toEqual(new Set([1n]));
    expect(header.revision).toBe(BigInt(kvs.length) + 1n);
    await seen.until(kvs.length);
    expect(seen.events.map((event) => event.kv.modRevision)).toEqual(kvs.map((_, i) => BigInt(i) + 2n));
    const other = await open(redisServer.url);
    expect((await other.client().range(below(p))).kvs).toEqual(kvs);
  });

  test('connections cut and scripts flushed under load: every increment counts once', async () => {
    const { url } = await server('--appendfsync', 'no');
    const stores = [await open(url), await open(url)];
    const clients = stores.map((store) => store.client());
    const key = b(`${p}counter`);
    await clients[0]!.put({ key, value: b('0') });
    const connection = await admin(url);
    let stop = false;
    const chaos = (async () => {
      for (let i = 0; !stop; i++) {
        await connection.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        if (i % 3 === 0) await connection.script('FLUSH');
        const size = stores[0]!.header().revision + 20n;
        await expect
          .poll(() => stop || stores[0]!.header().revision > size, { timeout: 20_000, interval: 2 })
          .toBe(true);
      }
      return true;
    })();
    // Blind increments by compare-and-set: done twice, one would be counted twice.
    const increment = async (client: KvClient): Promise<void> => {
      for (;;) {
        const kv = (await client.range({ key })).kvs[0]!;
        const result = await updateKey(client, key, b(String(Number(t(kv.value)) + 1)), kv.modRevision);
        if (result.kind === 'ok') return;
      }
    };
    const worker = async (client: KvClient): Promise<void> => {
      for (let i = 0; i < 60; i++) await increment(client);
    };
    await Promise.all(clients.flatMap((client) => [worker(client), worker(client), worker(client)]));
    stop = true;
    await chaos;
    const final = (await clients[1]!.range({ key })).kvs[0]!;
    expect(t(final.value)).toBe('360');
    expect(final.version).toBe(361n);
  });

  test('two stores on one Redis: one order of revisions, the same events in both', async () => {
    const { url } = await server('--appendfsync', 'no');
    const clients = [(await open(url)).client(), (await open(url)).client()];
    const seen = clients.map((client) => record(client, { ...below(p), prevKv: true }));
    await Promise.all(seen.map((one) => one.untilCreated()));
    const writer = async (client: KvClient, name: number): Promise<void> => {
      for (let i = 0; i < 100; i++) {
        const { header } = await client.put({ key: b(`${p}${(i + name) % 5}`), value: b(`${name}:${i}`) });
        // What one acknowledged, the other must show.
        const other = clients[(name + 1) % 2]!;
        expect((await other.range({ key: b('/x') })).header.revision).toBeGreaterThanOrEqual(header.revision);
      }
    };
    await Promise.all([0, 1, 2, 3].map((name) => writer(clients[name % 2]!, name)));
    const [one, two] = await Promise.all(seen.map((each) => each.until(400)));
    expect(one!.map(eventLine)).toEqual(two!.map(eventLine));
    expect(one!.map((event) => event.kv.modRevision)).toEqual(
      Array.from({ length: 400 }, (_, i) => BigInt(i) + 2n),
    );
  });

  test('Redis away for too long: requests fail with 14, then everything works again', async () => {
    const redisServer = await server();
    const store = await open(redisServer.url, 300);
    const client = store.client();
    await client.put({ key: b(`${p}a`), value: b('1') });
    const seen = record(client, below(p));
    await seen.untilCreated();
    await redisServer.kill();
    const timedOut = '14 etcdserver: request timed out';
    expect(await failure(client.put({ key: b(`${p}b`), value: b('2') }))).toBe(timedOut);
    expect(await failure(client.range(below(p)))).toBe(timedOut);
    expect((await client.range({ ...below(p), serializable: true })).kvs.map(line)).toEqual([`${p}a=1`]);
    await redisServer.start();
    await expect.poll(() => failure(client.range(below(p))), { timeout: 10_000 }).toContain('no error');
    await client.put({ key: b(`${p}c`), value: b('3') });
    expect((await seen.until(1)).map(eventLine)).toEqual([`PUT ${p}c=3`]);
    expect(await contents(client)).toEqual([`${p}a=1`, `${p}c=3`]);
  });

  test('a Redis that comes back empty gets everything back from the running store', async () => {
    const redisServer = await server('--appendonly', 'no');
    const store = await open(redisServer.url);
    const client = store.client();
    const { id } = await client.leaseGrant(600n);
    for (let i = 0; i < 300; i++)
      await client.put({ key: b(`${p}${i}`), value: b('x'), lease: i === 7 ? id : 0n });
    await client.compact(100n);
    await client.deleteRange({ key: b(`${p}5`) });
    const before = await client.range(below(p));
    const seen = record(client, below(p));
    await seen.untilCreated();
    await redisServer.kill();
    await redisServer.start();
    const { header } = await client.put({ key: b(`${p}new`), value: b('y') });
    expect(header.revision).toBe(before.header.revision + 1n);
    expect((await seen.until(1)).map(eventLine)).toEqual([`PUT ${p}new=y`]);
    const other = await open(redisServer.url);
    const restored = await other.client().range(below(p));
    expect(restored.kvs.filter((kv) => t(kv.key) !== `${p}new`)).toEqual(before.kvs);
    expect((await other.leaseTimeToLive(id)).keys.map(t)).toEqual([`${p}7`]);
    expect((await other.client().range({ ...below(p), revision: 100n })).count).toBe(99n);
  });

  test('a process that fell behind the trimmed log loads the store again and ends its watches', async () => {
    const { url } = await server();
    const store = await open(url);
    const client = store.client();
    const connection = await connectRedis(url, 'test', undefined);
    cleanups.push(async () => connection.disconnect());
    const identity = { clusterId: 1n, memberId: 1n };
    const redisLog = new RedisLog(connection, 'test');
    const replica = new RedisReplica({
      identity,
      redisLog,
      clock,
      log: undefined,
      onApplied: () => {},
    });
    await client.put({ key: b(`${p}a`), value: b('1') });
    await replica.load();
    expect(replica.machine.revision).toBe(2n);
    for (let i = 0; i < 20; i++) await client.put({ key: b(`${p}a`), value: b(String(i)) });
    await client.compact(15n);
    const raw = await admin(url);
    await expect.poll(() => raw.hget('podwire:{test}:meta', 'snapshot_revision')).toBe('15');
    await replica.catchUp();
    expect(replica.machine.revision).toBe(22n);
    expect(replica.machine.compactRevision).toBe(15n);
    expect(replica.machine.range(below(p)).kvs).toEqual((await client.range(below(p))).kvs);
  });

  test.each([
    ['head', 0],
    ['operationAt', 5],
  ] as const)(
    'entries that are applied while the log is asked for its %s are not taken for lost ones',
    async (question, behind) => {
      const { url } = await server('--appendfsync', 'no');
      const store = await open(url);
      const client = store.client();
      const connection = await connectRedis(url, 'test', undefined);
      cleanups.push(async () => connection.disconnect());
      let meanwhile: () => Promise<void> = async () => {};
      class SlowLog extends RedisLog {
        override async head() {
          const head = await super.head();
          if (question === 'head') await meanwhile();
          return head;
        }
        override async operationAt(position: Head) {
          const operation = await super.operationAt(position);
          if (question === 'operationAt') await meanwhile();
          return operation;
        }
      }
      const redisLog = new SlowLog(connection, 'test');
      const identity = { clusterId: 1n, memberId: 1n };
      const replica = new RedisReplica({ identity, redisLog, clock, log: undefined, onApplied: () => {} });
      await client.put({ key: b(`${p}a`), value: b('1') });
      await replica.load();
      for (let i = 0; i < behind; i++) await client.put({ key: b(`${p}a`), value: b(String(i)) });
      // As by the connection that follows the log, or by an append that was told what it had missed.
      const asked = new Promise<void>((resolve) => {
        meanwhile = async () => {
          meanwhile = async () => {};
          await client.put({ key: b(`${p}b`), value: b('2') });
          await replica.follow(await redisLog.entriesAfter(replica.applied));
          resolve();
        };
      });
      await replica.catchUp();
      await asked;
      expect(replica.machine.compactRevision).toBeLessThan(1n);
      expect(replica.machine.revision).toBe(store.header().revision);
      expect(replica.machine.revision).toBe(BigInt(behind) + 3n);
      expect(replica.machine.range(below(p)).kvs).toEqual((await client.range(below(p))).kvs);
    },
  );

  test('a lease kept alive through one store does not end in the other, and ends in both', async () => {
    const { url } = await server('--appendfsync', 'no');
    const one = (await open(url)).client();
    const two = (await open(url)).client();
    const { id } = await one.leaseGrant(2n);
    await two.put({ key: b(`${p}a`), value: b('1'), lease: id });
    // A watch from now on begins where its own store is: that one has to have the put.
    expect((await one.range(below(p))).count).toBe(1n);
    const seen = record(one, below(p));
    const begin = performance.now();
    let last = begin;
    while (performance.now() - begin < 3500) {
      expect(await two.leaseKeepAlive(id)).toBe(2n);
      last = performance.now();
      // The other one knows of it at once. Whole seconds are told, so that a little less than two is one.
      const { ttl } = await one.leaseTimeToLive(id);
      if (performance.now() - last < 900) expect(ttl).toBeGreaterThanOrEqual(1n);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(seen.events).toEqual([]);
    expect((await seen.until(1)).map(eventLine)).toEqual([`DELETE ${p}a`]);
    expect(performance.now() - last).toBeGreaterThanOrEqual(1999);
    expect(await failure(two.leaseKeepAlive(id))).toBe('5 etcdserver: requested lease not found');
  });

  test('namespaces are apart, and destroying one removes exactly its keys', async () => {
    const { url } = await server();
    const one = await createRedisStore(url, { namespace: 'one', clock });
    const two = await createRedisStore(url, { namespace: 'two', clock });
    cleanups.push(() => two.close());
    await one.client().put({ key: b(`${p}a`), value: b('1') });
    await one.client().put({ key: b(`${p}a`), value: b('2') });
    await one.client().compact(3n);
    await two.client().put({ key: b(`${p}b`), value: b('2') });
    expect(await contents(two.client())).toEqual([`${p}b=2`]);
    const connection = await admin(url);
    await one.destroy();
    const left = await connection.keys('*');
    expect(left.filter((key) => !key.startsWith('podwire:{two}:'))).toEqual([]);
    await destroyRedisStore(url, 'two');
    expect(await connection.keys('podwire:{two}:*')).toEqual([]);
  });

  test('Redis without memory left answers as etcd without space, and reads go on', async () => {
    const { url } = await server('--maxmemory-policy', 'noeviction');
    const client = (await open(url)).client();
    await client.put({ key: b(`${p}a`), value: b('1') });
    const connection = await admin(url);
    await connection.config('SET', 'maxmemory', '1mb');
    expect(await failure(client.put({ key: b(`${p}b`), value: new Uint8Array(1000) }))).toBe(
      '8 etcdserver: mvcc: database space exceeded',
    );
    expect(await contents(client)).toEqual([`${p}a=1`]);
    await connection.config('SET', 'maxmemory', '0');
    await client.put({ key: b(`${p}b`), value: b('2') });
    expect(await contents(client)).toEqual([`${p}a=1`, `${p}b=2`]);
  });

  test('a Redis that evicts keys is refused in one line', async () => {
    const { url } = await server('--maxmemory-policy', 'allkeys-lru');
    expect(await failure(createRedisStore(url, { namespace: 'test', clock }))).toMatch(
      /^undefined redis:\/\/127[^ ]* ?has maxmemory-policy allkeys-lru, expected noeviction: it would drop parts of the store$/,
    );
  });

  test('acknowledged revisions that are lost are never given out again, and watchers are told', async () => {
    const redisServer = await server('--appendfsync', 'no');
    const first = await open(redisServer.url);
    const second = await open(redisServer.url);
    const one = first.client();
    for (let i = 0; i < 20; i++) await one.put({ key: b(`${p}${i}`), value: b('x') });
    await second.client().range(below(p));
    const seen = record(one, below(p));
    await seen.untilCreated();
    // Redis goes back to what it had some revisions ago, and somebody writes there before anybody notices.
    const connection = await admin(redisServer.url);
    const log = 'podwire:{test}:log';
    const all = (await connection.xrangeBuffer(log, '-', '+')) as [Buffer, Buffer[]][];
    await connection.del(log);
    for (const [id, fields] of all.slice(0, 15)) await connection.xadd(log, id, ...fields);
    const last = all[14]![1][1]!;
    await connection.xadd(log, '17-0', 'op', 'stranger', 'p', last, 'e', rawEntry(17n));
    await connection.set('podwire:{test}:head', '17-0 stranger');
    expect(String(all[14]![0])).toBe('16-0');
    const before = first.header().revision;
    expect(before).toBe(21n);
    const { header } = await one.put({ key: b(`${p}new`), value: b('y') });
    expect(header.revision).toBeGreaterThan(before + 1000n);
    expect(await seen.ended).toMatchObject({ code: 11 });
    const keys = (await one.range(below(p))).kvs.map(line);
    expect(keys).toContain(`${p}new=y`);
    expect(keys).toContain('/t/stranger=z');
    expect(keys).not.toContain(`${p}19=x`);
    // The other server follows, and also tells its watchers.
    const late = record(second.client(), { ...below(p), startRevision: before });
    expect(await late.ended).toMatchObject({ code: 11 });
    expect((await second.client().range(below(p))).kvs.map(line)).toEqual(keys);
  });

  /** An entry that nobody here has made. */
  function rawEntry(revision: bigint): Buffer {
    const change = new Change(toKeyText(b('/t/stranger')), toSlab(b('z')), {
      createdAt: Number(revision),
      modifiedAt: Number(revision),
      versionNumber: 1,
      lease: 0n,
      sub: 0,
    });
    return Buffer.from(encodeLogEntry({ kind: 'revision', revision, changes: [change], revoked: [] }));
  }

  test('a Redis that was started again without a syncing AOF begins an epoch for who opens it next', async () => {
    const redisServer = await server('--appendfsync', 'everysec');
    const first = await open(redisServer.url);
    await first.client().put({ key: b(`${p}a`), value: b('1') });
    await first.close();
    await redisServer.kill('SIGTERM');
    await redisServer.start();
    const second = await open(redisServer.url);
    const client = second.client();
    expect(await contents(client)).toEqual([`${p}a=1`]);
    expect(second.header().revision).toBeGreaterThan(1000n);
    const seen = record(client, { ...below(p), startRevision: 2n });
    expect(await seen.ended).toMatchObject({ code: 11 });
    const { header } = await client.put({ key: b(`${p}b`), value: b('2') });
    expect((await client.hashKv(0n)).header.revision).toBe(header.revision);
    const third = await open(redisServer.url);
    expect(third.header().revision).toBe(header.revision);
    expect(await contents(third.client())).toEqual([`${p}a=1`, `${p}b=2`]);
  });

  test('a wall clock that jumps ends no lease early', async () => {
    const { url } = await server('--appendfsync', 'no');
    const store = await open(url);
    const client = store.client();
    const { id } = await client.leaseGrant(600n);
    await client.put({ key: b(`${p}a`), value: b('1'), lease: id });
    const connection = await admin(url);
    // As if the clock had gone on by an hour: the deadline lies far back.
    const leases = 'podwire:{test}:leases';
    const deadline = Number(await connection.zscore(leases, String(id)));
    await connection.zadd(leases, deadline - 3_600_000, String(id));
    expect(await client.leaseKeepAlive(id)).toBe(600n);
    expect(Number(await connection.zscore(leases, String(id)))).toBeGreaterThanOrEqual(deadline);
    await connection.zadd(leases, deadline - 3_600_000, String(id));
    const other = await open(url);
    expect((await other.leaseTimeToLive(id)).ttl).toBeGreaterThan(590n);
    expect(await contents(other.client())).toEqual([`${p}a=1`]);
  });

  test('users, roles and their permissions are in both stores and outlive them; tokens do not', async () => {
    const { url } = await server('--appendfsync', 'no');
    const one = await open(url);
    const root = one.client().auth;
    await root.userAdd('root', 'secret');
    await root.userGrantRole('root', 'root');
    await root.userAdd('reader', 'pass');
    await root.roleAdd('reading');
    await root.roleGrantPermission('reading', { type: 'READ', ...below(p) });
    await root.userGrantRole('reader', 'reading');
    await root.enable();
    const { token } = await one.client({}).auth.authenticate('reader', 'pass');
    const two = await open(url);
    await one.client().put({ key: b(`${p}a`), value: b('1') });
    expect(await contents(one.client({ token }))).toEqual([`${p}a=1`]);
    expect(await failure(one.client({ token }).put({ key: b(`${p}a`), value: b('2') }))).toBe(
      '7 etcdserver: permission denied',
    );
    // Assigned before the second one was there.
    expect(await failure(two.client({ token }).range(below(p)))).toBe('16 etcdserver: invalid auth token');
    const again = await one.client({}).auth.authenticate('reader', 'pass');
    await two.client().range(below(p));
    expect(await contents(two.client({ token: again.token }))).toEqual([`${p}a=1`]);
    await one.client().compact(2n);
    await one.close();
    await two.close();
    const three = await open(url);
    expect(await failure(three.client({ token: again.token }).range(below(p)))).toBe(
      '16 etcdserver: invalid auth token',
    );
    expect((await three.client().auth.userGet('reader')).roles).toEqual(['reading']);
    const fresh = await three.client({}).auth.authenticate('reader', 'pass');
    expect(await contents(three.client({ token: fresh.token }))).toEqual([`${p}a=1`]);
  });
});
