// The parts of the benchmark: what is done to a store, and what is measured by it.
import { execFile, fork } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cpuTime, load, memory } from '../process-figures.ts';
import { findProgram } from '../server-process.ts';
import type { Job, JobFigures } from './client.ts';
import { GrpcConnection } from './grpc-connection.ts';
import { RANGE, rangeRequest } from './messages.ts';
import type { StoreKind, StoreUnderTest } from './stores.ts';

const CLIENT = fileURLToPath(new URL('client-process.ts', import.meta.url));
const run = promisify(execFile);

/** Before memory is looked at, ms. */
const SETTLE = 1500;
/** etcdctl's own run takes 60 s. */
const CHECK_PERF_TIMEOUT = 150_000;
/** The part of its time in which it surely still puts keys, ms. */
const CHECK_PERF_PUTS = 58_000;
/** For everything else, ms. */
const TIMEOUT = 180_000;

export interface Scale {
  /** Keys of `memory` and `restart`. */
  readonly keys: number;
  /** Length of `latency` and `watch`. */
  readonly seconds: number;
  readonly watchers: number;
  /** Writes a second of `watch`. */
  readonly rate: number;
}

/** What one part came to with one store. Times in ms, memory in MB, rates a second. */
export interface Figures {
  readonly part: string;
  readonly store: string;
  /** Load average of the machine when it began. */
  readonly load: number;
  readonly values: Readonly<Record<string, number>>;
  /** Processor time in the part of the store, and of Redis. */
  readonly cpu?: { readonly store: number; readonly redis?: number };
  /** Longest time for which the store's event loop stood still. */
  readonly stall?: number;
  /** What etcdctl says. */
  readonly verdict?: string;
  /** Why it could not be measured. */
  readonly failure?: string;
}

type Measured = Pick<Figures, 'values' | 'verdict' | 'stall'>;

export interface Part {
  readonly name: string;
  readonly title: string;
  /** Programs that it needs besides the store's. */
  readonly programs: readonly string[];
  /** Needs a store whose data survive a restart. */
  readonly lasting: boolean;
  measure(store: StoreUnderTest, scale: Scale, signal: AbortSignal): Promise<Measured>;
}

export const PARTS: readonly Part[] = [
  checkPerf('l', '8,000 puts a second wanted, from 500 clients'),
  checkPerf('xl', '15,000 puts a second wanted, from 1000 clients'),
  {
    name: 'latency',
    title: 'one client that waits for each answer: puts of 256 bytes, then gets',
    programs: [],
    lasting: false,
    async measure(store, { seconds }, signal) {
      const { put, get } = await job({ ...at(store), kind: 'latency', seconds }, signal);
      return {
        values: { putP50: put!.p50, putP99: put!.p99, getP50: get!.p50, getP99: get!.p99 },
      };
    },
  },
  {
    name: 'watch',
    title: 'from the sending of a put to its event at a watcher',
    programs: [],
    lasting: false,
    async measure(store, scale, signal) {
      const { event, missing } = await job({ ...at(store), ...scale, kind: 'watch' }, signal);
      return { values: { p50: event!.p50, p99: event!.p99, most: event!.most, missing: missing! } };
    },
  },
  {
    name: 'memory',
    title: 'resident memory with keys of 256 bytes',
    programs: [],
    lasting: false,
    async measure(store, { keys }, signal) {
      const before = memory(store.pids.store).now;
      const { rate } = await job({ ...at(store), kind: 'fill', keys, history: false }, signal);
      await delay(SETTLE);
      const { redis } = store.pids;
      return {
        values: {
          before,
          after: memory(store.pids.store).now,
          ...(redis === undefined ? {} : { redis: memory(redis).now }),
          rate: rate!,
        },
      };
    },
  },
  {
    name: 'restart',
    title: 'from the start of the process to the first answer, with as many keys as entries of history',
    programs: [],
    lasting: true,
    async measure(store, { keys }, signal) {
      await job({ ...at(store), kind: 'fill', keys, history: true }, signal);
      const ending = performance.now();
      let began = ending;
      await store.restart(() => {
        began = performance.now();
      });
      const connection = await GrpcConnection.open(store.address, store.port);
      await connection.call(RANGE, rangeRequest(Buffer.from('/bench/0000000')));
      const time = performance.now() - began;
      connection.close();
      return { values: { time, ending: began - ending, memory: memory(store.pids.store).now } };
    },
  },
];

/**
 * Measures a part with a new store, whose processes are all ended. What goes wrong is a figure, too; `signal` makes it go wrong at
 * once.
 */
