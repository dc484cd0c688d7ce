// GoBGP as a BMP sender.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requireTool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';

const run = promisify(execFile);

export class GobgpDaemon {
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #address: string;

  private constructor(folder: string, process: ChildProcess, address: string) {
    this.#folder = folder;
    this.#process = process;
    this.#address = address;
  }

  /** Starts gobgpd with this configuration; its API is at `address`. Returns when that answers. */
  static async start(address: string, config: string): Promise<GobgpDaemon> {
    const folder = await mkdtemp(join(tmpdir(), 'podwire-gobgp-'));
    const file = join(folder, 'gobgpd.conf');
    await writeFile(file, config);
    const args = ['-f', file, '--api-hosts', `${address}:50051`, '--pprof-disable'];
    const process = spawn(requireTool('gobgpd'), args, { stdio: 'ignore' });
    const daemon = new GobgpDaemon(folder, process, address);
    await until('gobgpd answers', () => daemon.command('global').catch(() => false));
    return daemon;
  }

  /** Output of a command of its client. */
  async command(...args: readonly string[]): Promise<string> {
    return (await run(requireTool('gobgp'), ['-u', this.#address, ...args])).stdout;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = new Promise((resolve) => this.#process.once('exit', resolve));
      this.#process.kill('SIGTERM');
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
