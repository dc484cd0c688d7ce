import { createServer, request as httpRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../agents/io/clock.ts';
import { connectStore } from '../../../agents/store/http-client.ts';
import { type StoreServer, serveStore } from '../../../agents/store/http-server.ts';
import { listWatch } from '../../../agents/store/list-watch.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import type { Store } from '../../../agents/store/store.ts';
import { b, below, eventLine, failure, line, record, t } from './support.ts';

const clock = systemClock();
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(store: Store, port = 0): Promise<StoreServer & { readonly port: number }> {
  const server = await serveStore(store, { address: '127.0.0.1', port });
  cleanups.push(() => server.close());
  return { ...server, port: Number(new URL(server.endpoint).port) };
}

function memory(): Store {
  const store = createMemoryStore({ clock });
  cleanups.push(() => store.close());
  return store;
}

function connected(endpoint: string, patience = 10_000): ReturnType<typeof connectStore> {
  const client = connectStore(endpoint, { clock, patience });
  cleanups.push(() => client.close());
  return client;
}

/** POSTs a body as it stands; status and text of the answer. */
async function post(endpoint: string, path: string, body: string, method = 'POST'): Promise<string> {
  const response = await fetch(endpoint + path, { method, ...(method === 'POST' ? { body } : {}) });
  return `${response.status} ${await response.text()}`;
}

describe('the JSON gateway as bytes', () => {
  // What a real etcd 3.4.23 answered to the same, its identities left out.
  test.each([
    [
      '/v3/kv/range',
      '{}',
      '400 {"error":"etcdserver: key is not provided","message":"etcdserver: key is not provided","code":3}',
    ],
    [
      '/v3/kv/range',
      '',
      '400 {"error":"etcdserver: key is not provided","message":"etcdserver: key is not provided","code":3}',
    ],
    [
      '/v3/kv/range',
      '{"key":"!!"}',
      '400 {"error":"illegal base64 data at input byte 0","message":"illegal base64 data at input byte 0","code":3}',
    ],
    [
      '/v3/kv/range',
      '{"key":"Zm9v","sort_order":"BOGUS"}',
      '400 {"error":"unknown value \\"BOGUS\\" for enum etcdserverpb.RangeRequest_SortOrder","message":"unknown value \\"BOGUS\\" for enum etcdserverpb.RangeRequest_SortOrder","code":3}',
    ],
    [
      '/v3/auth/role/grant',
      '{"name":"r","perm":{"permType":1e999,"key":"Zm9v"}}',
      '400 {"error":"unknown value Infinity for enum authpb.Permission_Type","message":"unknown value Infinity for enum authpb.Permission_Type","code":3}',
    ],
    [
      '/v3/kv/range',
      '{"key":"Zm9v","sort_order":77,"bogus":1}',
      '200 {"header":{ids,"revision":"3"},"kvs":[{"key":"Zm9v","create_revision":"2","mod_revision":"3","version":"2","value":"YmFy"}],"count":"1"}',
    ],
    [
      '/v3/kv/put',
      '{"key":"Zm9v","value":"YmFy","prevKv":true}',
      '200 {"header":{ids,"revision":"4"},"prev_kv":{"key":"Zm9v","create_revision":"2","mod_revision":"3","version":"2","value":"YmFy"}}',
    ],
    ['/v3/kv/deleterange', '{"key":"eA=="}', '200 {"header":{ids,"revision":"3"}}'],
    [
      '/v3/lease/grant',
      '{"TTL":60,"ID":9223372036854775807}',
      '200 {"header":{ids,"revision":"3"},"ID":"9223372036854775807","TTL":"60"}',
    ],
    ['/v3/lease/keepalive', '{"ID":78}', '200 {"result":{"header":{ids,"revision":"3"},"ID":"78"}}\n'],
    ['/v3/lease/timetolive', '{"ID":78}', '200 {"header":{ids,"revision":"3"},"ID":"78","TTL":"-1"}'],
    [
      '/v3/lease/revoke',
      '{"ID":79}',
      '404 {"error":"etcdserver: requested lease not found","message":"etcdserver: requested lease not found","code":5}',
    ],
    [
      '/v3/kv/txn',
      '{"success":[{}]}',
      '400 {"error":"etcdserver: key not found","message":"etcdserver: key not found","code":3}',
    ],
    [
      '/v3/kv/txn',
      '{"compare":[{"key":"Zm9v","version":"0"}],"failure":[{"request_range":{"key":"Zm9v"}},{"request_txn":{"success":[{"request_delete_range":{"key":"Zm9v","prev_kv":true}}]}}]}',
      '200 {"header":{ids,"revision":"4"},"responses":[{"response_range":{"header":{"revision":"3"},"kvs":[{"key":"Zm9v","create_revision":"2","mod_revision":"3","version":"2","value":"YmFy"}],"count":"1"}},{"response_txn":{"header":{},"succeeded":true,"responses":[{"response_delete_range":{"header":{"revision":"4"},"deleted":"1","prev_kvs":[{"key":"Zm9v","create_revision":"2","mod_revision":"3","version":"2","value":"YmFy"}]}}]}}]}',
    ],
    ['/v3/nope', '{}', '404 Not Found\n'],
    ['/nope', '{}', '404 404 page not found\n'],
  ])('%s %s', async (path, body, expected) => {
    const store = memory();
    const { endpoint } = await serve(store);
    for (let i = 0; i < 2; i++) await store.client().put({ key: b('foo'), value: b('bar') });
    const answer = await post(endpoint, path, body);
    expect(
      answer.replaceAll(/"cluster_id":"\d+","member_id":"\d+"/g, 'ids').replaceAll(/,"raft_term":"\d+"/g, ''),
    ).toBe(expected);
  });

  test('/health, /version, methods, a broken body, one that is too large', async () => {
    const { endpoint } = await serve(memory());
    expect(await post(endpoint, '/health', '', 'GET')).toBe('200 {"health":"true"}');
    expect(await post(endpoint, '/version', '', 'GET')).toBe(
      '200 {"etcdserver":"3.4.23","etcdcluster":"3.4.0"}',
    );
    expect(await post(endpoint, '/v3/kv/put', '', 'GET')).toBe('405 Method Not Allowed\n');
    expect(await post(endpoint, '/v3/kv/range', '{"key":')).toMatch(/^400 .*"code":3}$/);
    expect(await post(endpoint, '/v3/kv/range', '[1]')).toContain('expected a JSON object');
    const large = await failure(connected(endpoint).put({ key: b('a'), value: new Uint8Array(3e6) }));
    expect(large).toMatch(/^8 grpc: received message larger than max|^14 .*connection lost/);
  });

  test('a watch whose sender keeps the request open gets its stream', async () => {
    const store = memory();
    const { port } = await serve(store);
    await store.client().put({ key: b('foo'), value: b('bar') });
    const socket = connect(port, '127.0.0.1');
    cleanups.push(async () => socket.destroy());
    const message = '{"create_request":{"key":"Zm9v","start_revision":"1"}}\n';
    socket.write(
      `POST /v3/watch HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${message.length.toString(16)}\r\n${message}\r\n`,
    );
    let text = '';
    for await (const chunk of socket) {
      text += chunk;
      if (text.includes('mod_revision')) break;
    }
    expect(text).toContain('"created":true');
    expect(text).toContain('"events":[{"kv":{"key":"Zm9v","create_revision":"2"');
  });

  test('a reader that stops reading is not buffered for, and later gets everything', async () => {
    const store = memory();
    const { port } = await serve(store);
    const client = store.client();
    const body = JSON.stringify({ create_request: { key: Buffer.from('k').toString('base64') } });
    const lines: string[] = [];
    const response = await new Promise<import('node:http').IncomingMessage>((resolve) => {
      const posted = httpRequest({ port, host: '127.0.0.1', path: '/v3/watch', method: 'POST' }, resolve);
      cleanups.push(async () => posted.destroy());
      posted.end(body);
    });
    response.setEncoding('utf8');
    let wake = (): void => {};
    let partial = '';
    response.on('data', (chunk: string) => {
      const parts = (partial + chunk).split('\n');
      partial = parts.pop()!;
      lines.push(...parts);
      wake();
    });
    await new Promise<void>((resolve) => {
      wake = () => lines.length >= 1 && resolve();
    });
    response.pause();
    const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
    const value = new Uint8Array(256 * 1024);
    for (let i = 0; i < 150; i++) {
      await client.put({ key: b('k'), value });
      // The history holds each value; the connection must not hold its base64 too.
      await new Promise((resolve) => setImmediate(resolve));
    }
    const grown = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before;
    expect(grown).toBeLessThan(150 * value.length + 40e6);
    const all = new Promise<void>((resolve) => {
      wake = () => lines.length >= 151 && resolve();
    });
    response.resume();
    await all;
    const revisions = lines.slice(1).map((each) => Number(/"mod_revision":"(\d+)"/.exec(each)![1]));
    expect(revisions).toEqual(Array.from({ length: 150 }, (_, i) => i + 2));
  });
});

