// A BGP speaker under test, described once and run as podwire or as one of the others with the same work to do.
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Where Debian keeps daemons, which may lack in PATH. */
const EXTRA_FOLDERS = ['/usr/sbin', '/usr/lib/frr'];
/** How long a speaker may take to listen, and to end when it is told to, ms. */
const START_TIMEOUT = 60_000;
const STOP_TIMEOUT = 5000;

export interface SpeakerSpec {
  readonly address: string;
  readonly port: number;
  readonly asn: number;
  readonly version: 4 | 6;
  readonly peers: readonly SpeakerPeer[];
}

export interface SpeakerPeer {
  readonly address: string;
  readonly asn: number;
  /** Routes are reflected to it (RFC 4456). */
  readonly client: boolean;
}

/** A kind of speaker. */
export interface SpeakerKind {
  readonly name: string;
  /** Programs that it needs. */
  readonly programs: readonly string[];
  start(spec: SpeakerSpec): Promise<Speaker>;
}

export interface Speaker {
  readonly pid: number;
  /** From the start of the process until it accepted a connection, ms. */
  readonly startTime: number;
  /** Longest time that its event loop did not turn since the last call, ms, where it has one. */
  stall?(): Promise<number>;
  /** How long it takes to answer for its sessions, from the start of the command to its end, ms. */
  summary?(): Promise<number>;
  stop(): Promise<void>;
}

/** Path of a program, where there is one. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...EXTRA_FOLDERS];
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** The IPv6 address that a speaker has as next hop beside its IPv4 one. */
export function ipv6Of(address: string): string {
  return `2001:db8::${address}`;
}

/** A speaker's process with a folder for its files, which goes with it. */
export class SpeakerProcess {
  readonly folder: string;
  startTime = 0;
  #process: ChildProcess | undefined;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async prepare(): Promise<SpeakerProcess> {
    return new SpeakerProcess(await mkdtemp(join(tmpdir(), 'podwire-bench-')));
  }

  /** Path of a file of its own. */
  file(name: string): string {
    return join(this.folder, name);
  }

  /** Writes such a file and returns its path. */
  async write(name: string, content: string): Promise<string> {
    await writeFile(this.file(name), content);
    return this.file(name);
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  get child(): ChildProcess {
    return this.#process!;
  }

  /** Runs a program; resolves when connections are accepted. @throws Error with what it wrote where it ends. */
  async run(
    program: string,
    args: readonly string[],
    spec: SpeakerSpec,
    stdio: 'pipe' | 'ipc' = 'pipe',
  ): Promise<void> {
    const began = performance.now();
    const child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe', ...(stdio === 'ipc' ? (['ipc'] as const) : [])],
    });
    this.#process = child;
    let errors = '';
    child.stderr!.on('data', (text: Buffer) => {
      errors = (errors + text.toString()).slice(-4000);
    });
    child.on('error', (error) => {
      errors += error.message;
    });
    while (!(await accepts(spec))) {
      const ended = child.exitCode !== null || child.pid === undefined;
      if (ended || performance.now() - began > START_TIMEOUT) {
        await this.stop();
        throw new Error(`${program} does not listen: ${errors}`);
      }
      await delay(2);
    }
    this.startTime = performance.now() - began;
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT);
      await ended;
      clearTimeout(timer);
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Whether somebody accepts connections there. The connection comes from an address that is no peer's. */
function accepts({ address, port }: SpeakerSpec): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, localAddress: address });
    const answer = (is: boolean): void => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}
