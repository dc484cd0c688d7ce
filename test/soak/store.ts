// An hour of the store at night: `npm run soak:store`. Exit code 1 where memory grew, a request failed, or an event is missing.
import { setTimeout as delay } from 'node:timers/promises';
import { memory } from '../bench/process-figures.ts';
import { GrpcConnection } from '../bench/store/grpc-connection.ts';
import * as etcd from '../bench/store/messages.ts';
import { memory as inMemory, redis, type StoreUnderTest } from '../bench/store/stores.ts';
import { scriptOptions, wrongUsage } from '../support/script-options.ts';
import { growth, type Limit } from './growth.ts';

const USAGE = `usage: npm run soak:store -- [--minutes N] [--rate N] [--keys N] [--backend memory|redis]
  --minutes  default 60
  --rate     writes a second; default 500
  --keys     keys that are written in turn; default 20000
  --backend  where the store keeps its data; default memory. redis is a Redis of its own that syncs each second`;

/** Samples of a run, whatever its length. */
const SAMPLES = 60;
/** History that a compaction leaves, in revisions, and time between two, ms. */
const HISTORY = 10_000;
const COMPACTION = 10_000;
/** Every so many writes one deletes. */
const DELETES = 10;
/** Octets of a value. */
const VALUE = 256;
/** Time for the last answers and events, ms. */
const LAST = 10_000;

/** MB. The allocator keeps pages for a while, and the system decides what is resident. */
interface Sample {
  readonly store: number;
  readonly redis: number;
}

const LIMITS: Readonly<Record<keyof Sample, Limit>> = {
  store: { share: 0.1, more: 16 },
  redis: { share: 0.1, more: 16 },
};

const values = scriptOptions(USAGE, {
  minutes: { type: 'string', default: '60' },
  rate: { type: 'string', default: '500' },
  keys: { type: 'string', default: '20000' },
  backend: { type: 'string', default: 'memory' },
});

function numberOf(name: 'minutes' | 'rate' | 'keys'): number {
  const number = Number(values[name]);
  if (Number.isFinite(number) && number > 0) return number;
  return wrongUsage(USAGE, `--${name} ${values[name]}: expected a number above 0`);
}

/** A client that writes at a steady rate, watches all of it, and compacts behind itself. */
class Churn {
  readonly faults: string[] = [];
  writes = 0;
  answers = 0;
  events = 0;
  revision = 0;
  readonly #writer: GrpcConnection;
  readonly #keys: number;

  private constructor(writer: GrpcConnection, keys: number) {
    this.#writer = writer;
    this.#keys = keys;
  }

  static async begin({ address, port }: StoreUnderTest, keys: number): Promise<Churn> {
    const churn = new Churn(await GrpcConnection.open(address, port), keys);
    const watcher = await GrpcConnection.open(address, port);
    await new Promise<void>((resolve) => {
      watcher.stream(
        etcd.WATCH,
        etcd.watchRequest(Buffer.from('/soak/'), Buffer.from('/soak0')),
        (message) => {
          const { created, values: put } = etcd.watchResponse(message);
          churn.events += put.length;
          if (created) resolve();
        },
        (reason) => churn.faults.push(`the watch ended: ${reason}`),
      );
    });
    return churn;
  }

  /** The next writes: a key in turn, which once in a while goes. */
  write(count: number): void {
    for (let i = 0; i < count; i++, this.writes++) {
      const key = Buffer.from(`/soak/${this.writes % this.#keys}`);
      // A deletion right behind a put of its key, so that it deletes something.
      const deletes = this.writes % DELETES === DELETES - 1;
      const request = deletes
        ? this.#writer.call(
            etcd.DELETE,
            etcd.rangeRequest(Buffer.from(`/soak/${(this.writes - 1) % this.#keys}`)),
          )
        : this.#writer.call(etcd.PUT, etcd.putRequest(key, Buffer.alloc(VALUE, this.writes & 0xff)));
      request.then(
        (answer) => {
          this.answers += 1;
          this.revision = Math.max(this.revision, etcd.revisionOf(answer));
        },
        (error: Error) => this.faults.push(error.message),
      );
    }
  }

  async compact(): Promise<void> {
    if (this.revision <= HISTORY) return;
    const request = etcd.compactRequest(this.revision - HISTORY);
    await this.#writer.call(etcd.COMPACT, request).catch((error: Error) => this.faults.push(error.message));
  }

  /** Waits for what is still to come, and says what did not. */
  async end(): Promise<void> {
    const until = performance.now() + LAST;
    while ((this.answers < this.writes || this.events < this.writes) && performance.now() < until)
      await delay(50);
    if (this.answers < this.writes)
      this.faults.push(`${this.writes - this.answers} writes without an answer`);
    if (this.events !== this.writes) this.faults.push(`${this.events} events of ${this.writes} writes`);
  }
}

const [minutes, rate, keys] = [numberOf('minutes'), numberOf('rate'), Math.floor(numberOf('keys'))];
if (values.backend !== 'memory' && values.backend !== 'redis') {
  wrongUsage(USAGE, `--backend ${values.backend}: expected memory or redis`);
}
const kind = values.backend === 'memory' ? inMemory([]) : redis('everysec', []);
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted = true;
  });
}
const store = await kind.start();
const samples: Sample[] = [];
let faults: readonly string[];
try {
  const churn = await Churn.begin(store, keys);
  const began = performance.now();
  const length = minutes * 60_000;
  let compacted = began;
  for (
    let now = began;
    now - began < length && churn.faults.length === 0 && !interrupted;
    now = performance.now()
  ) {
    churn.write(Math.floor(((now - began) * rate) / 1000) - churn.writes);
    if (now - compacted >= COMPACTION) {
      compacted = now;
      void churn.compact();
    }
    if (now - began >= ((samples.length + 1) * length) / SAMPLES) {
      const { store: pid, redis: redisPid } = store.pids;
      samples.push({ store: memory(pid).now, redis: redisPid === undefined ? 0 : memory(redisPid).now });
      const { store: mb, redis: redisMb } = samples.at(-1)!;
      const minute = ((now - began) / 60_000).toFixed(1);
      console.error(
        `soak: ${minute} min, ${churn.writes} writes: store ${mb.toFixed(0)} MB` +
          `${redisPid === undefined ? '' : `, Redis ${redisMb.toFixed(0)} MB`}`,
      );
    }
    await delay(5);
  }
  await churn.end();
  faults = [...churn.faults, ...(interrupted ? ['interrupted'] : growth(samples, LIMITS))];
  console.log(
    `${churn.writes} writes, ${churn.events} events in ${((performance.now() - began) / 60_000).toFixed(1)} min; ` +
      `${faults.length} faults`,
  );
} finally {
  await store.stop();
}
for (const fault of faults) console.error(`soak: ${fault}`);
process.exit(faults.length > 0 ? 1 : 0);
