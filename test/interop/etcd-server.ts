import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A loopback port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Ends a process that a test started and waits until it is gone. */
export async function endProcess(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

export interface EtcdServer {
  readonly endpoint: string;
  stop(): Promise<void>;
  /** Ends the server and starts it again on the same data and port. */
  restart(): Promise<void>;
}

/** Where files are kept in memory, if the system has such a place: what a test of answers writes needs no disk to wait for. */
const SCRATCH: string = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/**
 * Starts a real etcd of its own, on free loopback ports with its data in a temporary folder; `options` as on its command line; it serves TLS where they
 * have `--cert-file`.
 */
export async function startEtcd(path: string, options: readonly string[] = []): Promise<EtcdServer> {
  const folder = mkdtempSync(join(SCRATCH, 'podwire-etcd-'));
  const scheme = options.includes('--cert-file') ? 'https' : 'http';
  const endpoint = `${scheme}://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  const args = [...options, '--data-dir', join(folder, 'data'), '--listen-client-urls', endpoint];
  args.push('--advertise-client-urls', endpoint, '--listen-peer-urls', peer);
  args.push('--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`);
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(path, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    await ready(child);
    return child;
  };
  let child = await start();
  return {
    endpoint,
    restart: async () => {
      await endProcess(child);
      child = await start();
    },
    stop: async () => {
      await endProcess(child, 'SIGKILL');
      rmSync(folder, { recursive: true });
    },
  };
}

/** Resolves when etcd says that it serves clients. */
function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stderr!.setEncoding('utf8');
    child.stderr!.on('data', (text: string) => {
      output += text;
      if (/serving (insecure )?client (requests|traffic)/.test(output)) {
        output = '';
        resolve();
      }
    });
    child.on('exit', (code) => reject(new Error(`etcd ended with ${code}: ${output.slice(-500)}`)));
  });
}
