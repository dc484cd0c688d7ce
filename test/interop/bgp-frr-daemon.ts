// FRR on a loopback address of its own, with its sockets in a temporary folder: bgpd alone, or behind zebra.
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
  readonly #processes: ChildProcess[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Starts bgpd listening on `address` and returns when its vty answers.
   * @param zebra configuration of a zebra beside it, which knows the interfaces of the network namespace; default: none
   * runs.
   * @param modules to load into bgpd, such as `bmp`.
   */
  static async start(
    address: string,
    port: number,
    config: string,
    zebra?: string,
    modules: readonly string[] = [],
  ): Promise<FrrDaemon> {
    const folder = await mkdtemp(join(tmpdir(), 'podwire-frr-'));
    // zebra insists on running as the user frr.
    await chmod(folder, 0o777);
    await writeFile(join(folder, 'vtysh.conf'), '');
    const daemon = new FrrDaemon(folder);
    const api = ['-z', join(folder, 'zserv.api')];
    if (zebra !== undefined) await daemon.#spawn('zebra', zebra, ['-P', '0', ...api], 'show version');
    const place = [
      '-S',
      '-P',
      '0',
      '-p',
      String(port),
      '-l',
      address,
      ...(zebra === undefined ? ['-Z'] : api),
      ...modules.flatMap((module) => ['-M', module]),
    ];
    await daemon.#spawn('bgpd', config, place, 'show bgp summary json');
    return daemon;
  }

  /** Runs a daemon and waits until it answers a question. */
  async #spawn(name: string, config: string, options: readonly string[], question: string): Promise<void> {
    const file = join(this.#folder, `${name}.conf`);
    await writeFile(file, config);
    const files = ['-f', file, '--vty_socket', this.#folder, '-i', join(this.#folder, `${name}.pid`)];
    const process = spawn(requireTool(name), [...files, ...options], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#processes.push(process);
    let errors = '';
    process.stderr!.on('data', (text: Buffer) => {
      errors += text.toString();
    });
    while (process.exitCode === null) {
      const answer = await this.#vtysh(['-d', name], [question]).catch(() => '');
      if (answer !== '' && !answer.includes('is not running')) return;
      await delay(20);
    }
    throw new Error(`${name} ended: ${errors}`);
  }

  /** Output of vtysh commands, run one after the other. */
  command(...commands: readonly string[]): Promise<string> {
    return this.#vtysh([], commands);
  }

  async #vtysh(options: readonly string[], commands: readonly string[]): Promise<string> {
    const place = ['--vty_socket', this.#folder, '--config_dir', this.#folder];
    const args = [...place, ...options, ...commands.flatMap((command) => ['-c', command])];
    const { stdout } = await run(requireTool('vtysh'), args, { maxBuffer: 1 << 26 });
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

  /** Ends it in order (it sends Cease) and removes its folder. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    for (const process of this.#processes.splice(0).reverse()) {
      if (process.exitCode !== null || process.signalCode !== null) continue;
      const ended = new Promise((resolve) => process.once('exit', resolve));
      process.kill(signal);
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
