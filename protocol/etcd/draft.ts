import { checkDeleteRange, checkPut, checkTxn } from './check.ts';
import type { LogEntry } from './entry.ts';
import { etcdError } from './errors.ts';
import { KeyIndex } from './index.ts';
import type { Interval } from './keys.ts';
import { interval, toKeyText } from './keys.ts';
import type { Lessor } from './lease.ts';
import { MAX_LEASE_TTL } from './lease.ts';
import type { Change, Mvcc, View } from './mvcc.ts';
import { isTombstone, tombstone } from './mvcc.ts';
import { executeTxn } from './txn.ts';
import type {
  DeleteRangeRequest,
  DeleteRangeResponse,
  KeyValue,
  PutRequest,
  PutResponse,
  ResponseHeader,
  TxnRequest,
  TxnResponse,
} from './types.ts';

/** A request's answer, and what has to be logged for it to be true; no entry where it changes nothing. */
export interface Outcome<T> {
  readonly response: T;
  readonly entry?: LogEntry;
}

/**
 * Requests evaluated on top of a committed state, without touching it: each sees the ones before it. The entries that
 * come out become state when they are applied in that order and nothing else came between; otherwise the draft is
 * thrown away and the requests are evaluated again on a new one.
 */
export class Draft implements View {
  readonly #base: Mvcc;
  readonly #lessor: Lessor;
  readonly #identity: ResponseHeader;
  readonly #minTtl: bigint;
  #committed: bigint;
  #compactRevision: bigint;
  /** Versions, tombstones included, of the keys that this draft changed, oldest first. */
  readonly #pending: KeyIndex<KeyValue[]> = new KeyIndex();
  /** Leases that this draft granted (true) or ended (false). */
  readonly #leases: Map<bigint, boolean> = new Map();
  /** Changes of the request under evaluation, with their keys. */
  #changes: Change[] = [];
  #changedKeys: string[] = [];

  constructor(base: Mvcc, lessor: Lessor, identity: ResponseHeader, minTtl: bigint) {
    this.#base = base;
    this.#lessor = lessor;
    this.#identity = identity;
    this.#minTtl = minTtl;
    this.#committed = base.revision;
    this.#compactRevision = base.compactRevision;
  }

  /** Newest revision, with the request under evaluation if it has changed something. */
  get revision(): bigint {
    return this.#changes.length > 0 ? this.#committed + 1n : this.#committed;
  }

  get compactRevision(): bigint {
    return this.#compactRevision;
  }

  /** Revision that the request under evaluation gets for its changes. */
  get nextRevision(): bigint {
    return this.#committed + 1n;
  }

