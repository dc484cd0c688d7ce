import type {
  DeleteRangeResponse,
  KeyValue,
  PutResponse,
  RangeResponse,
  ResponseHeader,
  ResponseOp,
  TxnResponse,
  WatchEvent,
  WatchResponse,
} from '../../protocol/etcd/types.ts';
import {
  asObject,
  field,
  fromBool,
  fromBytes,
  fromInt64,
  fromList,
  type JsonObject,
  toBool,
  toBytes,
  toEnum,
  toInt64,
  toList,
} from './gateway-values.ts';

/** Responses of etcd's JSON gateway (etcd `api/etcdserverpb/rpc.proto`), both ways. Decoders throw EtcdError 3. */

const EVENT_TYPES = ['PUT', 'DELETE'] as const;

/** Identities are uint64 in the .proto file. */
function fromUint64(value: bigint): string | undefined {
  return fromInt64(BigInt.asUintN(64, value));
}

export function encodeHeader(header: ResponseHeader): JsonObject {
  return {
    cluster_id: fromUint64(header.clusterId),
    member_id: fromUint64(header.memberId),
    revision: fromInt64(header.revision),
    raft_term: fromUint64(header.raftTerm),
  };
}

export function decodeHeader(value: unknown): ResponseHeader {
  const json = asObject(value);
  return {
    clusterId: toInt64(field(json, 'cluster_id')),
    memberId: toInt64(field(json, 'member_id')),
    revision: toInt64(field(json, 'revision')),
    raftTerm: toInt64(field(json, 'raft_term')),
  };
}

function encodeKeyValue(kv: KeyValue): JsonObject {
  return {
    key: fromBytes(kv.key),
    create_revision: fromInt64(kv.createRevision),
    mod_revision: fromInt64(kv.modRevision),
    version: fromInt64(kv.version),
    value: fromBytes(kv.value),
    lease: fromInt64(kv.lease),
  };
}

function decodeKeyValue(value: unknown): KeyValue {
  const json = asObject(value);
  return {
    key: toBytes(field(json, 'key')),
    value: toBytes(field(json, 'value')),
    createRevision: toInt64(field(json, 'create_revision')),
    modRevision: toInt64(field(json, 'mod_revision')),
    version: toInt64(field(json, 'version')),
    lease: toInt64(field(json, 'lease')),
  };
}

export function encodeRangeResponse(response: RangeResponse): JsonObject {
  return {
    header: encodeHeader(response.header),
    kvs: fromList(response.kvs, encodeKeyValue),
    more: fromBool(response.more),
    count: fromInt64(response.count),
  };
}

export function decodeRangeResponse(json: JsonObject): RangeResponse {
  return {
    header: decodeHeader(field(json, 'header')),
    kvs: toList(field(json, 'kvs')).map(decodeKeyValue),
    more: toBool(field(json, 'more')),
    count: toInt64(field(json, 'count')),
  };
}

export function encodePutResponse(response: PutResponse): JsonObject {
  return {
    header: encodeHeader(response.header),
    prev_kv: response.prevKv === undefined ? undefined : encodeKeyValue(response.prevKv),
  };
}

export function decodePutResponse(json: JsonObject): PutResponse {
  const header = decodeHeader(field(json, 'header'));
  const prevKv = field(json, 'prev_kv');
  return prevKv === undefined ? { header } : { header, prevKv: decodeKeyValue(prevKv) };
}

export function encodeDeleteRangeResponse(response: DeleteRangeResponse): JsonObject {
  return {
    header: encodeHeader(response.header),
    deleted: fromInt64(response.deleted),
    prev_kvs: fromList(response.prevKvs, encodeKeyValue),
  };
}

export function decodeDeleteRangeResponse(json: JsonObject): DeleteRangeResponse {
  return {
    header: decodeHeader(field(json, 'header')),
    deleted: toInt64(field(json, 'deleted')),
    prevKvs: toList(field(json, 'prev_kvs')).map(decodeKeyValue),
  };
}

function encodeOp(op: ResponseOp): JsonObject {
  switch (op.kind) {
    case 'range':
      return { response_range: encodeRangeResponse(op.response) };
    case 'put':
      return { response_put: encodePutResponse(op.response) };
    case 'deleteRange':
      return { response_delete_range: encodeDeleteRangeResponse(op.response) };
    case 'txn':
      return { response_txn: encodeTxnResponse(op.response) };
  }
}

function decodeOp(value: unknown): ResponseOp {
  const json = asObject(value);
  const range = field(json, 'response_range');
  if (range !== undefined) return { kind: 'range', response: decodeRangeResponse(asObject(range)) };
  const put = field(json, 'response_put');
  if (put !== undefined) return { kind: 'put', response: decodePutResponse(asObject(put)) };
  const deletion = field(json, 'response_delete_range');
  if (deletion !== undefined) {
    return { kind: 'deleteRange', response: decodeDeleteRangeResponse(asObject(deletion)) };
  }
  return { kind: 'txn', response: decodeTxnResponse(asObject(field(json, 'response_txn'))) };
}

export function encodeTxnResponse(response: TxnResponse): JsonObject {
  return {
    header: encodeHeader(response.header),
    succeeded: fromBool(response.succeeded),
    responses: fromList(response.responses, encodeOp),
  };
}

export function decodeTxnResponse(json: JsonObject): TxnResponse {
  return {
    header: decodeHeader(field(json, 'header')),
    succeeded: toBool(field(json, 'succeeded')),
    responses: toList(field(json, 'responses')).map(decodeOp),
  };
}

function encodeEvent({ type, kv, prevKv }: WatchEvent): JsonObject {
  return {
    type: type === 'PUT' ? undefined : type,
    kv: encodeKeyValue(kv),
    prev_kv: prevKv === undefined ? undefined : encodeKeyValue(prevKv),
  };
}

function decodeEvent(value: unknown): WatchEvent {
  const json = asObject(value);
  const type = toEnum(field(json, 'type'), EVENT_TYPES, 'Event_EventType');
  const kv = decodeKeyValue(field(json, 'kv'));
  const prevKv = field(json, 'prev_kv');
  return prevKv === undefined ? { type, kv } : { type, kv, prevKv: decodeKeyValue(prevKv) };
}

/** `created` marks a watch's first message; one that was never there has watch id -1. */
export function encodeWatchResponse(response: WatchResponse, created: boolean): JsonObject {
  return {
    header: encodeHeader(response.header),
    watch_id: created && response.canceled === true ? '-1' : undefined,
    created: fromBool(created),
    canceled: fromBool(response.canceled),
    compact_revision: fromInt64(response.compactRevision),
    cancel_reason: response.cancelReason,
    events: fromList(response.events, encodeEvent),
  };
}

export function decodeWatchResponse(json: JsonObject): {
  readonly created: boolean;
  readonly response: WatchResponse;
} {
  const header = decodeHeader(field(json, 'header'));
  const events = toList(field(json, 'events')).map(decodeEvent);
  const created = toBool(field(json, 'created'));
  if (!toBool(field(json, 'canceled'))) return { created, response: { header, events } };
  const compactRevision = toInt64(field(json, 'compact_revision'));
  const cancelReason = String(field(json, 'cancel_reason') ?? '');
  return { created, response: { header, events, canceled: true, compactRevision, cancelReason } };
}
