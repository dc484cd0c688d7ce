import { EventEmitter, once } from 'node:events';
import { Client, type ClientReadableStream, credentials } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../agents/io/clock.ts';
import { serveStore } from '../../../agents/store/http-server.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import { SnapshotSender } from '../../../agents/store/rpc/snapshot.ts';
import type { Store } from '../../../agents/store/store.ts';
import { maintenance, type SnapshotResponse } from '../../../protocol/etcd/api/maintenance.ts';
import { BackupReader } from '../../../protocol/etcd/backup-reader.ts';
import { until } from '../../support/until.ts';
import { arrayBytes, b } from './support.ts';

const clock = systemClock();
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function scene(): Promise<{ readonly store: Store; readonly client: Client }> {
  const store = createMemoryStore({ clock });
  const server = await serveStore(store, { address: '127.0.0.1', port: 0 });
  const client = new Client(new URL(server.endpoint).host, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  cleanups.push(async () => {
    client.close();
    await server.close();
    await store.close();
  });
  return { store, client };
}

function snapshotStream(client: Client): ClientReadableStream<SnapshotResponse> {
  const { path, request, response } = maintenance.snapshot;
  const stream = client.makeServerStreamRequest(
    path,
    (message: object) => Buffer.from(request.encode(message)),
    (bytes: Buffer) => response.decode(bytes),
    {},
  );
  cleanups.push(() => stream.cancel());
  return stream;
}

describe('the stream of a snapshot', () => {
  test('a snapshot comes in blobs of 32 KiB, with its SHA-256 as the last', async () => {
    const { client, store } = await scene();
    await store.client().put({ key: b('k'), value: crypto.getRandomValues(new Uint8Array(50_000)) });
    const stream = snapshotStream(client);
    const blobs: SnapshotResponse[] = [];
    stream.on('data', (message) => blobs.push(message));
    await once(stream, 'end');
    const whole = Buffer.concat(blobs.slice(0, -1).map(({ blob }) => blob));
    const digest = await crypto.subtle.digest('SHA-256', whole);
    expect(Buffer.from(digest).equals(blobs.at(-1)!.blob)).toBe(true);
    expect(whole.length % 512).toBe(0);
    expect(blobs[0]!.blob.length).toBe(32 * 1024);
    const rests = blobs.slice(0, -1).map((_, i) => BigInt(Math.max(0, whole.length - (i + 1) * 32 * 1024)));
    expect(blobs.map(({ remainingBytes }) => remainingBytes)).toEqual([...rests, 0n]);
  });

  test('a snapshot that is read slowly is of the time it began, is not kept ready, and holds up nobody', async () => {
    const { client, store } = await scene();
    const own = store.client();
    const value = new Uint8Array(100_000).fill(7);
    for (let i = 0; i < 300; i++) await own.put({ key: b(`k${i}`), value });
    const before = arrayBytes();
    const stream = snapshotStream(client);
    const reader = new BackupReader('stream');
    const [first] = (await once(stream, 'data')) as [SnapshotResponse];
    stream.pause();
    reader.push(first.blob);
    await own.put({ key: b('k0'), value: b('later') });
    await own.compact(301n, { physical: true });
    // 30 MB are to come. What has been let go is freed a little later.
    await until('less than 8 MB are kept', () => arrayBytes() - before < 8e6);
    stream.on('data', ({ blob }: SnapshotResponse) => reader.push(blob));
    stream.resume();
    await once(stream, 'end');
    const copy = createMemoryStore({ clock, initial: reader.end().backup });
    cleanups.push(() => copy.close());
    expect(copy.header().revision).toBe(301n);
    const { kvs } = await copy.client().range({ key: b('k0') });
    expect(kvs[0]!.value).toEqual(value);
  });

  test('who leaves in the middle of a snapshot is sent no more', async () => {
    let blobs = 0;
    let over: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      over = resolve;
    });
    async function* pieces(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          yield new Uint8Array(32 * 1024);
        }
      } finally {
        over();
      }
    }
    const store = createMemoryStore({ clock });
    cleanups.push(() => store.close());
    const client = { ...store.client(), snapshot: async () => ({ size: 1e9, pieces: pieces() }) };
    const sent = new EventEmitter();
    const sender = new SnapshotSender(client, {
      send: () => {
        blobs++;
        return !sent.emit('blob');
      },
      end: () => expect.unreachable('ended'),
    });
    const first = once(sent, 'blob');
    void sender.start();
    await first;
    sender.stop();
    await ended;
    expect(blobs).toBe(1);
  });
});
