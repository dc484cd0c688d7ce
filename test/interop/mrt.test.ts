// MRT files of podwire, BIRD and FRR, printed by podwire as bgpdump prints them.
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../support/root.ts';
import { all, tool } from '../support/tools.ts';
import { AS4_UPDATE, PEERS, RIB, RIB6_ADDPATH, STATE, stateOfPeer, TABLE_DUMP } from '../unit/mrt/golden.ts';
import { BirdDaemon } from './bgp-bird-daemon.ts';
import { FrrDaemon } from './bgp-frr-daemon.ts';

const run = promisify(execFile);
const PODWIRE = join(root, 'bin', 'podwire.mjs');
const PORT = 11790;
const bgpdump = tool('bgpdump');
const bzip2 = all(bgpdump, tool('bzip2'));
const bird = all(bgpdump, tool('bird'));
const frr = all(bgpdump, tool('bgpd'));

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'podwire-mrt-'));
  // FRR writes as a user of its own.
  await chmod(folder, 0o777);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const LARGE = { maxBuffer: 1 << 28 };

async function podwire(...args: readonly string[]): Promise<string> {
  return (await run(execPath, [PODWIRE, ...args], LARGE)).stdout;
}

/**
 * What both print; they have to agree to the octet.
 * @param damaged records of the file are not as RFC 6396 has them: both pass them over, and podwire says so.
 */
async function printed(file: string, damaged = false): Promise<string> {
  const [ours, theirs] = await Promise.all([
    podwire('mrt', 'cat', file).catch((error: { readonly stdout: string; readonly code: number }) => {
      if (damaged && error.code === 1) return error.stdout;
      throw error;
    }),
    run(bgpdump.path, ['-m', '-q', file], LARGE).then(({ stdout }) => stdout),
  ]);
  expect(ours).toBe(theirs);
  return ours;
}

/** Waits for a file that has something in it. */
async function written(file: string, octets = 1): Promise<void> {
  while (!existsSync(file) || statSync(file).size < octets) await delay(20);
}

/** A session that announces a generated table, until {@link ChildProcess.kill}. */
async function feed(to: string, local: string, asn: number, routes: number): Promise<ChildProcess> {
  const args = ['--to', `${to}:${PORT}`, '--local', local, '--asn', String(asn), '--seed', String(asn)];
  const child = spawn(execPath, [
    PODWIRE,
    'bgp',
    'generate',
    '--routes',
    String(routes),
    '--ipv6',
    '50',
    ...args,
  ]);
  await new Promise<void>((resolve, reject) => {
    let errors = '';
    child.stderr.on('data', (text: Buffer) => {
      errors += text.toString();
      if (errors.includes(' sent, ')) resolve();
    });
    child.once('exit', () => reject(new Error(`podwire ended: ${errors}`)));
  });
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill();
  await ended;
}

describe.skipIf(bgpdump.missing)(bgpdump.title('bgpdump and podwire print alike'), () => {
  test('records of every kind', async () => {
    const file = join(folder, 'golden.mrt');
    writeFileSync(file, Buffer.concat([PEERS, RIB, RIB6_ADDPATH, AS4_UPDATE, STATE, TABLE_DUMP]));
    expect((await printed(file)).trimEnd().split('\n')).toHaveLength(6);
  });

  test('IPv6 addresses with zeros wherever there can be some', async () => {
    const file = join(folder, 'zeros.mrt');
    const records = Array.from({ length: 512 }, (_, zeros) => {
      // The last bit: small numbers, of which `::1` and `::ffff:0:0` are special.
      const small = (zeros & 256) !== 0;
      const other = (group: number): string => (small ? (group === 5 ? 'ffff' : '0001') : `01a${group}`);
      const groups = Array.from({ length: 8 }, (_, group) => ((zeros >> group) & 1 ? '0000' : other(group)));
      return stateOfPeer(groups.join(''));
    });
    writeFileSync(file, Buffer.concat(records));
    expect((await printed(file)).trimEnd().split('\n')).toHaveLength(512);
  });

  test.each(['rib', 'updates'])('a generated table as %s', async (content) => {
    const file = join(folder, `generated-${content}.mrt.gz`);
    await podwire('bgp', 'generate', '--routes', '20000', '--ipv6', '5000', '--content', content, '-o', file);
    expect((await printed(file)).trimEnd().split('\n')).toHaveLength(25_000);
  });

  test.skipIf(bzip2.missing)(bzip2.title('a file compressed with bzip2'), async () => {
    const file = join(folder, 'small.mrt');
    await podwire('bgp', 'generate', '--routes', '100', '-o', file);
    execFileSync('bzip2', [file]);
    expect((await printed(`${file}.bz2`)).trimEnd().split('\n')).toHaveLength(100);
  });
});

