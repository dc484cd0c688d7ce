// `podwire speaker` as a process of its own, which can be killed.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { root } from '../../support/root.ts';

const run = promisify(execFile);
const PODWIRE = join(root, 'bin', 'podwire.mjs');

export class PodwireProcess {
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(folder: string, process: ChildProcess) {
    this.#folder = folder;
    this.#process = process;
  }

  /** Runs a speaker with the content of its file (docs/speaker-file.md); resolves when it accepts connections. */
  static async start(file: object): Promise<PodwireProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'podwire-speaker-'));
    const config = join(folder, 'speaker.yaml');
    // JSON is YAML.
    await writeFile(config, JSON.stringify({ ...file, api: { socket: join(folder, 'sock') } }));
    const args = ['speaker', '--config', config, '--format', 'json'];
    const process = spawn(execPath, [PODWIRE, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let errors = '';
    process.stderr!.on('data', (text: Buffer) => {
      errors += text.toString();
    });
    await new Promise<void>((resolve, reject) => {
      createInterface(process.stdout!).once('line', () => resolve());
      process.once('exit', () => reject(new Error(`podwire ended: ${errors}`)));
    });
    return new PodwireProcess(folder, process);
  }

  /** Its process id; undefined once it has ended. */
  get pid(): number | undefined {
    return this.#process.exitCode === null && this.#process.signalCode === null
      ? this.#process.pid
      : undefined;
  }

  /** Answer of `podwire bgp ... --format json`. */
  async bgp<T>(...args: readonly string[]): Promise<T> {
    const target = ['--socket', join(this.#folder, 'sock'), '--format', 'json'];
    const { stdout } = await run(execPath, [PODWIRE, 'bgp', ...args, ...target], { maxBuffer: 1 << 26 });
    return JSON.parse(stdout) as T;
  }

  /** Ends it as a crash would. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Ends it in order. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = new Promise((resolve) => this.#process.once('exit', resolve));
      this.#process.kill(signal);
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
