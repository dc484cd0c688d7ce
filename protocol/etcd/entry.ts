import { readAuthChange, writeAuthChange } from './auth/codec.ts';
import type { AuthChange } from './auth/state.ts';
import { Reader, Writer } from './binary.ts';
import type { Change } from './change.ts';
import { readChange, writeChange } from './key-value.ts';

/**
 * What a store's log holds: everything that changes its state, in order. Renewals of leases are not in it.
 *
 *   entry    = format u8 (1), kind u8, body
 *   revision = revision varint, revoked leases (count, then ids), changes (count, then KeyValues with their length)
 *   grant    = lease id, TTL seconds
 *   revoke   = lease id
 *   compact  = revision
 *   auth     = a change of users and roles (auth/codec.ts)
 *   token    = token, user
 *   epoch    = revision
 *
 * Integers are protobuf varints of 64 bits; a KeyValue is etcd's protobuf message (`api/mvccpb/kv.proto`).
 */
export type LogEntry =
  | {
      readonly kind: 'revision';
      readonly revision: bigint;
      readonly changes: readonly Change[];
      /** Leases that this revision ends (revoked or expired); `changes` delete their keys. */
      readonly revoked: readonly bigint[];
    }
  | { readonly kind: 'grant'; readonly id: bigint; readonly ttl: bigint }
  /** The end of a lease without keys, which makes no revision. */
  | { readonly kind: 'revoke'; readonly id: bigint }
  | { readonly kind: 'compact'; readonly revision: bigint }
  | { readonly kind: 'auth'; readonly change: AuthChange }
  /** A token assigned to a user. It is over when the log is read again from its beginning. */
  | { readonly kind: 'token'; readonly token: string; readonly user: string }
  /**
   * The log goes on at `revision`, which changes nothing: revisions before it may have been given out for other things, and have been
   * lost. Everything before it is compacted, so that whoever saw them begins anew.
   */
  | { readonly kind: 'epoch'; readonly revision: bigint };

const FORMAT = 1;
const KINDS = ['revision', 'grant', 'revoke', 'compact', 'auth', 'token', 'epoch'] as const;

/** Bytes of an entry. */
export function encodeLogEntry(entry: LogEntry): Uint8Array {
  const writer = new Writer();
  writeLogEntry(writer, entry);
  return writer.bytes();
}

/** Appends an entry, without anything that tells where it ends. */
export function writeLogEntry(writer: Writer, entry: LogEntry): void {
  writer.byte(FORMAT);
  writer.byte(KINDS.indexOf(entry.kind));
  switch (entry.kind) {
    case 'revision':
      writer.varint(entry.revision);
      writer.list(entry.revoked, (id) => writer.varint(id));
      writer.list(entry.changes, (change) => writeChange(writer, change));
      break;
    case 'grant':
      writer.varint(entry.id);
      writer.varint(entry.ttl);
      break;
    case 'revoke':
      writer.varint(entry.id);
      break;
    case 'compact':
    case 'epoch':
      writer.varint(entry.revision);
      break;
    case 'auth':
      writeAuthChange(writer, entry.change);
      break;
    case 'token':
      writer.text(entry.token);
      writer.text(entry.user);
      break;
  }
}

/**
 * The entry in `bytes`.
 * @throws DecodeError on another format, an unknown kind or bytes that end early or late.
 */
export function decodeLogEntry(bytes: Uint8Array): LogEntry {
  const reader = new Reader('store log entry', bytes);
  const format = reader.byte();
  if (format !== FORMAT) reader.fail(`format ${FORMAT}, got ${format}`);
  const kind = KINDS[reader.byte()];
  const entry = readBody(reader, kind);
  reader.end();
  return entry;
}

function readBody(reader: Reader, kind: LogEntry['kind'] | undefined): LogEntry {
  switch (kind) {
    case 'revision': {
      const revision = reader.varint();
      const revoked = reader.list(() => reader.varint());
      return { kind, revision, revoked, changes: reader.list((sub) => readChange(reader, sub)) };
    }
    case 'grant':
      return { kind, id: reader.varint(), ttl: reader.varint() };
    case 'revoke':
      return { kind, id: reader.varint() };
    case 'compact':
    case 'epoch':
      return { kind, revision: reader.varint() };
    case 'auth':
      return { kind, change: readAuthChange(reader) };
    case 'token':
      return { kind, token: reader.text(), user: reader.text() };
    default:
      return reader.fail('an entry kind of 0 to 6');
  }
}
