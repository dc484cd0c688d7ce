// What `podwire speaker` tells and `podwire bmp listen` keeps, as tshark reads it; and how the two processes behave.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventObject } from '../../../lab/bmp/event-object.ts';
import { root } from '../../support/root.ts';
import { tool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { GOLDEN } from '../../unit/bmp/golden.ts';
import { PodwireProcess } from '../bgp/podwire-process.ts';

const run = promisify(execFile);
const PODWIRE = join(root, 'bin', 'podwire.mjs');
const ONE = '127.130.2.1';
const TWO = '127.130.2.2';
const PORT = 21_330;
const STATION = 21_331;

/** `podwire bmp listen` as a process. */
class Listener {
  readonly events: EventObject[] = [];
  readonly #process: ChildProcess;
  readonly ended: Promise<number | null>;

  private constructor(process: ChildProcess) {
    this.#process = process;
    this.ended = new Promise((resolve) => process.once('exit', resolve));
    createInterface(process.stdout!).on('line', (line) => this.events.push(JSON.parse(line) as EventObject));
  }

  static async start(...args: readonly string[]): Promise<Listener> {
    const place = ['--listen', `127.0.0.1:${STATION}`, '--format', 'json'];
    const process = spawn(execPath, [PODWIRE, 'bmp', 'listen', ...place, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const listener = new Listener(process);
    await new Promise<void>((resolve, reject) => {
      createInterface(process.stderr!).once('line', (line) => {
        if (line.includes('listens on')) resolve();
        else reject(new Error(line));
      });
    });
    return listener;
  }

  of(kind: EventObject['event']): EventObject[] {
    return this.events.filter(({ event }) => event === kind);
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }
}

let folder: string;
const running: { stop(): Promise<void> }[] = [];
let listener: Listener | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podwire-bmp-'));
});

afterEach(async () => {
  for (const each of running.splice(0)) await each.stop();
  listener?.signal('SIGKILL');
  await listener?.ended;
  await rm(folder, { recursive: true, force: true });
});

/** A speaker with one peer. @param more of its file. @param settings of the peer. */
async function speaker(
  [address, asn]: readonly [string, number],
  [peer, peerAsn]: readonly [string, number],
  more: object,
  settings: object = {},
): Promise<PodwireProcess> {
  const passive = address === TWO;
  const families = ['ipv4-unicast', 'ipv6-unicast'];
  const place = { name: 'peer', address: peer, port: PORT, localAddress: address, asn: peerAsn };
  const process = await PodwireProcess.start({
    asn,
    routerId: address,
    listen: [{ address, port: PORT }],
    peers: [{ ...place, passive, connectRetry: 1, families, ...settings }],
    ...more,
  });
  running.push(process);
  return process;
}

const tshark = tool('tshark');
describe.skipIf(tshark.missing)(tshark.title('tshark reads what podwire tells'), () => {
  test('every kind of message with every field, and nothing malformed', async () => {
    const file = join(folder, 'bmp.pcapng');
    listener = await Listener.start('--write', file);
    const policies = JSON.parse(
      '{ "tag": [{ "set": { "communities": { "add": ["65001:9"] } }, "then": "accept" }] }',
    ) as object;
    const routes = ['pre-policy', 'post-policy', 'adj-rib-out', 'loc-rib'];
    const bmp = [{ address: '127.0.0.1', port: STATION, localAddress: ONE, routes, statistics: 1 }];
    const [first, second] = [
      [ONE, 65001],
      [TWO, 4_200_000_002],
    ] as const;
    const own = { policies, networks: ['192.0.2.0/24'], bmp };
    const one = await speaker(first, second, own, { importPolicy: 'tag' });
    const two = await speaker(second, first, {
      networks: ['198.51.100.0/24', { prefix: '2001:db8:130::/48', nextHop: '2001:db8::1' }],
    });
    await until('routes', () => listener!.of('announce').length >= 8);
    await until('statistics', () => listener!.of('statistics').length >= 2);
    await two.stop();
    await until('Peer Down', () => listener!.of('peer-down').length > 0);
    await one.stop();
    await until('the end', () => listener!.of('closed').length > 0);
    listener.signal('SIGINT');
    expect(await listener.ended).toBe(0);

    const read = async (filter: string, ...fields: readonly string[]): Promise<string[][]> => {
      const selected = fields.flatMap((field) => ['-e', field]);
      const decode = ['-n', '-r', file, '-d', `tcp.port==${STATION},bmp`, '-Y', filter];
      const { stdout } = await run(tshark.path, [
        ...decode,
        '-T',
        'fields',
        '-E',
        'separator=;',
        ...selected,
      ]);
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.split(';'));
    };
    // Severity 6 is a warning, 8 an error.
    const bad = '_ws.malformed || (bmp && _ws.expert.severity >= 0x600000)';
    expect(await read(bad, 'frame.number', '_ws.expert.message')).toEqual([]);
    const types = await read('bmp', 'bmp.type');
    expect([...new Set(types.flatMap(([type]) => type!.split(',')))].sort()).toEqual([
      '0',
      '1',
      '2',
      '3',
      '4',
      '5',
    ]);
    const [up] = await read(
      'bmp.type == 3 && bmp.peer.type == 0',
      ...['bmp.peer.ip.addr', 'bmp.peer.asn', 'bmp.peer.id', 'bmp.peer.flags'],
      ...['bmp.peer.up.ip.addr', 'bgp.open.myas', 'bgp.open.identifier', 'bgp.cap.4as'],
    );
    expect(up).toEqual([
      TWO,
      '4200000002',
      TWO,
      '0x00',
      ONE,
      '65001,23456',
      `${ONE},${TWO}`,
      '65001,4200000002',
    ]);
    const told = await read(
      'bmp.type == 0 && bgp.nlri_prefix == 198.51.100.0 && bmp.peer.type == 0',
      ...[
        'bmp.peer.flags',
        'bgp.update.path_attribute.as_path_segment.as4',
        'bgp.update.path_attribute.community_as',
        'bgp.update.path_attribute.community_value',
      ],
    );
    expect(told.sort()).toEqual([
      ['0x00', '4200000002', '', ''],
      ['0x40', '4200000002', '65001', '9'],
    ]);
    const sent = await read(
      'bmp.type == 0 && bgp.nlri_prefix == 192.0.2.0 && bmp.peer.type == 0',
      'bmp.peer.flags',
    );
    expect(sent).toEqual([['0x50']]);
    const best = await read('bmp.type == 0 && bmp.peer.type == 3 && bgp.nlri_prefix', 'bgp.nlri_prefix');
    expect(best.flat().sort()).toEqual(['192.0.2.0', '198.51.100.0']);
    const [down] = await read(
      'bmp.type == 2 && bmp.peer.type == 0',
      'bmp.peer.down.reason',
      'bgp.notify.minor_error_cease',
    );
    expect(down).toEqual(['3', '2']);
    const [statistics] = await read('bmp.type == 1 && bmp.peer.type == 0', 'bmp.stats.type');
    expect(statistics).toEqual(['0,3,4,5,7,9,9,11,15,17,17']);
  }, 60_000);
});

