import type { Compare, RequestOp, ResponseOp, TxnRequest, TxnResponse } from '../types.ts';
import type {
  CompareMessage,
  RequestOpMessage,
  ResponseOpMessage,
  TxnRequestMessage,
  TxnResponseMessage,
} from './kv.ts';

/** Transactions between the wire, where a oneof is a set of optional fields, and the store, where it is a union. */

const NO_BYTES: Uint8Array = new Uint8Array(0);

/** The operand's field for each target but VALUE. */
const OPERANDS = {
  VERSION: 'version',
  CREATE: 'createRevision',
  MOD: 'modRevision',
  LEASE: 'lease',
} as const;

/** The store's request. */
export function fromTxnMessage(message: TxnRequestMessage): TxnRequest {
  return {
    compare: message.compare.map(fromCompareMessage),
    success: message.success.map(fromOpMessage),
    failure: message.failure.map(fromOpMessage),
  };
}

function fromCompareMessage(message: CompareMessage): Compare {
  const { key, rangeEnd, result, target: kind } = message;
  if (typeof kind === 'number') return { key, rangeEnd, result, target: { kind } };
  const target: Compare['target'] =
    kind === 'VALUE'
      ? { kind, operand: message.value ?? NO_BYTES }
      : { kind, operand: message[OPERANDS[kind]] ?? 0n };
  return { key, rangeEnd, result, target };
}

function fromOpMessage(message: RequestOpMessage): RequestOp {
  const { requestRange, requestPut, requestDeleteRange, requestTxn } = message;
  if (requestPut !== undefined) return { kind: 'put', request: requestPut };
  if (requestRange !== undefined) return { kind: 'range', request: requestRange };
  if (requestDeleteRange !== undefined) return { kind: 'deleteRange', request: requestDeleteRange };
  if (requestTxn !== undefined) return { kind: 'txn', request: fromTxnMessage(requestTxn) };
  // An operation that is none: the store refuses it with etcd's error, as part of the whole transaction's check.
  return { kind: 'none' } as unknown as RequestOp;
}

/** The message for the store's answer. */
export function toTxnResponseMessage(response: TxnResponse): TxnResponseMessage {
  const { header, succeeded, responses } = response;
  return { header, succeeded, responses: responses.map(toOpMessage) };
}

function toOpMessage(op: ResponseOp): ResponseOpMessage {
  switch (op.kind) {
    case 'range':
      return { responseRange: op.response };
    case 'put':
      return { responsePut: op.response };
    case 'deleteRange':
      return { responseDeleteRange: op.response };
    case 'txn':
      return { responseTxn: toTxnResponseMessage(op.response) };
  }
}

/** The message for a request, as a client sends it. */
export function toTxnMessage(request: TxnRequest): TxnRequestMessage {
  return {
    compare: request.compare.map(toCompareMessage),
    success: request.success.map(toRequestOpMessage),
    failure: request.failure.map(toRequestOpMessage),
  };
}

function toCompareMessage({ key, rangeEnd = NO_BYTES, result, target }: Compare): CompareMessage {
  const message = {
    result,
    target: target.kind,
    key,
    version: undefined,
    createRevision: undefined,
    modRevision: undefined,
    value: undefined,
    lease: undefined,
    rangeEnd,
  };
  if (target.operand === undefined) return message;
  if (target.kind === 'VALUE') return { ...message, value: target.operand };
  return { ...message, [OPERANDS[target.kind]]: target.operand };
}

function toRequestOpMessage(op: RequestOp): RequestOpMessage {
  switch (op.kind) {
    case 'range':
      return { requestRange: op.request };
    case 'put':
      return { requestPut: op.request };
    case 'deleteRange':
      return { requestDeleteRange: op.request };
    case 'txn':
      return { requestTxn: toTxnMessage(op.request) };
  }
}

/** The answer in a message, as a client reads it. */
export function fromTxnResponseMessage(message: TxnResponseMessage): TxnResponse {
  const { header, succeeded, responses } = message;
  return { header, succeeded, responses: responses.map(fromResponseOpMessage) };
}

function fromResponseOpMessage(message: ResponseOpMessage): ResponseOp {
  const { responseRange, responsePut, responseDeleteRange, responseTxn } = message;
  if (responseRange !== undefined) return { kind: 'range', response: responseRange };
  if (responsePut !== undefined) return { kind: 'put', response: responsePut };
  if (responseDeleteRange !== undefined) return { kind: 'deleteRange', response: responseDeleteRange };
  return { kind: 'txn', response: fromTxnResponseMessage(responseTxn!) };
}
