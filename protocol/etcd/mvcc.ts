import type { Change } from './change.ts';
import { etcdError } from './errors.ts';
import { History } from './history.ts';
import { KeyIndex } from './index.ts';
import type { Interval } from './keys.ts';
import { RevisionLog, type Revisions } from './revision-log.ts';

/** What reads need to know of a state, committed or not. */
export interface View {
  /** Newest revision that can be read. */
  readonly revision: bigint;
  readonly compactRevision: bigint;
  /** The live value of one key. */
  latest(key: string): Change | undefined;
  /** Live keys of the interval in key order, at `revision` (0n: the newest). */
  scan(range: Interval, revision: bigint, visit: (kv: Change) => void): void;
}

/** What a version takes besides its key and value: about what etcd's database spends on revision and counters. */
const VERSION_OVERHEAD = 48;

const TRIM_ALL = 1_000_000;

const MAX_REVISION = BigInt(Number.MAX_SAFE_INTEGER);

function sizeOf(change: Change): number {
  return change.size + VERSION_OVERHEAD;
}

/**
 * Changes have their revisions as numbers. At a million a second the bound is 285 years away; only damage comes beyond it.
 * @throws RangeError.
 */
function checkRevision(revision: bigint): void {
  if (revision > MAX_REVISION) throw new RangeError(`revision ${revision} is above 2^53 - 1`);
}

/**
 * Multi-version key space: every revision since the last compaction, by key and in order. A new one is at revision 1
 * with nothing in it, as etcd's. It only knows how to add revisions that have been decided elsewhere.
 */
export class Mvcc implements View {
  #revision = 1n;
  #compactRevision = -1n;
  readonly #index: KeyIndex<History> = new KeyIndex();
  #log: RevisionLog = new RevisionLog(2n);
  /** The versions that the last finished compaction kept, in order of revision and sub-revision. */
  #base: readonly Change[] = [];
  /** Revision of that compaction. */
  #baseRevision = -1n;
  #trimming: Iterator<void, void> | undefined;
  #bytes = 0;

  get revision(): bigint {
    return this.#revision;
  }

  /** Last compaction's revision, itself still readable; -1n before the first. */
  get compactRevision(): bigint {
    return this.#compactRevision;
  }

  /** Bytes of all versions that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a compaction has left something that {@link Mvcc.trim} is to free. */
  get trimming(): boolean {
    return this.#trimming !== undefined;
  }

  /** The versions that the last compaction kept, in order of revision and sub-revision; valid unless {@link Mvcc.trimming}. */
  get base(): readonly Change[] {
    return this.#base;
  }

  latest(key: string): Change | undefined {
    const newest = this.#index.get(key)?.newest;
    return newest === undefined || newest.isTombstone ? undefined : newest;
  }

  /** What a key held at a revision that is not compacted. */
  at(key: string, revision: bigint): Change | undefined {
    const change = this.#index.get(key)?.at(Number(revision));
    return change === undefined || change.isTombstone ? undefined : change;
  }

