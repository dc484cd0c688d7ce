import type { Rib, RibFlush } from '../../protocol/bgp/rib/rib.ts';
import { DurationHistogram } from '../metrics/histogram.ts';
import type { Clock, Millis, Timer } from '../ports.ts';

/**
 * How long a turn should take, ms: other sessions, timers and people wait meanwhile. How many routes that is depends on
 * policies and peers, and is learnt from turn to turn.
 */
const TURN: Millis = 8;
/** Routes of a turn: at first, and least and most. */
const ROUTES = 2000;
const FEWEST = 200;
const MOST = 20_000;

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
  /** It runs as soon as it can. */
  #soon = false;
  #running = false;
  /** Routes of the next turn. */
  #limit = ROUTES;

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
    // Said once for each UPDATE, so that it has to cost nothing where a turn is about to begin anyway.
    if (this.#timer !== undefined && this.#soon) return;
    const due = this.#clock.now() + delay;
    if (!this.#running || due >= this.#due) return;
    this.#timer?.cancel();
    this.#due = due;
    this.#soon = delay === 0;
    this.#timer = this.#clock.setTimer(delay, () => this.#flush());
  }

  #flush(): void {
    this.#timer = undefined;
    this.#due = Number.POSITIVE_INFINITY;
    const began = this.#clock.now();
    const flush = this.#rib.flush(began, this.#limit);
    this.#flushed(flush);
    const took = this.#clock.now() - began;
    this.times.observe(took / 1000);
    if (took > TURN) this.#limit = Math.max(FEWEST, this.#limit >> 1);
    else if (flush.pending && took < TURN / 2) this.#limit = Math.min(MOST, this.#limit * 2);
    if (flush.pending) this.schedule();
    else if (flush.nextFlushAt !== undefined) {
      this.schedule(Math.max(0, flush.nextFlushAt - this.#clock.now()));
    }
  }
}
