import { monitorEventLoopDelay } from 'node:perf_hooks';

/** What the operating system and V8 say of this process. */
export interface ProcessFigures {
  /** Seconds since 1970. */
  readonly startTime: number;
  /** Processor time in the program and in the system for it, seconds. */
  readonly cpu: { readonly user: number; readonly system: number };
  /** Octets: see process.memoryUsage(). */
  readonly memory: NodeJS.MemoryUsage;
  readonly eventLoopDelay: EventLoopDelay;
}

/** How late the event loop was for a timer, seconds. */
export interface EventLoopDelay {
  /** Of the last one to two minutes, by quantile; the largest one is quantile 1. */
  readonly quantiles: readonly { readonly quantile: number; readonly seconds: number }[];
  /** Since the start: all of them together, and how many. */
  readonly sum: number;
  readonly count: number;
}

/** How often the event loop is looked at, ms. */
const RESOLUTION = 10;
/** How long values count at least, ms. */
const WINDOW = 60_000;
const QUANTILES: readonly number[] = [0.5, 0.9, 0.99, 1];
const NANOSECONDS = 1e9;

/** Of {@link monitorEventLoopDelay} what is looked at: times between two looks at the event loop, ns. */
export type DelayHistogram = Pick<
  ReturnType<typeof monitorEventLoopDelay>,
  'count' | 'mean' | 'max' | 'percentile' | 'disable'
>;

/** Watches the process, which costs a timer of libuv and no JavaScript; {@link ProcessWatch.close} ends that. */
export class ProcessWatch {
  /** Delays since the start; of this window and the one before; of this window. */
  readonly #all: DelayHistogram;
  #older: DelayHistogram;
  #newer: DelayHistogram;
  readonly #turn: NodeJS.Timeout;
  /** The largest sum that was ever told, seconds. */
  #sum = 0;

  /** @param delays begins to look at the event loop. */
  constructor(delays: () => DelayHistogram = monitoredDelays) {
    this.#all = delays();
    this.#older = delays();
    this.#newer = delays();
    this.#turn = setInterval(() => {
      this.#older.disable();
      this.#older = this.#newer;
      this.#newer = delays();
    }, WINDOW).unref();
  }

  read(): ProcessFigures {
    const { user, system } = process.cpuUsage();
    return {
      startTime: performance.timeOrigin / 1000,
      cpu: { user: user / 1e6, system: system / 1e6 },
      memory: process.memoryUsage(),
      eventLoopDelay: this.#delay(),
    };
  }

  close(): void {
    clearInterval(this.#turn);
    for (const each of [this.#all, this.#older, this.#newer]) each.disable();
  }

  #delay(): EventLoopDelay {
    const { count } = this.#all;
    // A look that comes soon after a late one takes some of it away. Prometheus takes a sum that falls for a restart.
    if (count > 0) this.#sum = Math.max(this.#sum, late(this.#all.mean) * count);
    return {
      quantiles: QUANTILES.map((quantile) => ({
        quantile,
        seconds: late(quantile === 1 ? this.#older.max : this.#older.percentile(quantile * 100)),
      })),
      sum: this.#sum,
      count,
    };
  }
}

function monitoredDelays(): DelayHistogram {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  histogram.enable();
  return histogram;
}

/** From the time between two looks, which is the resolution where nothing is late, ns. */
function late(nanoseconds: number): number {
  return Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION / 1000);
}
