import type { Identity } from './auth/guard.ts';
import { Guard, NOBODY } from './auth/guard.ts';
import type { AuthChange, AuthState } from './auth/state.ts';
import { applyAuthChange, NO_AUTH, revokedUsers, wholeAuthChange } from './auth/state.ts';
import { Tokens } from './auth/tokens.ts';
import type { Backup } from './backup.ts';
import { checkRange, DEFAULT_LIMITS, type Limits } from './check.ts';
import { Draft } from './draft.ts';
import type { LogEntry } from './entry.ts';
import { etcdError } from './errors.ts';
import { checkHashRevision, hashKv } from './hash.ts';
import { fromKeyText } from './keys.ts';
import { Lessor, MIN_LEASE_TTL } from './lease.ts';
import { Mvcc } from './mvcc.ts';
import { range } from './range.ts';
import type { Snapshot } from './snapshot.ts';
import type { RangeRequest, RangeResponse, ResponseHeader, WatchRequest } from './types.ts';
import type { WatchOutput, WatchStep } from './watch.ts';
import { Watchers } from './watch.ts';

export interface EtcdStoreOptions {
  /** Non-zero, in every response. */
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly raftTerm?: bigint;
  /** Seconds to which smaller TTLs are raised; default {@link MIN_LEASE_TTL}. */
  readonly minLeaseTtl?: bigint;
  /** Seconds that a token is good for behind its last use; default 300. */
  readonly tokenTtl?: number | undefined;
  /** How large requests may be; default {@link DEFAULT_LIMITS}. */
  readonly limits?: Limits | undefined;
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
  readonly limits: Limits;
  readonly #mvcc: Mvcc = new Mvcc();
  readonly #lessor: Lessor = new Lessor();
  readonly #watchers: Watchers;
  readonly #tokens: Tokens;
  #auth: AuthState = NO_AUTH;
  #index = 0n;

  constructor(options: EtcdStoreOptions) {
    const { clusterId, memberId, raftTerm = 1n } = options;
    this.#identity = { clusterId, memberId, revision: 0n, raftTerm };
    this.#minTtl = options.minLeaseTtl ?? MIN_LEASE_TTL;
    this.limits = options.limits ?? DEFAULT_LIMITS;
    this.#watchers = new Watchers(this.#mvcc, this.#identity);
    this.#tokens = new Tokens(options.tokenTtl);
  }

  get revision(): bigint {
    return this.#mvcc.revision;
  }

  /** Revision of the last compaction; -1n before the first. */
  get compactRevision(): bigint {
    return this.#mvcc.compactRevision;
  }

  /** Log entries applied so far, those included that make no revision. */
  get index(): bigint {
    return this.#index;
  }

  /** Users and roles. */
  get auth(): AuthState {
    return this.#auth;
  }

  /** Bytes of all that can be read, about as etcd's database would count them. */
  get bytes(): number {
    return this.#mvcc.bytes;
  }

