import type { Millis } from '../ports.ts';

/** So many appends in so little time are many. */
const MANY = 16;
const WINDOW: Millis = 10;

/**
 * How fast a process appends. One that appends all the time learns from each append what others appended before it, and need
 * not follow the log beside, where its own entries would come back to it.
 */
export class AppendPace {
  /** Times of the last appends, in turn. */
  readonly #times: Float64Array = new Float64Array(MANY).fill(Number.NEGATIVE_INFINITY);
  #next = 0;

  appended(now: Millis): void {
    this.#times[this.#next] = now;
    this.#next = (this.#next + 1) % MANY;
  }

  /** Whether there were many appends just now. */
  isFast(now: Millis): boolean {
    return now - this.#times[this.#next]! < WINDOW;
  }
}
