// What tcpdump sees on the loopback interface of a lab in the local runtime, without podwire's help.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabInfo } from '../../agents/control/routes.ts';
import type { NeighborRow } from '../../agents/control/types.ts';
import { all, root, tool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { MIXED_LAB } from './support/labs.ts';
import { nodeAction } from './support/nodes.ts';
import { podAddresses, startServer } from './support/pods.ts';
import { dumpLoopback } from './support/tcpdump.ts';
import { complaints, tshark } from './support/tshark.ts';
import { Workspace } from './support/workspace.ts';

const needs = all(root(), tool('tshark'), tool('tcpdump'), tool('ping'));

describe.skipIf(needs.missing)(needs.title('tcpdump on the loopback interface'), () => {
  let workspace: Workspace;
  let ip: Readonly<Record<string, string>>;
  let lab: LabInfo;

  beforeAll(async () => {
    workspace = new Workspace('tcpdump');
    await workspace.ok(['up', '-d', workspace.file('mixed.yaml', MIXED_LAB)]);
    ip = await podAddresses(workspace);
    ({ lab } = await workspace.json<{ lab: LabInfo }>(['inspect']));
  });

  afterAll(() => workspace.clean());

  const addressOf = (node: string): string => lab.nodes.find(({ name }) => name === node)!.address;
  const onlyThisLab = (filter: string): string =>
    `(${filter}) and net ${addressOf('host1').replace(/\.\d+$/, '.0')}/24`;

  test('VXLAN: VNI 4096, outer UDP checksum 0, inner addresses and checksums right', async () => {
    const file = join(workspace.folder, 'vxlan.pcap');
    const post = `fetch('http://${ip['linux-2']}:8080/', { method: 'POST', body: 'x'.repeat(50000) })
      .then((got) => got.text()).then((text) => process.exit(text.length === 50000 ? 0 : 1));`;
    const work = async (): Promise<void> => {
      await workspace.ok(['exec', 'linux-1', '--', 'ping', '-c', '1', ip['linux-2']!]);
      await workspace.ok(['exec', 'emulated-1', '--', 'nc', '-u', ip['emulated-2']!, '7'], {
        input: 'hallo',
      });
      const server = await startServer(workspace, 'linux-2', 'http');
      await workspace.ok(['exec', 'linux-1', '--', 'node', '-e', post]);
      server.child.kill('SIGTERM');
      await server.ended;
    };
    // 50,000 bytes there and back.
    await dumpLoopback(file, onlyThisLab('udp port 4789'), work, () => statSync(file).size > 100_000);
    const columns = ['vxlan.vni', 'ip.src', 'ip.dst', 'udp.checksum', 'icmp.type', 'tcp.len'] as const;
    const rows = await tshark(file, columns);
    expect(new Set(rows.map((row) => row['vxlan.vni']))).toEqual(new Set(['4096']));
    expect(rows.find((row) => row['icmp.type'] === '8')).toMatchObject({
      'ip.src': `${addressOf('host1')},${ip['linux-1']}`,
      'ip.dst': `${addressOf('host2')},${ip['linux-2']}`,
    });
    for (const row of rows) expect(row['udp.checksum']).toMatch(/^0x0000(,|$)/);
    expect(rows.filter((row) => Number(row['tcp.len']) > 1000).length).toBeGreaterThan(20);
    const datagrams = await tshark(file, ['data.text', 'udp.checksum.status'], ['-Y', 'udp.port == 7']);
    expect(datagrams).toHaveLength(2);
    expect(await complaints(file)).toEqual([]);
  });

  test('BGP: a session from its OPEN on, and a block with the attributes that reflection adds', async () => {
    const file = join(workspace.folder, 'bgp.pcap');
    const toHost2 = `ip.src == ${addressOf('rr1')} && ip.dst == ${addressOf('host2')}`;
    const attributes = [
      ...['next_hop', 'originator_id', 'local_pref'].map((name) => `bgp.update.path_attribute.${name}`),
      'bgp.path_attribute.cluster_id',
    ];
    const reflected = (): Promise<Readonly<Record<string, string>>[]> =>
      tshark(file, ['bgp.nlri_prefix', ...attributes], ['-Y', `${toHost2} && bgp.nlri_prefix`]);
    await nodeAction(workspace, 'rr1', 'kill');
    const work = async (): Promise<void> => {
      await nodeAction(workspace, 'rr1', 'start');
      await until('sessions are back', async () => {
        const rows = await workspace.json<readonly NeighborRow[]>(['inspect', 'bgp']);
        return rows.length === 4 && rows.every(({ endOfRibReceived }) => endOfRibReceived.length > 0);
      });
    };
    const filter = onlyThisLab(`tcp port ${lab.bgpPort}`);
    await dumpLoopback(file, filter, work, async () => (await reflected()).length > 0);
    // On loopback the kernel leaves TCP checksums to an interface that never computes them.
    const wrong = ['-Y', '_ws.malformed || ip.checksum.status == 0'];
    expect(await tshark(file, ['frame.number'], wrong)).toEqual([]);
    const opens = await tshark(file, ['bgp.open.identifier', 'bgp.open.myas'], ['-Y', 'bgp.type == 1']);
    const identifiers = opens.map((row) => row['bgp.open.identifier']);
    expect([...new Set(identifiers)].sort()).toEqual(['host1', 'host2', 'rr1'].map(addressOf).sort());
    const block = ip['linux-1']!.replace(/\d+$/, (last) => String(Number(last) & 0xc0));
    expect(await reflected()).toEqual([
      {
        'bgp.nlri_prefix': block,
        'bgp.update.path_attribute.next_hop': addressOf('host1'),
        'bgp.update.path_attribute.originator_id': addressOf('host1'),
        'bgp.path_attribute.cluster_id': '244.0.0.1',
        'bgp.update.path_attribute.local_pref': '100',
      },
    ]);
  });
});
