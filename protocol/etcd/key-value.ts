import { Reader, sizeLength, varintLength, Writer } from './binary.ts';
import type { Change } from './change.ts';
import type { KeyValue } from './types.ts';

/**
 * etcd's KeyValue as protobuf (etcd `api/mvccpb/kv.proto`); fields that are zero or empty are absent:
 *
 *   1 key bytes · 2 create_revision int64 · 3 mod_revision int64 · 4 version int64 · 5 value bytes · 6 lease int64
 */
const KEY = 0x0a;
const CREATE_REVISION = 0x10;
const MOD_REVISION = 0x18;
const VERSION = 0x20;
const VALUE = 0x2a;
const LEASE = 0x30;

/** The message's bytes. */
export function encodeKeyValue(kv: KeyValue): Uint8Array {
  const writer = new Writer();
  writeKeyValueFields(writer, kv);
  return writer.bytes();
}

/** Appends the message, without anything that tells where it ends. */
export function writeKeyValueFields(writer: Writer, kv: KeyValue): void {
  writeBytes(writer, KEY, kv.key);
  writeInteger(writer, CREATE_REVISION, kv.createRevision);
  writeInteger(writer, MOD_REVISION, kv.modRevision);
  writeInteger(writer, VERSION, kv.version);
  writeBytes(writer, VALUE, kv.value);
  writeInteger(writer, LEASE, kv.lease);
}

function writeBytes(writer: Writer, tag: number, bytes: Uint8Array): void {
  if (bytes.length === 0) return;
  writer.byte(tag);
  writer.block(bytes);
}

function writeInteger(writer: Writer, tag: number, value: bigint): void {
  if (value === 0n) return;
  writer.byte(tag);
  writer.varint(value);
}

/** Bytes of a field, its tag included. */
function bytesLength(bytes: Uint8Array): number {
  return bytes.length === 0 ? 0 : 1 + sizeLength(bytes.length) + bytes.length;
}

function integerLength(value: bigint): number {
  return value === 0n ? 0 : 1 + varintLength(value);
}

/** The message in `bytes`. @throws DecodeError on anything that is not one. */
export function decodeKeyValue(bytes: Uint8Array): KeyValue {
  const { sub: _, ...kv } = readFields(new Uint8Array(bytes), 0);
  return kv;
}

/** Key and value are parts of `message`: one allocation for both. */
function readFields(message: Uint8Array, sub: number): Change {
  const reader = new Reader('KeyValue', message);
  const kv = { ...EMPTY, sub };
  while (!reader.atEnd) {
    const tag = reader.byte();
    if (tag === KEY) kv.key = reader.view();
    else if (tag === CREATE_REVISION) kv.createRevision = reader.varint();
    else if (tag === MOD_REVISION) kv.modRevision = reader.varint();
    else if (tag === VERSION) kv.version = reader.varint();
    else if (tag === VALUE) kv.value = reader.view();
    else if (tag === LEASE) kv.lease = reader.varint();
    else reader.fail(`a field of KeyValue, got tag ${tag}`);
  }
  return kv;
}

const NO_BYTES: Uint8Array = new Uint8Array(0);
const EMPTY = { key: NO_BYTES, value: NO_BYTES, createRevision: 0n, modRevision: 0n, version: 0n, lease: 0n };

/** Appends the message with its length in front. */
export function writeKeyValue(writer: Writer, kv: KeyValue): void {
  writer.size(
    bytesLength(kv.key) +
      integerLength(kv.createRevision) +
      integerLength(kv.modRevision) +
      integerLength(kv.version) +
      bytesLength(kv.value) +
      integerLength(kv.lease),
  );
  writeKeyValueFields(writer, kv);
}

/** Reads a message with its length in front, as a change of that sub-revision. */
export function readChange(reader: Reader, sub: number): Change {
  return readFields(reader.block(), sub);
}

/** The same, as a part of the reader's bytes: they stay in memory as long as the change does. */
export function viewChange(reader: Reader, sub: number): Change {
  return readFields(reader.view(), sub);
}
