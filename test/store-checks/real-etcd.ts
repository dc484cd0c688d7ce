import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { auth } from '../../protocol/etcd/api/auth.ts';
import { kv } from '../../protocol/etcd/api/kv.ts';
import { lease } from '../../protocol/etcd/api/lease.ts';
import { maintenance } from '../../protocol/etcd/api/maintenance.ts';
import type { Method } from '../../protocol/etcd/api/method.ts';
import { fromTxnResponseMessage, toTxnMessage } from '../../protocol/etcd/api/txn.ts';
import { type WatchMessage, watch } from '../../protocol/etcd/api/watch.ts';
import { EtcdError } from '../../protocol/etcd/types.ts';
import type { StoreLike, StreamLike } from './store-like.ts';

const NO_BYTES = new Uint8Array(0);

/** What a client of a real etcd can do besides what the checks need of every store. */
export interface RealEtcd extends StoreLike {
  /** Calls any method of its API. */
  call<Request, Response>(method: Method<Request, Response>, request: Request): Promise<Response>;
}

const toBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

/**
 * A client of a real etcd, or of whatever claims to be one, at `address` (host:port), through gRPC; with a token, as its user. A
 * request may take `deadline` milliseconds; `metadata` goes with every call.
 */
export function realEtcd(
  address: string,
  token?: string,
  {
    deadline = 60_000,
    metadata: more = {},
  }: { readonly deadline?: number; readonly metadata?: Readonly<Record<string, string>> } = {},
): RealEtcd {
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 200,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  });
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('token', token);
  for (const [name, value] of Object.entries(more)) metadata.set(name, value);
  const streams = new Set<StreamLike>();
  const call = <Request, Response>(
    { path, request, response }: Method<Request, Response>,
    message: Request,
  ): Promise<Response> =>
    new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, answer?: Response): void => {
        if (error === null) resolve(answer!);
        else reject(new EtcdError(error.code, error.details));
      };
      client.makeUnaryRequest(
        path,
        (value: Request) => toBuffer(request.encode(value)),
        (bytes) => response.decode(bytes),
        message,
        metadata,
        { deadline: Date.now() + deadline },
        done,
      );
    });
  const keepAlive = (id: bigint): Promise<bigint> =>
    new Promise((resolve, reject) => {
      const { path, request, response } = lease.keepAlive;
      const stream = client.makeBidiStreamRequest(
        path,
        (value: { readonly id: bigint }) => toBuffer(request.encode(value)),
        (bytes) => response.decode(bytes),
        metadata,
      );
      stream.on('data', ({ ttl }: { readonly ttl: bigint }) => {
        stream.end();
        if (ttl > 0n) resolve(ttl);
        else reject(new EtcdError(5, 'etcdserver: requested lease not found'));
      });
      stream.on('error', reject);
      stream.write({ id });
    });
  return {
    call,
    range: (wanted) => call(kv.range, wanted),
    put: (wanted) => call(kv.put, wanted),
    deleteRange: (wanted) => call(kv.deleteRange, wanted),
    txn: async (wanted) => fromTxnResponseMessage(await call(kv.txn, toTxnMessage(wanted))),
    compact: (revision, { physical = false } = {}) => call(kv.compact, { revision, physical }),
    leaseGrant: async (ttl, id = 0n) => {
      const { error: _, ...granted } = await call(lease.grant, { ttl, id });
      return granted;
    },
    leaseRevoke: (id) => call(lease.revoke, { id }),
    leaseKeepAlive: keepAlive,
    leaseTimeToLive: async (id, keys = false) => {
      const { header, ttl, grantedTtl, keys: attached } = await call(lease.timeToLive, { id, keys });
      return { header, ttl, grantedTtl, keys: attached };
    },
    leases: async () => {
      const { header, leases } = await call(lease.leases, {});
      return { header, leases: leases.map(({ id }) => id) };
    },
    hashKv: async (revision) => {
      const { header, hash, compactRevision } = await call(maintenance.hashKv, { revision });
      return { header, hash, compactRevision };
    },
    watchStream: (handler) => {
      const { path, request, response } = watch.watch;
      const wire = client.makeBidiStreamRequest(
        path,
        (value: WatchMessage) => toBuffer(request.encode(value)),
        (bytes) => response.decode(bytes),
        metadata,
      );
      wire.on('data', (message) => handler.onResponse(message));
      let over = false;
      const end = (): void => {
        if (!over) handler.onEnd?.(new Error('the stream broke off'));
        over = true;
      };
      wire.on('error', end);
      wire.on('end', end);
      const stream: StreamLike = {
        create: (wanted) => wire.write({ createRequest: { watchId: 0n, fragment: false, ...wanted } }),
        cancel: (watchId) => wire.write({ cancelRequest: { watchId } }),
        requestProgress: () => wire.write({ progressRequest: {} }),
        close: () => {
          over = true;
          streams.delete(stream);
          wire.cancel();
        },
      };
      streams.add(stream);
      return stream;
    },
    auth: {
      enable: () => call(auth.enable, {}),
      disable: () => call(auth.disable, {}),
      authenticate: (name, password) => call(auth.authenticate, { name, password }),
      userAdd: (name, password, { noPassword = false } = {}) =>
        call(auth.userAdd, { name, password, options: { noPassword }, hashedPassword: '' }),
      userDelete: (name) => call(auth.userDelete, { name }),
      userChangePassword: (name, password) => call(auth.userChangePassword, { name, password }),
      userGet: (name) => call(auth.userGet, { name }),
      userList: () => call(auth.userList, {}),
      userGrantRole: (user, role) => call(auth.userGrantRole, { user, role }),
      userRevokeRole: (name, role) => call(auth.userRevokeRole, { name, role }),
      roleAdd: (name) => call(auth.roleAdd, { name }),
      roleDelete: (role) => call(auth.roleDelete, { role }),
      roleGet: (role) => call(auth.roleGet, { role }),
      roleList: () => call(auth.roleList, {}),
      roleGrantPermission: (name, permission) => call(auth.roleGrantPermission, { name, permission }),
      roleRevokePermission: (role, key, rangeEnd = NO_BYTES) =>
        call(auth.roleRevokePermission, { role, key, rangeEnd }),
    },
    close: async () => {
      for (const stream of [...streams]) stream.close();
      client.close();
    },
  };
}
