import type { Rib, RibFlush } from '../../protocol/bgp/rib/rib.ts';
import { DurationHistogram } from '../metrics/histogram.ts';
import type { Clock, Millis, Timer } from '../ports.ts';

/** Works off what a RIB has to send and to tell: everything that happens in one turn together in the next. */
export class Flusher {
  /** How long each turn took. */
  readonly times: DurationHistogram = new DurationHistogram();
  readonly #rib: Rib;
  readonly #clock: Clock;
  readonly #flushed: (flush: RibFlush) => void;
  #timer: Timer | undefined;
  /** When it runs; infinity while nothing is to be done. */
  #due = Number.POSITIVE_INFINITY;
  #running = false;

  constructor(rib: Rib, clock: Clock, flushed: (flush: RibFlush) => void) {
    this.#rib = rib;
    this.#clock = clock;
    this.#flushed = flushed;
  }

  start(): void {
    this.#running = true;
    this.schedule();
  }

  stop(): void {
    this.#running = false;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#due = Number.POSITIVE_INFINITY;
  }

  /** The RIB has changed. @param delay until there is something to do, ms. */
  schedule(delay: Millis = 0): void {
    const due = this.#clock.now() + delay;
    if (!this.#running || due >= this.#due) return;
    this.#timer?.cancel();
    this.#due = due;
    this.#timer = this.#clock.setTimer(delay, () => this.#flush());
  }

  #flush(): void {
    this.#timer = undefined;
    this.#due = Number.POSITIVE_INFINITY;
    const began = this.#clock.now();
    const flush = this.#rib.flush(began);
    this.#flushed(flush);
    this.times.observe((this.#clock.now() - began) / 1000);
    if (flush.pending) this.schedule();
    else if (flush.nextFlushAt !== undefined) {
      this.schedule(Math.max(0, flush.nextFlushAt - this.#clock.now()));
    }
  }
}
