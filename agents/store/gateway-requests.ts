import type {
  Compare,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
  WatchRequest,
} from '../../protocol/etcd/types.ts';
import {
  asObject,
  field,
  fromBool,
  fromBytes,
  fromEnum,
  fromInt64,
  fromList,
  type JsonObject,
  toBool,
  toBytes,
  toEnum,
  toInt64,
  toList,
} from './gateway-values.ts';

/** Requests of etcd's JSON gateway (etcd `api/etcdserverpb/rpc.proto`), both ways. Decoders throw EtcdError 3. */

const SORT_ORDERS = ['NONE', 'ASCEND', 'DESCEND'] as const;
const SORT_TARGETS = ['KEY', 'VERSION', 'CREATE', 'MOD', 'VALUE'] as const;
const COMPARE_RESULTS = ['EQUAL', 'GREATER', 'LESS', 'NOT_EQUAL'] as const;
const COMPARE_TARGETS = ['VERSION', 'CREATE', 'MOD', 'VALUE', 'LEASE'] as const;
const WATCH_FILTERS = ['NOPUT', 'NODELETE'] as const;

/** The operand's field for each target but VALUE. */
const OPERANDS = {
  VERSION: 'version',
  CREATE: 'create_revision',
  MOD: 'mod_revision',
  LEASE: 'lease',
} as const;

export function encodeRange(request: RangeRequest): JsonObject {
  return {
    key: fromBytes(request.key),
    range_end: fromBytes(request.rangeEnd),
    limit: fromInt64(request.limit),
    revision: fromInt64(request.revision),
    sort_order: fromEnum(request.sortOrder, SORT_ORDERS),
    sort_target: fromEnum(request.sortTarget, SORT_TARGETS),
    serializable: fromBool(request.serializable),
    keys_only: fromBool(request.keysOnly),
    count_only: fromBool(request.countOnly),
    min_mod_revision: fromInt64(request.minModRevision),
    max_mod_revision: fromInt64(request.maxModRevision),
    min_create_revision: fromInt64(request.minCreateRevision),
    max_create_revision: fromInt64(request.maxCreateRevision),
  };
}

export function decodeRange(json: JsonObject): RangeRequest {
  return {
    key: toBytes(field(json, 'key')),
    rangeEnd: toBytes(field(json, 'range_end')),
    limit: toInt64(field(json, 'limit')),
    revision: toInt64(field(json, 'revision')),
    sortOrder: toEnum(field(json, 'sort_order'), SORT_ORDERS, 'RangeRequest_SortOrder'),
    sortTarget: toEnum(field(json, 'sort_target'), SORT_TARGETS, 'RangeRequest_SortTarget'),
    serializable: toBool(field(json, 'serializable')),
    keysOnly: toBool(field(json, 'keys_only')),
    countOnly: toBool(field(json, 'count_only')),
    minModRevision: toInt64(field(json, 'min_mod_revision')),
    maxModRevision: toInt64(field(json, 'max_mod_revision')),
    minCreateRevision: toInt64(field(json, 'min_create_revision')),
    maxCreateRevision: toInt64(field(json, 'max_create_revision')),
  };
}

export function encodePut(request: PutRequest): JsonObject {
  return {
    key: fromBytes(request.key),
    value: fromBytes(request.value),
    lease: fromInt64(request.lease),
    prev_kv: fromBool(request.prevKv),
    ignore_value: fromBool(request.ignoreValue),
    ignore_lease: fromBool(request.ignoreLease),
  };
}

export function decodePut(json: JsonObject): PutRequest {
  return {
    key: toBytes(field(json, 'key')),
    value: toBytes(field(json, 'value')),
    lease: toInt64(field(json, 'lease')),
    prevKv: toBool(field(json, 'prev_kv')),
    ignoreValue: toBool(field(json, 'ignore_value')),
    ignoreLease: toBool(field(json, 'ignore_lease')),
  };
}

export function encodeDeleteRange(request: DeleteRangeRequest): JsonObject {
  return {
    key: fromBytes(request.key),
    range_end: fromBytes(request.rangeEnd),
    prev_kv: fromBool(request.prevKv),
  };
}

