// The gRPC client's users and members, with podwire's own store behind it.
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../agents/io/clock.ts';
import type { KvClient } from '../../../agents/store/client.ts';
import { connectEtcd } from '../../../agents/store/grpc/client.ts';
import { type StoreServer, serveStore } from '../../../agents/store/http-server.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import type { Store } from '../../../agents/store/store.ts';
import { lease } from '../../../protocol/etcd/api/lease.ts';
import { b, below, eventLine, failure, record } from './support.ts';

const clock = systemClock();

/** A store with a user of each of these names, whose password is its name and who may everything; authentication is not enabled. */
async function storeWith(...users: string[]): Promise<Store> {
  const store = createMemoryStore({ clock });
  onTestFinished(() => store.close());
  const { auth } = store.client();
  await auth.roleAdd('root');
  for (const name of ['root', ...users]) {
    await auth.userAdd(name, name);
    await auth.userGrantRole(name, 'root');
  }
  return store;
}

async function serve(store: Store): Promise<StoreServer & { readonly host: string }> {
  const server = await serveStore(store, { address: '127.0.0.1', port: 0 });
  onTestFinished(() => server.close());
  return { ...server, host: new URL(server.endpoint).host };
}

function connected(url: string, patience?: number): KvClient {
  const client = connectEtcd(url, { clock, ...(patience === undefined ? {} : { patience }) });
  onTestFinished(() => client.close());
  return client;
}

describe('a user', () => {
  test('is not needed until authentication is enabled, and then is there', async () => {
    const store = await storeWith('me');
    const { host } = await serve(store);
    const client = connected(`etcd://me:me@${host}`);
    await client.put({ key: b('k'), value: b('1') });
    await store.client().auth.enable();
    await client.put({ key: b('k'), value: b('2') });
    const seen = record(client, below('k'));
    await seen.untilCreated();
    await client.put({ key: b('k'), value: b('3') });
    expect((await seen.until(1)).map(eventLine)).toEqual(['PUT k=3']);
    expect(await client.leaseKeepAlive((await client.leaseGrant(60n)).id)).toBe(60n);
    expect(await failure(connected(`etcd://${host}`).range({ key: b('k') }))).toBe(
      '3 etcdserver: user name is empty',
    );
  });

  test('authenticates once for what it asks at the same time, and once again where its token has gone', async () => {
    const store = await storeWith('me');
    const admin = store.client().auth;
    await admin.enable();
    let tokens = 0;
    const counted: Store = {
      ...store,
      client: (credentials) => {
        const client = store.client(credentials);
        const authenticate: typeof client.auth.authenticate = (...args) => {
          tokens++;
          return client.auth.authenticate(...args);
        };
        return { ...client, auth: { ...client.auth, authenticate } };
      },
    };
    const { host } = await serve(counted);
    const client = connected(`etcd://me:me@${host}`);
    const ask = (): Promise<unknown> => Promise.all([1, 2, 3, 4].map(() => client.range({ key: b('k') })));
    await ask();
    await ask();
    expect(tokens).toBe(1);
    // Users' tokens end with their password, even where it is the same again.
    await admin.userChangePassword('me', 'me');
    await ask();
    await ask();
    expect(tokens).toBe(2);
    await admin.userChangePassword('me', 'other');
    expect(await failure(client.range({ key: b('k') }))).toBe(
      `3 store etcd://${host}: user me: authentication failed, invalid user ID or password`,
    );
  });
});

test('a renewal whose stream ends without an answer fails in time', async () => {
  const server = new Server();
  onTestFinished(() => server.forceShutdown());
  const { path } = lease.keepAlive;
  const raw = (octets: Buffer): Buffer => octets;
  const codec = {
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: raw,
    responseDeserialize: raw,
  };
  server.addService(
    { keepAlive: { path, requestStream: true, responseStream: true, ...codec } },
    { keepAlive: (stream: ServerDuplexStream<Buffer, Buffer>) => stream.end() },
  );
  const port = await new Promise((resolve) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_, bound) => resolve(bound));
  });
  expect(await failure(connected(`etcd://127.0.0.1:${port}`, 200).leaseKeepAlive(7n))).toBe(
    `14 store etcd://127.0.0.1:${port}: the stream ended without an answer`,
  );
});

describe('several members', () => {
  test('one that goes is given up for another, one that comes back is used again', async () => {
    const store = await storeWith();
    const first = await serve(store);
    const second = await serve(store);
    const client = connected(`etcd://127.0.0.1:1,${first.host},${second.host}`);
    const seen = record(client, below('k'));
    await seen.untilCreated();
    await client.put({ key: b('k'), value: b('1') });
    await first.close();
    await seen.untilCreated(2);
    await client.put({ key: b('k'), value: b('2') });
    await second.close();
    const [address, port] = first.host.split(':');
    const again = await serveStore(store, { address: address!, port: Number(port) });
    onTestFinished(() => again.close());
    await seen.untilCreated(3);
    await client.put({ key: b('k'), value: b('3') });
    expect((await seen.until(3)).map(eventLine)).toEqual(['PUT k=1', 'PUT k=2', 'PUT k=3']);
  });

  test('none that answers: one line, in time', async () => {
    const client = connected('etcd://127.0.0.1:1,127.0.0.1:2', 300);
    expect(await failure(client.put({ key: b('k'), value: b('1') }))).toBe(
      '14 store etcd://127.0.0.1:1,127.0.0.1:2: connection refused',
    );
  });
});
