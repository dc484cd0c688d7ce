// The stores that are measured, each as a process of its own with its data on disk: etcd, and podwire in memory and on Redis.

import { join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { root } from '../../support/root.ts';
import { findProgram, type Listening, ServerProcess } from '../server-process.ts';

const PODWIRE = join(root, 'bin', 'podwire.mjs');
const PROBE = fileURLToPath(new URL('../stall-probe.mjs', import.meta.url));
const STORE: Listening = { address: '127.63.0.1', port: 26_379 };
const PEERS: Listening = { address: '127.63.0.1', port: 26_380 };
const REDIS: Listening = { address: '127.63.0.2', port: 26_381 };

export interface StoreKind {
  readonly name: string;
  /** Programs that it needs. */
  readonly programs: readonly string[];
  /** Whether what is in it survives a restart. */
  readonly lasting: boolean;
  start(): Promise<StoreUnderTest>;
}

export interface StoreUnderTest extends Listening {
  /** The store's process, and Redis' where it has one. */
  readonly pids: { readonly store: number; readonly redis?: number };
  /** Longest time that its event loop did not turn since the last call, ms, where it has one. */
  stall?(): Promise<number>;
  /** Ends the store's process in order and starts another; Redis goes on. Resolves when that accepts connections; `onStart` is called before. */
  restart(onStart: () => void): Promise<void>;
  stop(): Promise<void>;
}

export const etcd: StoreKind = {
  name: 'etcd',
  programs: ['etcd'],
  lasting: true,
  async start() {
    const server = await ServerProcess.prepare();
    const client = `http://${STORE.address}:${STORE.port}`;
    const peer = `http://${PEERS.address}:${PEERS.port}`;
    const args = [
      ...['--data-dir', server.file('data'), '--log-level', 'error'],
      ...['--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ...['--initial-cluster', `default=${peer}`],
    ];
    const start = (): Promise<void> => server.run(findProgram('etcd')!, args, STORE);
    await start();
    return {
      ...STORE,
      get pids() {
        return { store: server.pid };
      },
      async restart(onStart) {
        await server.end();
        onStart();
        await start();
      },
      stop: () => server.stop(),
    };
  },
};

/** @param options of Node in the store's process, such as --cpu-prof. */
export function memory(options: readonly string[]): StoreKind {
  return {
    name: 'memory',
    programs: [],
    lasting: false,
    start: () => podwire(options, 'memory'),
  };
}

/** podwire on a Redis whose append-only file is synced each second, or before each answer. The rest is Redis' default. */
export function redis(appendfsync: 'everysec' | 'always', options: readonly string[]): StoreKind {
  return {
    name: `redis ${appendfsync}`,
    programs: ['redis-server'],
    lasting: true,
    async start() {
      const server = await ServerProcess.prepare();
      const args = [
        ...['--bind', REDIS.address, '--port', String(REDIS.port), '--dir', server.folder, '--save', ''],
        ...['--appendonly', 'yes', '--appendfsync', appendfsync],
      ];
      await server.run(findProgram('redis-server')!, args, REDIS);
      try {
        const store = await podwire(options, `redis://${REDIS.address}:${REDIS.port}/0`);
        return {
          ...store,
          get pids() {
            return { ...store.pids, redis: server.pid };
          },
          async stop() {
            await store.stop();
            await server.stop();
          },
        };
      } catch (error) {
        await server.stop();
        throw error;
      }
    },
  };
}

async function podwire(options: readonly string[], backend: string): Promise<StoreUnderTest> {
  const server = await ServerProcess.prepare();
  const listen = ['--listen', `${STORE.address}:${STORE.port}`, '--log-level', 'warn'];
  const args = [...options, '--import', PROBE, PODWIRE, 'store', '--backend', backend, ...listen];
  const start = (): Promise<void> => server.run(execPath, args, STORE, 'ipc');
  await start();
  return {
    ...STORE,
    get pids() {
      return { store: server.pid };
    },
    stall: () =>
      new Promise((resolve) => {
        server.child.once('message', (stall: number) => resolve(stall));
        server.child.send('stall');
      }),
    async restart(onStart) {
      await server.end();
      onStart();
      await start();
    },
    stop: () => server.stop(),
  };
}