describe('the client when the store goes away', () => {
  test('requests wait for it, watches go on where they stopped', async () => {
    const store = memory();
    const first = await serve(store);
    const client = connected(first.endpoint);
    const fromNow = record(client, below('/'));
    const fromOld = record(client, { ...below('/'), startRevision: 2n });
    await Promise.all([fromNow.untilCreated(), fromOld.untilCreated()]);
    await client.put({ key: b('/a'), value: b('1') });
    await Promise.all([fromNow.until(1), fromOld.until(1)]);
    await first.close();
    await store.client().put({ key: b('/b'), value: b('2') });
    const waiting = client.range(below('/'));
    await serve(store, first.port);
    expect((await waiting).kvs.map(line)).toEqual(['/a=1', '/b=2']);
    await client.put({ key: b('/c'), value: b('3') });
    const expected = ['PUT /a=1', 'PUT /b=2', 'PUT /c=3'];
    expect((await fromNow.until(3)).map(eventLine)).toEqual(expected);
    expect((await fromOld.until(3)).map(eventLine)).toEqual(expected);
    await fromNow.untilCreated(2);
  });

  test('a watch that saw nothing yet misses nothing either', async () => {
    const store = memory();
    const first = await serve(store);
    const client = connected(first.endpoint);
    const seen = record(client, below('/'));
    await seen.untilCreated();
    await first.close();
    await store.client().put({ key: b('/a'), value: b('1') });
    await serve(store, first.port);
    expect((await seen.until(1)).map(eventLine)).toEqual(['PUT /a=1']);
  });

  test('compaction meanwhile ends the watch; listWatch lists again and tells the differences', async () => {
    const store = memory();
    const first = await serve(store);
    const client = connected(first.endpoint);
    const local = store.client();
    for (const key of ['/a', '/b', '/c']) await local.put({ key: b(key), value: b('1') });
    const seen = record(client, { ...below('/'), startRevision: 2n });
    await seen.until(3);
    const told: string[] = [];
    let synced = (): void => {};
    const follower = listWatch(
      client,
      b('/'),
      {
        onPut: (kv, previous) => told.push(`${previous === undefined ? '+' : '~'}${line(kv)}`),
        onDelete: (kv) => told.push(`-${t(kv.key)}`),
        onSynced: () => synced(),
      },
      { clock },
    );
    cleanups.push(async () => follower.close());
    const nextSync = (): Promise<void> =>
      new Promise((resolve) => {
        synced = resolve;
      });
    await nextSync();
    expect(told.splice(0)).toEqual(['+/a=1', '+/b=1', '+/c=1']);
    const again = nextSync();
    await first.close();
    await local.put({ key: b('/b'), value: b('2') });
    await local.deleteRange({ key: b('/c') });
    await local.put({ key: b('/d'), value: b('1') });
    await local.compact(store.header().revision);
    await serve(store, first.port);
    expect(await seen.ended).toMatchObject({ code: 11 });
    await again;
    expect(told).toEqual(['~/b=2', '+/d=1', '-/c']);
  });

  test('nobody there: 14 with the endpoint and the cause, after the client lost its patience', async () => {
    const { endpoint, close } = await serve(memory());
    await close();
    const client = connected(endpoint, 200);
    expect(await failure(client.put({ key: b('a'), value: b('') }))).toBe(
      `14 store ${endpoint}: connection refused`,
    );
    expect(await failure(client.range({ key: b('a') }))).toBe(`14 store ${endpoint}: connection refused`);
    const missing = connected('unix:/nonexistent/store.sock', 100);
    expect(await failure(missing.put({ key: b('a'), value: b('') }))).toBe(
      '14 store unix:/nonexistent/store.sock: no such socket',
    );
  });

  test('a write whose answer was lost is not sent again, a read is', async () => {
    const counts = { '/v3/kv/put': 0, '/v3/kv/range': 0 };
    const server = createServer((request, response) => {
      const path = request.url as keyof typeof counts;
      if (++counts[path] === 1) request.socket.destroy();
      else response.end('{"header":{"revision":"1"}}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(async () => server.close());
    const client = connected(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect(await failure(client.put({ key: b('a'), value: b('1') }))).toMatch(/^14 .*: connection lost$/);
    expect((await client.range({ key: b('a') })).header.revision).toBe(1n);
    expect(counts).toEqual({ '/v3/kv/put': 1, '/v3/kv/range': 2 });
  });

  test('what answers is no store', async () => {
    const server = createServer((_, response) => response.writeHead(200).end('<html>hello'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(async () => server.close());
    const client = connected(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect(await failure(client.range({ key: b('a') }))).toBe('14 store answered HTTP 200: <html>hello');
  });

  test('closing it frees waiting requests at once and holds nothing open', async () => {
    const client = connectStore('http://127.0.0.1:9', { clock, patience: 60_000 });
    const waiting = failure(client.range({ key: b('a') }));
    const seen = record(client, below('/'));
    await client.close();
    expect(await waiting).toBe('1 the store client is closed');
    expect(await seen.ended).toMatchObject({ code: 1 });
  });

  test.each(['localhost:2379', 'https://localhost:2379', 'unix:relative', ''])(
    'endpoint "%s" is refused',
    (endpoint) => {
      expect(() => connectStore(endpoint, { clock })).toThrow(
        `store endpoint ${endpoint}: expected http://host:port`,
      );
    },
  );
});

describe('the server', () => {
  test('a port in use is one line', async () => {
    const store = memory();
    const { port } = await serve(store);
    await expect(serveStore(store, { address: '127.0.0.1', port })).rejects.toThrow(
      `store cannot listen on 127.0.0.1:${port}: EADDRINUSE`,
    );
  });

  test('1,200 watches of 200 agents on one memory store get each event once, quickly', async () => {
    const store = memory();
    let events = 0;
    const prefixes = ['/ipam/', '/nodes/', '/pools/', '/peers/', '/bgp/', '/endpoints/'];
    for (let agent = 0; agent < 200; agent++) {
      const client = store.client();
      for (const prefix of prefixes) {
        client.watch(below(prefix), {
          onResponse: (response) => {
            events += response.events.length;
          },
          onEnd: () => {},
        });
      }
    }
    const client = store.client();
    const begin = performance.now();
    for (let i = 0; i < 1000; i++) {
      await client.put({ key: b(`${prefixes[i % 6]}${i}`), value: b('x') });
    }
    expect(events).toBe(200_000);
    expect(performance.now() - begin).toBeLessThan(3000);
  });
});
