// What the benchmark's client does and measures; it runs in a process of its own (client-process.ts).
import { GrpcConnection } from './grpc-connection.ts';
import * as etcd from './messages.ts';

/** Bytes of a value. */
const VALUE = 256;
/** Requests under way at once when a store is filled. */
const CONCURRENCY = 64;
/** Requests of one client before the measured ones. */
const WARM_UP = 2000;
/** Time for the last events to come, ms. */
const LAST_EVENTS = 5000;
/** Watches of one connection, on one stream. */
const PER_STREAM = 10;

interface Target {
  readonly address: string;
  readonly port: number;
}

export type Job = Target &
  (
    | { readonly kind: 'latency'; readonly seconds: number }
    | { readonly kind: 'watch'; readonly seconds: number; readonly watchers: number; readonly rate: number }
    | { readonly kind: 'fill'; readonly keys: number; readonly history: boolean }
  );

/** Times in ms by percentile. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

export interface JobFigures {
  readonly put?: Percentiles;
  readonly get?: Percentiles;
  readonly event?: Percentiles;
  /** Events that did not come. */
  readonly missing?: number;
  /** Requests a second. */
  readonly rate?: number;
}

/** Does a job. Rejects where a call fails. */
export function doJob(job: Job): Promise<JobFigures> {
  if (job.kind === 'latency') return latency(job, job.seconds * 1000);
  if (job.kind === 'watch') return watchLatency(job, job);
  return fill(job, job.keys, job.history);
}

function keyOf(i: number): Buffer {
  return Buffer.from(`/bench/${String(i).padStart(7, '0')}`);
}

/** A value that says which write it is of. */
function valueFor(write: number): Buffer {
  const value = Buffer.alloc(VALUE, 'v');
  value.writeDoubleBE(write);
  return value;
}

function percentiles(times: readonly number[]): Percentiles {
  const sorted = Float64Array.from(times).sort();
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
  return { p50: at(0.5), p99: at(0.99), most: at(1) };
}

/** One client that waits for each answer: puts to 1000 keys for half of the time, then reads of them. */
async function latency({ address, port }: Target, milliseconds: number): Promise<JobFigures> {
  const connection = await GrpcConnection.open(address, port);
  const measure = async (call: (i: number) => Promise<unknown>): Promise<Percentiles> => {
    for (let i = 0; i < WARM_UP; i++) await call(i);
    const times: number[] = [];
    const end = performance.now() + milliseconds / 2;
    for (let began = performance.now(); began < end; ) {
      await call(times.length);
      const now = performance.now();
      times.push(now - began);
      began = now;
    }
    return percentiles(times);
  };
  const put = await measure((i) => connection.call(etcd.PUT, etcd.putRequest(keyOf(i % 1000), valueFor(i))));
  const get = await measure((i) => connection.call(etcd.RANGE, etcd.rangeRequest(keyOf(i % 1000))));
  connection.close();
  return { put, get };
}

/** Each of the watchers watches a key of its own; writes go to the keys in turn, at a steady rate, from one more connection. */
async function watchLatency(
  { address, port }: Target,
  { watchers, rate, seconds }: { readonly watchers: number; readonly rate: number; readonly seconds: number },
): Promise<JobFigures> {
  const total = rate * seconds;
  const sent = new Float64Array(total);
  const times: number[] = [];
  let failure: string | undefined;
  let created = 0;
  let onProgress = (): void => {};
  const onMessage = (message: Uint8Array): void => {
    const now = performance.now();
    const response = etcd.watchResponse(message);
    if (response.created) created++;
    for (const value of response.values) times.push(now - sent[Buffer.from(value).readDoubleBE()]!);
    onProgress();
  };
  const onEnd = (reason: string): void => {
    failure = `a watch ended: ${reason}`;
    onProgress();
  };
  const until = (done: () => boolean, timeout: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, timeout);
      onProgress = () => {
        if (!done() && failure === undefined) return;
        clearTimeout(timer);
        resolve();
      };
      onProgress();
    });
  const connections: GrpcConnection[] = [];
  for (let i = 0; i < watchers; i += PER_STREAM) {
    const connection = await GrpcConnection.open(address, port);
    connections.push(connection);
    const watch = connection.stream(etcd.WATCH, etcd.watchRequest(keyOf(i)), onMessage, onEnd);
    for (let j = i + 1; j < Math.min(i + PER_STREAM, watchers); j++) watch(etcd.watchRequest(keyOf(j)));
  }
  await until(() => created === watchers, 60_000);
  const writer = await GrpcConnection.open(address, port);
  await writeAtRate(rate, total, (write) => {
    sent[write] = performance.now();
    writer.call(etcd.PUT, etcd.putRequest(keyOf(write % watchers), valueFor(write))).catch((error: Error) => {
      failure = error.message;
      onProgress();
    });
  });
  await until(() => times.length >= total, LAST_EVENTS);
  for (const connection of [writer, ...connections]) connection.close();
  if (failure !== undefined) throw new Error(failure);
  return { event: percentiles(times), missing: total - times.length, rate };
}

/** Makes so many writes, as many a second; those that are late are made at once. */
function writeAtRate(rate: number, total: number, write: (i: number) => void): Promise<void> {
  const began = performance.now();
  let next = 0;
  return new Promise((resolve) => {
    const turn = (): void => {
      const due = Math.min(total, Math.floor(((performance.now() - began) * rate) / 1000));
      while (next < due) write(next++);
      if (next < total) setTimeout(turn, 1);
      else resolve();
    };
    turn();
  });
}

/**
 * Puts so many keys; with `history` it compacts then and puts them all once more, so that a restart finds as many keys and as many
 * entries of history behind the compaction.
 */
async function fill({ address, port }: Target, keys: number, history: boolean): Promise<JobFigures> {
  const connection = await GrpcConnection.open(address, port);
  const putAll = async (): Promise<number> => {
    let next = 0;
    let revision = 0;
    const worker = async (): Promise<void> => {
      while (next < keys) {
        const i = next++;
        const answer = await connection.call(etcd.PUT, etcd.putRequest(keyOf(i), valueFor(i)));
        revision = Math.max(revision, etcd.revisionOf(answer));
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
    return revision;
  };
  const began = performance.now();
  const revision = await putAll();
  const rate = (keys / (performance.now() - began)) * 1000;
  if (history) {
    await connection.call(etcd.COMPACT, etcd.compactRequest(revision));
    await putAll();
  }
  connection.close();
  return { rate };
}