describe('podwire bmp listen', () => {
  test('ends after its count, and says what is malformed with exit code 1', async () => {
    listener = await Listener.start('--count', '2');
    const socket = connect(STATION, '127.0.0.1');
    // Initiation, a Peer Down that is cut off, Termination.
    socket.write(Buffer.from('03000000060403000000070200030000000605', 'hex'));
    expect(await listener.ended).toBe(1);
    socket.destroy();
    expect(listener.events.map(({ event }) => event)).toEqual([
      'connected',
      'initiation',
      'malformed',
      'termination',
    ]);
    expect(listener.of('malformed')[0]!.reason).toContain('offset 13');
  }, 30_000);

  test('with --once ends with the first router; what is no BMP is refused', async () => {
    listener = await Listener.start('--once');
    const socket = connect(STATION, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    expect(await listener.ended).toBe(1);
    expect(listener.of('malformed')[0]!.reason).toBe('BMP header, offset 0: version 71 must be 3');
    expect(listener.events.at(-1)!.event).toBe('closed');
  }, 30_000);

  test('with --fields takes each message apart', async () => {
    const place = ['--listen', `127.0.0.1:${STATION}`, '--count', '1', '--fields'];
    const child = spawn(execPath, [PODWIRE, 'bmp', 'listen', ...place], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (text: Buffer) => {
      output += text.toString();
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    await new Promise((resolve) => createInterface(child.stderr).once('line', resolve));
    const socket = connect(STATION, '127.0.0.1');
    socket.write(GOLDEN.TERMINATION!);
    expect(await ended).toBe(0);
    socket.destroy();
    expect(output).toMatch(/ termination administratively closed, ok\n/);
    expect(output).toMatch(/ 10\.\.11 {4}reason: administratively closed \(0\)\n/);
  }, 30_000);

  test('says in one line why it cannot listen, or not write', async () => {
    const failure = async (...args: readonly string[]): Promise<{ code: number; stderr: string }> =>
      run(execPath, [PODWIRE, 'bmp', 'listen', ...args]).then(
        () => expect.fail('it listens'),
        (error: { code: number; stderr: string }) => error,
      );
    const bad = await failure('--listen', '192.0.2.1:21332');
    expect([bad.code, bad.stderr]).toEqual([
      1,
      expect.stringMatching(/^podwire: .*192\.0\.2\.1.*EADDRNOTAVAIL.*\n$/),
    ]);
    const unwritable = await failure('--listen', '127.0.0.1:21332', '--write', join(folder, 'no', 'file'));
    expect([unwritable.code, unwritable.stderr]).toEqual([
      1,
      expect.stringMatching(/^podwire: cannot write .*ENOENT.*\n$/),
    ]);
    const usage = await failure('--listen', 'nonsense');
    expect(usage.code).toBe(2);
  }, 30_000);
});

describe('a speaker told to read its file again', () => {
  test('takes new collectors, and leaves old ones', async () => {
    listener = await Listener.start();
    const config = join(folder, 'speaker.yaml');
    const text = (bmp: string): string =>
      `asn: 65001\nrouterId: ${ONE}\napi: { socket: ${join(folder, 'sock')} }\nbmp: [${bmp}]\n`;
    await writeFile(config, text(''));
    const child = spawn(execPath, [PODWIRE, 'speaker', '--config', config, '--format', 'json'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    try {
      await new Promise((resolve) => createInterface(child.stdout!).once('line', resolve));
      await writeFile(config, text(`{ address: 127.0.0.1, port: ${STATION} }`));
      child.kill('SIGHUP');
      await until('Initiation', () => listener!.of('initiation').length === 1);
      await writeFile(config, text(''));
      child.kill('SIGHUP');
      await until('the end', () => listener!.of('closed').length === 1);
      expect(listener.of('termination')[0]!.reason).toBe('permanently administratively closed');
    } finally {
      child.kill('SIGTERM');
      await ended;
    }
    expect((await readFile(config, 'utf8')).length).toBeGreaterThan(0);
  }, 30_000);
});