export async function measure(
  part: Part,
  kind: StoreKind,
  scale: Scale,
  signal: AbortSignal,
): Promise<Figures> {
  const figures = { part: part.name, store: kind.name, load: load() };
  let store: StoreUnderTest | undefined;
  try {
    store = await kind.start();
    await store.stall?.();
    const before = cpu(store);
    const first = store.pids.store;
    const measured = await part.measure(store, scale, signal);
    const after = cpu(store);
    const stall = measured.stall ?? (await store.stall?.());
    // After a restart it is another process, whose time is not the part's.
    const same = first === store.pids.store;
    const used = {
      store: after.store - before.store,
      ...(after.redis === undefined ? {} : { redis: after.redis - before.redis! }),
    };
    return {
      ...figures,
      ...measured,
      ...(same ? { cpu: used } : {}),
      ...(stall === undefined || !same ? {} : { stall }),
    };
  } catch (error) {
    return { ...figures, values: {}, failure: (error as Error).message.trim() };
  } finally {
    await store?.stop();
  }
}

function at({ address, port }: StoreUnderTest): Pick<Job, 'address' | 'port'> {
  return { address, port };
}

function cpu({ pids }: StoreUnderTest): { readonly store: number; readonly redis?: number } {
  return { store: cpuTime(pids.store), ...(pids.redis === undefined ? {} : { redis: cpuTime(pids.redis) }) };
}

/** Has the client's process do a job. Rejects where that fails, or takes too long. */
function job(wanted: Job, signal: AbortSignal): Promise<JobFigures> {
  const child = fork(CLIENT, { signal, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return new Promise<JobFigures>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${wanted.kind}: not done in time`)), TIMEOUT);
    child.once('message', ({ figures, failure }: { figures?: JobFigures; failure?: string }) => {
      if (figures === undefined) reject(new Error(failure));
      else resolve(figures);
    });
    child.once('error', reject);
    child.once('exit', () => {
      clearTimeout(timer);
      reject(new Error(`${wanted.kind}: the client ended`));
    });
    child.send(wanted);
  }).finally(() => child.kill());
}

function checkPerf(size: 'l' | 'xl', title: string): Part {
  return {
    name: `perf-${size}`,
    title: `etcdctl check perf --load=${size}: ${title}`,
    programs: ['etcdctl'],
    lasting: false,
    async measure(store, _scale, signal) {
      const { address, port } = store;
      const args = ['--endpoints', `${address}:${port}`, 'check', 'perf', `--load=${size}`];
      const env = { ...process.env, ETCDCTL_API: '3' };
      const options = { env, signal, timeout: CHECK_PERF_TIMEOUT, maxBuffer: 1 << 26 };
      // It exits with 4 or so where it says FAIL.
      const running = run(findProgram('etcdctl')!, args, options).catch(
        (error: Error & { stdout?: string }) => {
          if (error.stdout === undefined || !error.stdout.includes('Throughput')) throw error;
          return { stdout: error.stdout };
        },
      );
      const stalls = await stallsOf(store, running);
      const measured = readCheckPerf((await running).stdout);
      if (stalls === undefined) return measured;
      const { stall, deletion } = stalls;
      return { ...measured, values: { ...measured.values, deletion }, stall };
    },
  };
}

/**
 * Longest stalls while etcdctl runs: in the minute in which it puts keys, and afterwards, when it deletes all of them with one request.
 * undefined where the store has no event loop.
 */
async function stallsOf(
  store: StoreUnderTest,
  running: Promise<unknown>,
): Promise<{ readonly stall: number; readonly deletion: number } | undefined> {
  if (store.stall === undefined) return undefined;
  const putting = delay(CHECK_PERF_PUTS);
  await Promise.race([putting, running]);
  const stall = await store.stall();
  await running;
  return { stall, deletion: await store.stall() };
}

/** The figures in what `etcdctl check perf` prints. @throws Error where one is missing. */
function readCheckPerf(output: string): Measured {
  const figure = (pattern: RegExp): number => {
    const found = pattern.exec(output)?.[1];
    if (found === undefined) throw new Error(`etcdctl check perf printed no ${pattern.source}`);
    return Number(found);
  };
  return {
    values: {
      throughput: figure(/Throughput[^:]*?(?:is|:) (\d+) writes\/s/),
      slowest: figure(/Slowest request took[^:]*?(?:long: )?([\d.]+)s/) * 1000,
      stddev: figure(/Stddev (?:is|too high:) ([\d.]+)s/) * 1000,
    },
    verdict: /^(PASS|FAIL)$/m.exec(output)?.[1] ?? 'no verdict',
  };
}
