import type { Clock, Millis, Timer } from '../ports.ts';

/** Timers by name, each of which runs at most once at a time. */
export class TimerSet<K> {
  readonly #clock: Clock;
  readonly #timers = new Map<K, Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Starts a timer; one of this name that runs starts anew. */
  set(name: K, delay: Millis, expired: () => void): void {
    this.cancel(name);
    const timer = this.#clock.setTimer(delay, () => {
      this.#timers.delete(name);
      expired();
    });
    this.#timers.set(name, timer);
  }

  cancel(name: K): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }

  clear(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }
}
