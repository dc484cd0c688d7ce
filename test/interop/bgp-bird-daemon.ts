// BIRD 2 on a loopback address of its own, with its control socket in a temporary folder and no kernel routes.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { requireTool } from '../support/tools.ts';

const run = promisify(execFile);

export class BirdDaemon {
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(folder: string, process: ChildProcess) {
    this.#folder = folder;
    this.#process = process;
  }

  /**
   * Starts BIRD with a configuration and returns when its control socket answers.
   * @param restarted it comes back from a restart (RFC 4724 §4.1).
   */
  static async start(config: string, restarted: boolean = false): Promise<BirdDaemon> {
    const bird = requireTool('bird');
    requireTool('birdc');
    const folder = await mkdtemp(join(tmpdir(), 'podwire-bird-'));
    await writeFile(join(folder, 'bird.conf'), config);
    const args = [
      '-f',
      ...(restarted ? ['-R'] : []),
      '-c',
      join(folder, 'bird.conf'),
      '-s',
      join(folder, 'bird.ctl'),
      '-P',
      join(folder, 'bird.pid'),
    ];
    const process = spawn(bird, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    process.stderr!.on('data', (text: Buffer) => {
      errors += text.toString();
    });
    const daemon = new BirdDaemon(folder, process);
    while (process.exitCode === null) {
      const answer = await daemon.command('show status').catch(() => '');
      if (answer.includes('Daemon is up')) return daemon;
      await delay(10);
    }
    throw new Error(`bird ended: ${errors}`);
  }

  /** Replaces its configuration while it runs. */
  async configure(config: string): Promise<void> {
    await writeFile(join(this.#folder, 'bird.conf'), config);
    await this.order('configure');
  }

  /** Output of a birdc command. */
  command(command: string): Promise<string> {
    return this.#birdc('-r', command);
  }

  /** As {@link command}, but not restricted to reading. */
  order(command: string): Promise<string> {
    return this.#birdc(command);
  }

  async #birdc(...args: readonly string[]): Promise<string> {
    const socket = ['-s', join(this.#folder, 'bird.ctl')];
    const { stdout } = await run(requireTool('birdc'), [...socket, ...args], { maxBuffer: 1 << 26 });
    return stdout;
  }

  /** Asks until the answer is as wanted; the test's timeout ends it otherwise. */
  async until(command: string, wanted: (answer: string) => boolean): Promise<string> {
    for (;;) {
      const answer = await this.command(command);
      if (wanted(answer)) return answer;
      await delay(20);
    }
  }

  /** Ends BIRD in order (it sends Cease) and removes its folder. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
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
