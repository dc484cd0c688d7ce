import type { Change } from './change.ts';
import { isTombstone } from './change.ts';
import { inSlab } from './slab.ts';

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
   * Gives the oldest version memory of its own where it shares a slab: it outlives its neighbours. Newer versions have the same
   * octets as their key, and as their value where a put kept that.
   */
  leaveSlab(): void {
    const { key, value } = this.oldest;
    if (!inSlab(key) && !inSlab(value)) return;
    const own = new Uint8Array(key.length + value.length);
    own.set(key);
    own.set(value, key.length);
    const ownKey = own.subarray(0, key.length);
    const ownValue = own.subarray(key.length);
    for (const version of [...(this.#older ?? NONE), this.#newest] as Movable[]) {
      if (version.key === key) version.key = ownKey;
      if (version.value === value) version.value = ownValue;
    }
  }

  /** Adds a newer version. */
  push(change: Change): void {
    if (this.#older === undefined) this.#older = [this.#newest];
    else this.#older.push(this.#newest);
    this.#newest = change;
  }

  /** Newest version not above `revision`, also a tombstone; undefined: the key did not exist yet, or its version is compacted. */
  at(revision: bigint): Change | undefined {
    if (this.#newest.modRevision <= revision) return this.#newest;
    const older = this.#older;
    return older === undefined ? undefined : older[firstAbove(older, revision) - 1];
  }

  /**
   * Drops the versions that no read at or after `revision` can see, and returns them: all before the newest one not above
   * it, and this too where it is a tombstone. `left`: whether there are any others.
   */
  dropBefore(revision: bigint): { readonly dropped: readonly Change[]; readonly left: boolean } {
    const older = this.#older ?? NONE;
    if (this.#newest.modRevision <= revision) {
      this.#older = undefined;
      if (!isTombstone(this.#newest)) return { dropped: older, left: true };
      return { dropped: [...older, this.#newest], left: false };
    }
    let kept = firstAbove(older, revision) - 1;
    if (kept < 0) return { dropped: NONE, left: true };
    if (isTombstone(older[kept]!)) kept++;
    this.#older = kept === older.length ? undefined : older.slice(kept);
    return { dropped: older.slice(0, kept), left: true };
  }
}

const NONE: readonly Change[] = [];

/** A change whose octets are to be elsewhere; they stay the same. */
type Movable = { -readonly [K in 'key' | 'value']: Change[K] };

/** Position of the first version above `revision`. */
function firstAbove(versions: readonly Change[], revision: bigint): number {
  let low = 0;
  let high = versions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (versions[middle]!.modRevision <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}
