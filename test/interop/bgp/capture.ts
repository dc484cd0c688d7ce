// What a test puts on the wire, as tshark reads it.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { all, type Need, requireTool, root, tool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';

const run = promisify(execFile);

/** What {@link capture} needs. */
export const wiretap: Need = all(root(), tool('tcpdump'), tool('tshark'));

/** Starts a capture of loopback's BGP on a port; it runs when this returns. @param filter more of tcpdump's filter. */
export async function capture(port: number, filter: string): Promise<Capture> {
  const folder = await mkdtemp(join(tmpdir(), 'podwire-wire-'));
  const file = join(folder, 'bgp.pcap');
  const args = [
    '-i',
    'lo',
    '-U',
    '--immediate-mode',
    '-s',
    '0',
    '-Z',
    'root',
    '-w',
    file,
    `(tcp port ${port} and (${filter})) or udp port ${port}`,
  ];
  const child = spawn(requireTool('tcpdump'), args, { stdio: ['ignore', 'ignore', 'pipe'] });
  await new Promise<void>((resolve, reject) => {
    let text = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('listening on')) resolve();
    });
    child.once('exit', () => reject(new Error(`tcpdump ended: ${text}`)));
  });
  return new Capture(child, folder, file, port);
}

export class Capture {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #file: string;
  readonly #port: number;

  constructor(child: ChildProcess, folder: string, file: string, port: number) {
    this.#child = child;
    this.#folder = folder;
    this.#file = file;
    this.#port = port;
  }

  /**
   * Ends the capture and has tshark read it: nothing malformed in it, and nothing in BGP that tshark warns of.
   * @returns the number of BGP messages.
   */
  async messages(): Promise<number> {
    // Whatever was sent before this datagram is in the file when it is.
    const marker = `podwire ${performance.now()}`;
    const socket = createSocket('udp4');
    socket.on('error', () => undefined);
    socket.send(marker, this.#port, '127.0.0.1');
    await until('the capture is complete', async () => (await readFile(this.#file)).includes(marker));
    socket.close();
    await this.#end();
    const types = await this.#tshark(['-T', 'fields', '-e', 'bgp.type', '-Y', 'bgp']);
    // Severity 6 is a warning, 8 an error; TCP's own remarks are about segments that were captured in between.
    const bad = await this.#tshark([
      ...['-Y', '_ws.malformed || (bgp && _ws.expert.severity >= 0x600000 && !tcp.analysis.flags)'],
      ...[
        '-T',
        'fields',
        '-e',
        'frame.number',
        '-e',
        'ip.src',
        '-e',
        '_ws.expert.message',
        '-e',
        '_ws.malformed',
      ],
    ]);
    expect(bad).toEqual([]);
    return types.flatMap((line) => line.split(',')).length;
  }

  /** Ends it without a look. */
  async discard(): Promise<void> {
    await this.#end();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGINT');
    await ended;
  }

  async #tshark(args: readonly string[]): Promise<string[]> {
    const decode = ['-n', '-r', this.#file, '-d', `tcp.port==${this.#port},bgp`];
    const { stdout } = await run(requireTool('tshark'), [...decode, ...args], { maxBuffer: 1 << 26 });
    return stdout.split('\n').filter((line) => line !== '');
  }
}
