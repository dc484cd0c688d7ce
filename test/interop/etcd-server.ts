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

export interface EtcdMember {
  /** `host:port` for clients. */
  readonly host: string;
  /** Ends it without giving it time for anything. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** Starts a real etcd of `count` members on free loopback ports; resolves when all serve clients. */
export async function startEtcdCluster(
  path: string,
  count: number,
): Promise<{ readonly members: readonly EtcdMember[]; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(SCRATCH, 'podwire-etcd-'));
  const places: { readonly name: string; readonly host: string; readonly peer: string }[] = [];
  for (let i = 0; i < count; i++) {
    const host = `127.0.0.1:${await freePort()}`;
    places.push({ name: `m${i}`, host, peer: `http://127.0.0.1:${await freePort()}` });
  }
  const cluster = places.map(({ name, peer }) => `${name}=${peer}`).join(',');
  const members = places.map(({ name, host, peer }): EtcdMember => {
    const args = ['--name', name, '--data-dir', join(folder, name), '--initial-cluster', cluster];
    args.push('--listen-client-urls', `http://${host}`, '--advertise-client-urls', `http://${host}`);
    args.push('--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer);
    let child: ChildProcess | undefined;
    return {
      host,
      start: async () => {
        child = spawn(path, args, { stdio: ['ignore', 'ignore', 'pipe'] });
        await ready(child);
      },
      kill: async () => {
        if (child !== undefined) await endProcess(child, 'SIGKILL');
      },
    };
  });
  await Promise.all(members.map((member) => member.start()));
  return {
    members,
    stop: async () => {
      await Promise.all(members.map((member) => member.kill()));
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
