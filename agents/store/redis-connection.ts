import { Redis, type RedisOptions } from 'ioredis';
import { DecodeError } from '../../protocol/bytes/decode-error.ts';
import { EtcdError } from '../../protocol/etcd/types.ts';
import type { Log } from '../ports.ts';
import { APPEND, DEADLINES, EXTEND, INSTALL_SNAPSHOT, KEEP_ALIVE } from './redis-scripts.ts';
import { withoutCredentials } from './store-url.ts';

/** Pauses between attempts to connect: the first and the longest. */
const FIRST_PAUSE = 50;
const LAST_PAUSE = 1000;
/** How long the first connection may take until Redis has answered, ms. */
const CONNECT_TIMEOUT = 5000;

/** A Redis connection with the store's scripts as commands. */
export interface StoreRedis extends Redis {
  storeAppendBuffer(
    log: string,
    head: string,
    leases: string,
    ...args: (string | Buffer)[]
  ): Promise<unknown>;
  storeKeepAlive(leases: string, id: string, ttl: string): Promise<unknown>;
  storeExtend(leases: string, ...args: string[]): Promise<unknown>;
  storeDeadlines(leases: string, ...ids: string[]): Promise<unknown>;
  storeInstallSnapshot(
    log: string,
    meta: string,
    snapshot: string,
    uploaded: string,
    revision: string,
    head: string,
    keepFrom: string,
  ): Promise<unknown>;
}

const CAUSES: readonly [pattern: RegExp, text: string][] = [
  [/ECONNREFUSED/, 'connection refused'],
  [/ENOTFOUND|EAI_AGAIN/, 'unknown host'],
  [/EHOSTUNREACH|ENETUNREACH/, 'host unreachable'],
  [/ETIMEDOUT|timed? ?out/i, 'no answer in time'],
  [/WRONGPASS|invalid password/, 'wrong password'],
  [/NOAUTH/, 'needs a password (redis://:PASSWORD@HOST:PORT)'],
  [/DB index is out of range/, 'no such database number'],
  [/Protocol error|Unknown RESP type/, 'is no Redis'],
];

/** Why Redis could not be used, in a few words. */
export function causeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return causeOf(error.errors[0]);
  const { code, message } = error as NodeJS.ErrnoException;
  const text = `${code ?? ''} ${message}`;
  return CAUSES.find(([pattern]) => pattern.test(text))?.[1] ?? message;
}

/** Whether the command may have reached Redis although there is no answer: the connection failed, not the command. */
export function isConnectionError(error: unknown): boolean {
  const own = error instanceof TypeError || error instanceof RangeError || error instanceof DecodeError;
  return !own && !(error instanceof EtcdError) && (error as Error).name !== 'ReplyError';
}

/** States of Redis that pass: it starts, fails over, or runs a long script. */
export function isPassingError(error: unknown): boolean {
  return /^(LOADING|BUSY|MASTERDOWN|READONLY|TRYAGAIN|CLUSTERDOWN|UNKILLABLE)\b/.test(
    (error as Error).message,
  );
}

/**
 * Connects, once; later it reconnects by itself whenever the connection is lost. A command without an answer fails then,
 * and none is ever sent again behind the caller's back.
 * Rejects with one line naming URL and cause; nothing stays open.
 */
export async function connectRedis(url: string, role: string, log: Log | undefined): Promise<StoreRedis> {
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) {
    throw new Error(`${withoutCredentials(url)}: expected redis://[:PASSWORD@]HOST:PORT[/DB]`);
  }
  let connected = false;
  let lastError: unknown;
  const options: RedisOptions & { readonly replyMapping: 'legacy' } = {
    replyMapping: 'legacy',
    lazyConnect: true,
    connectionName: `podwire-store-${role}`,
    disableClientInfo: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // 0: what had no answer fails as soon as the connection closes. (Without resending, null would let it wait for ever.)
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_TIMEOUT,
    // ioredis waits so long for the end even of a connection that never was; a failed command shall end at once.
    disconnectTimeout: 100,
    retryStrategy: (times) =>
      connected ? Math.min(LAST_PAUSE, FIRST_PAUSE * 2 ** Math.min(times, 10)) : null,
  };
  const redis = new Redis(url, options) as StoreRedis;
  redis.defineCommand('storeAppend', { numberOfKeys: 3, lua: APPEND });
  redis.defineCommand('storeKeepAlive', { numberOfKeys: 1, lua: KEEP_ALIVE });
  redis.defineCommand('storeExtend', { numberOfKeys: 1, lua: EXTEND });
  redis.defineCommand('storeDeadlines', { numberOfKeys: 1, lua: DEADLINES });
  redis.defineCommand('storeInstallSnapshot', { numberOfKeys: 4, lua: INSTALL_SNAPSHOT });
  redis.on('error', (error: unknown) => {
    lastError = error;
    if (connected) log?.debug({ err: error, role }, 'Redis connection error');
  });
  // One that accepts and says nothing would be waited for without end: ioredis limits only the TCP connection.
  const deadline = setTimeout(() => {
    lastError = new Error('no answer: timed out');
    redis.disconnect();
  }, CONNECT_TIMEOUT);
  try {
    await redis.connect();
    // ioredis calls a connection ready although the password that it lacks was asked for.
    await redis.ping();
  } catch (error) {
    redis.disconnect();
    throw new Error(`${withoutCredentials(url)}: ${causeOf(lastError ?? error)}`);
  } finally {
    clearTimeout(deadline);
  }
  connected = true;
  return redis;
}
