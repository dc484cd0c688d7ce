import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import type { BgpSpeaker } from '../../agents/bgp/speaker.ts';
import { bestRoutes, realSpeaker, until } from '../support/bgp.ts';
import { all, requireTool, tool } from '../support/tools.ts';

const PORT = 17979;
const PODWIRE = '127.79.0.1';
const GOBGP = '127.79.0.2';
const run = promisify(execFile);

const CONFIG = `
[global.config]
  as = 64512
  router-id = "${GOBGP}"
  port = ${PORT}
  local-address-list = ["${GOBGP}"]
[[neighbors]]
  [neighbors.config]
    neighbor-address = "${PODWIRE}"
    peer-as = 64512
  [neighbors.transport.config]
    local-address = "${GOBGP}"
    passive-mode = true
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv4-unicast"
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv6-unicast"
`;

let folder: string | undefined;
let daemon: ChildProcess | undefined;
let speaker: BgpSpeaker | undefined;
let apiPort = 0;

afterEach(async () => {
  await speaker?.stop();
  if (daemon !== undefined && daemon.exitCode === null) {
    const ended = new Promise((resolve) => daemon!.once('exit', resolve));
    daemon.kill('SIGTERM');
    await ended;
  }
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function gobgp(...args: readonly string[]): Promise<string> {
  const { stdout } = await run(requireTool('gobgp'), ['-u', '127.0.0.1', '-p', String(apiPort), ...args]);
  return stdout;
}

async function gobgpUntil(args: readonly string[], wanted: (answer: string) => boolean): Promise<string> {
  for (;;) {
    const answer = await gobgp(...args).catch(() => '');
    if (wanted(answer)) return answer;
    await delay(30);
  }
}

async function startGobgp(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'podwire-gobgp-'));
  await writeFile(join(folder, 'gobgpd.conf'), CONFIG);
  apiPort = await freePort();
  const api = `127.0.0.1:${apiPort}`;
  daemon = spawn(
    requireTool('gobgpd'),
    ['-f', join(folder, 'gobgpd.conf'), '--api-hosts', api, '--pprof-disable'],
    {
      stdio: 'ignore',
    },
  );
  await gobgpUntil(['global'], (text) => text.includes('64512'));
}

const needed = all(tool('gobgpd'), tool('gobgp'));

describe.skipIf(needed.missing)(needed.title('GoBGP as a peer'), () => {
  test('tables are equal both ways, for IPv4 and IPv6, and a stop withdraws', async () => {
    await startGobgp();
    await gobgp('global', 'rib', 'add', '10.79.2.0/26', 'nexthop', '192.0.2.2', 'community', '64512:5');
    await gobgp('global', 'rib', 'add', '-a', 'ipv6', '2001:db8:2::/64', 'nexthop', '2001:db8::2');
    speaker = realSpeaker({ asn: 64512, routerId: PODWIRE, listen: [{ address: PODWIRE, port: PORT }] });
    const podwire = speaker;
    podwire.setPeers([
      {
        name: 'gobgp',
        address: GOBGP,
        port: PORT,
        asn: 64512,
        localAddress: PODWIRE,
        families: ['ipv4-unicast', 'ipv6-unicast'],
      },
    ]);
    podwire.announce('10.79.1.0/26', { nextHop: '192.0.2.1', communities: ['64512:9'] });
    podwire.announce('2001:db8:1::/64', { nextHop: '2001:db8::1' });
    await podwire.start();
    await until(podwire, () => podwire.adjRibIn('gobgp').length === 2);
    expect(bestRoutes(podwire.adjRibIn('gobgp'))).toEqual([
      '10.79.2.0/26 via 192.0.2.2',
      '2001:db8:2::/64 via 2001:db8::2',
    ]);
    expect(podwire.adjRibIn('gobgp')[0]!.communities).toEqual(['64512:5']);
    const table = await gobgpUntil(['neighbor', PODWIRE, 'adj-in'], (text) => text.includes('10.79.1.0/26'));
    // GoBGP refuses next hops in 127/8, so the routes carry another one.
    expect(table).toContain('192.0.2.1');
    expect(table).toContain('64512:9');
    const table6 = await gobgpUntil(['neighbor', PODWIRE, 'adj-in', '-a', 'ipv6'], (text) =>
      text.includes('2001:db8:1::/64'),
    );
    expect(table6).toContain('2001:db8::1');

    await gobgp('global', 'rib', 'del', '10.79.2.0/26', 'nexthop', '192.0.2.2');
    await until(podwire, () => podwire.adjRibIn('gobgp').length === 1);
    await podwire.stop();
    await gobgpUntil(['global', 'rib'], (text) => text !== '' && !text.includes('10.79.1.0/26'));
  });
});
