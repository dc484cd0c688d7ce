import { etcdError } from './errors.ts';
import { KeyIndex } from './index.ts';
import type { Interval } from './keys.ts';
import { toKeyText } from './keys.ts';
import type { KeyValue } from './types.ts';

/**
 * One key's change within a revision. A deletion is a tombstone: `key` and `modRevision` set, everything else zero or
 * empty, as etcd shows it to watchers. A change's sub-revision is its position in the revision's list.
 */
export type Change = KeyValue;

export function isTombstone(kv: KeyValue): boolean {
  return kv.version === 0n;
}

const NO_BYTES = new Uint8Array(0);

/** The change that deletes `key` at `revision`. */
export function tombstone(key: Uint8Array, revision: bigint): Change {
  return { key, value: NO_BYTES, createRevision: 0n, modRevision: revision, version: 0n, lease: 0n };
}

/** A change in the history, with what the key held before it. */
export interface LoggedChange {
  readonly key: string;
  readonly kv: KeyValue;
  readonly prevKv: KeyValue | undefined;
}

/** What reads need to know of a state, committed or not. */
export interface View {
  /** Newest revision that can be read. */
  readonly revision: bigint;
  readonly compactRevision: bigint;
  /** The live value of one key. */
  latest(key: string): KeyValue | undefined;
  /** Live keys of the interval in key order, at `revision` (0n: the newest). */
  scan(range: Interval, revision: bigint, visit: (kv: KeyValue, key: string) => void): void;
}

/** All versions of one key that compaction has not removed, oldest first; tombstones included. */
type History = KeyValue[];

/** Newest version of `history` not above `revision`, also a tombstone. */
function versionAt(history: History, revision: bigint): KeyValue | undefined {
  for (let i = history.length - 1; i >= 0; i--) {
    if (history[i]!.modRevision <= revision) return history[i];
  }
  return undefined;
}

/**
 * Multi-version key space: every revision since the last compaction, by key and in order. A new one is at revision 1
 * with nothing in it, as etcd's. It only knows how to add revisions that have been decided elsewhere.
 */
export class Mvcc implements View {
  #revision = 1n;
  #compactRevision = -1n;
  readonly #index: KeyIndex<History> = new KeyIndex();
  #log: (readonly LoggedChange[])[] = [];
  /** Revision of `#log[0]`. */
  #logStart = 2n;

  get revision(): bigint {
    return this.#revision;
  }

  /** Last compaction's revision, itself still readable; -1n before the first. */
  get compactRevision(): bigint {
    return this.#compactRevision;
  }

  latest(key: string): KeyValue | undefined {
    const newest = this.#index.get(key)?.at(-1);
    return newest === undefined || isTombstone(newest) ? undefined : newest;
  }

  scan(range: Interval, revision: bigint, visit: (kv: KeyValue, key: string) => void): void {
    const old = revision > 0n && revision < this.#revision;
    this.#index.scan(range, (history, key) => {
      const kv = old ? versionAt(history, revision) : history[history.length - 1];
      if (kv !== undefined && !isTombstone(kv)) visit(kv, key);
    });
  }

  /**
   * Adds the next revision.
   * @throws RangeError where `revision` is not the one after the current: the log has a gap or a repetition.
   */
  append(revision: bigint, changes: readonly Change[]): readonly LoggedChange[] {
    if (revision !== this.#revision + 1n) {
      throw new RangeError(`revision ${revision} applied to a store at revision ${this.#revision}`);
    }
    const logged = changes.map((kv) => this.#add(kv));
    this.#revision = revision;
    this.#log.push(logged);
    return logged;
  }

  #add(kv: KeyValue): LoggedChange {
    const key = toKeyText(kv.key);
    const history = this.#index.get(key);
    if (history === undefined) {
      this.#index.set(key, [kv]);
      return { key, kv, prevKv: undefined };
    }
    const newest = history[history.length - 1]!;
    history.push(kv);
    return { key, kv, prevKv: isTombstone(newest) ? undefined : newest };
  }

  /** The changes of one revision in sub-revision order; undefined where it is compacted or in the future. */
  changesAt(revision: bigint): readonly LoggedChange[] | undefined {
    return this.#log[Number(revision - this.#logStart)];
  }

  /**
   * Forgets what no read at or after `revision` and no watch from `revision` on can see.
   * @throws EtcdError 11 where it is compacted already or in the future.
   */
  compact(revision: bigint): void {
    if (revision <= this.#compactRevision) throw etcdError('compacted');
    if (revision > this.#revision) throw etcdError('futureRevision');
    this.#compactRevision = revision;
    // The log keeps the compacted revision itself: a watch may start there.
    const until = Number(revision - this.#logStart);
    for (let i = 0; i <= until; i++) {
      for (const { key } of this.#log[i]!) this.#trim(key, revision);
    }
    if (until > 0) {
      this.#log = this.#log.slice(until);
      this.#logStart = revision;
    }
  }

  #trim(key: string, revision: bigint): void {
    const history = this.#index.get(key);
    if (history === undefined) return;
    let kept = history.length - 1;
    while (kept > 0 && history[kept]!.modRevision > revision) kept--;
    const first = history[kept]!;
    if (isTombstone(first) && first.modRevision <= revision) kept++;
    if (kept >= history.length) this.#index.delete(key);
    else if (kept > 0) history.splice(0, kept);
  }

  /** Puts an empty store at a snapshot's state: `live` keys as of `revision`, everything before it compacted. */
  restore(
    revision: bigint,
    compactRevision: bigint,
    live: readonly KeyValue[],
    last: readonly LoggedChange[],
  ): void {
    this.#revision = revision;
    this.#compactRevision = compactRevision;
    for (const kv of live) this.#index.set(toKeyText(kv.key), [kv]);
    this.#log = revision > 1n ? [last] : [];
    this.#logStart = revision > 1n ? revision : 2n;
  }
}
