// ExaBGP as an injector: it announces what its configuration says.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { requireTool } from '../../support/tools.ts';

export class Exabgp {
  readonly #folder: string;
  readonly #process: ChildProcess;
  #output = '';

  private constructor(folder: string, process: ChildProcess) {
    this.#folder = folder;
    this.#process = process;
    for (const stream of [process.stdout!, process.stderr!]) {
      stream.on('data', (text: Buffer) => {
        this.#output += text.toString();
      });
    }
  }

  /** Runs ExaBGP with a configuration file's text. */
  static async start(config: string): Promise<Exabgp> {
    const folder = await mkdtemp(join(tmpdir(), 'podwire-exabgp-'));
    const file = join(folder, 'exabgp.conf');
    await writeFile(file, config);
    const settings = { exabgp_daemon_user: 'root', exabgp_api_cli: 'false', exabgp_log_level: 'WARNING' };
    const process = spawn(requireTool('exabgp'), [file], {
      cwd: folder,
      env: { ...env, ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Exabgp(folder, process);
  }

  /** What it said, for when a test fails. */
  get output(): string {
    return this.#output;
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
