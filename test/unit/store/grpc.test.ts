import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { fileURLToPath } from 'node:url';
import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../agents/io/clock.ts';
import { connectEtcd } from '../../../agents/store/grpc/client.ts';
import { serveStore } from '../../../agents/store/http-server.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import type { Store } from '../../../agents/store/store.ts';
import { health } from '../../../protocol/etcd/api/health.ts';
import { kv } from '../../../protocol/etcd/api/kv.ts';
import { lease } from '../../../protocol/etcd/api/lease.ts';
import { maintenance } from '../../../protocol/etcd/api/maintenance.ts';
import type { Method } from '../../../protocol/etcd/api/method.ts';
import { type WatchMessage, type WatchResponseMessage, watch } from '../../../protocol/etcd/api/watch.ts';
import { compliance } from './compliance.ts';
import { arrayBytes, b, below, t } from './support.ts';
import type { FromReaders, ToReaders } from './two-readers.ts';

const clock = systemClock();
const ANYWHERE = { address: '127.0.0.1', port: 0 };
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

compliance('the memory store over gRPC', async () => {
  const store = createMemoryStore({ clock });
  const server = await serveStore(store, ANYWHERE);
  const stop = async (): Promise<void> => {
    await server.close();
    await store.close();
  };
  const url = server.endpoint.replace('http:', 'etcd:');
  return { client: () => connectEtcd(url, { clock }), stop };
});

interface Scene {
  readonly store: Store;
  readonly endpoint: string;
  /** A gRPC client that knows nothing of etcd. */
  readonly client: Client;
}

async function scene(): Promise<Scene> {
  const store = createMemoryStore({ clock });
  const server = await serveStore(store, ANYWHERE);
  const client = connected(server.endpoint);
  cleanups.push(async () => {
    await server.close();
    await store.close();
  });
  return { store, endpoint: server.endpoint, client };
}

function connected(endpoint: string): Client {
  const client = new Client(new URL(endpoint).host, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
  });
  cleanups.push(() => client.close());
  return client;
}

/** The answer to octets, or `code text`. */
function callRaw(client: Client, path: string, bytes: Uint8Array): Promise<Uint8Array | string> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      path,
      (request: Uint8Array) => Buffer.from(request),
      (response: Buffer) => response,
      bytes,
      (error, response) => resolve(error === null ? response! : `${error.code} ${error.details}`),
    );
  });
}

async function call<Request, Response>(
  client: Client,
  { path, request, response }: Method<Request, Response>,
  message: Request,
): Promise<Response | string> {
  const answer = await callRaw(client, path, request.encode(message));
  return typeof answer === 'string' ? answer : response.decode(answer);
}

class Recorder<Request, Response> {
  readonly got: Response[] = [];
  readonly stream: ClientDuplexStream<Request, Response>;
  error: ServiceError | undefined;
  ended = false;
  #wake = (): void => {};

