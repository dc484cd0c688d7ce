import type { Clock, Millis } from '../ports.ts';

/** How long work for people may keep everything else waiting, ms. */
const SLICE: Millis = 5;
/** Steps between two looks at the clock. */
const STEPS = 64;

/** Cuts long work into pieces, between which sessions have their turn. */
export class TimeSlice {
  readonly #clock: Clock;
  #began: Millis;
  #steps = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#began = clock.now();
  }

  /** Counts a step; true where it is time to {@link pause}. */
  step(): boolean {
    this.#steps += 1;
    return this.#steps % STEPS === 0 && this.#over;
  }

  /** As {@link pause} where it is time to: for steps that take long. */
  async pauseIfOver(): Promise<void> {
    if (this.#over) await this.pause();
  }

  /** Resolves in the next turn of the event loop. */
  async pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#clock.setTimer(0, resolve);
    });
    this.#began = this.#clock.now();
  }

  get #over(): boolean {
    return this.#clock.now() - this.#began >= SLICE;
  }
}
