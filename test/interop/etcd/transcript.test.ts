import { afterAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../agents/io/clock.ts';
import { serveStore } from '../../../agents/store/http-server.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import { createRedisStore } from '../../../agents/store/redis.ts';
import type { Store } from '../../../agents/store/store.ts';
import { tool } from '../../support/tools.ts';
import { startEtcd } from '../etcd-server.ts';
import { startRedis } from '../redis-server.ts';
import { runTranscript } from './transcript-run.ts';
import { TRANSCRIPT } from './transcript-steps.ts';

const etcd = tool('etcd');
const etcdctl = tool('etcdctl');
const redis = tool('redis-server');
const clock = systemClock();

/** What a real etcd says to the whole script; asked once. */
let expected: Promise<string[]> | undefined;
async function realTranscript(): Promise<string[]> {
  const server = await startEtcd(etcd.path);
  try {
    return await runTranscript(etcdctl.path, server.endpoint, TRANSCRIPT);
  } finally {
    await server.stop();
  }
}

/** The script's outputs from a store of podwire's; `end` takes down what the store stands on. */
async function transcriptOf(store: Store, end: () => Promise<void>): Promise<string[]> {
  const server = await serveStore(store, { address: '127.0.0.1', port: 0 });
  try {
    return await runTranscript(etcdctl.path, server.endpoint, TRANSCRIPT);
  } finally {
    await server.close();
    await store.close();
    await end();
  }
}

describe.skipIf(etcd.missing || etcdctl.missing)(etcdctl.title('a long script of etcdctl'), () => {
  afterAll(() => {
    expected = undefined;
  });

  test('says the same of the memory store as of a real etcd, byte for byte', async () => {
    expected ??= realTranscript();
    const actual = await transcriptOf(createMemoryStore({ clock }), async () => {});
    expect(actual).toEqual(await expected);
  }, 120_000);

  test.skipIf(redis.missing)(
    redis.title('and of the store on Redis'),
    async () => {
      expected ??= realTranscript();
      const server = await startRedis(redis.path, ['--appendfsync', 'no']);
      const store = await createRedisStore(server.url, { namespace: 'transcript', clock });
      const actual = await transcriptOf(store, () => server.stop());
      expect(actual).toEqual(await expected);
    },
    120_000,
  );
});
