import type { Change } from './change.ts';
import { isTombstone } from './change.ts';

/** All versions of one key that compaction has not removed, oldest first; tombstones included. */
export type History = Change[];

/** Position of the first version above `revision`. */
function firstAbove(history: readonly Change[], revision: bigint): number {
  let low = 0;
  let high = history.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (history[middle]!.modRevision <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Newest version not above `revision`, also a tombstone; undefined: the key did not exist yet, or its version is compacted. */
export function versionAt(history: readonly Change[], revision: bigint): Change | undefined {
  return history[firstAbove(history, revision) - 1];
}

/**
 * Drops the versions that no read at or after `revision` can see, and returns them: all before the newest one not above
 * it, and this too where it is a tombstone.
 */
export function dropBefore(history: History, revision: bigint): Change[] {
  let kept = firstAbove(history, revision) - 1;
  if (kept < 0) return [];
  if (isTombstone(history[kept]!)) kept++;
  return history.splice(0, kept);
}