  /** Header of a response made now. */
  header(): ResponseHeader {
    return { ...this.#identity, revision: this.#mvcc.revision };
  }

  /**
   * Reads what has been applied, without a draft. For the `caller` see {@link Draft}.
   * @throws EtcdError 3 (key is not provided), 11 (compacted or future revision), or of permissions.
   */
  range(request: RangeRequest, caller?: Identity): RangeResponse {
    checkRange(request);
    if (caller !== undefined) new Guard(this.#auth, caller).range(request);
    return { header: this.header(), ...range(this.#mvcc, request) };
  }

  /** A draft on the current state, good until the next {@link EtcdStore.apply}. */
  draft(): Draft {
    return new Draft({
      mvcc: this.#mvcc,
      lessor: this.#lessor,
      auth: this.#auth,
      index: this.#index,
      identity: this.#identity,
      minLeaseTtl: this.#minTtl,
      limits: this.limits,
    });
  }

  /**
   * Makes a logged entry state; `now` starts the leases it grants. Returns what watchers get.
   * @throws RangeError where a revision does not follow the current one.
   */
  apply(entry: LogEntry, now: number): readonly WatchOutput[] {
    const outputs = this.#apply(entry, now);
    this.#index++;
    return outputs;
  }

  #apply(entry: LogEntry, now: number): readonly WatchOutput[] {
    switch (entry.kind) {
      case 'revision':
        return this.#applyRevision(entry);
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
      case 'auth':
        this.#applyAuth(entry.change);
        return [];
      case 'epoch':
        this.#mvcc.jump(entry.revision);
        return [];
      case 'token':
        this.#tokens.assign(entry.token, entry.user, now);
        return [];
    }
  }

  #applyRevision({ revision, changes, revoked }: LogEntry & { readonly kind: 'revision' }): WatchOutput[] {
    const before = this.#mvcc.append(revision, changes);
    for (const [i, { text, lease, isTombstone }] of changes.entries()) {
      const lastLease = before[i]?.lease ?? 0n;
      if (lastLease !== lease) this.#lessor.detach(lastLease, text);
      if (!isTombstone) this.#lessor.attach(lease, text);
    }
    for (const id of revoked) this.#lessor.remove(id);
    return this.#watchers.dispatch(revision, changes);
  }

  #applyAuth(change: AuthChange): void {
    for (const user of revokedUsers(this.#auth, change)) this.#tokens.revokeUser(user);
    if (!change.enabled) this.#tokens.clear();
    this.#auth = applyAuthChange(this.#auth, change);
  }

  /**
   * Who comes with a token, or else with a certificate of that common name; a token is good for longer by it.
   * @throws EtcdError 16 (invalid auth token).
   */
  identify(token: string | undefined, commonName: string | undefined, now: number): Identity {
    if (token === undefined) {
      return commonName === undefined ? NOBODY : { name: commonName, revision: this.#auth.revision };
    }
    const name = this.#tokens.use(token, now);
    if (name === undefined) throw etcdError('invalidAuthToken');
    return { name, revision: this.#auth.revision };
  }

  /** Ends all tokens: they do not outlive the process that assigned them, also where its log can be read again. */
  forgetTokens(): void {
    this.#tokens.clear();
  }

  /** The entry that the log holds for a revision; undefined where it is compacted away or in the future. */
  revisionEntry(revision: bigint): LogEntry | undefined {
    const changes = this.#mvcc.changesAt(revision);
    return changes === undefined ? undefined : { kind: 'revision', revision, changes, revoked: [] };
  }

  /** The entry that makes a new store's users and roles these; undefined where there never were any. */
  authEntry(): LogEntry | undefined {
    return this.#auth === NO_AUTH ? undefined : { kind: 'auth', change: wholeAuthChange(this.#auth) };
  }

  /**
   * Starts a watch: see {@link Watchers.open}. Further history comes out of {@link EtcdStore.catchUpWatch}, and events out of
   * {@link EtcdStore.apply}.
   */
  watch(request: WatchRequest): WatchStep & { readonly watchId: number } {
    return this.#watchers.open(request);
  }

  /** More history for a watch that is not in sync: see {@link Watchers.catchUp}. */
  catchUpWatch(watchId: number): WatchStep {
    return this.#watchers.catchUp(watchId);
  }

  cancelWatch(watchId: number): void {
    this.#watchers.close(watchId);
  }

  /** A progress notification for a watch: see {@link Watchers.progress}. */
  watchProgress(watchId: number): ReturnType<Watchers['progress']> {
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

  /** Leases to be revoked: past their deadline, at most `most`, the earliest first. */
  expiredLeases(now: number, most?: number): bigint[] {
    return this.#lessor.expired(now, most);
  }

  /** When the next lease expires; undefined without leases. */
  nextLeaseDeadline(): number | undefined {
    return this.#lessor.nextDeadline();
  }

  /** Whether a compaction has left something to {@link EtcdStore.trim}. */
  get trimming(): boolean {
    return this.#mvcc.trimming;
  }

  /** Frees what compactions left behind, in slices: see {@link Mvcc.trim}. */
  trim(most: number): boolean {
    return this.#mvcc.trim(most);
  }

  /** @throws EtcdError 11: there is no hash of that revision (compacted or future). */
  checkHashRevision(revision: bigint): void {
    checkHashRevision(this.#mvcc, revision);
  }

  /** etcd's HashKV, in slices, once everything is trimmed: see {@link hashKv}. */
  hashKv(revision: bigint): Generator<void, number> {
    return hashKv(this.#mvcc, revision);
  }

  /**
   * The state at the compacted revision, with the leases, users and roles of now: what a log needs whose older entries are dropped.
   * @throws RangeError while a compaction has not been trimmed.
   */
  snapshot(): Snapshot {
    if (this.#mvcc.trimming) throw new RangeError('a snapshot of a history that is being compacted');
    const compactRevision = this.#mvcc.compactRevision;
    const revision = compactRevision > 1n ? compactRevision : 1n;
    const leases = this.#lessor.ids().map((id) => ({ id, ttl: this.#lessor.ttl(id)! }));
    const last = this.#mvcc.changesAt(revision) ?? [];
    return {
      revision,
      compactRevision,
      index: this.#index,
      leases,
      auth: wholeAuthChange(this.#auth),
      live: this.#mvcc.base,
      last,
    };
  }

  /**
   * The whole store as of now, with every revision that can still be read; what happens later does not change it.
   * @throws RangeError while a compaction has not been trimmed.
   */
  backup(): Backup {
    const snapshot = this.snapshot();
    const history = this.#mvcc.changesBetween(snapshot.revision + 1n, this.revision);
    return {
      // Who applies the revisions on top counts them again.
      snapshot: { ...snapshot, index: this.#index - BigInt(history.length) },
      entries: {
        *[Symbol.iterator]() {
          let revision = snapshot.revision;
          for (const changes of history)
            yield { kind: 'revision', revision: ++revision, changes, revoked: [] };
        },
      },
    };
  }

  /** Puts a new store at a backup's state; its leases start afresh. */
  restoreBackup({ snapshot, entries }: Backup, now: number): void {
    this.restore(snapshot, now);
    for (const entry of entries) this.apply(entry, now);
  }

  /** Puts a new store at a snapshot's state; its leases start afresh. */
  restore(snapshot: Snapshot, now: number): void {
    const { revision, compactRevision, leases, live, index, auth } = snapshot;
    this.#mvcc.restore(revision, compactRevision, live, snapshot.last);
    for (const { lease, text } of live) this.#lessor.attach(lease, text);
    for (const { id, ttl } of leases) this.#lessor.grant(id, ttl, now);
    this.#index = index;
    this.#auth = applyAuthChange(NO_AUTH, auth);
  }
}
