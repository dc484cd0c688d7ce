import { checkRange } from './check.ts';
import { Draft } from './draft.ts';
import type { LogEntry } from './entry.ts';
import type { Interval } from './keys.ts';
import { fromKeyText, toKeyText } from './keys.ts';
import { Lessor, MIN_LEASE_TTL } from './lease.ts';
import type { Change } from './mvcc.ts';
import { isTombstone, Mvcc } from './mvcc.ts';
import { range } from './range.ts';
import type { Snapshot } from './snapshot.ts';
import type {
  KeyValue,
  RangeRequest,
  RangeResponse,
  ResponseHeader,
  WatchRequest,
  WatchResponse,
} from './types.ts';
import type { WatchOutput } from './watch.ts';
import { Watchers } from './watch.ts';

const EVERYTHING: Interval = { from: '', to: undefined };

export interface EtcdStoreOptions {
  /** Non-zero, in every response. */
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly raftTerm?: bigint;
  /** Seconds to which smaller TTLs are raised; default {@link MIN_LEASE_TTL}. */
  readonly minLeaseTtl?: bigint;
}

export interface TimeToLive {
  /** Whole seconds left; -1n: there is no such lease. */
  readonly ttl: bigint;
  readonly grantedTtl: bigint;
  readonly keys: readonly Uint8Array[];
}

/**
 * An etcd store as a machine without clock or I/O. Reads are answered from it; a mutation is first evaluated on a
 * {@link Draft}, which gives the answer and a log entry, and becomes state by {@link EtcdStore.apply} once the entry is
 * logged. Whoever applies the same entries in the same order has the same store.
 */
export class EtcdStore {
  readonly #identity: ResponseHeader;
  readonly #minTtl: bigint;
  readonly #mvcc: Mvcc = new Mvcc();
  readonly #lessor: Lessor = new Lessor();
  readonly #watchers: Watchers;

  constructor(options: EtcdStoreOptions) {
    const { clusterId, memberId, raftTerm = 1n } = options;
    this.#identity = { clusterId, memberId, revision: 0n, raftTerm };
    this.#minTtl = options.minLeaseTtl ?? MIN_LEASE_TTL;
    this.#watchers = new Watchers(this.#mvcc, this.#identity);
  }

  get revision(): bigint {
    return this.#mvcc.revision;
  }

  /** Revision of the last compaction; -1n before the first. */
  get compactRevision(): bigint {
    return this.#mvcc.compactRevision;
  }