export function decodeDeleteRange(json: JsonObject): DeleteRangeRequest {
  return {
    key: toBytes(field(json, 'key')),
    rangeEnd: toBytes(field(json, 'range_end')),
    prevKv: toBool(field(json, 'prev_kv')),
  };
}

function encodeCompare(compare: Compare): JsonObject {
  const { target } = compare;
  const operand =
    target.kind === 'VALUE'
      ? { value: fromBytes(target.operand) ?? '' }
      : { [OPERANDS[target.kind]]: target.operand.toString() };
  return {
    key: fromBytes(compare.key),
    range_end: fromBytes(compare.rangeEnd),
    result: fromEnum(compare.result, COMPARE_RESULTS),
    target: fromEnum(target.kind, COMPARE_TARGETS),
    ...operand,
  };
}

function decodeCompare(value: unknown): Compare {
  const json = asObject(value);
  const kind = toEnum(field(json, 'target'), COMPARE_TARGETS, 'Compare_CompareTarget');
  const target: Compare['target'] =
    kind === 'VALUE'
      ? { kind, operand: toBytes(field(json, 'value')) }
      : { kind, operand: toInt64(field(json, OPERANDS[kind])) };
  return {
    key: toBytes(field(json, 'key')),
    rangeEnd: toBytes(field(json, 'range_end')),
    result: toEnum(field(json, 'result'), COMPARE_RESULTS, 'Compare_CompareResult'),
    target,
  };
}

function encodeOp(op: RequestOp): JsonObject {
  switch (op.kind) {
    case 'range':
      return { request_range: encodeRange(op.request) };
    case 'put':
      return { request_put: encodePut(op.request) };
    case 'deleteRange':
      return { request_delete_range: encodeDeleteRange(op.request) };
    case 'txn':
      return { request_txn: encodeTxn(op.request) };
  }
}

function decodeOp(value: unknown): RequestOp {
  const json = asObject(value);
  const range = field(json, 'request_range');
  if (range !== undefined) return { kind: 'range', request: decodeRange(asObject(range)) };
  const put = field(json, 'request_put');
  if (put !== undefined) return { kind: 'put', request: decodePut(asObject(put)) };
  const deletion = field(json, 'request_delete_range');
  if (deletion !== undefined) return { kind: 'deleteRange', request: decodeDeleteRange(asObject(deletion)) };
  const txn = field(json, 'request_txn');
  if (txn !== undefined) return { kind: 'txn', request: decodeTxn(asObject(txn)) };
  // An operation that is none: the store refuses it with etcd's error, as part of the whole transaction's check.
  return { kind: 'none' } as unknown as RequestOp;
}

export function encodeTxn(request: TxnRequest): JsonObject {
  return {
    compare: fromList(request.compare, encodeCompare),
    success: fromList(request.success, encodeOp),
    failure: fromList(request.failure, encodeOp),
  };
}

export function decodeTxn(json: JsonObject): TxnRequest {
  return {
    compare: toList(field(json, 'compare')).map(decodeCompare),
    success: toList(field(json, 'success')).map(decodeOp),
    failure: toList(field(json, 'failure')).map(decodeOp),
  };
}

export function encodeWatch(request: WatchRequest): JsonObject {
  return {
    create_request: {
      key: fromBytes(request.key),
      range_end: fromBytes(request.rangeEnd),
      start_revision: fromInt64(request.startRevision),
      prev_kv: fromBool(request.prevKv),
      progress_notify: fromBool(request.progressNotify),
      filters: request.filters,
    },
  };
}

/** The watch that a message creates; undefined where it is not a create_request. */
export function decodeWatch(json: JsonObject): WatchRequest | undefined {
  const value = field(json, 'create_request');
  if (value === undefined) return undefined;
  const create = asObject(value);
  return {
    key: toBytes(field(create, 'key')),
    rangeEnd: toBytes(field(create, 'range_end')),
    startRevision: toInt64(field(create, 'start_revision')),
    prevKv: toBool(field(create, 'prev_kv')),
    progressNotify: toBool(field(create, 'progress_notify')),
    filters: toList(field(create, 'filters')).map((filter) =>
      toEnum(filter, WATCH_FILTERS, 'WatchCreateRequest_FilterType'),
    ),
  };
}
