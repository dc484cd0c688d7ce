import { readAuthChange, writeAuthChange } from './auth/codec.ts';
import type { AuthChange } from './auth/state.ts';
import { Reader, Writer } from './binary.ts';
import type { Change } from './change.ts';
import { readChange, viewChange, writeChange } from './key-value.ts';

/**
 * A store's state at the revision it was compacted to, from which the log goes on.
 *
 *   format u8 (2), revision, compact revision, index (varints), leases (count, then id and TTL), users and roles (auth/codec.ts),
 *   live keys in order of revision (count, then sub-revision and KeyValue with its length), changes of `revision` itself, for
 *   watches that start there (count, then KeyValues with their length)
 */
export interface Snapshot {
  readonly revision: bigint;
  readonly compactRevision: bigint;
  /** Entries that the log had had by then; see EtcdStore.index. */
  readonly index: bigint;
  readonly leases: readonly { readonly id: bigint; readonly ttl: bigint }[];
  /** Users and roles, as the change that makes them from none. */
  readonly auth: AuthChange;
  readonly live: readonly Change[];
  readonly last: readonly Change[];
}

const FORMAT = 2;

/** Bytes of a snapshot. */
export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  const pieces = [...snapshotPieces(snapshot, Number.POSITIVE_INFINITY)];
  return pieces[0]!;
}

/** The bytes of a snapshot in pieces of about `size` bytes, so that a large one does not hold up everything else. */
export function* snapshotPieces(snapshot: Snapshot, size: number): Generator<Uint8Array> {
  const writer = new Writer();
  writer.byte(FORMAT);
  writer.varint(snapshot.revision);
  writer.varint(snapshot.compactRevision);
  writer.varint(snapshot.index);
  writer.list(snapshot.leases, ({ id, ttl }) => {
    writer.varint(id);
    writer.varint(ttl);
  });
  writeAuthChange(writer, snapshot.auth);
  writer.varint(BigInt(snapshot.live.length));
  for (const kv of snapshot.live) {
    writer.varint(BigInt(kv.sub));
    writeChange(writer, kv);
    if (writer.length < size) continue;
    yield writer.bytes();
    writer.clear();
  }
  writer.list(snapshot.last, (change) => writeChange(writer, change));
  yield writer.bytes();
}

/** The snapshot in `bytes`, whose values are parts of them: they must not change. @throws DecodeError on anything that is not one. */
export function decodeSnapshot(bytes: Uint8Array): Snapshot {
  const reader = new Reader('store snapshot', bytes);
  const format = reader.byte();
  if (format !== FORMAT) reader.fail(`format ${FORMAT}, got ${format}`);
  const snapshot = {
    revision: reader.varint(),
    compactRevision: reader.varint(),
    index: reader.varint(),
    leases: reader.list(() => ({ id: reader.varint(), ttl: reader.varint() })),
    auth: readAuthChange(reader),
    live: reader.list(() => viewChange(reader, Number(reader.varint()))),
    last: reader.list((sub) => readChange(reader, sub)),
  };
  reader.end();
  return snapshot;
}
