import { Reader, Writer } from './binary.ts';
import { readKeyValue, writeKeyValue } from './key-value.ts';
import type { Change } from './mvcc.ts';
import type { KeyValue } from './types.ts';

/**
 * A store's state at the revision it was compacted to, from which the log goes on.
 *
 *   format u8 (1), revision, compact revision (varints), leases (count, then id and TTL), live keys (count, then KeyValues
 *   with their length), changes of `revision` itself, for watches that start there (count, then KeyValues with their
 *   length)
 */
export interface Snapshot {
  readonly revision: bigint;
  readonly compactRevision: bigint;
  readonly leases: readonly { readonly id: bigint; readonly ttl: bigint }[];
  readonly live: readonly KeyValue[];
  readonly last: readonly Change[];
}

const FORMAT = 1;

/** Bytes of a snapshot. */
export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  const writer = new Writer();
  writer.byte(FORMAT);
  writer.varint(snapshot.revision);
  writer.varint(snapshot.compactRevision);
  writer.varint(BigInt(snapshot.leases.length));
  for (const { id, ttl } of snapshot.leases) {
    writer.varint(id);
    writer.varint(ttl);
  }
  writer.varint(BigInt(snapshot.live.length));
  for (const kv of snapshot.live) writeKeyValue(writer, kv);
  writer.varint(BigInt(snapshot.last.length));
  for (const change of snapshot.last) writeKeyValue(writer, change);
  return writer.bytes();
}

/** The snapshot in `bytes`. @throws DecodeError on anything that is not one. */
export function decodeSnapshot(bytes: Uint8Array): Snapshot {
  const reader = new Reader('store snapshot', bytes);
  const format = reader.byte();
  if (format !== FORMAT) reader.fail(`format ${FORMAT}, got ${format}`);
  const revision = reader.varint();
  const compactRevision = reader.varint();
  const leases = reader.list(() => ({ id: reader.varint(), ttl: reader.varint() }));
  const live = reader.list(() => readKeyValue(reader));
  const last = reader.list(() => readKeyValue(reader));
  reader.end();
  return { revision, compactRevision, leases, live, last };
}
