import type { Change } from './change.ts';
import { inSlab, outOfSlab } from './slab.ts';

/**
 * All versions of one key that compaction has not removed, one at least; tombstones included. Most keys have one: a list of versions
 * for each would be a third more objects for the garbage collector to visit.
 */
export class History {
  #newest: Change;
  /** The versions before it, oldest first. */
  #older: Change[] | undefined;

  constructor(first: Change) {
    this.#newest = first;
  }

  get newest(): Change {
    return this.#newest;
  }

  get oldest(): Change {
    return this.#older?.[0] ?? this.#newest;
  }

  /**
   * Gives the oldest version's value memory of its own where it shares a slab: it outlives its neighbours. Newer versions have the
   * same octets where a put kept the value.
   */
  leaveSlab(): void {
    const { place } = this.oldest;
    if (!inSlab(place)) return;
    const own = outOfSlab(place);
    for (const version of this.#older ?? NONE) version.move(place, own);
    this.#newest.move(place, own);
  }

  /** Adds a newer version. */
  push(change: Change): void {
    if (this.#older === undefined) this.#older = [this.#newest];
    else this.#older.push(this.#newest);
    this.#newest = change;
  }

  /** Newest version not above `revision`, also a tombstone; undefined: the key did not exist yet, or its version is compacted. */
  at(revision: number): Change | undefined {
    if (this.#newest.modifiedAt <= revision) return this.#newest;
    const older = this.#older;
    return older === undefined ? undefined : older[firstAbove(older, revision) - 1];
  }

  /**
   * Drops the versions that no read at or after `revision` can see, and returns them: all before the newest one not above
   * it, and this too where it is a tombstone. `left`: whether there are any others.
   */
  dropBefore(revision: number): { readonly dropped: readonly Change[]; readonly left: boolean } {
    const older = this.#older ?? NONE;
    if (this.#newest.modifiedAt <= revision) {
      this.#older = undefined;
      if (!this.#newest.isTombstone) return { dropped: older, left: true };
      return { dropped: [...older, this.#newest], left: false };
    }
    let kept = firstAbove(older, revision) - 1;
    if (kept < 0) return { dropped: NONE, left: true };
    if (older[kept]!.isTombstone) kept++;
    this.#older = kept === older.length ? undefined : older.slice(kept);
    return { dropped: older.slice(0, kept), left: true };
  }
}

const NONE: readonly Change[] = [];

/** Position of the first version above `revision`. */
function firstAbove(versions: readonly Change[], revision: number): number {
  let low = 0;
  let high = versions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (versions[middle]!.modifiedAt <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}
