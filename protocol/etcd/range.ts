import type { Change } from './change.ts';
import { etcdError } from './errors.ts';
import { compareBytes, interval } from './keys.ts';
import type { View } from './mvcc.ts';
import type { KeyValue, RangeRequest } from './types.ts';

/** A RangeResponse without its header. */
export interface RangeResult {
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
  readonly count: bigint;
}

/**
 * Refuses a revision that cannot be read.
 * @throws EtcdError 11 (future or compacted revision).
 */
export function checkReadRevision(view: Pick<View, 'revision' | 'compactRevision'>, revision: bigint): void {
  if (revision > view.revision) throw etcdError('futureRevision');
  if (revision > 0n && revision < view.compactRevision) throw etcdError('compacted');
}

function filterOf(request: RangeRequest): ((kv: Change) => boolean) | undefined {
  const {
    minModRevision = 0n,
    maxModRevision = 0n,
    minCreateRevision = 0n,
    maxCreateRevision = 0n,
  } = request;
  if (
    minModRevision === 0n &&
    maxModRevision === 0n &&
    minCreateRevision === 0n &&
    maxCreateRevision === 0n
  ) {
    return undefined;
  }
  return (kv) =>
    (minModRevision === 0n || kv.modifiedAt >= minModRevision) &&
    (maxModRevision === 0n || kv.modifiedAt <= maxModRevision) &&
    (minCreateRevision === 0n || kv.createdAt >= minCreateRevision) &&
    (maxCreateRevision === 0n || kv.createdAt <= maxCreateRevision);
}

const COMPARE: Record<
  Exclude<RangeRequest['sortTarget'], number | undefined>,
  (a: Change, b: Change) => number
> = {
  KEY: (a, b) => (a.text < b.text ? -1 : 1),
  VALUE: (a, b) => compareBytes(a.value, b.value),
  VERSION: (a, b) => a.versionNumber - b.versionNumber,
  CREATE: (a, b) => a.createdAt - b.createdAt,
  MOD: (a, b) => a.modifiedAt - b.modifiedAt,
};

/** Sorts in place; `kvs` come in key order, so an ascending sort by key has nothing to do. */
function sort(kvs: Change[], request: RangeRequest): void {
  const target = request.sortTarget ?? 'KEY';
  const order = request.sortOrder ?? 'NONE';
  if (typeof order === 'number' || typeof target === 'number') return;
  if (target === 'KEY' && order !== 'DESCEND') return;
  const compare = COMPARE[target];
  kvs.sort(order === 'DESCEND' ? (a, b) => compare(b, a) : compare);
}

/**
 * Answers a Range request on `view`: filters, then sorts, then limits (etcd `server/etcdserver/txn/range.go`). `count` is the
 * number of keys in the interval whatever the filters and the limit.
 * @throws EtcdError 11 where the revision is compacted or in the future.
 */
export function range(view: View, request: RangeRequest): RangeResult {
  const revision = request.revision ?? 0n;
  checkReadRevision(view, revision);
  const limit = request.limit ?? 0n;
  const filter = filterOf(request);
  let kvs: Change[] = [];
  let count = 0;
  view.scan(interval(request.key, request.rangeEnd), revision, (kv) => {
    count++;
    if (request.countOnly !== true && (filter === undefined || filter(kv))) kvs.push(kv);
  });
  const more = limit > 0n && BigInt(kvs.length) > limit;
  // Without an order and filters etcd fetches one key more than the limit, and sorts by a target just those.
  if (more && filter === undefined && (request.sortOrder ?? 'NONE') === 'NONE')
    kvs.length = Number(limit) + 1;
  sort(kvs, request);
  if (more) kvs.length = Number(limit);
  if (request.keysOnly === true) kvs = kvs.map((kv) => kv.withoutValue());
  return { kvs, more, count: BigInt(count) };
}
