import { Change } from './change.ts';
import { KeyIndex } from './index.ts';
import type { Interval } from './keys.ts';
import { isSingle, toKeyText } from './keys.ts';
import type { Mvcc, View } from './mvcc.ts';
import { toSlab } from './slab.ts';
import type { PutRequest } from './types.ts';

/**
 * A committed key space with changes on top of it that are not committed yet: those of the requests evaluated so far, and those of
 * the one under evaluation, which can still be undone.
 */
export class Overlay implements View {
  readonly #base: Mvcc;
  #committed: bigint;
  compactRevision: bigint;
  /** Versions, tombstones included, of the changed keys, oldest first. */
  readonly #pending: Map<string, Change[]> = new Map();
  /** The same by order of keys, from the first time on that an interval is asked for. */
  #sorted: KeyIndex<Change[]> | undefined;
  /** Changes of the request under evaluation. */
  #changes: Change[] = [];
  /** So many of them are among the pending ones already. */
  #indexed = 0;
  /** Changes of earlier requests that are not: nobody has asked for what they are about. */
  #late: (readonly Change[])[] = [];

  constructor(base: Mvcc) {
    this.#base = base;
    this.#committed = base.revision;
    this.compactRevision = base.compactRevision;
  }

  /** Newest revision, with the request under evaluation if it has changed something. */
  get revision(): bigint {
    return this.#changes.length > 0 ? this.#committed + 1n : this.#committed;
  }

  /** Newest revision without the request under evaluation. */
  get committed(): bigint {
    return this.#committed;
  }

  /** Brings the pending changes up to date. Most drafts end before anybody asks for them. */
  #index(): void {
    if (this.#late.length > 0) {
      const late = this.#late;
      this.#late = [];
      for (const changes of late) for (const change of changes) this.#add(change);
    }
    for (; this.#indexed < this.#changes.length; this.#indexed++) {
      this.#add(this.#changes[this.#indexed]!);
    }
  }

  #add(change: Change): void {
    const versions = this.#pending.get(change.text);
    if (versions === undefined) {
      const first = [change];
      this.#pending.set(change.text, first);
      this.#sorted?.set(change.text, first);
    } else {
      versions.push(change);
    }
  }

  latest(key: string): Change | undefined {
    this.#index();
    if (this.#pending.size === 0) return this.#base.latest(key);
    const pending = this.#pending.get(key)?.at(-1);
    if (pending === undefined) return this.#base.latest(key);
    return pending.isTombstone ? undefined : pending;
  }

  scan(range: Interval, revision: bigint, visit: (kv: Change) => void): void {
    this.#index();
    const committed = revision > 0n && revision <= this.#base.revision;
    if (committed || this.#pending.size === 0) {
      this.#base.scan(range, committed ? revision : 0n, visit);
      return;
    }
    const pending: Change[] = [];
    const collect = (versions: readonly Change[]): void => {
      const kv = revision > 0n ? versions.findLast((v) => v.modifiedAt <= revision) : versions.at(-1);
      if (kv !== undefined) pending.push(kv);
    };
    if (isSingle(range)) {
      const versions = this.#pending.get(range.from);
      if (versions !== undefined) collect(versions);
    } else {
      this.#sorted ??= this.#sort();
      this.#sorted.scan(range, collect);
    }
    this.#merge(range, pending, visit);
  }

  #sort(): KeyIndex<Change[]> {
    const sorted = new KeyIndex<Change[]>();
    for (const [key, versions] of this.#pending) sorted.set(key, versions);
    return sorted;
  }

  #merge(range: Interval, pending: readonly Change[], visit: (kv: Change) => void): void {
    let next = 0;
    const emit = (kv: Change): void => {
      next++;
      if (!kv.isTombstone) visit(kv);
    };
    this.#base.scan(range, 0n, (kv) => {
      while (next < pending.length && pending[next]!.text < kv.text) emit(pending[next]!);
      if (pending[next]?.text === kv.text) emit(pending[next]!);
      else visit(kv);
    });
    while (next < pending.length) emit(pending[next]!);
  }

  /** Puts a key that may be put; returns what it held. */
  put(request: PutRequest): Change | undefined {
    const key = toKeyText(request.key);
    const before = this.latest(key);
    const revision = Number(this.#committed + 1n);
    const value = request.ignoreValue === true ? before!.place : toSlab(request.value);
    // All versions of a key have the same string.
    const change = new Change(before?.text ?? key, value, {
      createdAt: before?.createdAt ?? revision,
      modifiedAt: revision,
      versionNumber: (before?.versionNumber ?? 0) + 1,
      lease: request.ignoreLease === true ? before!.lease : (request.lease ?? 0n),
      sub: this.#changes.length,
    });
    this.#changes.push(change);
    return before;
  }

  /** Deletes what an interval holds, and returns it in key order. */
  deleteRange(range: Interval): Change[] {
    const deleted: Change[] = [];
    this.scan(range, 0n, (kv) => deleted.push(kv));
    for (const { text } of deleted) this.#delete(text);
    return deleted;
  }

  /** Deletes those of the keys that exist, in the order given, and returns what they held. */
  deleteKeys(keys: readonly string[]): Change[] {
    const deleted: Change[] = [];
    for (const key of keys) {
      const kv = this.latest(key);
      if (kv === undefined) continue;
      deleted.push(kv);
      this.#delete(kv.text);
    }
    return deleted;
  }

  #delete(key: string): void {
    this.#changes.push(Change.tombstone(key, Number(this.#committed + 1n), this.#changes.length));
  }

  /** Keys whose newest version the overlay has, and has with that lease. */
  keysWithLease(lease: bigint): string[] {
    this.#index();
    const keys: string[] = [];
    for (const [key, versions] of this.#pending) if (versions.at(-1)!.lease === lease) keys.push(key);
    return keys;
  }

  /** Ends the request under evaluation: its changes, which it returns, stay and are one revision. */
  accept(): readonly Change[] {
    const changes = this.#changes;
    if (changes.length === 0) return changes;
    this.#committed++;
    if (this.#indexed > 0) this.#index();
    else this.#late.push(changes);
    this.#forget();
    return changes;
  }

  /** Ends the request under evaluation as if it had never been. */
  undo(): void {
    for (const { text } of this.#changes.slice(0, this.#indexed)) {
      const versions = this.#pending.get(text)!;
      versions.pop();
      if (versions.length > 0) continue;
      this.#pending.delete(text);
      this.#sorted?.delete(text);
    }
    this.#forget();
  }

  #forget(): void {
    this.#changes = [];
    this.#indexed = 0;
  }
}
