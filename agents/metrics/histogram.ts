/** Upper bounds of durations, seconds: from what nobody notices to what keeps a KEEPALIVE waiting. */
const BOUNDS: readonly number[] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

/** How long something took, each time: a Prometheus histogram. Counting allocates nothing. */
export class DurationHistogram {
  readonly #counts = new Float64Array(BOUNDS.length + 1);
  #sum = 0;

  /** Counts one that took so many seconds. */
  observe(seconds: number): void {
    let bucket = 0;
    while (bucket < BOUNDS.length && seconds > BOUNDS[bucket]!) bucket += 1;
    this.#counts[bucket]! += 1;
    this.#sum += seconds;
  }

  /** All of them together, seconds. */
  get sum(): number {
    return this.#sum;
  }

  /** How many took at most so long, for each bound; the last one, infinity, is for all. */
  cumulative(): { readonly le: number; readonly count: number }[] {
    let count = 0;
    return Array.from(this.#counts, (each, i) => {
      count += each;
      return { le: BOUNDS[i] ?? Number.POSITIVE_INFINITY, count };
    });
  }
}