  header(): ResponseHeader {
    return { ...this.#identity, revision: this.revision };
  }

  latest(key: string): KeyValue | undefined {
    const pending = this.#pending.get(key)?.at(-1);
    if (pending === undefined) return this.#base.latest(key);
    return isTombstone(pending) ? undefined : pending;
  }

  scan(range: Interval, revision: bigint, visit: (kv: KeyValue, key: string) => void): void {
    const committed = revision > 0n && revision <= this.#base.revision;
    if (committed || this.#pending.size === 0) {
      this.#base.scan(range, committed ? revision : 0n, visit);
      return;
    }
    const pending: { readonly key: string; readonly kv: KeyValue }[] = [];
    this.#pending.scan(range, (versions, key) => {
      const kv = revision > 0n ? versions.findLast((v) => v.modRevision <= revision) : versions.at(-1);
      if (kv !== undefined) pending.push({ key, kv });
    });
    this.#merge(range, pending, visit);
  }

  #merge(
    range: Interval,
    pending: readonly { readonly key: string; readonly kv: KeyValue }[],
    visit: (kv: KeyValue, key: string) => void,
  ): void {
    let next = 0;
    const emit = (entry: { readonly key: string; readonly kv: KeyValue }): void => {
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

  /** Whether the lease exists for the request under evaluation. */
  hasLease(id: bigint): boolean {
    return this.#leases.get(id) ?? this.#lessor.has(id);
  }

  #record(key: string, change: Change): void {
    const versions = this.#pending.get(key);
    if (versions === undefined) this.#pending.set(key, [change]);
    else versions.push(change);
    this.#changes.push(change);
    this.#changedKeys.push(key);
  }

  /** Puts a key within the request under evaluation; returns what it held. The caller has checked the request. */
  putKey(request: PutRequest): KeyValue | undefined {
    const key = toKeyText(request.key);
    const before = this.latest(key);
    const wanted = request.lease ?? 0n;
    if (wanted !== 0n && !this.hasLease(wanted)) throw etcdError('leaseNotFound');
    if (before === undefined && (request.ignoreValue === true || request.ignoreLease === true)) {
      throw etcdError('keyNotFound');
    }
    const lease = request.ignoreLease === true ? before!.lease : wanted;
    const revision = this.nextRevision;
    this.#record(key, {
      // Copies: the caller may reuse its buffers. A key that exists already shares the bytes it has.
      key: before?.key ?? new Uint8Array(request.key),
      value: request.ignoreValue === true ? before!.value : new Uint8Array(request.value),
      createRevision: before?.createRevision ?? revision,
      modRevision: revision,
      version: (before?.version ?? 0n) + 1n,
      lease,
    });
    return before;
  }

  /** Deletes an interval within the request under evaluation; returns what it held, in key order. */
  deleteKeys(range: Interval): KeyValue[] {
    const deleted: KeyValue[] = [];
    const keys: string[] = [];
    this.scan(range, 0n, (kv, key) => {
      deleted.push(kv);
      keys.push(key);
    });
    const revision = this.nextRevision;
    deleted.forEach((kv, i) => {
      this.#record(keys[i]!, tombstone(kv.key, revision));
    });
    return deleted;
  }

  /** Evaluates one request: all of it, or, where it throws, nothing. */
  #request<T>(evaluate: () => T, revoked: readonly bigint[] = []): Outcome<T> {
    try {
      const response = evaluate();
      if (this.#changes.length === 0) return { response };
      const entry: LogEntry = {
        kind: 'revision',
        revision: this.nextRevision,
        changes: this.#changes,
        revoked,
      };
      this.#committed++;
      return { response, entry };
    } catch (error) {
      for (const key of this.#changedKeys) {
        const versions = this.#pending.get(key)!;
        versions.pop();
        if (versions.length === 0) this.#pending.delete(key);
      }
      throw error;
    } finally {
      this.#changes = [];
      this.#changedKeys = [];
    }
  }

  /** @throws EtcdError of the Put (3 bad request, 5 unknown lease). */
  put(request: PutRequest): Outcome<PutResponse> {
    checkPut(request);
    return this.#request(() => {
      const before = this.putKey(request);
      const header = this.header();
      return request.prevKv === true && before !== undefined ? { header, prevKv: before } : { header };
    });
  }

  /** @throws EtcdError 3 (key is not provided). */
  deleteRange(request: DeleteRangeRequest): Outcome<DeleteRangeResponse> {
    checkDeleteRange(request);
    return this.#request(() => {
      const deleted = this.deleteKeys(interval(request.key, request.rangeEnd));
      const prevKvs = request.prevKv === true ? deleted : [];
      return { header: this.header(), deleted: BigInt(deleted.length), prevKvs };
    });
  }

  /** @throws EtcdError of the transaction or of an operation in the branch taken; then nothing is changed. */
  txn(request: TxnRequest): Outcome<TxnResponse> {
    checkTxn(request);
    return this.#request(() => executeTxn(this, request));
  }

  /**
   * Grants a lease of `ttl` seconds, raised to the store's minimum. `id` is the caller's choice, not 0n.
   * @throws EtcdError 9 (exists already), 11 (TTL too large).
   */
  grant(id: bigint, ttl: bigint): Outcome<{ readonly id: bigint; readonly ttl: bigint }> {
    if (ttl > MAX_LEASE_TTL) throw etcdError('leaseTtlTooLarge');
    if (this.hasLease(id)) throw etcdError('leaseExists');
    const granted = ttl < this.#minTtl ? this.#minTtl : ttl;
    this.#leases.set(id, true);
    return { response: { id, ttl: granted }, entry: { kind: 'grant', id, ttl: granted } };
  }

  /**
   * Ends a lease and deletes its keys, in key order, in one revision; without keys there is no revision.
   * @throws EtcdError 5 (not found).
   */
  revoke(id: bigint): Outcome<ResponseHeader> {
    if (!this.hasLease(id)) throw etcdError('leaseNotFound');
    const keys = this.#attached(id);
    const outcome = this.#request(() => {
      for (const { key, kv } of keys) this.#record(key, tombstone(kv.key, this.nextRevision));
      return this.header();
    }, [id]);
    this.#leases.set(id, false);
    return outcome.entry === undefined ? { ...outcome, entry: { kind: 'revoke', id } } : outcome;
  }

  #attached(id: bigint): { readonly key: string; readonly kv: KeyValue }[] {
    const candidates = new Set(this.#lessor.keys(id));
    this.#pending.scan({ from: '', to: undefined }, (versions, key) => {
      if (versions.at(-1)!.lease === id) candidates.add(key);
    });
    const keys: { readonly key: string; readonly kv: KeyValue }[] = [];
    for (const key of [...candidates].sort(byKey)) {
      const kv = this.latest(key);
      if (kv?.lease === id) keys.push({ key, kv });
    }
    return keys;
  }

  /** @throws EtcdError 11 (compacted already, or a future revision). */
  compact(revision: bigint): Outcome<ResponseHeader> {
    if (revision <= this.#compactRevision) throw etcdError('compacted');
    if (revision > this.#committed) throw etcdError('futureRevision');
    this.#compactRevision = revision;
    return { response: this.header(), entry: { kind: 'compact', revision } };
  }
}

function byKey(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
