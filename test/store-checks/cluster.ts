import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { endProcess, freePort } from '../interop/etcd-server.ts';
import { type RedisServer, startRedis } from '../interop/redis-server.ts';
import { FakeClock } from './fake-clock.ts';

const root: string = fileURLToPath(new URL('../..', import.meta.url));

/** A store server in a process of its own, with a wall clock of its own, always at the same address. */
export class StoreProcess {
  readonly address: string;
  readonly clock: FakeClock = new FakeClock();
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  constructor(url: string, namespace: string, port: number) {
    this.address = `127.0.0.1:${port}`;
    this.#args = ['bin/run.mjs', 'test/store-checks/store-process.ts', url, namespace, String(port)];
  }

  /** Resolves when it serves. It may be killed before, which resolves too. */
  start(): Promise<void> {
    const env = { ...process.env, ...this.clock.env };
    const child = spawn(process.execPath, this.#args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      env,
    });
    this.#child = child;
    return new Promise((resolve) => {
      child.stdout!.on('data', () => resolve());
      child.on('exit', () => resolve());
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.#child !== undefined) await endProcess(this.#child, 'SIGKILL');
  }
}

/** Two store servers on one Redis, each of the three with a wall clock of its own. */
export class Cluster {
  readonly redis: RedisServer;
  readonly redisClock: FakeClock;
  readonly servers: readonly StoreProcess[];

  private constructor(redis: RedisServer, redisClock: FakeClock, servers: readonly StoreProcess[]) {
    this.redis = redis;
    this.redisClock = redisClock;
    this.servers = servers;
  }

  /** `options` are Redis'. */
  static async start(redisPath: string, options: readonly string[]): Promise<Cluster> {
    const redisClock = new FakeClock();
    const redis = await startRedis(redisPath, options, () => redisClock.env);
    const ports = [await freePort(), await freePort()];
    const servers = ports.map((port) => new StoreProcess(redis.url, NAMESPACE, port));
    await Promise.all(servers.map((server) => server.start()));
    return new Cluster(redis, redisClock, servers);
  }

  /** Sends Redis one command, and gives the answer. */
  async ask(...command: [string, ...string[]]): Promise<unknown> {
    const redis = new Redis(this.redis.url, { retryStrategy: () => null });
    redis.on('error', () => {});
    const answer = await redis.call(...command);
    redis.disconnect();
    return answer;
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.kill()));
    await this.redis.stop();
    for (const clock of [this.redisClock, ...this.servers.map((server) => server.clock)]) clock.remove();
  }
}

export const NAMESPACE = 'faults';
