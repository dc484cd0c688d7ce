// A server under test as a process with a folder of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Where Debian keeps daemons, which may lack in PATH. */
const EXTRA_FOLDERS = ['/usr/sbin', '/usr/lib/frr'];
/** How long a server may take to listen, and to end when it is told to, ms. */
const START_TIMEOUT = 60_000;
const STOP_TIMEOUT = 5000;

/** Where it accepts connections. */
export interface Listening {
  readonly address: string;
  readonly port: number;
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

/** A server's process with a folder for its files, which goes with it. */
export class ServerProcess {
  readonly folder: string;
  startTime = 0;
  #process: ChildProcess | undefined;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async prepare(): Promise<ServerProcess> {
    return new ServerProcess(await mkdtemp(join(tmpdir(), 'podwire-bench-')));
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
    spec: Listening,
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

  /** Ends the process; its folder stays. */
  async end(): Promise<void> {
    const child = this.#process;
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT);
      await ended;
      clearTimeout(timer);
    }
  }

  /** Ends the process and removes its folder. */
  async stop(): Promise<void> {
    await this.end();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Whether somebody accepts connections there. The connection comes from an address that is no BGP peer's. */
function accepts({ address, port }: Listening): Promise<boolean> {
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
