import { systemClock } from '../../agents/io/clock.ts';
import { createRedisStore } from '../../agents/store/redis.ts';
import type { WatchEvent } from '../../protocol/etcd/types.ts';
import { type Cluster, NAMESPACE } from './cluster.ts';
import { FAULTS } from './faults.ts';
import { type Done, Truth } from './history.ts';
import { checkLeases } from './lease-guarantees.ts';
import { LeaseHolder } from './lease-holder.ts';
import { checkHistory, checkVersions } from './linearizability.ts';
import { Dice } from './random.ts';
import { realEtcd } from './real-etcd.ts';
import { storeLike } from './store-like.ts';
import { ALL, Worker } from './traffic.ts';
import { checkWatch } from './watch-guarantees.ts';
import { Watcher } from './watcher.ts';

const WORKERS = 6;
/** Requests that must have been answered before and after each fault. */
const BETWEEN = 60;
const FAULTS_OF_A_RUN = 2;

/** What a run came to: what is wrong, and how much there was to be wrong. */
export interface Verdict {
  readonly wrong: readonly string[];
  readonly faults: readonly string[];
  readonly operations: number;
  readonly unanswered: number;
  readonly revisions: bigint;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Clients read, write and watch through both servers of a cluster while things go wrong; then their histories are checked. */
export async function faultRun(cluster: Cluster, seed: number): Promise<Verdict> {
  const dice = new Dice(seed);
  const stores = cluster.servers.map(({ address }) => realEtcd(address, undefined, { deadline: 4000 }));
  const workers = Array.from({ length: WORKERS }, (_, i) => {
    return new Worker(`${seed}-${i}`, new Dice(seed + i), i % 2 === 0 ? stores : [stores[(i >> 1) % 2]!]);
  });
  const holders = stores.map((store, i) => new LeaseHolder(`${seed}-${i}`, store, stores[1 - i]!));
  const watchers = [
    new Watcher({ ...ALL, startRevision: 1n, prevKv: true }, stores),
    new Watcher({ ...ALL, filters: ['NODELETE'] }, [...stores].reverse()),
    new Watcher({ key: ALL.key, rangeEnd: Buffer.from('k4'), startRevision: 2n, prevKv: true }, stores),
  ];
  let stopped = false;
  const running = Promise.all([...workers, ...holders].map((each) => each.run(() => stopped)));
  const answered = (): number =>
    workers.reduce((sum, { done }) => sum + done.filter(({ answer }) => answer !== undefined).length, 0);
  const more = async (): Promise<void> => {
    const target = answered() + BETWEEN;
    for (const end = performance.now() + 20_000; answered() < target; await pause(5)) {
      if (performance.now() > end) throw new Error(`seed ${seed}: requests are no longer answered`);
    }
  };
  const faults: string[] = [];
  await more();
  for (let i = 0; i < FAULTS_OF_A_RUN; i++) {
    // Each kind comes up once in so many seeds, with another one behind it.
    const [name, inflict] = i === 0 ? FAULTS[seed % FAULTS.length]! : dice.pick(...FAULTS);
    faults.push(name);
    await inflict(cluster, dice);
    await more();
  }
  stopped = true;
  await running;
  const events = await wholeHistory(cluster);
  const last = events.at(-1)?.kv.modRevision ?? 1n;
  for (const end = performance.now() + 10_000; performance.now() < end; await pause(10)) {
    if (watchers[0]!.next > last) break;
  }
  for (const watcher of watchers) watcher.stop();
  await Promise.all(stores.map((store) => store.close()));
  const history = workers.flatMap(({ done }) => done);
  const late =
    watchers[0]!.next > last ? [] : [`a watch was told only up to ${watchers[0]!.next} of ${last}`];
  return {
    wrong: [...judge(events, history, holders, watchers), ...late],
    faults,
    operations: history.length,
    unanswered: history.filter(({ answer }) => answer === undefined).length,
    revisions: last,
  };
}

/** What is wrong; that nothing can be told at all where revisions are gone that were acknowledged. */
function judge(
  events: readonly WatchEvent[],
  history: readonly Done[],
  holders: readonly LeaseHolder[],
  watchers: readonly Watcher[],
): string[] {
  try {
    const truth = new Truth(events);
    return [
      ...checkVersions(truth),
      ...checkHistory(history, truth),
      ...checkLeases(
        holders.flatMap((holder) => holder.leases),
        holders.flatMap((holder) => holder.sightings),
      ),
      ...watchers.flatMap(({ parts }) => parts.flatMap((part) => checkWatch(part, truth))),
    ];
  } catch (error) {
    return [(error as Error).message];
  }
}

/** All that ever happened, as a store that is opened anew reads it. */
async function wholeHistory(cluster: Cluster): Promise<readonly WatchEvent[]> {
  const store = await createRedisStore(cluster.redis.url, { namespace: NAMESPACE, clock: systemClock() });
  const events: WatchEvent[] = [];
  const { revision } = store.header();
  await new Promise<void>((resolve) => {
    const stream = storeLike(store.client()).watchStream({
      onResponse: (response) => {
        events.push(...response.events);
        if (response.watchId === -1n && response.header.revision >= revision) resolve();
      },
      onEnd: () => {},
    });
    stream.create({ ...ALL, startRevision: 1n });
    stream.requestProgress();
  });
  await store.close();
  return events;
}
