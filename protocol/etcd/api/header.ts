import { type Field, int64, message, uint64 } from '../../protobuf/field.ts';
import { defineMessage, type MessageType } from '../../protobuf/message.ts';
import type { ResponseHeader } from '../types.ts';

/** etcdserverpb.ResponseHeader (etcd `api/etcdserverpb/rpc.proto`). */
export const responseHeader: MessageType<ResponseHeader> = defineMessage<ResponseHeader>(
  'etcdserverpb.ResponseHeader',
  { clusterId: uint64(1), memberId: uint64(2), revision: int64(3), raftTerm: uint64(4) },
);

/** A response's first field. */
export function header(): Field<ResponseHeader> {
  return message(1, () => responseHeader) as Field<ResponseHeader>;
}

/** A response that says nothing else. */
export interface HeaderOnly {
  readonly header: ResponseHeader;
}

export function headerOnly(name: string): MessageType<HeaderOnly> {
  return defineMessage<HeaderOnly>(`etcdserverpb.${name}`, { header: header() });
}

/** A message without fields. */
export type Empty = Record<never, never>;

export function empty(name: string): MessageType<Empty> {
  return defineMessage<Empty>(`etcdserverpb.${name}`, {});
}
