import type { AuthPermission } from '../../protocol/etcd/auth/types.ts';
import type { Backup } from '../../protocol/etcd/backup.ts';
import type { Limits } from '../../protocol/etcd/check.ts';
import type { TimeToLive } from '../../protocol/etcd/store.ts';
import type { ResponseHeader, WatchEvent, WatchRequest } from '../../protocol/etcd/types.ts';
import type { Millis } from '../ports.ts';
import type { AutoCompaction } from './auto-compaction.ts';
import type { KvClient } from './client.ts';

/**
 * Who a connection speaks for, as far as its transport knows: the `token` of its metadata, else the common name of a
 * verified client certificate. Neither: nobody, which suffices until authentication is enabled.
 */
export interface Credentials {
  readonly token?: string;
  readonly commonName?: string;
}

/** What every store can be told, whatever keeps its data. */
export interface StoreOptions {
  /** What a store begins with that has nothing yet. */
  readonly initial?: Backup | undefined;
  /** Default: nothing is compacted unless a client asks for it. */
  readonly autoCompaction?: AutoCompaction | undefined;
  /** Seconds that a token is good for behind its last use; default 300 (--auth-token-ttl). */
  readonly tokenTtl?: number | undefined;
  /** How large requests may be; default: as etcd's (--max-request-bytes, --max-txn-ops). */
  readonly limits?: Limits | undefined;
  /** Time between progress notifications to idle watches that want them; default 10 minutes, at least 100 ms. */
  readonly progressInterval?: Millis | undefined;
}

/** A store that runs in this process, on memory or on Redis. */
export interface Store {
  /**
   * A client of its own: closing it ends its watches, not the store. With `credentials` (also empty ones) each of its operations is
   * checked as etcd does while authentication is enabled; without, it is the embedding process, which may everything.
   */
  client(credentials?: Credentials): StoreClient;
  /** Header of a response made now: identities and the current revision. */
  header(): ResponseHeader;
  /** How large requests may be. */
  readonly limits: Limits;
  /** What is left of a lease, and its keys; `ttl` -1n where there is none. Unchecked: see {@link StoreClient.leaseTimeToLive}. */
  leaseTimeToLive(id: bigint): Promise<TimeToLive>;
  /** Unchecked: see {@link StoreClient.leases}. */
  leases(): Promise<readonly bigint[]>;
  /** False while what keeps the data (Redis) is out of reach. A memory store always is available. */
  readonly available: boolean;
  /** Calls `listener` whenever {@link Store.available} changes; the result ends that. For streams with `hasleader` metadata. */
  onAvailability(listener: (available: boolean) => void): () => void;
  /** Ends all watches and fails what is under way. */
  close(): Promise<void>;
}

export interface HeaderOnly {
  readonly header: ResponseHeader;
}

/** Maintenance.Status, as far as the store knows it. */
export interface StoreStatus extends HeaderOnly {
  /** Bytes of keys, values and history, about as etcd's database would take them. */
  readonly dbSize: bigint;
  /** The part of it that compactions left in use. */
  readonly dbSizeInUse: bigint;
  /** Entries logged so far; grows with every change, also with those that make no revision. */
  readonly raftIndex: bigint;
  readonly raftAppliedIndex: bigint;
}

/** A backup's octets (protocol/etcd/backup.ts) without the SHA-256 behind them. */
export interface StoreSnapshot {
  /** Of all pieces together. */
  readonly size: number;
  /** Made as they are read. */
  readonly pieces: AsyncIterable<Uint8Array>;
}

/**
 * All that a server of etcd's API needs, each operation with etcd's exact answers and errors (`EtcdError`), permissions
 * included. Requests are taken as they came over the wire, checks and defaults are done behind this interface.
 */
export interface StoreClient extends KvClient {
  /** Drops the history before `revision`. With `physical` it resolves when the memory has been freed too. */
  compact(revision: bigint, options?: { readonly physical?: boolean }): Promise<HeaderOnly>;
  leaseGrant(ttl: bigint, id?: bigint): Promise<HeaderOnly & { readonly id: bigint; readonly ttl: bigint }>;
  leaseRevoke(id: bigint): Promise<HeaderOnly>;
  /** `ttl` -1n, `grantedTtl` 0n where there is no such lease; its keys only where `keys` asks for them. */
  leaseTimeToLive(id: bigint, keys?: boolean): Promise<HeaderOnly & TimeToLive>;
  leases(): Promise<HeaderOnly & { readonly leases: readonly bigint[] }>;
  /** Several watches with numbers and answers as on one gRPC stream. */
  watchStream(handler: WatchStreamHandler): WatchStream;
  status(): Promise<StoreStatus>;
  /** A checksum (crc32c) of everything that the store holds; equal stores have equal ones. Needs the root role. */
  hash(): Promise<HeaderOnly & { readonly hash: number }>;
  /**
   * etcd's own checksum of the history up to `revision` (0n: all of it), equal to a real etcd's with the same history. Needs the
   * root role.
   * @throws EtcdError 11 (compacted or future revision).
   */
  hashKv(revision: bigint): Promise<HeaderOnly & { readonly hash: number; readonly compactRevision: bigint }>;
  /** The store as of now, whole, as octets that it can be restored from ({@link StoreOptions.initial}). Needs the root role. */
  snapshot(): Promise<StoreSnapshot>;
  /** @throws EtcdError 7 (or 3, 16) unless the client has the root role or authentication is disabled (Defragment). */
  requireRoot(): Promise<void>;
  /** Users and roles. */
  readonly auth: AuthClient;
}

