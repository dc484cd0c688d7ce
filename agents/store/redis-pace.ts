import type { Millis } from '../ports.ts';

/** Entries a millisecond that are not many yet. */
const RATE = 2;
/** So many more than that are many; and as many are counted at most, so that they are soon forgotten. */
const MANY = 16;
const MOST = 64;

/**
 * How fast a process appends. One that appends all the time learns from each append what others appended before it, and need
 * not follow the log beside, where its own entries would come back to it.
 */
export class AppendPace {
  #level = 0;
  #since: Millis = 0;

  appended(entries: number, now: Millis): void {
    this.#level = Math.min(MOST, this.#levelAt(now) + entries);
    this.#since = now;
  }

  /** Whether many entries were appended just now. */
  isFast(now: Millis): boolean {
    return this.#levelAt(now) > MANY;
  }

  #levelAt(now: Millis): number {
    return Math.max(0, this.#level - (now - this.#since) * RATE);
  }
}
