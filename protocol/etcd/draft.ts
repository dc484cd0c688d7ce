import { Guard, type Identity } from './auth/guard.ts';
import type { AuthChange, AuthState } from './auth/state.ts';
import { applyAuthChange } from './auth/state.ts';
import type { Change } from './change.ts';
import { checkDeleteRange, checkPut, checkRange, checkTxn, type Limits } from './check.ts';
import type { LogEntry } from './entry.ts';
import { etcdError } from './errors.ts';
import type { Interval } from './keys.ts';
import { interval, toKeyText } from './keys.ts';
import type { Lessor } from './lease.ts';
import { MAX_LEASE_TTL } from './lease.ts';
import type { Mvcc } from './mvcc.ts';
import { Overlay } from './overlay.ts';
import { range } from './range.ts';
import { executeTxn } from './txn.ts';
import type {
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  ResponseHeader,
  TxnRequest,
  TxnResponse,
} from './types.ts';

/** A request's answer, and what has to be logged for it to be true; no entry where it changes nothing. */
export interface Outcome<T> {
  readonly response: T;
  readonly entry?: LogEntry;
}

/** A committed state, as far as requests are evaluated on it. */
export interface Committed {
  readonly mvcc: Mvcc;
  readonly lessor: Lessor;
  readonly auth: AuthState;
  /** Entries applied so far. */
  readonly index: bigint;
  readonly identity: ResponseHeader;
  readonly minLeaseTtl: bigint;
  readonly limits: Limits;
}

/**
 * Requests evaluated on top of a committed state, without touching it: each sees the ones before it. The entries that
 * come out become state when they are applied in that order and nothing else came between; otherwise the draft is
 * thrown away and the requests are evaluated again on a new one.
 *
 * `caller` is who makes the request; without one it is the store's own process, which may everything.
 */
export class Draft {
  readonly #base: Committed;
  /** The key space with the draft's changes. */
  readonly view: Overlay;
  #auth: AuthState;
  #index: bigint;
  /** Leases that this draft granted (true) or ended (false). */
  readonly #leases: Map<bigint, boolean> = new Map();

  constructor(base: Committed) {
    this.#base = base;
    this.view = new Overlay(base.mvcc);
    this.#auth = base.auth;
    this.#index = base.index;
  }

  /** Users and roles as of now. */
  get auth(): AuthState {
    return this.#auth;
  }

  header(): ResponseHeader {
    return { ...this.#base.identity, revision: this.view.revision };
  }

  /** What permits or refuses the caller's requests; undefined: nothing is refused. */
  guard(caller: Identity | undefined): Guard | undefined {
    return caller === undefined || !this.#auth.enabled ? undefined : new Guard(this.#auth, caller);
  }

  #logged<T>(response: T, entry: LogEntry): Outcome<T> {
    this.#index++;
    return { response, entry };
  }

  /** Whether the lease exists for the request under evaluation. */
  hasLease(id: bigint): boolean {
    return this.#leases.get(id) ?? this.#base.lessor.has(id);
  }

  /** Keys attached to a lease, in order. */
  #attached = (id: bigint): string[] => {
    const candidates = new Set(this.#base.lessor.keys(id));
    for (const key of this.view.keysWithLease(id)) candidates.add(key);
    return [...candidates].filter((key) => this.view.latest(key)?.lease === id).sort();
  };

  /** Puts a key within the request under evaluation; returns what it held. The request has passed its static checks. */
  putKey(request: PutRequest): Change | undefined {
    const lease = request.lease ?? 0n;
    if (lease !== 0n && !this.hasLease(lease)) throw etcdError('leaseNotFound');
    const keeps = request.ignoreValue === true || request.ignoreLease === true;
    if (keeps && this.view.latest(toKeyText(request.key)) === undefined) throw etcdError('keyNotFound');
    return this.view.put(request);
  }

  /** Deletes an interval within the request under evaluation; returns what it held, in key order. */
  deleteKeys(wanted: Interval): Change[] {
    return this.view.deleteRange(wanted);
  }