  /** Header of a response made now. */
  header(): ResponseHeader {
    return { ...this.#identity, revision: this.#mvcc.revision };
  }

  /** @throws EtcdError 3 (key is not provided), 11 (compacted or future revision). */
  range(request: RangeRequest): RangeResponse {
    checkRange(request);
    return { header: this.header(), ...range(this.#mvcc, request) };
  }

  /** A draft on the current state, good until the next {@link EtcdStore.apply}. */
  draft(): Draft {
    return new Draft(this.#mvcc, this.#lessor, this.#identity, this.#minTtl);
  }

  /**
   * Makes a logged entry state; `now` starts the leases it grants. Returns what watchers get.
   * @throws RangeError where a revision does not follow the current one.
   */
  apply(entry: LogEntry, now: number): readonly WatchOutput[] {
    switch (entry.kind) {
      case 'revision':
        return this.#applyRevision(entry.revision, entry.changes, entry.revoked);
      case 'grant':
        this.#lessor.grant(entry.id, entry.ttl, now);
        return [];
      case 'revoke':
        this.#lessor.remove(entry.id);
        return [];
      case 'compact':
        // A log replayed on a later snapshot repeats compactions that are in it.
        if (entry.revision > this.compactRevision) this.#mvcc.compact(entry.revision);
        return [];
    }
  }

  #applyRevision(revision: bigint, changes: readonly Change[], revoked: readonly bigint[]): WatchOutput[] {
    const logged = this.#mvcc.append(revision, changes);
    for (const { key, kv, prevKv } of logged) {
      if (prevKv !== undefined && prevKv.lease !== kv.lease) this.#lessor.detach(prevKv.lease, key);
      if (!isTombstone(kv)) this.#lessor.attach(kv.lease, key);
    }
    for (const id of revoked) this.#lessor.remove(id);
    return this.#watchers.dispatch(revision, logged);
  }

  /** The entry that the log holds for a revision; undefined where it is compacted away or in the future. */
  revisionEntry(revision: bigint): LogEntry | undefined {
    const changes = this.#mvcc.changesAt(revision);
    if (changes === undefined) return undefined;
    return { kind: 'revision', revision, changes: changes.map(({ kv }) => kv), revoked: [] };
  }

  /** Starts a watch: see {@link Watchers.open}. Later responses come out of {@link EtcdStore.apply}. */
  watch(request: WatchRequest): { readonly watchId: number; readonly outputs: readonly WatchResponse[] } {
    return this.#watchers.open(request);
  }

  cancelWatch(watchId: number): void {
    this.#watchers.close(watchId);
  }

  /** A progress notification for a watch: see {@link Watchers.progress}. */
  watchProgress(watchId: number): WatchResponse | undefined {
    return this.#watchers.progress(watchId);
  }

  /** Renews a lease; its granted TTL in seconds, or undefined where it is unknown or expired. */
  keepAlive(id: bigint, now: number): bigint | undefined {
    return this.#lessor.keepAlive(id, now);
  }

  /** Moves a lease's deadline (milliseconds on the clock of `now`), where something else keeps it. */
  setLeaseDeadline(id: bigint, deadline: number): void {
    this.#lessor.setDeadline(id, deadline);
  }

  /** Granted TTL in seconds; undefined where there is no such lease. */
  leaseTtl(id: bigint): bigint | undefined {
    return this.#lessor.ttl(id);
  }

  leaseIds(): bigint[] {
    return this.#lessor.ids();
  }

  /** What is left of a lease, and its keys. */
  timeToLive(id: bigint, now: number): TimeToLive {
    const remaining = this.#lessor.remaining(id, now);
    if (remaining === undefined) return { ttl: -1n, grantedTtl: 0n, keys: [] };
    const keys = [...this.#lessor.keys(id)].map(fromKeyText);
    return { ttl: BigInt(Math.floor(remaining / 1000)), grantedTtl: this.#lessor.ttl(id)!, keys };
  }

  /** Leases to be revoked: past their deadline. */
  expiredLeases(now: number): bigint[] {
    return this.#lessor.expired(now);
  }

  /** When the next lease expires; undefined without leases. */
  nextLeaseDeadline(): number | undefined {
    return this.#lessor.nextDeadline();
  }

  /** The state at the compacted revision, with the leases of now: what a log needs whose older entries are dropped. */
  snapshot(): Snapshot {
    const compactRevision = this.#mvcc.compactRevision;
    const revision = compactRevision > 1n ? compactRevision : 1n;
    const live: KeyValue[] = [];
    if (revision > 1n) this.#mvcc.scan(EVERYTHING, revision, (kv) => live.push(kv));
    const leases = this.#lessor.ids().map((id) => ({ id, ttl: this.#lessor.ttl(id)! }));
    const last = this.#mvcc.changesAt(revision) ?? [];
    return { revision, compactRevision, leases, live, last: last.map(({ kv }) => kv) };
  }

  /** Puts a new store at a snapshot's state; its leases start afresh. */
  restore(snapshot: Snapshot, now: number): void {
    const { revision, compactRevision, leases, live } = snapshot;
    const last = snapshot.last.map((kv) => ({ key: toKeyText(kv.key), kv, prevKv: undefined }));
    this.#mvcc.restore(revision, compactRevision, live, last);
    for (const kv of live) this.#lessor.attach(kv.lease, toKeyText(kv.key));
    for (const { id, ttl } of leases) this.#lessor.grant(id, ttl, now);
  }
}
