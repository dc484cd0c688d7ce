import type { Change } from './change.ts';
import { isTombstone, tombstone } from './change.ts';
import { KeyIndex } from './index.ts';
import type { Interval } from './keys.ts';
import { isSingle, toKeyText } from './keys.ts';
import type { Mvcc, View } from './mvcc.ts';
import { roomFor } from './slab.ts';
import type { PutRequest } from './types.ts';

/** A key with a version of it. */
interface Keyed {
  readonly key: string;
  readonly kv: Change;
}

/** A request's changes in order, and the text of each one's key. */
export interface Accepted {
  readonly changes: readonly Change[];
  readonly keys: readonly string[];
}

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
  /** Changes of the request under evaluation, with their keys. */
  #changes: Change[] = [];
  #changedKeys: string[] = [];
  /** So many of them are among the pending ones already. */
  #indexed = 0;
  /** Changes of earlier requests that are not: nobody has asked for what they are about. */
  #late: Accepted[] = [];

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
      for (const { changes, keys } of late) {
        for (let i = 0; i < changes.length; i++) this.#add(keys[i]!, changes[i]!);
      }
    }
    for (; this.#indexed < this.#changes.length; this.#indexed++) {
      this.#add(this.#changedKeys[this.#indexed]!, this.#changes[this.#indexed]!);
    }
  }

  #add(key: string, change: Change): void {
    const versions = this.#pending.get(key);
    if (versions === undefined) {
      const first = [change];
      this.#pending.set(key, first);
      this.#sorted?.set(key, first);
    } else {
      versions.push(change);
    }
  }

  latest(key: string): Change | undefined {
    this.#index();
    if (this.#pending.size === 0) return this.#base.latest(key);
    const pending = this.#pending.get(key)?.at(-1);
    if (pending === undefined) return this.#base.latest(key);
    return isTombstone(pending) ? undefined : pending;
  }

  scan(range: Interval, revision: bigint, visit: (kv: Change, key: string) => void): void {
    this.#index();
    const committed = revision > 0n && revision <= this.#base.revision;
    if (committed || this.#pending.size === 0) {
      this.#base.scan(range, committed ? revision : 0n, visit);
      return;
    }
    const pending: Keyed[] = [];
    const collect = (versions: readonly Change[], key: string): void => {
      const kv = revision > 0n ? versions.findLast((v) => v.modRevision <= revision) : versions.at(-1);
      if (kv !== undefined) pending.push({ key, kv });
    };
    if (isSingle(range)) {
      const versions = this.#pending.get(range.from);
      if (versions !== undefined) collect(versions, range.from);
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

  #merge(range: Interval, pending: readonly Keyed[], visit: (kv: Change, key: string) => void): void {
    let next = 0;
    const emit = (entry: Keyed): void => {
      next++;
      if (!isTombstone(entry.kv)) visit(entry.kv, entry.key);
    };
    this.#base.scan(range, 0n, (kv, key) => {
      while (next < pending.length && pending[next]!.key < key) emit(pending[next]!);
      if (pending[next]?.key === key) emit(pending[next]!);
      else visit(kv, key);
    });
    while (next < pending.length) emit(pending[next]!);
  }

  #record(key: string, change: Change): void {
    this.#changes.push(change);
    this.#changedKeys.push(key);
  }

  /** Puts a key that may be put; returns what it held. */
  put(request: PutRequest): Change | undefined {
    const key = toKeyText(request.key);
    const before = this.latest(key);
    const revision = this.#committed + 1n;
    const bytes = request.ignoreValue === true ? before! : ownBytes(before?.key, request);
    this.#record(key, {
      key: bytes.key,
      value: bytes.value,
      createRevision: before?.createRevision ?? revision,
      modRevision: revision,
      // A constant for the first version, as every sum is a bigint of its own.
      version: before === undefined ? 1n : before.version + 1n,
      lease: request.ignoreLease === true ? before!.lease : (request.lease ?? 0n),
      sub: this.#changes.length,
    });
    return before;
  }

  /** Deletes what an interval holds, and returns it in key order. */
  deleteRange(range: Interval): Change[] {
    const deleted: Change[] = [];
    const keys: string[] = [];
    this.scan(range, 0n, (kv, key) => {
      deleted.push(kv);
      keys.push(key);
    });
    for (let i = 0; i < keys.length; i++) this.#delete(keys[i]!, deleted[i]!.key);
    return deleted;
  }

  /** Deletes those of the keys that exist, in the order given, and returns what they held. */
  deleteKeys(keys: readonly string[]): Change[] {
    const deleted: Change[] = [];
    for (const key of keys) {
      const kv = this.latest(key);
      if (kv === undefined) continue;
      deleted.push(kv);
      this.#delete(key, kv.key);
    }
    return deleted;
  }

  #delete(key: string, bytes: Uint8Array): void {
    this.#record(key, tombstone(bytes, this.#committed + 1n, this.#changes.length));
  }

  /** Keys whose newest version the overlay has, and has with that lease. */
  keysWithLease(lease: bigint): string[] {
    this.#index();
    const keys: string[] = [];
    for (const [key, versions] of this.#pending) if (versions.at(-1)!.lease === lease) keys.push(key);
    return keys;
  }

  /** Ends the request under evaluation: its changes stay, and are one revision. */
  accept(): Accepted {
    const changes = this.#changes;
    const keys = this.#changedKeys;
    if (changes.length === 0) return { changes, keys };
    this.#committed++;
    if (this.#indexed > 0) this.#index();
    else this.#late.push({ changes, keys });
    this.#forget();
    return { changes, keys };
  }

  /** Ends the request under evaluation as if it had never been. */
  undo(): void {
    for (const key of this.#changedKeys.slice(0, this.#indexed)) {
      const versions = this.#pending.get(key)!;
      versions.pop();
      if (versions.length > 0) continue;
      this.#pending.delete(key);
      this.#sorted?.delete(key);
    }
    this.#forget();
  }

  #forget(): void {
    this.#changes = [];
    this.#changedKeys = [];
    this.#indexed = 0;
  }
}

/**
 * Copies: the caller may reuse its buffers. A key that exists already shares the bytes it has, and a new one is in one piece of memory
 * with its value.
 */
function ownBytes(known: Uint8Array | undefined, { key, value }: PutRequest): Pick<Change, 'key' | 'value'> {
  const keyLength = known === undefined ? key.length : 0;
  const { buffer, offset } = roomFor(keyLength + value.length);
  const ownValue = new Uint8Array(buffer, offset + keyLength, value.length);
  ownValue.set(value);
  if (known !== undefined) return { key: known, value: ownValue };
  const ownKey = new Uint8Array(buffer, offset, keyLength);
  ownKey.set(key);
  return { key: ownKey, value: ownValue };
}
