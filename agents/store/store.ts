import type { TimeToLive } from '../../protocol/etcd/store.ts';
import type { ResponseHeader } from '../../protocol/etcd/types.ts';
import type { KvClient } from './client.ts';

/** A store that runs in this process, on memory or on Redis. */
export interface Store {
  /** A client of its own: closing it ends its watches, not the store. */
  client(): KvClient;
  /** Header of a response made now: identities and the current revision. */
  header(): ResponseHeader;
  /** What is left of a lease, and its keys; `ttl` -1n where there is none. */
  leaseTimeToLive(id: bigint): Promise<TimeToLive>;
  leases(): Promise<readonly bigint[]>;
  /** Ends all watches and fails what is under way. */
  close(): Promise<void>;
}
