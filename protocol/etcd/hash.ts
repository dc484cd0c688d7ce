import { crc32c } from '../hash/crc32c.ts';
import { Writer } from './binary.ts';
import type { Change } from './change.ts';
import { etcdError } from './errors.ts';
import { writeChangeFields, writeKey } from './key-value.ts';
import type { Mvcc } from './mvcc.ts';
import type { Revisions } from './revision-log.ts';

/** Name of the bucket that etcd keeps its key space in, with which its hash begins. */
const BUCKET = new TextEncoder().encode('key');
const UNDERSCORE = 0x5f;
const TOMBSTONE_MARK = 0x74;

/**
 * etcd's checksum of its history up to `revision` (etcd `server/storage/mvcc/hash.go`, `revision.go`): CRC-32C of the bucket's
 * name and then, for every change in order of revision and sub-revision, of the key under which etcd's database has it (both
 * numbers as 8 bytes, big endian, with `_` between and `t` behind a deletion) and its KeyValue as protobuf. Of the changes up to the
 * compacted revision only those count that are still what their key holds at `revision`, not even a deletion at exactly the compacted
 * one; but where no key at all is left at `revision`, etcd leaves out none of those that the compaction kept.
 *
 * Yields between changes, so that the caller can do it in slices; the store may change meanwhile.
 * @throws RangeError while a compaction has not been trimmed; EtcdError 11 (compacted or future revision).
 */
export function* hashKv(mvcc: Mvcc, revision: bigint): Generator<void, number> {
  if (mvcc.trimming) throw new RangeError('the hash of a history that is being compacted');
  checkHashRevision(mvcc, revision);
  // Nothing happened before the first revision.
  if (revision < 0n) return crc32c(BUCKET);
  const to = revision === 0n ? mvcc.revision : revision;
  const { base, compactRevision } = mvcc;
  const from = compactRevision < 1n ? 2n : compactRevision + 1n;
  const log = mvcc.changesBetween(from, to);
  const hasher = new ChangeHasher();
  const replaced = base.length > 0 ? yield* newestOf(log) : NONE;
  const left = leavesKeys(base, replaced);
  for (const kv of base) {
    if (!left || !replaced.has(kv.text)) hasher.add(kv);
    yield;
  }
  for (const changes of log) {
    for (const kv of changes) {
      hasher.add(kv);
      yield;
    }
  }
  return hasher.value;
}

const NONE: ReadonlyMap<string, Change> = new Map();

/** The last change of each key. */
function* newestOf(log: Revisions): Generator<void, ReadonlyMap<string, Change>> {
  const newest = new Map<string, Change>();
  for (const changes of log) {
    for (const kv of changes) newest.set(kv.text, kv);
    yield;
  }
  return newest;
}

/** Whether any key is left: one that was kept and not changed since, or one whose last change is no deletion. */
function leavesKeys(base: readonly Change[], newest: ReadonlyMap<string, Change>): boolean {
  for (const kv of newest.values()) if (!kv.isTombstone) return true;
  return base.some((kv) => !newest.has(kv.text));
}

/** @throws EtcdError 11 (compacted or future revision). */
export function checkHashRevision(mvcc: Mvcc, revision: bigint): void {
  if (revision > 0n && revision <= mvcc.compactRevision) throw etcdError('compacted');
  if (revision > mvcc.revision) throw etcdError('futureRevision');
}

class ChangeHasher {
  readonly #writer: Writer = new Writer();
  value: number = crc32c(BUCKET);

  add(change: Change): void {
    const writer = this.#writer;
    writer.clear();
    writer.uint64(change.modRevision);
    writer.byte(UNDERSCORE);
    writer.uint64(BigInt(change.sub));
    if (change.isTombstone) {
      writer.byte(TOMBSTONE_MARK);
      writeKey(writer, change);
    } else {
      writeChangeFields(writer, change);
    }
    this.value = crc32c(writer.written, this.value);
  }
}
