import type { Redis } from 'ioredis';

/** What a store must know of a Redis. */
export interface RedisState {
  /** Identity of this run: another one after a restart or a failover. */
  readonly run: string;
  /** Every write is on disk before it is acknowledged. */
  readonly durable: boolean;
}

/** XTRIM MINID, which the log is shortened with, came with it. */
const LEAST_VERSION: readonly [number, number] = [6, 2];

/**
 * Looks whether a store can be kept in a Redis.
 * Rejects with a reason where it is too old, or would drop keys when its memory is full.
 */
export async function inspectRedis(redis: Redis): Promise<RedisState> {
  const info = await redis.info();
  const field = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
  const version = field('redis_version');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = LEAST_VERSION;
  if (major < leastMajor || (major === leastMajor && minor < leastMinor)) {
    throw new Error(`is Redis ${version}, expected ${leastMajor}.${leastMinor} or later`);
  }
  const policy = field('maxmemory_policy');
  if (policy !== 'noeviction') {
    throw new Error(`has maxmemory-policy ${policy}, expected noeviction: it would drop parts of the store`);
  }
  const durable = field('aof_enabled') === '1' && (await syncsAlways(redis));
  return { run: field('run_id'), durable };
}

/** Whoever may not ask is not told: then the worst is assumed. */
async function syncsAlways(redis: Redis): Promise<boolean> {
  try {
    const answer = (await redis.config('GET', 'appendfsync')) as string[];
    return answer[1] === 'always';
  } catch {
    return false;
  }
}