  /** Evaluates one request: all of it, or, where it throws, nothing. */
  #request<T>(evaluate: () => T, revoked: readonly bigint[] = []): Outcome<T> {
    let response: T;
    try {
      response = evaluate();
    } catch (error) {
      this.view.undo();
      throw error;
    }
    const changes = this.view.accept();
    if (changes.length === 0) return { response };
    const revision = this.view.committed;
    return this.#logged(response, { kind: 'revision', revision, changes, revoked });
  }

  /** @throws EtcdError 3 (key is not provided), 11 (compacted or future revision), or of permissions. */
  range(request: RangeRequest, caller?: Identity): Outcome<RangeResponse> {
    checkRange(request);
    this.guard(caller)?.range(request);
    return { response: { header: this.header(), ...range(this.view, request) } };
  }

  /** @throws EtcdError of the Put (3 bad request, 5 unknown lease), or of permissions. */
  put(request: PutRequest, caller?: Identity): Outcome<PutResponse> {
    checkPut(request, this.#base.limits);
    this.guard(caller)?.put(request, this.#attached);
    return this.#request(() => {
      const before = this.putKey(request);
      const header = this.header();
      return request.prevKv === true && before !== undefined ? { header, prevKv: before } : { header };
    });
  }

  /** @throws EtcdError 3 (key is not provided), or of permissions. */
  deleteRange(request: DeleteRangeRequest, caller?: Identity): Outcome<DeleteRangeResponse> {
    checkDeleteRange(request);
    this.guard(caller)?.deleteRange(request);
    return this.#request(() => {
      const deleted = this.deleteKeys(interval(request.key, request.rangeEnd));
      const prevKvs = request.prevKv === true ? deleted : [];
      return { header: this.header(), deleted: BigInt(deleted.length), prevKvs };
    });
  }

  /** @throws EtcdError of the transaction or of an operation in the branch taken; then nothing is changed. */
  txn(request: TxnRequest, caller?: Identity): Outcome<TxnResponse> {
    checkTxn(request, this.#base.limits);
    this.guard(caller)?.txn(request, this.#attached);
    return this.#request(() => executeTxn(this, request));
  }

  /**
   * Grants a lease of `ttl` seconds, raised to the store's minimum. `id` is the caller's choice, not 0n.
   * @throws EtcdError 9 (exists already), 11 (TTL too large).
   */
  grant(id: bigint, ttl: bigint): Outcome<{ readonly id: bigint; readonly ttl: bigint }> {
    if (ttl > MAX_LEASE_TTL) throw etcdError('leaseTtlTooLarge');
    if (this.hasLease(id)) throw etcdError('leaseExists');
    const { minLeaseTtl } = this.#base;
    const granted = ttl < minLeaseTtl ? minLeaseTtl : ttl;
    this.#leases.set(id, true);
    return this.#logged({ id, ttl: granted }, { kind: 'grant', id, ttl: granted });
  }

  /**
   * Ends a lease and deletes its keys, in key order, in one revision; without keys there is no revision.
   * @throws EtcdError 5 (not found), or of permissions on its keys.
   */
  revoke(id: bigint, caller?: Identity): Outcome<ResponseHeader> {
    if (!this.hasLease(id)) throw etcdError('leaseNotFound');
    const keys = this.#attached(id);
    this.guard(caller)?.writeAll(keys);
    const outcome = this.#request(() => {
      this.view.deleteKeys(keys);
      return this.header();
    }, [id]);
    this.#leases.set(id, false);
    return outcome.entry === undefined ? this.#logged(outcome.response, { kind: 'revoke', id }) : outcome;
  }

  /** Whether the keys of a lease may be told. @throws EtcdError of permissions. */
  checkLeaseKeys(id: bigint, caller: Identity): void {
    this.guard(caller)?.readAll(this.#attached(id));
  }

  /** @throws EtcdError 11 (compacted already, or a future revision). */
  compact(revision: bigint): Outcome<ResponseHeader> {
    if (revision <= this.view.compactRevision) throw etcdError('compacted');
    if (revision > this.view.committed) throw etcdError('futureRevision');
    this.view.compactRevision = revision;
    return this.#logged(this.header(), { kind: 'compact', revision });
  }

  /**
   * A request of the Auth service that only the role root may make: `evaluate` gives the change, or undefined where there is none.
   * @throws EtcdError of the request or of permissions.
   */
  changeAuth(
    evaluate: (state: AuthState) => AuthChange | undefined,
    caller?: Identity,
  ): Outcome<ResponseHeader> {
    this.guard(caller)?.root();
    const change = evaluate(this.#auth);
    if (change === undefined) return { response: this.header() };
    this.#auth = applyAuthChange(this.#auth, change);
    return this.#logged(this.header(), { kind: 'auth', change });
  }

  /**
   * Assigns a user whose password has been found right a token that begins with `prefix`. `checked` is the revision of users and
   * roles at that time: undefined is answered where they have changed since, and the password must be looked at again.
   */
  assignToken(
    user: string,
    prefix: string,
    checked: bigint,
  ): Outcome<{ readonly header: ResponseHeader; readonly token: string } | undefined> {
    if (!this.#auth.enabled) throw etcdError('authNotEnabled');
    if (this.#auth.revision !== checked) return { response: undefined };
    const token = `${prefix}.${this.#index + 1n}`;
    return this.#logged({ header: this.header(), token }, { kind: 'token', token, user });
  }
}
