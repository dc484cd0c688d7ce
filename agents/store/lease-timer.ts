import type { Clock, Millis, Timer } from '../ports.ts';

/** Longest sleep before the deadlines are looked at again: far-off ones need no timer of their own. */
const LONGEST_SLEEP: Millis = 3_600_000;

/** Pause before expired leases are looked for again where some had been found (etcd `server/lease/lessor.go`). */
export const SWEEP_PAUSE: Millis = 500;
/** Leases revoked in one sweep at most: 1000 per second. */
export const MOST_REVOKED = 500;

/** Wakes its owner at the earliest lease deadline, never before it. */
export class LeaseTimer {
  readonly #clock: Clock;
  readonly #expire: () => void;
  #timer: Timer | undefined;
  #due: Millis = 0;
  #stopped = false;

  constructor(clock: Clock, expire: () => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** Makes sure to wake at `deadline` or earlier; undefined: nothing to wait for. */
  arm(deadline: Millis | undefined): void {
    if (this.#stopped || deadline === undefined || (this.#timer !== undefined && this.#due <= deadline))
      return;
    this.#timer?.cancel();
    const now = this.#clock.now();
    this.#due = Math.min(deadline, now + LONGEST_SLEEP);
    this.#timer = this.#clock.setTimer(Math.max(0, this.#due - now), () => {
      this.#timer = undefined;
      this.#expire();
    });
  }

  /** Wakes nobody any more, also where a sweep that is still under way arms it. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
