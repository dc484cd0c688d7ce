import type { LoggedEntry } from './redis-log.ts';
import { comparePositions, type Head } from './redis-position.ts';

/** So many are kept at least. */
const KEPT = 10_000;

/** The last entries that a process applied, for a Redis that loses the end of its log. */
export class RecentEntries {
  #entries: LoggedEntry[] = [];

  add(logged: LoggedEntry): void {
    this.#entries.push(logged);
    if (this.#entries.length > 2 * KEPT) this.#entries = this.#entries.slice(-KEPT);
  }

  clear(): void {
    this.#entries = [];
  }

  /** What came behind the entry at `head`; undefined where that is none of ours. */
  behind(head: Head): readonly LoggedEntry[] | undefined {
    const at = this.#entries.findIndex(({ position }) => comparePositions(position, head) === 0);
    if (at < 0 || this.#entries[at]!.position.operation !== head.operation) return undefined;
    return this.#entries.slice(at + 1);
  }

  /** All from the first on that is a revision above `revision`. */
  fromRevision(revision: bigint): readonly LoggedEntry[] {
    const at = this.#entries.findIndex(({ position }) => position.n === 0n && position.revision > revision);
    return at < 0 ? [] : this.#entries.slice(at);
  }
}
