import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { endProcess, freePort } from '../interop/etcd-server.ts';
import { type RedisServer, startRedis } from '../interop/redis-server.ts';

const root: string = fileURLToPath(new URL('../..', import.meta.url));

/** A store server in a process of its own, always at the same address. */
export class StoreProcess {
  readonly address: string;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  constructor(url: string, namespace: string, port: number) {
    this.address = `127.0.0.1:${port}`;
    this.#args = ['bin/run.mjs', 'test/store-checks/store-process.ts', url, namespace, String(port)];
  }

  /** Resolves when it serves. It may be killed before, which resolves too. */
  start(): Promise<void> {
    const child = spawn(process.execPath, this.#args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
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

/** Two store servers on one Redis. */
export class Cluster {
  readonly redis: RedisServer;
  readonly servers: readonly StoreProcess[];

  private constructor(redis: RedisServer, servers: readonly StoreProcess[]) {
    this.redis = redis;
    this.servers = servers;
  }

  /** `options` are Redis'. */
  static async start(redisPath: string, options: readonly string[]): Promise<Cluster> {
    const redis = await startRedis(redisPath, options);
    const ports = [await freePort(), await freePort()];
    const servers = ports.map((port) => new StoreProcess(redis.url, NAMESPACE, port));
    await Promise.all(servers.map((server) => server.start()));
    return new Cluster(redis, servers);
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.kill()));
    await this.redis.stop();
  }
}

export const NAMESPACE = 'faults';
