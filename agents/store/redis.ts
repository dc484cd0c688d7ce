import type { Backup } from '../../protocol/etcd/backup.ts';
import { systemRandom } from '../io/random.ts';
import type { Clock, Log, Millis } from '../ports.ts';
import { localClient } from './local-client.ts';
import { randomId } from './memory.ts';
import { causeOf, connectRedis } from './redis-connection.ts';
import { RedisEngine } from './redis-engine.ts';
import { RedisLog } from './redis-log.ts';
import { RedisReplica } from './redis-replica.ts';
import { inspectRedis } from './redis-state.ts';
import type { Store, StoreOptions } from './store.ts';
import { withoutCredentials } from './store-url.ts';

export interface RedisStoreOptions extends StoreOptions {
  /** Stores of different namespaces in one Redis know nothing of each other; of the same, they are one store. */
  readonly namespace: string;
  readonly clock: Clock;
  readonly log?: Log;
  /** How long a request may wait for Redis before it fails with Unavailable (14); default 10 s. */
  readonly patience?: Millis;
}

/** A store whose state is in Redis. */
export interface RedisStore extends Store {
  /** Removes the namespace from Redis, then closes. */
  destroy(): Promise<void>;
}

const PATIENCE: Millis = 10_000;

/**
 * Opens a store on Redis (`redis://[:PASSWORD@]HOST:PORT[/DB]`): what is in the namespace already is its state. Several processes may
 * have the same one open. Lost connections come back by themselves. How safe an acknowledged write is depends on
 * Redis: with `appendfsync always` it survives everything; with less, as long as a process with the store open does. Revisions never
 * go backwards: where Redis has, or may have, lost some, the store goes on far above them and everything before is compacted.
 *
 * With `initial` the namespace must be empty, and nobody may open it before this resolves.
 *
 * Rejects with one line naming URL and cause where Redis cannot be reached or refuses; nothing stays open then.
 */
export async function createRedisStore(url: string, options: RedisStoreOptions): Promise<RedisStore> {
  const { log, clock, namespace, patience = PATIENCE, initial, ...rest } = options;
  const redis = await connectRedis(url, 'write', log);
  const tail = await connectRedis(url, 'tail', log).catch((error: unknown) => {
    redis.disconnect();
    throw error;
  });
  let engine: RedisEngine | undefined;
  try {
    await inspectRedis(redis);
    const redisLog = new RedisLog(redis, namespace);
    if (initial !== undefined) await fillNamespace(redisLog, initial, { clock, log });
    const clusterId = await redisLog.identity(randomId(systemRandom()));
    const ports = { ...rest, clock, log, namespace, patience, inspect: inspectRedis };
    engine = new RedisEngine(redis, tail, clusterId, ports);
    await engine.start();
    return storeOf(engine);
  } catch (error) {
    // Its timers too.
    await engine?.close(false);
    redis.disconnect();
    tail.disconnect();
    throw new Error(`${withoutCredentials(url)}: ${causeOf(error)}`);
  }
}

function storeOf(engine: RedisEngine): RedisStore {
  return {
    client: (credentials) => localClient(engine, credentials),
    get available() {
      return engine.available;
    },
    onAvailability: (listener) => engine.onAvailability(listener),
    header: () => engine.machine.header(),
    limits: engine.machine.limits,
    leaseTimeToLive: (id) => engine.timeToLive(id),
    leases: async () => engine.machine.leaseIds(),
    close: () => engine.close(false),
    destroy: () => engine.close(true),
  };
}

/** Puts a backup into an empty namespace, all of it or nothing. */
async function fillNamespace(
  redisLog: RedisLog,
  backup: Backup,
  { clock, log }: { readonly clock: Clock; readonly log: Log | undefined },
): Promise<void> {
  await redisLog.beginFilling();
  try {
    // Identities are no part of the log.
    const identity = { clusterId: 1n, memberId: 1n };
    await new RedisReplica({ identity, redisLog, clock, log, onApplied: () => {} }).fill(backup);
    await redisLog.endFilling();
  } catch (error) {
    await redisLog.destroy().catch(() => undefined);
    throw error;
  }
}

/** Removes a namespace's keys from Redis without opening its store; rejects as {@link createRedisStore} does. */
export async function destroyRedisStore(url: string, namespace: string): Promise<void> {
  const redis = await connectRedis(url, 'destroy', undefined);
  try {
    await new RedisLog(redis, namespace).destroy();
  } catch (error) {
    throw new Error(`${withoutCredentials(url)}: ${causeOf(error)}`);
  } finally {
    redis.disconnect();
  }
}
