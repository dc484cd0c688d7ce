import { crc32c } from '../hash/crc32c.ts';
import { Reader, Writer } from './binary.ts';
import { encodeLogEntry, type LogEntry } from './entry.ts';
import { type Snapshot, snapshotPieces } from './snapshot.ts';

/**
 * A store, whole: the state it was compacted to with its leases, users and roles of now, and every revision since. Whoever begins with it
 * answers each read, watch and hash as the store did.
 */
export interface Backup {
  readonly snapshot: Snapshot;
  /** The revisions behind the snapshot's, in order and without a gap. */
  readonly entries: Iterable<LogEntry>;
}

/**
 * A backup as a file (Maintenance.Snapshot):
 *
 *   "podwire store snapshot, format 1" and a line feed
 *   records: kind u8, length u32, CRC-32C u32 of kind, length and content, content
 *     0: a part of the snapshot (snapshot.ts), together all of it
 *     1: a revision (entry.ts)
 *     2: the end; the last revision as a varint
 *   zeros up to a multiple of 512 octets, behind which etcd's clients expect a checksum
 *   SHA-256 of everything before it, 32 octets
 *
 * Numbers are big endian. Each record has a checksum of its own so that damage has a place.
 */
export const MAGIC: Uint8Array = new TextEncoder().encode('podwire store snapshot, format 1\n');
export const RecordKind = { snapshot: 0, revision: 1, end: 2 } as const;
export const RECORD_HEAD = 9;
const SECTOR = 512;
export const DIGEST = 32;

/** Octets that are made in one go, about. */
const PIECE = 4096;

/** The octets of a backup up to its SHA-256, in pieces, so that a large one neither holds up anything nor is in memory as a whole. */
export function* backupPieces({ snapshot, entries }: Backup): Generator<Uint8Array> {
  const writer = new RecordWriter();
  yield MAGIC;
  for (const piece of snapshotPieces(snapshot, PIECE)) {
    writer.record(RecordKind.snapshot, piece);
    yield writer.take();
  }
  let last = snapshot.revision;
  for (const entry of entries) {
    if (entry.kind === 'revision') last = entry.revision;
    writer.record(RecordKind.revision, encodeLogEntry(entry));
    if (writer.length >= PIECE) yield writer.take();
  }
  const end = new Writer();
  end.varint(last);
  writer.record(RecordKind.end, end.bytes());
  yield writer.take();
  yield new Uint8Array(paddingBehind(MAGIC.length + writer.taken));
}

/** Zeros that make `length` a whole number of sectors. */
export function paddingBehind(length: number): number {
  return (SECTOR - (length % SECTOR)) % SECTOR;
}

/** The checksum of a record whose head, without checksum, is `head`. */
export function recordChecksum(head: Uint8Array, content: Uint8Array): number {
  return crc32c(content, crc32c(head));
}

class RecordWriter {
  readonly #writer: Writer = new Writer();
  /** Octets taken so far. */
  taken = 0;

  get length(): number {
    return this.#writer.length;
  }

  record(kind: number, content: Uint8Array): void {
    const start = this.#writer.length;
    this.#writer.byte(kind);
    this.#writer.uint32(content.length);
    const checksum = recordChecksum(this.#writer.written.subarray(start), content);
    this.#writer.uint32(checksum);
    this.#writer.raw(content);
  }

  take(): Uint8Array {
    const bytes = this.#writer.bytes();
    this.taken += bytes.length;
    this.#writer.clear();
    return bytes;
  }
}

/** The last revision in the content of an end record. @throws DecodeError. */
export function decodeEnd(content: Uint8Array): bigint {
  const reader = new Reader('end of a store snapshot', content);
  const revision = reader.varint();
  reader.end();
  return revision;
}
