/**
 * The store alone, without a server: `node bin/run.mjs test/bench/store-core.ts [REDIS-URL]`. Prints one line for each figure.
 *
 * Puts, reads and watches of 100,000 keys of 256 bytes, how long the event loop is held up at most, and how much memory it takes.
 */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { systemClock } from '../../agents/io/clock.ts';
import { createMemoryStore } from '../../agents/store/memory.ts';
import { createRedisStore, destroyRedisStore } from '../../agents/store/redis.ts';
import type { Store } from '../../agents/store/store.ts';

const KEYS = 100_000;
const WATCHERS = 10_000;
const NAMESPACE = 'bench';
const clock = systemClock();
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const keyOf = (i: number): Uint8Array => text(`/bench/${String(i).padStart(7, '0')}`);
const VALUE = new Uint8Array(256).fill(0x61);

function report(name: string, figure: string): void {
  process.stdout.write(`${name.padEnd(52)} ${figure}\n`);
}

async function timed(name: string, count: number, work: () => Promise<unknown>): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const begin = performance.now();
  await work();
  const ms = performance.now() - begin;
  delay.disable();
  const rate = Math.round((count / ms) * 1000).toLocaleString('en');
  report(
    name,
    `${ms.toFixed(0)} ms, ${rate}/s, event loop held up ${(delay.max / 1e6).toFixed(1)} ms at most`,
  );
}

/** Puts so many keys, a hundred at a time, as clients at the same time would. */
async function putAll(store: Store): Promise<void> {
  const client = store.client();
  for (let i = 0; i < KEYS; i += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, j) => client.put({ key: keyOf(i + j), value: VALUE })));
    await new Promise(setImmediate);
  }
}

async function memory(): Promise<void> {
  const store = createMemoryStore({ clock });
  const client = store.client();
  await timed('put new keys', KEYS, () => putAll(store));
  await timed('put them again', KEYS, () => putAll(store));
  report('resident memory', `${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`);
  const all = { key: text('/bench/'), rangeEnd: text('/bench0') };
  await timed('list 1000 of them, 500 times', 500, async () => {
    for (let i = 0; i < 500; i++) {
      await client.range({ key: keyOf(i * 100), rangeEnd: keyOf(i * 100 + 1000) });
      await new Promise(setImmediate);
    }
  });
  await timed('list all', KEYS, () => client.range(all));
  await timed('HashKV', 2 * KEYS, () => client.hashKv(0n));
  await timed('compact half of the history', KEYS, () => client.compact(BigInt(KEYS), { physical: true }));
  let told = 0;
  for (let i = 0; i < WATCHERS; i++) {
    client.watch({ key: keyOf(i) }, { onResponse: () => told++, onEnd: () => {} });
  }
  await timed(`put to ${WATCHERS} watched keys`, WATCHERS, async () => {
    for (let i = 0; i < WATCHERS; i++) {
      await client.put({ key: keyOf(i), value: VALUE });
      if (i % 100 === 0) await new Promise(setImmediate);
    }
  });
  report('events told', String(told));
  await store.close();
}

async function redis(url: string): Promise<void> {
  await destroyRedisStore(url, NAMESPACE);
  const store = await createRedisStore(url, { namespace: NAMESPACE, clock });
  await timed('Redis: put new keys', KEYS, () => putAll(store));
  await store.client().compact(store.header().revision, { physical: true });
  await timed('Redis: put them again', KEYS, () => putAll(store));
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await store.close();
  await timed('Redis: open again, keys and history', 2 * KEYS, async () => {
    const opened = await createRedisStore(url, { namespace: NAMESPACE, clock });
    await opened.destroy();
  });
}

await memory();
const url = process.argv[2];
if (url === undefined) report('Redis', 'not measured: give its URL');
else await redis(url);
