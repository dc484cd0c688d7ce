import { bool, bytes, int64, message, oneof, openEnumeration, repeated } from '../../protobuf/field.ts';
import { defineMessage, type MessageType } from '../../protobuf/message.ts';
import type {
  Compare,
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  ResponseHeader,
} from '../types.ts';
import { type HeaderOnly, header, headerOnly } from './header.ts';
import { type Method, unary } from './method.ts';
import { keyValue, optionalKeyValue } from './mvcc.ts';

/** Service KV and its messages (etcd `api/etcdserverpb/rpc.proto`). */

const SORT_ORDERS = ['NONE', 'ASCEND', 'DESCEND'] as const;
const SORT_TARGETS = ['KEY', 'VERSION', 'CREATE', 'MOD', 'VALUE'] as const;

export const rangeRequest: MessageType<RangeRequest> = defineMessage<RangeRequest>(
  'etcdserverpb.RangeRequest',
  {
    key: bytes(1),
    rangeEnd: bytes(2),
    limit: int64(3),
    revision: int64(4),
    sortOrder: openEnumeration(5, 'etcdserverpb.RangeRequest_SortOrder', SORT_ORDERS),
    sortTarget: openEnumeration(6, 'etcdserverpb.RangeRequest_SortTarget', SORT_TARGETS),
    serializable: bool(7),
    keysOnly: bool(8),
    countOnly: bool(9),
    minModRevision: int64(10),
    maxModRevision: int64(11),
    minCreateRevision: int64(12),
    maxCreateRevision: int64(13),
  },
);

export const rangeResponse: MessageType<RangeResponse> = defineMessage<RangeResponse>(
  'etcdserverpb.RangeResponse',
  {
    header: header(),
    kvs: repeated(message(2, () => keyValue)),
    more: bool(3),
    count: int64(4),
  },
);

export const putRequest: MessageType<PutRequest> = defineMessage<PutRequest>('etcdserverpb.PutRequest', {
  key: bytes(1),
  value: bytes(2),
  lease: int64(3),
  prevKv: bool(4),
  ignoreValue: bool(5),
  ignoreLease: bool(6),
});

export const putResponse: MessageType<PutResponse> = defineMessage<PutResponse>('etcdserverpb.PutResponse', {
  header: header(),
  prevKv: optionalKeyValue(2),
});

export const deleteRangeRequest: MessageType<DeleteRangeRequest> = defineMessage<DeleteRangeRequest>(
  'etcdserverpb.DeleteRangeRequest',
  { key: bytes(1), rangeEnd: bytes(2), prevKv: bool(3) },
);

export const deleteRangeResponse: MessageType<DeleteRangeResponse> = defineMessage<DeleteRangeResponse>(
  'etcdserverpb.DeleteRangeResponse',
  { header: header(), deleted: int64(2), prevKvs: repeated(message(3, () => keyValue)) },
);

/** Compare on the wire: the operand is in the field that fits `target`, or absent (then it is zero). */
export interface CompareMessage {
  readonly result: Compare['result'];
  readonly target: Compare['target']['kind'];
  readonly key: Uint8Array;
  readonly version: bigint | undefined;
  readonly createRevision: bigint | undefined;
  readonly modRevision: bigint | undefined;
  readonly value: Uint8Array | undefined;
  readonly lease: bigint | undefined;
  readonly rangeEnd: Uint8Array;
}

const compare: MessageType<CompareMessage> = defineMessage<CompareMessage>('etcdserverpb.Compare', {
  result: openEnumeration(1, 'etcdserverpb.Compare_CompareResult', ['EQUAL', 'GREATER', 'LESS', 'NOT_EQUAL']),
  target: openEnumeration(2, 'etcdserverpb.Compare_CompareTarget', [
    'VERSION',
    'CREATE',
    'MOD',
    'VALUE',
    'LEASE',
  ]),
  key: bytes(3),
  version: oneof('target_union', int64(4)),
  createRevision: oneof('target_union', int64(5)),
  modRevision: oneof('target_union', int64(6)),
  value: oneof('target_union', bytes(7)),
  lease: oneof('target_union', int64(8)),
  rangeEnd: bytes(64),
});

