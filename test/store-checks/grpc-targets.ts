import { systemClock } from '../../agents/io/clock.ts';
import { serveStore } from '../../agents/store/http-server.ts';
import { createMemoryStore } from '../../agents/store/memory.ts';
import { createRedisStore } from '../../agents/store/redis.ts';
import type { Store } from '../../agents/store/store.ts';
import { startEtcd } from '../interop/etcd-server.ts';
import { startRedis } from '../interop/redis-server.ts';
import { type RealEtcd, realEtcd } from './real-etcd.ts';

/** A new, empty store of one kind, reached as its clients reach it: through gRPC, by a client that is not podwire's. */
export interface GrpcTarget {
  /** A client of each of its servers; they are one store. */
  readonly servers: readonly RealEtcd[];
  /** Another client of a server, with a connection of its own; it is closed with the target. */
  connect(server: number): RealEtcd;
  stop(): Promise<void>;
}

/** Where the servers' programs are. */
interface Paths {
  readonly etcd: string;
  readonly redis: string;
}

/** The stores to compare, by name: title and how to start it. */
export const GRPC_TARGETS: readonly (readonly [string, (paths: Paths) => Promise<GrpcTarget>])[] = [
  ['real etcd', startReal],
  ['podwire in memory', startMemory],
  ['podwire on Redis, two servers', startOnRedis],
];

async function startReal({ etcd }: Paths): Promise<GrpcTarget> {
  const server = await startEtcd(etcd);
  return target([new URL(server.endpoint).host], () => server.stop());
}

async function startMemory(): Promise<GrpcTarget> {
  const served = await serve(createMemoryStore({ clock: systemClock() }));
  return target([served.address], served.stop);
}

async function startOnRedis({ redis }: Paths): Promise<GrpcTarget> {
  const server = await startRedis(redis, ['--appendfsync', 'no']);
  const open = (): Promise<Store> =>
    createRedisStore(server.url, { namespace: 'target', clock: systemClock() });
  const served = [await serve(await open()), await serve(await open())];
  return target(
    served.map(({ address }) => address),
    async () => {
      for (const { stop } of served) await stop();
      await server.stop();
    },
  );
}

async function serve(
  store: Store,
): Promise<{ readonly address: string; readonly stop: () => Promise<void> }> {
  const server = await serveStore(store, { address: '127.0.0.1', port: 0 });
  const stop = async (): Promise<void> => {
    await server.close();
    await store.close();
  };
  return { address: new URL(server.endpoint).host, stop };
}

function target(addresses: readonly string[], stop: () => Promise<void>): GrpcTarget {
  const clients: RealEtcd[] = [];
  const connect = (server: number): RealEtcd => {
    // flannel asks for this; a store of one member has its leader anyway.
    const client = realEtcd(addresses[server]!, undefined, { metadata: { hasleader: 'true' } });
    clients.push(client);
    return client;
  };
  return {
    servers: addresses.map((_, server) => connect(server)),
    connect,
    stop: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await stop();
    },
  };
}
