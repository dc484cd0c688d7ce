import { etcdError } from '../errors.ts';
import { fromKeyText } from '../keys.ts';
import type {
  Compare,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from '../types.ts';
import { type Access, isRoot, mayAccess } from './permissions.ts';
import type { AuthState } from './state.ts';

/** Who makes a request: a user, as of the state's revision when the request came. */
export interface Identity {
  readonly name: string;
  readonly revision: bigint;
}

/** Neither a token nor a certificate came with the request. */
export const NOBODY: Identity = { name: '', revision: 0n };

/**
 * Checks one caller's requests against a state (etcd `server/etcdserver/apply/apply_auth.go`). Every method returns where the
 * request is permitted or authentication is disabled, and otherwise throws etcd's error: 3 (no user, or users and roles have
 * changed since the request came) or 7 (permission denied).
 */
export class Guard {
  readonly #state: AuthState;
  readonly #caller: Identity;

  constructor(state: AuthState, caller: Identity) {
    this.#state = state;
    this.#caller = caller;
  }

  #access(access: Access, key: Uint8Array, rangeEnd?: Uint8Array): void {
    if (!this.#state.enabled) return;
    const { name, revision } = this.#caller;
    if (revision === 0n) throw etcdError('userEmpty');
    if (revision < this.#state.revision) throw etcdError('authOldRevision');
    if (!mayAccess(this.#state, name, access, key, rangeEnd)) throw etcdError('permissionDenied');
  }

  /** The role root, for users, roles and maintenance. */
  root(): void {
    if (!this.#state.enabled) return;
    if (this.#caller.name === '') throw etcdError('userEmpty');
    if (!isRoot(this.#state, this.#caller.name)) throw etcdError('permissionDenied');
  }

  range({ key, rangeEnd }: Pick<RangeRequest, 'key' | 'rangeEnd'>): void {
    this.#access('READ', key, rangeEnd);
  }

  /**
   * `keysOfLease`: what is attached to a lease. Who could not write these keys could not revoke the lease either, so no further key
   * may be attached to it.
   */
  put(request: PutRequest, keysOfLease: (id: bigint) => Iterable<string>): void {
    this.#access('WRITE', request.key);
    if ((request.lease ?? 0n) !== 0n) this.writeAll(keysOfLease(request.lease!));
    if (request.prevKv === true) this.#access('READ', request.key);
  }

  deleteRange(request: DeleteRangeRequest): void {
    this.#access('WRITE', request.key, request.rangeEnd);
    if (request.prevKv === true) this.#access('READ', request.key, request.rangeEnd);
  }

  /** All of it, both branches and what is nested in them. */
  txn(request: TxnRequest, keysOfLease: (id: bigint) => Iterable<string>): void {
    for (const { key, rangeEnd } of request.compare as readonly Compare[]) {
      this.#access('READ', key, rangeEnd);
    }
    for (const op of request.success) this.#op(op, keysOfLease);
    for (const op of request.failure) this.#op(op, keysOfLease);
  }

  #op(op: RequestOp, keysOfLease: (id: bigint) => Iterable<string>): void {
    if (op.kind === 'range') this.range(op.request);
    else if (op.kind === 'put') this.put(op.request, keysOfLease);
    else if (op.kind === 'deleteRange') this.deleteRange(op.request);
    else this.txn(op.request, keysOfLease);
  }

  /** The keys that a revoked lease takes with it. */
  writeAll(keys: Iterable<string>): void {
    if (!this.#state.enabled || isRoot(this.#state, this.#caller.name)) return;
    for (const key of keys) this.#access('WRITE', fromKeyText(key));
  }

  /** The keys that the answer about a lease names. */
  readAll(keys: Iterable<string>): void {
    if (!this.#state.enabled || isRoot(this.#state, this.#caller.name)) return;
    for (const key of keys) this.#access('READ', fromKeyText(key));
  }

  /** Root, or the user itself. */
  user(name: string): void {
    if (name !== this.#caller.name || name === '') this.root();
  }

  /** Root, or whoever has the role. */
  role(name: string): void {
    const { roles = [] } = this.#state.users.get(this.#caller.name) ?? {};
    if (!roles.includes(name)) this.root();
  }
}
