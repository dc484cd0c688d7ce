/**
 * etcd's v3 data model as its clients see it (etcd `api/mvccpb/kv.proto`, `api/etcdserverpb/rpc.proto`): the messages
 * of KV, Watch and Lease with the same fields in camel case. All 64-bit integers are bigint: lease ids use the whole
 * range.
 */

export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Revision of the last creation; fixed until the key is deleted. */
  readonly createRevision: bigint;
  readonly modRevision: bigint;
  /** 1 on creation, then one more per put. */
  readonly version: bigint;
  /** 0n: no lease. */
  readonly lease: bigint;
}

export interface ResponseHeader {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  /** Current revision of the store, also in the answer to a read of an older one. */
  readonly revision: bigint;
  readonly raftTerm: bigint;
}

export interface RangeRequest {
  readonly key: Uint8Array;
  /** Absent or empty: one key. `[0]`: every key >= `key`. */
  readonly rangeEnd?: Uint8Array;
  readonly limit?: bigint;
  /** 0n or absent: the newest. */
  readonly revision?: bigint;
  /** A number: an order that etcd does not know, which is none. */
  readonly sortOrder?: 'NONE' | 'ASCEND' | 'DESCEND' | number;
  readonly sortTarget?: 'KEY' | 'VERSION' | 'CREATE' | 'MOD' | 'VALUE' | number;
  readonly serializable?: boolean;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  readonly minModRevision?: bigint;
  readonly maxModRevision?: bigint;
  readonly minCreateRevision?: bigint;
  readonly maxCreateRevision?: bigint;
}
export interface RangeResponse {
  readonly header: ResponseHeader;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
  readonly count: bigint;
}

export interface PutRequest {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly lease?: bigint;
  readonly prevKv?: boolean;
  readonly ignoreValue?: boolean;
  readonly ignoreLease?: boolean;
}
export interface PutResponse {
  readonly header: ResponseHeader;
  readonly prevKv?: KeyValue;
}

export interface DeleteRangeRequest {
  readonly key: Uint8Array;
  readonly rangeEnd?: Uint8Array;
  readonly prevKv?: boolean;
}
export interface DeleteRangeResponse {
  readonly header: ResponseHeader;
  readonly deleted: bigint;
  readonly prevKvs: readonly KeyValue[];
}

/** One guard of a transaction: `target` of the key compared with `operand`. */
export interface Compare {
  readonly key: Uint8Array;
  readonly rangeEnd?: Uint8Array;
  /** A number: a result that etcd does not know, which always holds. */
  readonly result: 'EQUAL' | 'GREATER' | 'LESS' | 'NOT_EQUAL' | number;
  readonly target: /** One that etcd does not know: it equals whatever it is compared with. */
    | { readonly kind: number; readonly operand?: undefined }
    | { readonly kind: 'VERSION' | 'CREATE' | 'MOD' | 'LEASE'; readonly operand: bigint }
    | { readonly kind: 'VALUE'; readonly operand: Uint8Array };
}
export type RequestOp =
  | { readonly kind: 'range'; readonly request: RangeRequest }
  | { readonly kind: 'put'; readonly request: PutRequest }
  | { readonly kind: 'deleteRange'; readonly request: DeleteRangeRequest }
  | { readonly kind: 'txn'; readonly request: TxnRequest };
export type ResponseOp =
  | { readonly kind: 'range'; readonly response: RangeResponse }
  | { readonly kind: 'put'; readonly response: PutResponse }
  | { readonly kind: 'deleteRange'; readonly response: DeleteRangeResponse }
  | { readonly kind: 'txn'; readonly response: TxnResponse };
export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}
export interface TxnResponse {
  readonly header: ResponseHeader;
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
}

export interface WatchEvent {
  readonly type: 'PUT' | 'DELETE';
  /** For DELETE only `key` and `modRevision` (of the deletion) mean something. */
  readonly kv: KeyValue;
  readonly prevKv?: KeyValue;
}
export interface WatchRequest {
  readonly key: Uint8Array;
  readonly rangeEnd?: Uint8Array;
  /** First revision to report; absent: from now on. */
  readonly startRevision?: bigint;
  readonly prevKv?: boolean;
  readonly progressNotify?: boolean;
  /** A number: a filter that etcd does not know, which filters nothing. */
  readonly filters?: readonly ('NOPUT' | 'NODELETE' | number)[];
}
export interface WatchResponse {
  readonly header: ResponseHeader;
  readonly events: readonly WatchEvent[];
  /** Set when the store ended the watch; `compactRevision` > 0n where compaction was the reason. */
  readonly canceled?: boolean;
  readonly compactRevision?: bigint;
  readonly cancelReason?: string;
}

/** An error with etcd's gRPC code and text (etcd `api/v3rpc/rpctypes/error.go`). */
export class EtcdError extends Error {
  override readonly name = 'EtcdError';
  /** gRPC status code, e.g. 11 OutOfRange, 14 Unavailable. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