  constructor(client: Client, method: Method<Request, Response>, metadata: Metadata = new Metadata()) {
    this.stream = client.makeBidiStreamRequest(
      method.path,
      (request: Request) => Buffer.from(method.request.encode(request)),
      (bytes: Buffer) => method.response.decode(bytes),
      metadata,
    );
    cleanups.push(() => this.stream.cancel());
    this.stream.on('data', (response: Response) => {
      this.got.push(response);
      this.#wake();
    });
    this.stream.on('error', (error: ServiceError) => {
      this.error = error;
      this.#wake();
    });
    this.stream.on('end', () => {
      this.ended = true;
      this.#wake();
    });
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

function watchStream(client: Client, metadata?: Metadata): Recorder<WatchMessage, WatchResponseMessage> {
  return new Recorder(client, watch.watch, metadata);
}

const create = (key: string, rest: object = {}): WatchMessage => ({
  createRequest: { key: b(key), watchId: 0n, fragment: false, ...rest },
});

const PUT = { key: b('k'), value: b('v') };

describe('calls', () => {
  test('limits and bad requests have the codes and texts of etcd and grpc-go', async () => {
    const { client } = await scene();
    expect(await call(client, kv.put, { ...PUT, value: new Uint8Array(1.6e6) })).toBe(
      '3 etcdserver: request is too large',
    );
    expect(await call(client, kv.put, { ...PUT, value: new Uint8Array(2 * 1024 * 1024) })).toBe(
      '8 grpc: received message larger than max (2097160 vs. 2097152)',
    );
    expect(await callRaw(client, '/etcdserverpb.KV/Nothing', new Uint8Array(0))).toBe(
      '12 unknown method Nothing for service etcdserverpb.KV',
    );
    expect(await callRaw(client, '/no.Such/Service', new Uint8Array(0))).toBe('12 unknown service no.Such');
    expect(await callRaw(client, kv.put.path, Uint8Array.of(0x0a, 5))).toBe(
      '13 grpc: error unmarshalling request: etcdserverpb.PutRequest, offset 2: expected 5 more bytes',
    );
    // The connection has survived all of that.
    expect(await call(client, kv.put, PUT)).toMatchObject({ header: { revision: 2n } });
  });

  test('health, of the server and of what nobody serves', async () => {
    const { client } = await scene();
    expect(await call(client, health.check, { service: '' })).toEqual({ status: 'SERVING' });
    expect(await call(client, health.check, { service: 'x' })).toBe('5 unknown service');
  });

  test('what a store of one member cannot do is refused at once', async () => {
    const { client } = await scene();
    expect(await call(client, maintenance.moveLeader, { targetId: 1n })).toBe(
      '9 etcdserver: bad leader transferee',
    );
    expect(await call(client, maintenance.downgrade, { action: 'ENABLE' as const, version: '3.3' })).toMatch(
      /^12 etcdserver: /,
    );
    expect(
      await call(client, maintenance.alarm, {
        action: 'ACTIVATE' as const,
        memberId: 0n,
        alarm: 'NOSPACE' as const,
      }),
    ).toMatch(/^12 etcdserver: /);
  });

  test('an answer that cannot be encoded is an error, and ends no process', async () => {
    const store = createMemoryStore({ clock });
    const broken = {
      ...store.client(),
      put: async () => ({ header: { ...store.header(), revision: 'one' } }),
    };
    const server = await serveStore({ ...store, client: () => broken as never }, ANYWHERE);
    cleanups.push(() => server.close());
    expect(await call(connected(server.endpoint), kv.put, PUT)).toMatch(/^2 /);
    expect(await call(connected(server.endpoint), kv.range, { key: b('k') })).toMatchObject({ count: 0n });
  });

  test('a call that ends without its request, or in the middle of it, is refused', async () => {
    const { endpoint, client } = await scene();
    const session = connectHttp2(endpoint);
    cleanups.push(() => session.close());
    const statusOf = async (...body: number[]): Promise<unknown> => {
      const headers = {
        ':method': 'POST',
        ':path': kv.put.path,
        'content-type': 'application/grpc',
        te: 'trailers',
      };
      const request = session.request(headers);
      request.end(Uint8Array.from(body));
      const [answer] = await once(request, 'response');
      request.resume();
      return answer['grpc-status'];
    };
    expect(await statusOf()).toBe('13');
    // The length of a message, and one octet of the ten that it announces.
    expect(await statusOf(0, 0, 0, 0, 10, 1)).toBe('13');
    expect(await call(client, kv.put, PUT)).not.toBeTypeOf('string');
  });

  test('renewals are answered in order; a lease that is gone ends no stream, the client does', async () => {
    const { client } = await scene();
    await call(client, lease.grant, { ttl: 60n, id: 5n });
    const renewals = new Recorder(client, lease.keepAlive);
    for (const id of [5n, 6n, 5n]) renewals.stream.write({ id });
    renewals.stream.end();
    await renewals.until(() => renewals.ended);
    expect(renewals.got.map(({ id, ttl }) => [id, ttl])).toEqual([
      [5n, 60n],
      [6n, 0n],
      [5n, 60n],
    ]);
  });
});

describe('the watches of a stream', () => {
  test('numbers, duplicates, filters, progress and cancellation', async () => {
    const { client, store } = await scene();
    const seen = watchStream(client);
    seen.stream.write(create('a'));
    seen.stream.write(create('a', { watchId: 7n, filters: ['NOPUT'] }));
    seen.stream.write(create('a', { watchId: 7n }));
    seen.stream.write(create('b', { rangeEnd: b('a') }));
    await seen.until(() => seen.got.length === 4);
    expect(
      seen.got.map(({ watchId, created, canceled, cancelReason }) => [
        watchId,
        created,
        canceled,
        cancelReason,
      ]),
    ).toEqual([
      [0n, true, false, ''],
      [7n, true, false, ''],
      [-1n, true, true, 'mvcc: duplicate watch ID provided on the WatchStream'],
      [-1n, true, true, 'mvcc: watcher range is empty'],
    ]);
    await store.client().put({ key: b('a'), value: b('1') });
    await seen.until(() => seen.got.length === 5);
    seen.stream.write({ progressRequest: {} });
    seen.stream.write({ cancelRequest: { watchId: 0n } });
    seen.stream.write({ cancelRequest: { watchId: 99n } });
    await seen.until(() => seen.got.length === 7);
    await store.client().deleteRange({ key: b('a') });
    await seen.until(() => seen.got.length === 8);
    expect(
      seen.got
        .slice(4)
        .map(({ watchId, canceled, header, events }) => [
          watchId,
          canceled,
          header.revision,
          events.map(({ type }) => type),
        ]),
    ).toEqual([
      [0n, false, 2n, ['PUT']],
      [-1n, false, 2n, []],
      [0n, true, 2n, []],
      [7n, false, 3n, ['DELETE']],
    ]);
  });

  test('a client that has no more to ask still listens', async () => {
    const { client, store } = await scene();
    const seen = watchStream(client);
    seen.stream.write(create('a'));
    seen.stream.end();
    await seen.until(() => seen.got.length === 1);
    await store.client().put({ key: b('a'), value: b('1') });
    await seen.until(() => seen.got.length === 2);
    expect(t(seen.got[1]!.events[0]!.kv.value)).toBe('1');
  });

  test('10,000 watches on one stream, and 300 streams, each see an event once', async () => {
    const { client, store } = await scene();
    const one = watchStream(client);
    for (let i = 0; i < 10_000; i++) one.stream.write(create(i % 2 === 0 ? 'hot' : `cold/${i}`));
    const many = Array.from({ length: 300 }, () => watchStream(client));
    for (const each of many) each.stream.write(create('hot'));
    await one.until(() => one.got.length === 10_000);
    for (const each of many) await each.until(() => each.got.length === 1);
    await store.client().put({ key: b('hot'), value: b('1') });
    await one.until(() => one.got.length === 15_000);
    for (const each of many) await each.until(() => each.got.length === 2);
    const ids = new Set(one.got.slice(10_000).map(({ watchId }) => watchId));
    expect(ids.size).toBe(5000);
    expect([...ids].every((id) => id % 2n === 0n)).toBe(true);
  });

  test('a reader that stops is not buffered for, holds up nobody, and later gets everything', async () => {
    const { endpoint, store } = await scene();
    // In a process of their own, so that what they hold does not count.
    const readers = fork(fileURLToPath(new URL('two-readers.ts', import.meta.url)), [new URL(endpoint).host]);
    cleanups.push(() => readers.kill('SIGKILL'));
    const answer = async (): Promise<FromReaders> => (await once(readers, 'message'))[0];
    const tell = (message: ToReaders): boolean => readers.send(message);
    expect(await answer()).toBe('watching');
    const writer = store.client();
    const count = 100;
    tell({ kind: 'quick', until: count + 1 });
    const quick = answer();
    const before = arrayBytes();
    const size = 256 * 1024;
    for (let i = 0; i < count; i++) await writer.put({ key: b('k'), value: new Uint8Array(size) });
    expect(await quick).toBe('quick');
    // The history has each value once. Kept for the slow reader as well, they would be there twice. What nobody refers to any more is
    // freed some time after a collection of garbage.
    const kept = (): number => (arrayBytes() - before) / (count * size);
    await expect.poll(kept, { timeout: 10_000, interval: 50 }).toBeLessThan(1.2);
    expect(kept()).toBeGreaterThan(0.9);
    tell({ kind: 'slow', until: count + 1 });
    expect(await answer()).toEqual({ slow: Array.from({ length: count }, (_, i) => i + 2) });
  });

  test('a large revision is one response, or fragments where that was asked for', async () => {
    const { client, store } = await scene();
    const writer = store.client();
    const value = new Uint8Array(100_000);
    for (let i = 0; i < 40; i++) await writer.put({ key: b(`/${i}`), value });
    const seen = watchStream(client);
    for (const fragment of [false, true]) {
      seen.stream.write({
        createRequest: { ...below('/'), prevKv: true, watchId: 0n, fragment },
      });
    }
    await seen.until(() => seen.got.length === 2);
    await writer.deleteRange(below('/'));
    const eventsOf = (id: bigint): WatchResponseMessage[] =>
      seen.got.filter(({ watchId, created }) => watchId === id && !created);
    const count = (id: bigint): number => eventsOf(id).reduce((sum, { events }) => sum + events.length, 0);
    await seen.until(() => count(0n) === 40 && count(1n) === 40);
    expect(eventsOf(0n)).toHaveLength(1);
    expect(eventsOf(1n).map(({ fragment }) => fragment)).toEqual([true, false]);
  });

  test('with the metadata hasleader a stream is served as without', async () => {
    const { client } = await scene();
    const metadata = new Metadata();
    metadata.set('hasleader', 'true');
    const seen = watchStream(client, metadata);
    seen.stream.write(create('a'));
    await seen.until(() => seen.got.length === 1);
    expect(seen.error).toBeUndefined();
  });
});

describe("Node's own HTTP/2 as a client", () => {
  test('every printable character in a header, and the JSON gateway over HTTP/2', async () => {
    const { endpoint } = await scene();
    const session = connectHttp2(endpoint);
    cleanups.push(() => session.destroy());
    const printable = String.fromCharCode(...Array.from({ length: 95 }, (_, i) => 32 + i)).trim();
    const stream = session.request({
      ':method': 'POST',
      ':path': '/v3/kv/range',
      'content-type': 'application/json',
      'x-printable': printable,
    });
    stream.end('{"key":"AA=="}');
    const [headers] = await once(stream, 'response');
    let text = '';
    for await (const chunk of stream) text += chunk;
    expect(headers[':status']).toBe(200);
    expect(text).toMatch(/^\{"header":.*"revision":"1"/);
  });

  test('what is neither gRPC nor a path of the gateway is not found', async () => {
    const { endpoint } = await scene();
    const session = connectHttp2(endpoint);
    cleanups.push(() => session.destroy());
    const stream = session.request({ ':path': '/nothing' });
    const [headers] = await once(stream, 'response');
    expect(headers[':status']).toBe(404);
  });
});
