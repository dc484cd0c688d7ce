/** What may be done at once, and how much more each second. */
export interface AllowanceOptions {
  readonly burst: number;
  readonly perSecond: number;
}

/** Bounds how often something is done (a token bucket): rarely enough for ever, or often for a short time. */
export class Allowance {
  readonly #options: AllowanceOptions;
  #left: number;
  #at: number | undefined;

  constructor(options: AllowanceOptions) {
    this.#options = options;
    this.#left = options.burst;
  }

  /** Does it once more; false where that is too often. `now`: ms on a clock that does not go backwards. */
  take(now: number): boolean {
    const { burst, perSecond } = this.#options;
    const passed = now - (this.#at ?? now);
    this.#at = now;
    this.#left = Math.min(burst, this.#left + (passed * perSecond) / 1000);
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
