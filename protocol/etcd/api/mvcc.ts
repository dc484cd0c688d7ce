import { bytes, enumeration, type Field, int64, message } from '../../protobuf/field.ts';
import { defineMessage, type MessageType } from '../../protobuf/message.ts';
import type { ProtoWriter } from '../../protobuf/writer.ts';
import { Change } from '../change.ts';
import { copyKeyText, fromKeyText } from '../keys.ts';
import type { KeyValue, WatchEvent } from '../types.ts';

/** mvccpb (etcd `api/mvccpb/kv.proto`). */

const anyKeyValue: MessageType<KeyValue> = defineMessage<KeyValue>('mvccpb.KeyValue', {
  key: bytes(1),
  createRevision: int64(2),
  modRevision: int64(3),
  version: int64(4),
  value: bytes(5),
  lease: int64(6),
});

/** A KeyValue; the store's own are written from what they consist of. */
export const keyValue: MessageType<KeyValue> = {
  ...anyKeyValue,
  write: (writer, kv) => (kv instanceof Change ? writeChange(writer, kv) : anyKeyValue.write(writer, kv)),
};

/** Keys up to this length are written through a buffer that is there already. */
const KEY = new Uint8Array(1024);

/** The fields of a KeyValue, last first; tags as in key-value.ts. */
function writeChange(writer: ProtoWriter, change: Change): void {
  if (change.lease !== 0n) {
    writer.varint64(change.lease);
    writer.varint(0x30);
  }
  if (change.place.length > 0) {
    writer.bytes(change.value);
    writer.varint(0x2a);
  }
  writeNumber(writer, 0x20, change.versionNumber);
  writeNumber(writer, 0x18, change.modifiedAt);
  writeNumber(writer, 0x10, change.createdAt);
  writeKey(writer, change.text);
}

function writeKey(writer: ProtoWriter, text: string): void {
  if (text.length === 0) return;
  if (text.length > KEY.length) {
    writer.bytes(fromKeyText(text));
  } else {
    copyKeyText(text, KEY);
    writer.bytes(KEY.subarray(0, text.length));
  }
  writer.varint(0x0a);
}

function writeNumber(writer: ProtoWriter, tag: number, value: number): void {
  if (value === 0) return;
  writer.varint(value);
  writer.varint(tag);
}

/** A KeyValue that may be absent, as property `?: KeyValue`. */
export function optionalKeyValue(number: number): Field<KeyValue> {
  return message(number, () => keyValue) as Field<KeyValue>;
}

export const event: MessageType<WatchEvent> = defineMessage<WatchEvent>('mvccpb.Event', {
  type: enumeration(1, 'mvccpb.Event_EventType', ['PUT', 'DELETE']),
  kv: message(2, () => keyValue) as Field<KeyValue>,
  prevKv: optionalKeyValue(3),
});
