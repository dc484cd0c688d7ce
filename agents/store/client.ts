import type {
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  TxnResponse,
  WatchRequest,
  WatchResponse,
} from '../../protocol/etcd/types.ts';

/** A running watch. Responses arrive in revision order; all events of one revision are in one response. */
export interface Watch {
  cancel(): void;
}

export interface WatchHandler {
  /** The store has registered the watch; `revision` is its current one. Called again after a reconnect. */
  onCreated?(revision: bigint): void;
  onResponse(response: WatchResponse): void;
  /** The watch is over and will not resume (canceled by compaction, client closed). Never follows `cancel()`. */
  onEnd(error: Error): void;
}

/**
 * An etcd v3 client as agents use it: KV, Watch and Lease. Every method rejects with `EtcdError`; code 14
 * (Unavailable) means that the store could not be reached. Implementations reconnect by themselves and resume
 * watches at the revision after the last one delivered, so that a watcher misses nothing and sees nothing twice.
 */
export interface KvClient {
  range(request: RangeRequest): Promise<RangeResponse>;
  put(request: PutRequest): Promise<PutResponse>;
  deleteRange(request: DeleteRangeRequest): Promise<DeleteRangeResponse>;
  txn(request: TxnRequest): Promise<TxnResponse>;
  /** Resolves, with nothing that a caller could rely on, when the history before `revision` is gone. */
  compact(revision: bigint): Promise<unknown>;
  watch(request: WatchRequest, handler: WatchHandler): Watch;
  /** Grants a lease of `ttl` seconds; `id` 0n or absent lets the store choose. */
  leaseGrant(ttl: bigint, id?: bigint): Promise<{ readonly id: bigint; readonly ttl: bigint }>;
  leaseRevoke(id: bigint): Promise<unknown>;
  /** Resolves with the remaining TTL in seconds; rejects with NotFound (5) where the lease is gone. */
  leaseKeepAlive(id: bigint): Promise<bigint>;
  close(): Promise<void>;
}
