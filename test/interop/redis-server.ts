import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endProcess, freePort } from './etcd-server.ts';

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  start(): Promise<void>;
  /** Ends it, by default without giving it time for anything. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Sends its process a signal that does not end it. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  stop(): Promise<void>;
}

/**
 * Starts a Redis of its own on a free loopback port, with its data in a temporary folder; `options` as for redis.conf, `env` is
 * asked before each start for what its process has besides our own.
 */
export async function startRedis(
  path: string,
  options: readonly string[] = [],
  env: () => NodeJS.ProcessEnv = () => ({}),
): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'podwire-redis-'));
  const port = await freePort();
  const args = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', ''];
  args.push('--appendonly', 'yes', '--appendfsync', 'always', ...options);
  let child: ChildProcess | undefined;
  const server: RedisServer = {
    url: `redis://127.0.0.1:${port}`,
    port,
    start: async () => {
      child = spawn(path, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env() } });
      await ready(child);
    },
    kill: async (signal = 'SIGKILL') => {
      if (child !== undefined) await endProcess(child, signal);
    },
    signal: (signal) => void child?.kill(signal),
    stop: async () => {
      await server.kill();
      rmSync(folder, { recursive: true });
    },
  };
  await server.start();
  return server;
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout!.setEncoding('utf8');
    child.stdout!.on('data', (text: string) => {
      output += text;
      if (output.includes('Ready to accept connections')) resolve();
    });
    child.on('exit', (code) => reject(new Error(`redis-server ended with ${code}: ${output.slice(-500)}`)));
  });
}