describe.skipIf(bird.missing)(bird.title('dumps of BIRD'), () => {
  test('messages and tables print as with bgpdump', async () => {
    const updates = join(folder, 'bird-updates.mrt');
    const table = join(folder, 'bird-rib.mrt');
    const daemon = await BirdDaemon.start(`
      router id 127.115.0.1;
      mrtdump "${updates}";
      protocol device {}
      protocol static { ipv4; route 198.51.100.0/24 unreachable { bgp_community.add((65001,5)); }; }
      protocol bgp feed {
        local 127.115.0.1 port ${PORT} as 65001;
        neighbor 127.115.0.2 as 65002;
        strict bind yes; multihop; passive; mrtdump { states, messages };
        ipv4 { import all; export all; };
        ipv6 { import all; export all; };
      }
      protocol mrt { table "master4"; filename "${table}"; period 1; }`);
    const child = await feed('127.115.0.1', '127.115.0.2', 65002, 2000);
    try {
      await daemon.until('show route count', (answer) => answer.includes('2001 of 2001 routes'));
      rmSync(table, { force: true });
      await written(table, 100_000);
    } finally {
      await end(child);
      await daemon.stop();
    }
    expect((await printed(updates)).match(/\|A\|127\.115\.0\.2\|/g)?.length).toBeGreaterThanOrEqual(2050);
    expect((await printed(table)).match(/\|B\|127\.115\.0\.2\|65002\|/g)?.length).toBeGreaterThanOrEqual(
      2000,
    );
  });
});

describe.skipIf(frr.missing)(frr.title('dumps of FRR'), () => {
  test('messages and tables print as with bgpdump', async () => {
    const updates = join(folder, 'frr-updates.mrt');
    const table = join(folder, 'frr-rib.mrt');
    const config = [
      `dump bgp all-et ${updates}`,
      `dump bgp routes-mrt ${table} 1`,
      'router bgp 65001',
      ' bgp router-id 127.115.0.3',
      ' no bgp ebgp-requires-policy',
      ' no bgp network import-check',
      ' neighbor 127.115.0.4 remote-as 65004',
      ' neighbor 127.115.0.4 passive',
      ' neighbor 127.115.0.4 ebgp-multihop',
      ' neighbor 127.115.0.4 disable-connected-check',
      ' address-family ipv6 unicast',
      '  neighbor 127.115.0.4 activate',
    ];
    const daemon = await FrrDaemon.start('127.115.0.3', PORT, `${config.join('\n')}\n`);
    const child = await feed('127.115.0.3', '127.115.0.4', 65004, 1000);
    try {
      await written(updates, 20_000);
      await written(table, 50_000);
    } finally {
      // First of all: without the routes, the next dump would be empty.
      await daemon.stop();
      child.kill();
    }
    // Of a session that has no address any more, FRR writes a change of state without addresses.
    expect((await printed(updates, true)).match(/\|A\|127\.115\.0\.4\|/g)?.length).toBeGreaterThanOrEqual(
      1000,
    );
    expect((await printed(table)).match(/\|B\|127\.115\.0\.4\|65004\|/g)?.length).toBeGreaterThanOrEqual(
      1000,
    );
  });
});
