// A Linux host with the kernel's VXLAN device as a node, and tshark as the judge of everything on the bridge.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { derivedMac } from '../../agents/capture/underlay-recorder.ts';
import type { LabInfo } from '../../agents/control/routes.ts';
import { formatMac } from '../../protocol/ethernet/mac.ts';
import { parseIpv4 } from '../../protocol/ip/ipv4.ts';
import { all, root, tool } from '../support/tools.ts';
import {
  agentOf,
  blockOf,
  example,
  inside,
  nodeOf,
  untilReachable,
  untilSynced,
  upNetns,
} from './support/netns.ts';
import { podAddresses, startServer } from './support/pods.ts';
import { type Dump, startDump } from './support/tcpdump.ts';
import { complaints, tshark } from './support/tshark.ts';
import { Workspace } from './support/workspace.ts';

const needs = all(
  root(),
  tool('bird'),
  tool('bridge'),
  tool('ip'),
  tool('nsenter'),
  tool('ping'),
  tool('tcpdump'),
  tool('tshark'),
);

/** Of the lab file: the Linux host's block, its VTEP and an address that answers in the block. */
const KERNEL = {
  block: '192.168.1.0/26',
  tunnel: '192.168.1.0',
  mac: '66:0a:0b:0c:0d:0e',
  address: '192.168.1.10',
};

/** Fetches from a server that echoes: exit 0 where all came back. */
function post(address: string, bytes: number): string {
  return `fetch('http://${address}:8080/', { method: 'POST', body: 'x'.repeat(${bytes}) })
    .then((got) => got.text()).then((text) => process.exit(text.length === ${bytes} ? 0 : 1));`;
}