  scan(range: Interval, revision: bigint, visit: (kv: Change) => void): void {
    const old = revision > 0n && revision < this.#revision ? Number(revision) : undefined;
    this.#index.scan(range, (history) => {
      const kv = old === undefined ? history.newest : history.at(old);
      if (kv !== undefined && !kv.isTombstone) visit(kv);
    });
  }

  /**
   * Adds the next revision, and returns what the key of each change held before it.
   * @throws RangeError where `revision` is not the one after the current: the log has a gap or a repetition.
   */
  append(revision: bigint, changes: readonly Change[]): readonly (Change | undefined)[] {
    if (revision !== this.#revision + 1n) {
      throw new RangeError(`revision ${revision} applied to a store at revision ${this.#revision}`);
    }
    checkRevision(revision);
    const before = changes.map((change) => this.#add(change));
    this.#revision = revision;
    this.#log.push(changes);
    return before;
  }

  #add(change: Change): Change | undefined {
    const history = this.#index.get(change.text);
    this.#bytes += sizeOf(change);
    if (history === undefined) {
      this.#index.set(change.text, new History(change));
      return undefined;
    }
    const { newest } = history;
    history.push(change);
    return newest.isTombstone ? undefined : newest;
  }

  /** The changes of one revision in sub-revision order; undefined where it is compacted or in the future. */
  changesAt(revision: bigint): readonly Change[] | undefined {
    return revision < this.#compactRevision ? undefined : this.#log.at(revision);
  }

  /** The changes of the revisions from `from` to `to` (both included), none of them compacted. */
  changesBetween(from: bigint, to: bigint): Revisions {
    return this.#log.between(from, to);
  }

  /**
   * Forgets what no read at or after `revision` and no watch from `revision` on can see. This only decides it: the memory is freed
   * by {@link Mvcc.trim}.
   * @throws EtcdError 11 where it is compacted already or in the future.
   */
  compact(revision: bigint): void {
    if (revision <= this.#compactRevision) throw etcdError('compacted');
    if (revision > this.#revision) throw etcdError('futureRevision');
    this.#compactRevision = revision;
    this.#trimming ??= this.#trim();
  }

  /**
   * Frees what compactions left, in slices: each call goes on for about `most` changes. False: nothing is left.
   */
  trim(most: number): boolean {
    for (let i = 0; i < most && this.#trimming !== undefined; i++) {
      if (this.#trimming.next().done === true) this.#trimming = undefined;
    }
    return this.#trimming !== undefined;
  }

  /** Yields after each change looked at; further compactions meanwhile are done behind. */
  *#trim(): Generator<void, void> {
    for (let trimmed: bigint | undefined; trimmed !== this.#compactRevision; ) {
      trimmed = this.#compactRevision;
      const revisions = this.#log.upTo(trimmed);
      const kept: Change[] = [];
      for (const changes of revisions) {
        for (const { text } of changes) {
          this.#dropBefore(text, Number(trimmed));
          yield;
        }
      }
      // What was kept before may have been replaced by what is kept now.
      for (const kv of this.#base) {
        if (this.#index.get(kv.text)?.oldest === kv) kept.push(kv);
        yield;
      }
      for (const changes of revisions) {
        for (const kv of changes) {
          const history = kv.modifiedAt > this.#baseRevision ? this.#index.get(kv.text) : undefined;
          if (history?.oldest === kv) {
            history.leaveSlab();
            kept.push(kv);
          }
          yield;
        }
      }
      this.#base = kept;
      this.#baseRevision = trimmed;
      // The log keeps the compacted revision itself: a watch may start there.
      this.#log.dropBefore(trimmed);
    }
  }

  /**
   * Goes on at a later revision, with the same keys and everything before compacted.
   * @throws RangeError where it is not later.
   */
  jump(revision: bigint): void {
    if (revision <= this.#revision) {
      throw new RangeError(`an epoch from revision ${revision} on a store at revision ${this.#revision}`);
    }
    checkRevision(revision);
    if (this.#revision > this.#compactRevision) this.compact(this.#revision);
    while (this.trim(TRIM_ALL));
    this.#revision = revision;
    this.#compactRevision = revision;
    this.#baseRevision = revision;
    this.#log = new RevisionLog(revision);
    this.#log.push([]);
  }

  #dropBefore(key: string, revision: number): void {
    const history = this.#index.get(key);
    if (history === undefined) return;
    const { dropped, left } = history.dropBefore(revision);
    for (const kv of dropped) this.#bytes -= sizeOf(kv);
    if (!left) this.#index.delete(key);
  }

  /**
   * Puts an empty store at a snapshot's state: `base` as of `revision`, everything before it compacted.
   * @throws RangeError where the revision is none.
   */
  restore(revision: bigint, compactRevision: bigint, base: readonly Change[], last: readonly Change[]): void {
    checkRevision(revision);
    this.#revision = revision;
    this.#compactRevision = compactRevision;
    for (const kv of base) {
      this.#index.set(kv.text, new History(kv));
      this.#bytes += sizeOf(kv);
    }
    this.#base = base;
    this.#baseRevision = compactRevision;
    this.#log = new RevisionLog(revision > 1n ? revision : 2n);
    if (revision > 1n) this.#log.push(last);
  }
}