/** A watch as a client asks for it on a stream (WatchCreateRequest). */
export interface WatchCreate extends WatchRequest {
  /** The client's choice; 0n or absent: the lowest number that was not used yet. */
  readonly watchId?: bigint;
  /** Responses above the largest request may be split, see {@link WatchStreamResponse.fragment}. */
  readonly fragment?: boolean;
}

/** WatchResponse, whole. */
export interface WatchStreamResponse {
  readonly header: ResponseHeader;
  /** -1n: of no watch (a progress request's answer) or of one that was refused. */
  readonly watchId: bigint;
  readonly created: boolean;
  readonly canceled: boolean;
  /** Above 0n where compaction was the reason. */
  readonly compactRevision: bigint;
  readonly cancelReason: string;
  /** More of the same revision follows in the next response of this watch. */
  readonly fragment: boolean;
  readonly events: readonly WatchEvent[];
}

export interface WatchStreamHandler {
  /** Called in a turn of its own, never from inside a call of the stream's. The response is shared: do not change it. */
  onResponse(response: WatchStreamResponse): void;
  /** The store went away (closed, 1); all watches are over. Never follows `close()`. */
  onEnd(error: Error): void;
}

/**
 * The watches of one gRPC stream (etcd `v3rpc/watch.go`). Answers come to the handler in the order that etcd promises: creation,
 * events in order of revision, then the cancellation.
 */
export interface WatchStream {
  create(request: WatchCreate): void;
  /** Ends one watch; unknown numbers are ignored. */
  cancel(watchId: bigint): void;
  /** Answers with a response of watch -1n once every watch of the stream has been given all events up to its revision. */
  requestProgress(): void;
  /**
   * Back-pressure of a slow reader: nothing is given to the handler until `resume()`. What happens meanwhile waits up to a bound in
   * memory and is read from the history behind that; other streams are not held up. A watch whose history is compacted
   * meanwhile is canceled so.
   */
  pause(): void;
  resume(): void;
  close(): void;
}

/** etcd's Auth service. All but `status`, `authenticate` and one's own `userGet` and `roleGet` need the root role once enabled. */
export interface AuthClient {
  status(): Promise<HeaderOnly & { readonly enabled: boolean; readonly authRevision: bigint }>;
  enable(): Promise<HeaderOnly>;
  disable(): Promise<HeaderOnly>;
  /** A token for {@link Credentials}, good for {@link StoreOptions.tokenTtl} behind its last use. */
  authenticate(name: string, password: string): Promise<HeaderOnly & { readonly token: string }>;
  /** `noPassword`: the user can only come with a certificate of its name. */
  userAdd(name: string, password: string, options?: { readonly noPassword?: boolean }): Promise<HeaderOnly>;
  userDelete(name: string): Promise<HeaderOnly>;
  userChangePassword(name: string, password: string): Promise<HeaderOnly>;
  userGet(name: string): Promise<HeaderOnly & { readonly roles: readonly string[] }>;
  userList(): Promise<HeaderOnly & { readonly users: readonly string[] }>;
  userGrantRole(name: string, role: string): Promise<HeaderOnly>;
  userRevokeRole(name: string, role: string): Promise<HeaderOnly>;
  roleAdd(name: string): Promise<HeaderOnly>;
  roleDelete(name: string): Promise<HeaderOnly>;
  roleGet(name: string): Promise<HeaderOnly & { readonly permissions: readonly AuthPermission[] }>;
  roleList(): Promise<HeaderOnly & { readonly roles: readonly string[] }>;
  roleGrantPermission(name: string, permission: AuthPermission): Promise<HeaderOnly>;
  roleRevokePermission(name: string, key: Uint8Array, rangeEnd?: Uint8Array): Promise<HeaderOnly>;
}
