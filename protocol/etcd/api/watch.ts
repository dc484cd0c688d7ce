import {
  bool,
  bytes,
  int64,
  message,
  oneof,
  openEnumeration,
  repeated,
  string,
} from '../../protobuf/field.ts';
import { defineMessage, type MessageType } from '../../protobuf/message.ts';
import type { ResponseHeader, WatchEvent, WatchRequest } from '../types.ts';
import { type Empty, empty, header } from './header.ts';
import { type Method, streaming } from './method.ts';
import { event } from './mvcc.ts';

/** Service Watch and its messages (etcd `api/etcdserverpb/rpc.proto`). */

export interface WatchCreateMessage extends WatchRequest {
  /** The client's choice; 0n: the server's. */
  readonly watchId: bigint;
  readonly fragment: boolean;
}

const watchCreate: MessageType<WatchCreateMessage> = defineMessage<WatchCreateMessage>(
  'etcdserverpb.WatchCreateRequest',
  {
    key: bytes(1),
    rangeEnd: bytes(2),
    startRevision: int64(3),
    progressNotify: bool(4),
    filters: repeated(
      openEnumeration(5, 'etcdserverpb.WatchCreateRequest_FilterType', ['NOPUT', 'NODELETE']),
    ),
    prevKv: bool(6),
    watchId: int64(7),
    fragment: bool(8),
  },
);

interface WatchCancelMessage {
  readonly watchId: bigint;
}

/** WatchRequest: one of the three. */
export interface WatchMessage {
  readonly createRequest?: WatchCreateMessage | undefined;
  readonly cancelRequest?: WatchCancelMessage | undefined;
  readonly progressRequest?: Empty | undefined;
}

const watchCancel: MessageType<WatchCancelMessage> = defineMessage<WatchCancelMessage>(
  'etcdserverpb.WatchCancelRequest',
  { watchId: int64(1) },
);
const watchProgress: MessageType<Empty> = empty('WatchProgressRequest');

const watchRequest: MessageType<WatchMessage> = defineMessage<WatchMessage>('etcdserverpb.WatchRequest', {
  createRequest: oneof(
    'request_union',
    message(1, () => watchCreate),
  ),
  cancelRequest: oneof(
    'request_union',
    message(2, () => watchCancel),
  ),
  progressRequest: oneof(
    'request_union',
    message(3, () => watchProgress),
  ),
});

export interface WatchResponseMessage {
  readonly header: ResponseHeader;
  readonly watchId: bigint;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compactRevision: bigint;
  readonly cancelReason: string;
  readonly fragment: boolean;
  readonly events: readonly WatchEvent[];
}

const watchResponse: MessageType<WatchResponseMessage> = defineMessage<WatchResponseMessage>(
  'etcdserverpb.WatchResponse',
  {
    header: header(),
    watchId: int64(2),
    created: bool(3),
    canceled: bool(4),
    compactRevision: int64(5),
    cancelReason: string(6),
    fragment: bool(7),
    events: repeated(message(11, () => event)),
  },
);

export const watch: { readonly watch: Method<WatchMessage, WatchResponseMessage> } = {
  watch: streaming('both', '/etcdserverpb.Watch/Watch', watchRequest, watchResponse, '/v3/watch'),
};
