import { describe, expect, test } from 'vitest';
import { systemClock } from '../../agents/io/clock.ts';
import { createMemoryStore } from '../../agents/store/memory.ts';
import { createRedisStore } from '../../agents/store/redis.ts';
import { compare, type Subject, shrink } from '../store-checks/differential.ts';
import { Dice } from '../store-checks/random.ts';
import { realEtcd } from '../store-checks/real-etcd.ts';
import { type Step, StepMaker } from '../store-checks/steps.ts';
import { storeLike } from '../store-checks/store-like.ts';
import { line } from '../store-checks/text.ts';
import { tool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { type EtcdServer, startEtcd } from './etcd-server.ts';
import { startRedis } from './redis-server.ts';

/**
 * The same random requests to a real etcd and to podwire's store on both backends. PODWIRE_STORE_STEPS makes it longer (nightly:
 * 1,000,000), PODWIRE_STORE_SEED chooses other requests: these are always the same, so that a failure is about the change that is tested.
 */
const STEPS = Number(process.env.PODWIRE_STORE_STEPS ?? 20_000);
const SEED = Number(process.env.PODWIRE_STORE_SEED ?? 223881245);
/** Steps on one set of stores: a history that is too long makes failures slow to find out about. */
const ROUND = 5000;
/** Runs that looking for the shortest failing list may take. */
const SHRINK_ATTEMPTS = Number(process.env.PODWIRE_STORE_SHRINK ?? 30);

const etcd = tool('etcd');
const redis = tool('redis-server');
const clock = systemClock();

async function startAll(): Promise<readonly Subject[]> {
  return Promise.all([startReal(), startMemory(), startOnRedis()]);
}

async function startReal(): Promise<Subject> {
  const server = await startEtcd(etcd.path);
  const store = realEtcd(server.endpoint.replace('http://', ''));
  const stop = async (): Promise<void> => {
    await store.close();
    await server.stop();
  };
  return { name: 'etcd', store, watchesSynced: () => watchesSynced(server), stop };
}

/** Waits until etcd has no watch left that it calls unsynced, by its metrics. */
function watchesSynced({ endpoint }: EtcdServer): Promise<void> {
  return until('etcd has told its watches the history', async () => {
    const metrics = await (await fetch(`${endpoint}/metrics`)).text();
    const unsynced = /^etcd_debugging_mvcc_slow_watcher_total (\d+)$/m.exec(metrics);
    if (unsynced === null) throw new Error('etcd has no metric of unsynced watches');
    return unsynced[1] === '0';
  }).then(() => {});
}

async function startMemory(): Promise<Subject> {
  const store = createMemoryStore({ clock });
  return { name: 'memory', store: storeLike(store.client()), stop: () => store.close() };
}

async function startOnRedis(): Promise<Subject> {
  const server = await startRedis(redis.path, ['--appendfsync', 'no']);
  const store = await createRedisStore(server.url, { namespace: 'differential', clock });
  const stop = async (): Promise<void> => {
    await store.close();
    await server.stop();
  };
  return { name: 'redis', store: storeLike(store.client()), stop };
}

describe.skipIf(etcd.missing || redis.missing)(
  etcd.title('the same random requests to a real etcd, and to podwire in memory and on Redis'),
  () => {
    const rounds = Array.from({ length: Math.ceil(STEPS / ROUND) }, (_, i) => [SEED + i] as const);
    test.each(rounds)(
      'every answer, every watch and the hash of the history, seed %i',
      async (seed) => {
        const maker = new StepMaker(new Dice(seed));
        const steps: Step[] = Array.from({ length: Math.min(STEPS, ROUND) }, () => maker.next());
        const subjects = await startAll();
        const difference = await compare(subjects, steps).finally(() =>
          Promise.all(subjects.map((subject) => subject.stop())),
        );
        if (difference === undefined) return;
        const short = await shrink(startAll, steps.slice(0, difference.step + 1), SHRINK_ATTEMPTS);
        expect.fail(
          `seed ${seed}, step ${difference.step}: ${difference.text}\nafter:\n${short.map(line).join('\n')}`,
        );
      },
      300_000,
    );
  },
);
