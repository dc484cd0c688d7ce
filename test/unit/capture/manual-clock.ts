import type { Clock, Timer } from '../../../agents/ports.ts';

/** A clock that stands until the test moves it; timers fire in order of their time. */
export class ManualClock implements Clock {
  #now = 0;
  #timers: { due: number; callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wallNanos(): bigint {
    return 1_700_000_000_000_000_000n + BigInt(Math.round(this.#now * 1e6));
  }

  setTimer(delay: number, callback: () => void): Timer {
    const timer = { due: this.#now + delay, callback };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((each) => each !== timer);
      },
    };
  }

  /** Moves the time on by `ms`, firing the timers that come due, those of 0 ms as well. */
  advance(ms = 0): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#now = Math.max(this.#now, next.due);
      next.callback();
    }
    this.#now = end;
  }
}
