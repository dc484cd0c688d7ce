import { etcdError } from './errors.ts';
import type { Interval } from './keys.ts';
import { contains, interval, toKeyText } from './keys.ts';
import type { DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest } from './types.ts';

/** Checks of requests that need no state (etcd `server/etcdserver/api/v3rpc/key.go`). */

/** How large requests may be. */
export interface Limits {
  /** Most compares, or operations of a branch, that one transaction may have, nested ones included (--max-txn-ops). */
  readonly maxTxnOps: number;
  /** Largest request in bytes (--max-request-bytes). */
  readonly maxRequestBytes: number;
}

/** etcd's own (etcd `embed/config.go`). */
export const DEFAULT_LIMITS: Limits = { maxTxnOps: 128, maxRequestBytes: 1.5 * 1024 * 1024 };

/** What a message may have on top of the request in it before it is not read at all (etcd `v3rpc/grpc.go`). */
const MESSAGE_OVERHEAD: number = 512 * 1024;

/** Bytes of the largest message that is read. */
export function maxMessageBytes({ maxRequestBytes }: Limits): number {
  return maxRequestBytes + MESSAGE_OVERHEAD;
}

/** Room that a protobuf field's tag and length take at most, for the estimate of a request's size. */
const FIELD_OVERHEAD = 6;

function checkKey(key: Uint8Array): void {
  if (key.length === 0) throw etcdError('emptyKey');
}

/** @throws EtcdError 3 (key is not provided, invalid sort option). */
export function checkRange(request: RangeRequest): void {
  checkKey(request.key);
  // An unknown order sorts nothing; sorting by an unknown target ends etcd 3.4 in a panic, and later ones answer with this.
  const sorts = typeof request.sortOrder !== 'number';
  if (sorts && typeof request.sortTarget === 'number') throw etcdError('invalidSortOption');
}

/** @throws EtcdError 3 (key is not provided, value or lease given although it is to be ignored, too large). */
export function checkPut(request: PutRequest, { maxRequestBytes }: Limits): void {
  checkKey(request.key);
  if (request.ignoreValue === true && request.value.length > 0) throw etcdError('valueProvided');
  if (request.ignoreLease === true && (request.lease ?? 0n) !== 0n) throw etcdError('leaseProvided');
  if (putSize(request) > maxRequestBytes) throw etcdError('requestTooLarge');
}

/** @throws EtcdError 3 (key is not provided). */
export function checkDeleteRange(request: DeleteRangeRequest): void {
  checkKey(request.key);
}

/**
 * @throws EtcdError 3: too many operations, an empty key, a key put twice or put and deleted, too large. Both branches are
 * checked, whichever will be taken.
 */
export function checkTxn(request: TxnRequest, limits: Limits): void {
  checkOps(request, limits.maxTxnOps, limits);
  checkIntervals(request.success);
  checkIntervals(request.failure);
  if (txnSize(request) > limits.maxRequestBytes) throw etcdError('requestTooLarge');
}

/** Nested transactions share what their parent leaves of the budget. */
function checkOps(request: TxnRequest, budget: number, limits: Limits): void {
  const most = Math.max(request.compare.length, request.success.length, request.failure.length);
  if (most > budget) throw etcdError('tooManyOps');
  for (const compare of request.compare) checkKey(compare.key);
  for (const op of request.success) checkOp(op, budget - most, limits);
  for (const op of request.failure) checkOp(op, budget - most, limits);
}

function checkOp(op: RequestOp, budget: number, limits: Limits): void {
  if (op.kind === 'range') checkRange(op.request);
  else if (op.kind === 'put') checkPut(op.request, limits);
  else if (op.kind === 'deleteRange') checkDeleteRange(op.request);
  else if (op.kind === 'txn') checkOps(op.request, budget, limits);
  // etcd answers "key not found" to an operation that is none of the four.
  else throw etcdError('keyNotFound');
}

interface Touched {
  readonly puts: Set<string>;
  readonly deletes: Interval[];
}

/**
 * Refuses a list of operations that puts a key twice or puts one it deletes. The two branches of one nested
 * transaction may put the same key, as only one of them runs; overlapping deletions are fine.
 */
function checkIntervals(ops: readonly RequestOp[]): Touched {
  const puts = new Set<string>();
  const deletes: Interval[] = [];
  const add = (key: string, allowed?: ReadonlySet<string>): void => {
    if (puts.has(key) && allowed?.has(key) !== true) throw etcdError('duplicateKey');
    if (deletes.some((range) => contains(range, key))) throw etcdError('duplicateKey');
    puts.add(key);
  };
  for (const op of ops) {
    if (op.kind !== 'deleteRange') continue;
    const range = interval(op.request.key, op.request.rangeEnd);
    // etcd's check takes the end [0] of "everything from here on" literally, and so finds nothing in it.
    if (range.to !== undefined) deletes.push(range);
  }
  for (const op of ops) {
    if (op.kind !== 'txn') continue;
    const success = checkIntervals(op.request.success);
    const failure = checkIntervals(op.request.failure);
    for (const key of success.puts) add(key);
    for (const key of failure.puts) add(key, success.puts);
    deletes.push(...success.deletes, ...failure.deletes);
  }
  for (const op of ops) {
    if (op.kind === 'put') add(toKeyText(op.request.key));
  }
  return { puts, deletes };
}

function putSize(request: PutRequest): number {
  return request.key.length + request.value.length + 2 * FIELD_OVERHEAD;
}

function opSize(op: RequestOp): number {
  if (op.kind === 'txn') return txnSize(op.request);
  if (op.kind === 'put') return putSize(op.request);
  return op.request.key.length + (op.request.rangeEnd?.length ?? 0) + 2 * FIELD_OVERHEAD;
}

function txnSize(request: TxnRequest): number {
  let size = 0;
  for (const compare of request.compare) {
    size += compare.key.length + (compare.target.kind === 'VALUE' ? compare.target.operand.length : 0);
  }
  for (const op of request.success) size += opSize(op);
  for (const op of request.failure) size += opSize(op);
  return size;
}
