import { bytes, enumeration, type Field, int64, message } from '../../protobuf/field.ts';
import { defineMessage, type MessageType } from '../../protobuf/message.ts';
import type { KeyValue, WatchEvent } from '../types.ts';

/** mvccpb (etcd `api/mvccpb/kv.proto`). */

export const keyValue: MessageType<KeyValue> = defineMessage<KeyValue>('mvccpb.KeyValue', {
  key: bytes(1),
  createRevision: int64(2),
  modRevision: int64(3),
  version: int64(4),
  value: bytes(5),
  lease: int64(6),
});

/** A KeyValue that may be absent, as property `?: KeyValue`. */
export function optionalKeyValue(number: number): Field<KeyValue> {
  return message(number, () => keyValue) as Field<KeyValue>;
}

export const event: MessageType<WatchEvent> = defineMessage<WatchEvent>('mvccpb.Event', {
  type: enumeration(1, 'mvccpb.Event_EventType', ['PUT', 'DELETE']),
  kv: message(2, () => keyValue) as Field<KeyValue>,
  prevKv: optionalKeyValue(3),
});
