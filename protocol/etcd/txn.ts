import type { Draft } from './draft.ts';
import { etcdError } from './errors.ts';
import { compareBytes, interval, toKeyText } from './keys.ts';
import type { View } from './mvcc.ts';
import { checkReadRevision, range } from './range.ts';
import type {
  Compare,
  KeyValue,
  RequestOp,
  ResponseHeader,
  ResponseOp,
  TxnRequest,
  TxnResponse,
} from './types.ts';

/** Transactions (etcd `server/etcdserver/txn/txn.go`). */

/** The branches that a transaction and the ones nested in it take, all decided on the state before it. */
interface Path {
  readonly succeeded: boolean;
  readonly ops: readonly RequestOp[];
  /** Of the nested transactions among `ops`, by position. */
  readonly nested: ReadonlyMap<number, Path>;
}

function choosePath(view: View, request: TxnRequest): Path {
  const succeeded = request.compare.every((compare) => holds(view, compare));
  const ops = succeeded ? request.success : request.failure;
  const nested = new Map<number, Path>();
  ops.forEach((op, i) => {
    if (op.kind === 'txn') nested.set(i, choosePath(view, op.request));
  });
  return { succeeded, ops, nested };
}

/** Whether every key of the compare's interval matches; a missing key compares as zeros, and never by value. */
function holds(view: View, compare: Compare): boolean {
  const kvs: (KeyValue | undefined)[] = [];
  view.scan(interval(compare.key, compare.rangeEnd), 0n, (kv) => {
    kvs.push(kv);
  });
  if (kvs.length === 0) {
    if (compare.target.kind === 'VALUE') return false;
    kvs.push(undefined);
  }
  return kvs.every((kv) => matches(kv, compare));
}

function matches(kv: KeyValue | undefined, compare: Compare): boolean {
  const difference = differenceOf(kv, compare.target);
  switch (compare.result) {
    case 'EQUAL':
      return difference === 0;
    case 'NOT_EQUAL':
      return difference !== 0;
    case 'GREATER':
      return difference > 0;
    case 'LESS':
      return difference < 0;
    default:
      // A result that etcd does not know (etcd 3.4 `etcdserver/apply.go`, compareKV).
      return true;
  }
}

/** Sign of the key's property minus the operand. */
function differenceOf(kv: KeyValue | undefined, target: Compare['target']): number {
  if (target.operand === undefined) return 0;
  if (target.kind === 'VALUE') return compareBytes(kv!.value, target.operand);
  const actual = kv === undefined ? 0n : property(kv, target.kind);
  return actual < target.operand ? -1 : actual > target.operand ? 1 : 0;
}

function property(kv: KeyValue, kind: 'VERSION' | 'CREATE' | 'MOD' | 'LEASE'): bigint {
  switch (kind) {
    case 'VERSION':
      return kv.version;
    case 'CREATE':
      return kv.createRevision;
    case 'MOD':
      return kv.modRevision;
    case 'LEASE':
      return kv.lease;
  }
}

/** Refuses what would fail in the middle: first all puts of the path, then all reads, as etcd does. */
function checkPath(draft: Draft, path: Path): void {
  checkPuts(draft, path);
  checkReads(draft, path);
}

function checkPuts(draft: Draft, path: Path): void {
  for (const [i, op] of path.ops.entries()) {
    if (op.kind === 'txn') checkPuts(draft, path.nested.get(i)!);
    if (op.kind !== 'put') continue;
    const { key, ignoreValue, ignoreLease, lease = 0n } = op.request;
    if ((ignoreValue === true || ignoreLease === true) && draft.view.latest(toKeyText(key)) === undefined) {
      throw etcdError('keyNotFound');
    }
    if (lease !== 0n && !draft.hasLease(lease)) throw etcdError('leaseNotFound');
  }
}

function checkReads(draft: Draft, path: Path): void {
  for (const [i, op] of path.ops.entries()) {
    if (op.kind === 'txn') checkReads(draft, path.nested.get(i)!);
    if (op.kind !== 'range') continue;
    const { revision = 0n } = op.request;
    checkReadRevision(draft.view, revision);
    // Outside a transaction, etcd takes a negative revision for the newest.
    if (revision < 0n && revision < draft.view.compactRevision) throw etcdError('compacted');
  }
}

/** Headers inside a transaction carry the revision only; a nested transaction's own is empty. */
function innerHeader(revision: bigint): ResponseHeader {
  return { clusterId: 0n, memberId: 0n, revision, raftTerm: 0n };
}

function executeOp(draft: Draft, op: RequestOp, path: Path, i: number): ResponseOp {
  switch (op.kind) {
    case 'range': {
      const result = range(draft.view, op.request);
      return { kind: 'range', response: { header: innerHeader(draft.view.revision), ...result } };
    }
    case 'put': {
      const before = draft.putKey(op.request);
      const header = innerHeader(draft.view.revision);
      const response =
        op.request.prevKv === true && before !== undefined ? { header, prevKv: before } : { header };
      return { kind: 'put', response };
    }
    case 'deleteRange': {
      const deleted = draft.deleteKeys(interval(op.request.key, op.request.rangeEnd));
      const prevKvs = op.request.prevKv === true ? deleted : [];
      const header = innerHeader(draft.view.revision);
      return { kind: 'deleteRange', response: { header, deleted: BigInt(deleted.length), prevKvs } };
    }
    case 'txn': {
      const nested = path.nested.get(i)!;
      const responses = executeOps(draft, nested);
      return { kind: 'txn', response: { header: innerHeader(0n), succeeded: nested.succeeded, responses } };
    }
  }
}

function executeOps(draft: Draft, path: Path): ResponseOp[] {
  return path.ops.map((op, i) => executeOp(draft, op, path, i));
}

/**
 * Runs a checked transaction as (a part of) the draft's request under evaluation: operations in order, each seeing the ones before.
 * @throws EtcdError of an operation in the branch taken; the caller undoes what came before it.
 */
export function executeTxn(draft: Draft, request: TxnRequest): TxnResponse {
  const path = choosePath(draft.view, request);
  checkPath(draft, path);
  const responses = executeOps(draft, path);
  return { header: draft.header(), succeeded: path.succeeded, responses };
}