/** RequestOp on the wire: one of the four, or none. */
export interface RequestOpMessage {
  readonly requestRange?: RangeRequest | undefined;
  readonly requestPut?: PutRequest | undefined;
  readonly requestDeleteRange?: DeleteRangeRequest | undefined;
  readonly requestTxn?: TxnRequestMessage | undefined;
}

/** TxnRequest on the wire; `txn.ts` turns it into the store's and back. */
export interface TxnRequestMessage {
  readonly compare: readonly CompareMessage[];
  readonly success: readonly RequestOpMessage[];
  readonly failure: readonly RequestOpMessage[];
}

const requestOp: MessageType<RequestOpMessage> = defineMessage<RequestOpMessage>('etcdserverpb.RequestOp', {
  requestRange: oneof(
    'request',
    message(1, () => rangeRequest),
  ),
  requestPut: oneof(
    'request',
    message(2, () => putRequest),
  ),
  requestDeleteRange: oneof(
    'request',
    message(3, () => deleteRangeRequest),
  ),
  requestTxn: oneof(
    'request',
    message(4, () => txnRequest),
  ),
});

export const txnRequest: MessageType<TxnRequestMessage> = defineMessage<TxnRequestMessage>(
  'etcdserverpb.TxnRequest',
  {
    compare: repeated(message(1, () => compare)),
    success: repeated(message(2, () => requestOp)),
    failure: repeated(message(3, () => requestOp)),
  },
);

/** ResponseOp on the wire. */
export interface ResponseOpMessage {
  readonly responseRange?: RangeResponse | undefined;
  readonly responsePut?: PutResponse | undefined;
  readonly responseDeleteRange?: DeleteRangeResponse | undefined;
  readonly responseTxn?: TxnResponseMessage | undefined;
}

export interface TxnResponseMessage {
  readonly header: ResponseHeader;
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOpMessage[];
}

const responseOp: MessageType<ResponseOpMessage> = defineMessage<ResponseOpMessage>(
  'etcdserverpb.ResponseOp',
  {
    responseRange: oneof(
      'response',
      message(1, () => rangeResponse),
    ),
    responsePut: oneof(
      'response',
      message(2, () => putResponse),
    ),
    responseDeleteRange: oneof(
      'response',
      message(3, () => deleteRangeResponse),
    ),
    responseTxn: oneof(
      'response',
      message(4, () => txnResponse),
    ),
  },
);

export const txnResponse: MessageType<TxnResponseMessage> = defineMessage<TxnResponseMessage>(
  'etcdserverpb.TxnResponse',
  { header: header(), succeeded: bool(2), responses: repeated(message(3, () => responseOp)) },
);

export interface CompactionRequest {
  readonly revision: bigint;
  readonly physical: boolean;
}

const compactionRequest: MessageType<CompactionRequest> = defineMessage<CompactionRequest>(
  'etcdserverpb.CompactionRequest',
  { revision: int64(1), physical: bool(2) },
);

interface KvMethods {
  readonly range: Method<RangeRequest, RangeResponse>;
  readonly put: Method<PutRequest, PutResponse>;
  readonly deleteRange: Method<DeleteRangeRequest, DeleteRangeResponse>;
  readonly txn: Method<TxnRequestMessage, TxnResponseMessage>;
  readonly compact: Method<CompactionRequest, HeaderOnly>;
}

export const kv: KvMethods = {
  range: unary('/etcdserverpb.KV/Range', rangeRequest, rangeResponse, '/v3/kv/range'),
  put: unary('/etcdserverpb.KV/Put', putRequest, putResponse, '/v3/kv/put'),
  deleteRange: unary(
    '/etcdserverpb.KV/DeleteRange',
    deleteRangeRequest,
    deleteRangeResponse,
    '/v3/kv/deleterange',
  ),
  txn: unary('/etcdserverpb.KV/Txn', txnRequest, txnResponse, '/v3/kv/txn'),
  compact: unary(
    '/etcdserverpb.KV/Compact',
    compactionRequest,
    headerOnly('CompactionResponse'),
    '/v3/kv/compaction',
  ),
};
