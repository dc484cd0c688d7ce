// FRR's bgpd alone, without zebra, on a loopback address of its own, with its sockets in a temporary folder.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { requireTool } from '../support/tools.ts';

const run = promisify(execFile);

export class FrrDaemon {
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(folder: string, process: ChildProcess) {
    this.#folder = folder;
    this.#process = process;
  }

  /** Starts bgpd listening on `address` and returns when its vty answers. */
  static async start(address: string, port: number, config: string): Promise<FrrDaemon> {
    const folder = await mkdtemp(join(tmpdir(), 'podwire-frr-'));
    await chmod(folder, 0o755);
    await writeFile(join(folder, 'bgpd.conf'), config);
    await writeFile(join(folder, 'vtysh.conf'), '');
    const args = [
      '-Z',
      '-S',
      '-f',
      join(folder, 'bgpd.conf'),
      '--vty_socket',
      folder,
      '-i',
      join(folder, 'pid'),
    ];
    const process = spawn(requireTool('bgpd'), [...args, '-p', String(port), '-l', address, '-P', '0'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    process.stderr!.on('data', (text: Buffer) => {
      errors += text.toString();
    });
    const daemon = new FrrDaemon(folder, process);
    while (process.exitCode === null) {
      const answer = await daemon.command('show bgp summary json').catch(() => '');
      if (answer.includes('{')) return daemon;
      await delay(20);
    }
    throw new Error(`bgpd ended: ${errors}`);
  }

  /** Output of vtysh commands, run one after the other. */
  async command(...commands: readonly string[]): Promise<string> {
    const args = commands.flatMap((command) => ['-c', command]);
    const { stdout } = await run(requireTool('vtysh'), [
      '--vty_socket',
      this.#folder,
      '--config_dir',
      this.#folder,
      ...args,
    ]);
    return stdout;
  }

  /** Asks until the answer is as wanted; the test's timeout ends it otherwise. */
  async until(command: string, wanted: (answer: string) => boolean): Promise<string> {
    for (;;) {
      const answer = await this.command(command);
      if (wanted(answer)) return answer;
      await delay(30);
    }
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
