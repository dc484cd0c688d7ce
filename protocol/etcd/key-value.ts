import { Reader, sizeLength, varintLength, type Writer } from './binary.ts';
import { Change } from './change.ts';
import { toKeyText } from './keys.ts';
import { NOWHERE, type Place, toSlab } from './slab.ts';

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

/** Appends the message, without anything that tells where it ends. */
export function writeChangeFields(writer: Writer, change: Change): void {
  writeKey(writer, change);
  writeNumber(writer, CREATE_REVISION, change.createdAt);
  writeNumber(writer, MOD_REVISION, change.modifiedAt);
  writeNumber(writer, VERSION, change.versionNumber);
  if (change.place.length > 0) {
    writer.byte(VALUE);
    writer.block(change.value);
  }
  if (change.lease !== 0n) {
    writer.byte(LEASE);
    writer.varint(change.lease);
  }
}

/** Appends the message that has nothing but the change's key. */
export function writeKey(writer: Writer, { text }: Change): void {
  if (text === '') return;
  writer.byte(KEY);
  writer.size(text.length);
  writer.latin1(text);
}

function writeNumber(writer: Writer, tag: number, value: number): void {
  if (value === 0) return;
  writer.byte(tag);
  writer.size(value);
}

/** Octets of {@link writeChangeFields}. */
function lengthOf({ text, place, createdAt, modifiedAt, versionNumber, lease }: Change): number {
  return (
    blockLength(text.length) +
    numberLength(createdAt) +
    numberLength(modifiedAt) +
    numberLength(versionNumber) +
    blockLength(place.length) +
    (lease === 0n ? 0 : 1 + varintLength(lease))
  );
}

/** Octets of a field, its tag included. */
function blockLength(length: number): number {
  return length === 0 ? 0 : 1 + sizeLength(length) + length;
}

function numberLength(value: number): number {
  return value === 0 ? 0 : 1 + sizeLength(value);
}

/** Appends the message with its length in front. */
export function writeChange(writer: Writer, change: Change): void {
  writer.size(lengthOf(change));
  writeChangeFields(writer, change);
}

/** Reads a message with its length in front, as a change of that sub-revision. @throws DecodeError on anything that is not one. */
export function readChange(reader: Reader, sub: number): Change {
  return readFields(reader.view(), sub, toSlab);
}

/** The same, with its value as a part of the reader's bytes: they stay in memory as long as the change does. */
export function viewChange(reader: Reader, sub: number): Change {
  return readFields(reader.view(), sub, placeOf);
}

function placeOf({ buffer, byteOffset, length }: Uint8Array): Place {
  return { buffer, offset: byteOffset, length };
}

/** `keep`: where a value, which is a part of `message`, is to stay. */
function readFields(message: Uint8Array, sub: number, keep: (value: Uint8Array) => Place): Change {
  const reader = new Reader('KeyValue', message);
  let text = '';
  let value = NOWHERE;
  const numbers = { createdAt: 0, modifiedAt: 0, versionNumber: 0, lease: 0n, sub };
  while (!reader.atEnd) {
    const tag = reader.byte();
    if (tag === KEY) text = toKeyText(reader.view());
    else if (tag === CREATE_REVISION) numbers.createdAt = reader.size();
    else if (tag === MOD_REVISION) numbers.modifiedAt = reader.size();
    else if (tag === VERSION) numbers.versionNumber = reader.size();
    else if (tag === VALUE) value = keep(reader.view());
    else if (tag === LEASE) numbers.lease = reader.varint();
    else reader.fail(`a field of KeyValue, got tag ${tag}`);
  }
  return new Change(text, value, numbers);
}