describe.skipIf(needs.missing)(needs.title('a host with a kernel VXLAN device'), () => {
  let workspace: Workspace;
  let lab: LabInfo;
  let ip: Readonly<Record<string, string>>;
  let dump: Dump;

  beforeAll(async () => {
    workspace = new Workspace('kernel');
    lab = await upNetns(workspace, example('netns-kernel-vxlan'));
    ip = await podAddresses(workspace);
    dump = await startDump(workspace, lab.fabric!, 'br0');
  });

  afterAll(() => workspace.clean());

  /** Replies that a ping of the Linux host got. */
  async function pingFromKernel(...args: readonly string[]): Promise<string[]> {
    const text = await inside(workspace, 'linux', 'ping', '-c', '3', '-i', '0.05', '-W', '2', ...args);
    return text.match(/bytes from .* ttl=\d+/g)!.map((reply) => reply.replace(/icmp_seq=\d+ /, ''));
  }

  test('podwire learns its block from BIRD, and its VTEP from the store', async () => {
    const { address } = nodeOf(lab, 'linux');
    for (const host of ['host1', 'host2']) {
      const routes = await agentOf(workspace, host).routes();
      expect(routes.filter(({ destination }) => destination === KERNEL.block)).toMatchObject([
        {
          gateway: KERNEL.tunnel,
          device: 'vxlan.calico',
          learnedFrom: expect.stringContaining(`BGP from linux (${address})`),
        },
      ]);
      const entries = await agentOf(workspace, host).fdb();
      expect(entries.filter(({ mac }) => mac === KERNEL.mac)).toMatchObject([
        { destination: address, neighbor: KERNEL.tunnel },
      ]);
    }
  });

  test.each(['web-1', 'web-2'])('pod %s pings it', async (pod) => {
    const text = await workspace.ok(['ping', pod, KERNEL.address, '-c', '3', '-i', '0.05']);
    expect(text).toContain('3 packets transmitted, 3 received, 0% packet loss');
    expect(text.match(/64 bytes from 192\.168\.1\.10: icmp_seq=\d ttl=63/g)).toHaveLength(3);
  });

  test.each(['web-1', 'web-2'])(
    'it pings pod %s, from its tunnel address and from its block',
    async (pod) => {
      const replies = Array(3).fill(`bytes from ${ip[pod]}: ttl=63`);
      expect(await pingFromKernel(ip[pod]!)).toEqual(replies);
      expect(await pingFromKernel('-I', KERNEL.address, ip[pod]!)).toEqual(replies);
    },
  );

  test('packets as large as the tunnel takes, and fragments of larger ones, both ways', async () => {
    for (const pod of ['web-1', 'web-2']) {
      expect(await pingFromKernel('-M', 'do', '-s', '1422', ip[pod]!)).toHaveLength(3);
      expect(await pingFromKernel('-s', '4000', ip[pod]!)).toHaveLength(3);
      await workspace.ok(['ping', pod, KERNEL.address, '-c', '2', '-i', '0.05', '-s', '1422']);
      await workspace.ok(['ping', pod, KERNEL.address, '-c', '2', '-i', '0.05', '-s', '4000']);
    }
  });

  test('TCP both ways, a megabyte each', async () => {
    const inPod = await startServer(workspace, 'web-1', 'http');
    await inside(workspace, 'linux', 'node', '-e', post(ip['web-1']!, 1_000_000));
    const onHost = await startServer(workspace, 'linux', 'http');
    await inside(workspace, 'web-1', 'node', '-e', post(KERNEL.address, 1_000_000));
    for (const server of [inPod, onHost]) {
      server.child.kill('SIGTERM');
      await server.ended;
    }
  });

  test('its block goes when it is stopped, and it answers again when it is started', async () => {
    await workspace.ok(['stop', 'linux']);
    for (const host of ['host1', 'host2']) await untilReachable(workspace, host, KERNEL.block, false);
    expect((await workspace.podwire(['ping', 'web-1', KERNEL.address, '-c', '1', '-W', '0.3'])).code).toBe(1);
    await workspace.ok(['start', 'linux']);
    for (const host of ['host1', 'host2']) await untilReachable(workspace, host, KERNEL.block, true);
    await workspace.ok(['ping', 'web-1', KERNEL.address, '-c', '1']);
    await workspace.ok(['ping', 'web-2', KERNEL.address, '-c', '1']);
  });

  test('a podwire host that comes back is reached by the kernel again', async () => {
    const block = await blockOf(workspace, 'host2');
    await workspace.ok(['stop', 'host2']);
    await untilReachable(workspace, 'host1', block, false);
    const gone = await workspace.podwire(['exec', 'linux', '--', 'ping', '-c', '1', '-W', '1', ip['web-2']!]);
    expect(gone.code).not.toBe(0);
    await workspace.ok(['start', 'host2']);
    await untilSynced(workspace, 'host2');
    expect(await blockOf(workspace, 'host2')).toBe(block);
    expect(await pingFromKernel(ip['web-2']!)).toHaveLength(3);
  });

  test('on the bridge: nothing malformed, every checksum right, VNI 4096, the addresses that were meant', async () => {
    await dump.stop();
    expect(await complaints(dump.file)).toEqual([]);
    const fields = ['vxlan.vni', 'eth.src', 'eth.dst', 'ip.src', 'ip.dst', 'ip.ttl'] as const;
    const requests = await tshark(dump.file, fields, ['-Y', 'vxlan && icmp.type == 8 && !ip.flags.mf == 1']);
    const [host1, linux] = [nodeOf(lab, 'host1').address, nodeOf(lab, 'linux').address];
    const macs = { host1: '66:e5:e2:a9:51:86' };
    const [outer1, outerLinux] = [host1, linux].map((address) => formatMac(derivedMac(parseIpv4(address))));
    expect(requests).toContainEqual({
      'vxlan.vni': '4096',
      'eth.src': `${outer1},${macs.host1}`,
      'eth.dst': `${outerLinux},${KERNEL.mac}`,
      'ip.src': `${host1},${ip['web-1']}`,
      'ip.dst': `${linux},${KERNEL.address}`,
      'ip.ttl': '64,63',
    });
    expect(requests).toContainEqual({
      'vxlan.vni': '4096',
      'eth.src': `${outerLinux},${KERNEL.mac}`,
      'eth.dst': `${outer1},${macs.host1}`,
      'ip.src': `${linux},${KERNEL.address}`,
      'ip.dst': `${host1},${ip['web-1']}`,
      'ip.ttl': '64,64',
    });
    const vxlan = await tshark(
      dump.file,
      ['vxlan.vni', 'udp.dstport'],
      ['-Y', 'vxlan && !ip.frag_offset > 0'],
    );
    expect(new Set(vxlan.map((row) => row['vxlan.vni']))).toEqual(new Set(['4096']));
    expect(vxlan.length).toBeGreaterThan(1000);
  });

  test('on the bridge: BGP from OPEN to NOTIFICATION, with the blocks in the UPDATEs', async () => {
    const messages = await tshark(dump.file, ['ip.src', 'bgp.type', 'bgp.nlri_prefix'], ['-Y', 'bgp']);
    const sent = (node: string): Set<string> =>
      new Set(
        messages
          .filter((row) => row['ip.src'] === nodeOf(lab, node).address)
          .flatMap((row) => row['bgp.type'].split(',')),
      );
    // OPEN 1, UPDATE 2, NOTIFICATION 3, KEEPALIVE 4.
    expect([...sent('host2')].sort()).toEqual(['1', '2', '3', '4']);
    expect([...sent('linux')].sort()).toEqual(['1', '2', '3', '4']);
    const prefixes = new Set(messages.flatMap((row) => row['bgp.nlri_prefix'].split(',')));
    expect(prefixes).toContain((await blockOf(workspace, 'host2')).split('/')[0]);
    expect(prefixes).toContain('192.168.1.0');
  });
});
