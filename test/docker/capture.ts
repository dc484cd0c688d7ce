// Captures by tcpdump and their reading by tshark: two programs that know nothing of podwire.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { requireTool } from '../support/tools.ts';

const run = promisify(execFile);

/** A running tcpdump. */
export interface Capture {
  readonly file: string;
  /** Ends the capture after everything seen so far is in the file. */
  stop(): Promise<void>;
}

/** Resolves when a line of the child's standard error matches; rejects with what it said when it ends before. */
async function sawLine(child: ChildProcess, wanted: RegExp): Promise<void> {
  let said = '';
  for await (const chunk of child.stderr!) {
    said += String(chunk);
    if (wanted.test(said)) return;
  }
  throw new Error(`tcpdump ended: ${said.trim()}`);
}

/** Captures an interface into a pcap file; resolves once tcpdump listens, so that nothing sent later is missed. */
export async function captureInterface(name: string, file: string, filter: string): Promise<Capture> {
  // Immediate mode: a packet is in the file when it passed, not when the kernel's buffer is full.
  const child = spawn(
    requireTool('tcpdump'),
    ['--immediate-mode', '--packet-buffered', '-Z', 'root', '-n', '-i', name, '-w', file, filter],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const ended = once(child, 'exit');
  await sawLine(child, /listening on/);
  child.stderr!.resume();
  return {
    file,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT');
      await ended;
    },
  };
}

/** tshark verifies no checksum unless asked. */
const CHECKSUMS = ['ip', 'udp', 'tcp'].flatMap((protocol) => ['-o', `${protocol}.check_checksum:TRUE`]);

/**
 * The packets of a capture that match a display filter, as the values of some fields, each a list (nested headers).
 * `options` are tshark's; without them checksums are verified.
 */
export async function readPackets<F extends string>(
  file: string,
  filter: string,
  fields: readonly F[],
  options: readonly string[] = CHECKSUMS,
): Promise<Record<F, string[]>[]> {
  const { stdout } = await run(
    requireTool('tshark'),
    [
      ...['-n', '-r', file, '-Y', filter, ...options, '-T', 'fields'],
      ...['-E', 'separator=/t', '-E', 'occurrence=a', '-E', 'aggregator=;'],
      ...fields.flatMap((field) => ['-e', field]),
    ],
    { maxBuffer: 256 << 20 },
  );
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const columns = line.split('\t');
      const entries = fields.map((field, i) => [
        field,
        (columns[i] ?? '').split(';').filter((v) => v !== ''),
      ]);
      return Object.fromEntries(entries) as Record<F, string[]>;
    });
}

/**
 * Makes the kernel compute checksums before packets leave a container, as a network card would; until then a capture on the
 * bridge shows half-finished ones for what the kernel sends. `pid` is a process of the container. Needs root.
 */
export async function disableChecksumOffload(pid: string): Promise<void> {
  await run(requireTool('nsenter'), [
    '--target',
    pid,
    '--net',
    requireTool('ethtool'),
    '-K',
    'eth0',
    'tx',
    'off',
  ]);
}
