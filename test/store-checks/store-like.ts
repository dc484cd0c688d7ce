import type { AuthClient, StoreClient, WatchStream, WatchStreamHandler } from '../../agents/store/store.ts';

/** What the checks need of a stream of watches. */
export type StreamLike = Pick<WatchStream, 'create' | 'cancel' | 'requestProgress' | 'close'>;

/** What the checks may want to know of a stream. */
export type StreamHandler = Pick<WatchStreamHandler, 'onResponse'> &
  Partial<Pick<WatchStreamHandler, 'onEnd'>>;

/** What the checks need of a store: podwire's on any backend, or a real etcd. */
export interface StoreLike
  extends Pick<
    StoreClient,
    | 'range'
    | 'put'
    | 'deleteRange'
    | 'txn'
    | 'compact'
    | 'leaseGrant'
    | 'leaseRevoke'
    | 'leaseKeepAlive'
    | 'leaseTimeToLive'
    | 'leases'
    | 'hashKv'
    | 'close'
  > {
  watchStream(handler: StreamHandler): StreamLike;
  /** Without `status`, which etcd 3.4 does not have. */
  readonly auth: Omit<AuthClient, 'status'>;
}

/** podwire's own store as the checks need it. */
export function storeLike(client: StoreClient): StoreLike {
  return {
    ...client,
    watchStream: (handler) =>
      client.watchStream({
        onResponse: (response) => handler.onResponse(response),
        onEnd: (error) => handler.onEnd?.(error),
      }),
  };
}
