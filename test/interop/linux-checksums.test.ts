import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { setTxChecksum } from '../../agents/io/linux/ethtool.ts';
import { withNetlink } from '../../agents/io/linux/netlink.ts';
import { createNetns, type Netns, withNetns } from '../../agents/io/linux/netns.ts';
import { spawnInNetns } from '../../agents/io/linux/spawn-in-netns.ts';
import { nodeUdp } from '../../agents/io/udp.ts';
import type { UdpSocket } from '../../agents/ports.ts';
import { all, requireTool, root, tool } from '../support/tools.ts';

const needs = all(root(), tool('tcpdump'), tool('tshark'));

/** What Wireshark calls the states of a checksum. */
const BAD = '0';
const GOOD = '1';

let opened: Netns[] = [];
afterEach(() => {
  for (const netns of opened) netns.close();
  opened = [];
});

function netns(): Netns {
  const namespace = createNetns();
  opened.push(namespace);
  withNetlink(namespace, (netlink) => netlink.setLink('lo', { up: true }));
  return namespace;
}

interface Capture {
  /** Waits for the packets and returns [payload, checksum, state of the checksum] of each. */
  packets(): Promise<string[][]>;
}

/** tcpdump inside a namespace, capturing once this resolves, until `count` UDP packets have come. */
async function capture(namespace: Netns, device: string, count: number): Promise<Capture> {
  const args = ['-i', device, '--immediate-mode', '-U', '-w', '-', '-c', String(count), 'udp'];
  const tcpdump: ChildProcess = spawnInNetns(namespace.path, requireTool('tcpdump'), args, {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const bytes = buffer(tcpdump.stdout!);
  for (let said = ''; !said.includes('listening on'); )
    said += String((await once(tcpdump.stderr!, 'data'))[0]);
  tcpdump.stderr!.resume();
  return {
    async packets() {
      const fields = ['udp.payload', 'udp.checksum', 'udp.checksum.status'].flatMap((field) => ['-e', field]);
      const folder = mkdtempSync(join(tmpdir(), 'podwire-checksums-'));
      const file = join(folder, 'wire.pcap');
      writeFileSync(file, await bytes);
      const args = ['-r', file, '-o', 'udp.check_checksum:TRUE', '-T', 'fields', ...fields];
      const printed = execFileSync(requireTool('tshark'), args, {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      rmSync(folder, { recursive: true });
      return printed
        .trim()
        .split('\n')
        .map((line) => line.split('\t'));
    },
  };
}

describe.skipIf(needs.missing)(needs.title('checksums on the wire'), () => {
  test.each([
    ['127.0.0.1', '127.0.0.2'],
    ['::1', '::1'],
  ])('a UDP socket without checksum sends 0 from %s, and receives it', async (from, to) => {
    const namespace = netns();
    const arrived = Promise.withResolvers<string>();
    let sockets: Array<Promise<UdpSocket>> = [];
    // The socket is made by the synchronous part of bind, hence inside.
    withNetns(namespace, () => {
      sockets = [from, to].map((address, i) =>
        nodeUdp().bind({ address, port: 4789 + i }, { noChecksum: true }, (bytes) =>
          arrived.resolve(Buffer.from(bytes).toString('hex')),
        ),
      );
    });
    const [sender, receiver] = await Promise.all(sockets);
    const wire = await capture(namespace, 'lo', 1);
    sender!.send(Uint8Array.of(0xca, 0xfe), receiver!.local);
    expect(await arrived.promise).toBe('cafe');
    const [[payload, checksum]] = (await wire.packets()) as [string[]];
    expect([payload, checksum]).toEqual(['cafe', '0x0000']);
    await Promise.all([sender!.close(), receiver!.close()]);
  });

  test.each([
    ['with offload are left to hardware that is not there', true, BAD],
    ['without offload are right', false, GOOD],
  ])('checksums on a veth %s', async (_title, offload, state) => {
    const [left, right] = [netns(), netns()];
    withNetlink(left, (netlink) => netlink.addVeth({ name: 'eth0' }, { name: 'eth0', netns: right }));
    for (const [address, namespace] of [
      ['10.9.0.1/24', left],
      ['10.9.0.2/24', right],
    ] as const) {
      withNetlink(namespace, (netlink) => {
        netlink.addAddress('eth0', address);
        netlink.setLink('eth0', { up: true, noLinkLocal: true });
      });
    }
    withNetns(left, () => setTxChecksum('eth0', offload));
    const wire = await capture(right, 'eth0', 1);
    spawnInNetns(left.path, 'bash', ['-c', 'printf hello > /dev/udp/10.9.0.2/9'], { stdio: 'inherit' });
    const [[payload, , status]] = (await wire.packets()) as [string[]];
    expect([payload, status]).toEqual([Buffer.from('hello').toString('hex'), state]);
  });
});
