import type { Clock, Millis, Timer } from '../ports.ts';

/**
 * Gives up on what waits too long: calls `onExpired` for each item that is not removed in time. All wait equally long, so that one timer,
 * for the oldest, does for all.
 */
export class Patience<T> {
  readonly #clock: Clock;
  readonly #patience: Millis;
  readonly #onExpired: (item: T) => void;
  /** Deadlines, in the order in which they come. */
  readonly #deadlines: Map<T, Millis> = new Map();
  #timer: Timer | undefined;

  constructor(clock: Clock, patience: Millis, onExpired: (item: T) => void) {
    this.#clock = clock;
    this.#patience = patience;
    this.#onExpired = onExpired;
  }

  add(item: T): void {
    this.#deadlines.set(item, this.#clock.now() + this.#patience);
    this.#timer ??= this.#clock.setTimer(this.#patience, () => this.#sweep());
  }

  remove(item: T): void {
    this.#deadlines.delete(item);
  }

  #sweep(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    for (const [item, deadline] of this.#deadlines) {
      if (deadline > now) {
        this.#timer = this.#clock.setTimer(deadline - now, () => this.#sweep());
        return;
      }
      this.#deadlines.delete(item);
      this.#onExpired(item);
    }
  }

  /** Waits for nothing any more, without a call. */
  stop(): void {
    this.#deadlines.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
