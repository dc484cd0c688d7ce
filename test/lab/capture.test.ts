// `podwire capture` of a running lab, with tshark as the judge.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabInfo } from '../../agents/control/routes.ts';
import { root } from '../support/root.ts';
import { all, root as rootUser, tool } from '../support/tools.ts';
import { MIXED_LAB } from './support/labs.ts';
import { nodeAction } from './support/nodes.ts';
import { podAddresses, startServer } from './support/pods.ts';
import { complaints, tshark } from './support/tshark.ts';
import { Workspace } from './support/workspace.ts';

const needs = all(rootUser(), tool('tshark'), tool('capinfos'));
const OUTBOUND = '0x00000002';
const INBOUND = '0x00000001';

describe.skipIf(needs.missing)(needs.title('captures of a lab'), () => {
  let workspace: Workspace;
  let ip: Readonly<Record<string, string>>;
  let lab: LabInfo;

  beforeAll(async () => {
    workspace = new Workspace('capture');
    await workspace.ok(['up', '-d', workspace.file('mixed.yaml', MIXED_LAB)]);
    ip = await podAddresses(workspace);
    ({ lab } = await workspace.json<{ lab: LabInfo }>(['inspect']));
  });

  afterAll(() => workspace.clean());

  /** Captures into a file while `work` runs; returns the file's path. */
  async function captured(
    name: string,
    options: readonly string[],
    work: () => Promise<unknown>,
  ): Promise<string> {
    const file = join(workspace.folder, `${name}.pcapng`);
    const capture = workspace.start(['capture', '-w', file, ...options]);
    await capture.shows('podwire: capturing');
    await work();
    if (!options.includes('-c') && !options.includes('--duration')) capture.child.kill('SIGINT');
    expect(await capture.ended).toMatchObject({ code: 0, stdout: '' });
    return file;
  }

  const pingOnce = (from: string, to: string): Promise<string> => workspace.ok(['ping', from, to, '-c', '1']);
  const addressOf = (node: string): string => lab.nodes.find(({ name }) => name === node)!.address;

  /** Names of a capture's interfaces, also of those without packets. */
  async function interfaces(file: string): Promise<string[]> {
    const { stdout } = await promisify(execFile)(tool('capinfos').path, [file]);
    return [...stdout.matchAll(/^ +Name = (.*)$/gm)].map((match) => match[1]!).sort();
  }

  const FIELDS = [
    'frame.interface_name',
    'frame.packet_id',
    'frame.packet_flags_direction',
    'frame.time_epoch',
  ] as const;

  test('one ping on its way: pod, host, wire, host, pod; one packet id, times in order, both directions', async () => {
    const options = ['--node', 'host1,host2', '--link', 'underlay'];
    const file = await captured('ping', options, () => pingOnce('linux-1', 'linux-2'));
    for (const [type, from, to] of [
      ['8', '1', '2'],
      ['0', '2', '1'],
    ]) {
      const rows = await tshark(file, FIELDS, ['-Y', `icmp.type == ${type}`]);
      const way = rows.map((row) => [row['frame.interface_name'], row['frame.packet_flags_direction']]);
      expect(way.slice(0, 1)).toEqual([[`default/linux-${from}:eth0`, OUTBOUND]]);
      expect(way.slice(3)).toEqual([
        [`host${to}:eth0`, INBOUND],
        [`default/linux-${to}:eth0`, INBOUND],
      ]);
      // A frame is on the wire when it leaves the host.
      expect(way.slice(1, 3).sort()).toEqual([
        [`host${from}:eth0`, OUTBOUND],
        ['underlay', expect.any(String)],
      ]);
      expect(new Set(rows.map((row) => row['frame.packet_id'])).size).toBe(1);
      const times = rows.map((row) => BigInt(row['frame.time_epoch'].replace('.', '')));
      expect(times).toEqual(times.toSorted((a, b) => (a < b ? -1 : 1)));
    }
    const ids = await tshark(file, ['frame.packet_id'], ['-Y', 'icmp']);
    expect(new Set(ids.map((row) => row['frame.packet_id'])).size).toBe(2);
  });

  test('nanoseconds, and an interface for each node and pod, also without packets', async () => {
    const file = await captured('whole', [], () => pingOnce('linux-1', 'emulated-2'));
    expect(await interfaces(file)).toEqual([
      ...['emulated-1', 'emulated-2', 'linux-1', 'linux-2'].map((name) => `default/${name}:eth0`),
      'host1:eth0',
      'host2:eth0',
      'rr1:eth0',
    ]);
    const { stdout } = await promisify(execFile)(tool('capinfos').path, [file]);
    expect(stdout).toMatch(/^File timestamp precision: +nanoseconds \(9\)$/m);
    expect(stdout).toContain(`Capture comment:     lab ${workspace.lab}`);
    const rows = await tshark(file, ['frame.time_epoch']);
    const nanoseconds = rows.map((row) => Number(row['frame.time_epoch'].slice(-3)));
    expect(nanoseconds.some((value) => value !== 0)).toBe(true);
    // Times are the wall clock's.
    expect(Math.abs(Number(rows[0]!['frame.time_epoch']) - Date.now() / 1000)).toBeLessThan(60);
  });

  test('VXLAN: VNI 4096, the tunnel’s and the pods’ addresses, in order around each other', async () => {
    const file = await captured('vxlan', ['--node', 'host1'], () => pingOnce('emulated-1', 'linux-2'));
    const fields = ['frame.protocols', 'vxlan.vni', 'ip.src', 'ip.dst', 'udp.dstport', 'ip.ttl'] as const;
    const rows = await tshark(file, fields, ['-Y', 'vxlan && icmp.type == 8']);
    expect(rows).toEqual([
      {
        'frame.protocols': 'eth:ethertype:ip:udp:vxlan:eth:ethertype:ip:icmp:data',
        'vxlan.vni': '4096',
        'ip.src': `${addressOf('host1')},${ip['emulated-1']}`,
        'ip.dst': `${addressOf('host2')},${ip['linux-2']}`,
        'udp.dstport': '4789',
        'ip.ttl': expect.stringMatching(/^\d+,63$/),
      },
    ]);
  });

  test('all traffic decodes, and every checksum is right: TCP with its large segments, UDP, fragments, ICMP, ARP, BGP', async () => {
    const server = await startServer(workspace, 'linux-2', 'http');
    const file = await captured('traffic', [], async () => {
      await workspace.ok(['exec', 'linux-1', '--', 'ip', 'neigh', 'flush', 'dev', 'eth0']);
      const post = `const body = 'x'.repeat(200000);
        fetch('http://${ip['linux-2']}:8080/', { method: 'POST', body }).then((got) => got.text())
          .then((text) => process.exit(text === body ? 0 : 1));`;
      await workspace.ok(['exec', 'linux-1', '--', 'node', '-e', post]);
      await workspace.ok(['exec', 'emulated-1', '--', 'nc', '-u', ip['emulated-2']!, '7'], {
        input: 'x'.repeat(5000),
      });
      await workspace.ok(['exec', 'linux-2', '--', 'ping', '-c', '1', '-s', '3000', ip['emulated-1']!]);
      await workspace.podwire(['ping', 'linux-1', '192.168.255.250', '-c', '1']);
      await nodeAction(workspace, 'rr1', 'stop');
      await nodeAction(workspace, 'rr1', 'start');
      await workspace.ok(['ping', 'linux-1', 'linux-2', '-c', '1']).catch(() => undefined);
    });
    server.child.kill('SIGTERM');
    await server.ended;
    expect(await complaints(file)).toEqual([]);
    const protocols = await tshark(file, ['frame.protocols']);
    const seen = new Set(protocols.flatMap((row) => row['frame.protocols'].split(':')));
    expect([...seen]).toEqual(
      expect.arrayContaining(['arp', 'icmp', 'udp', 'tcp', 'http', 'vxlan', 'bgp', 'echo']),
    );
    // TCP went through: the transfer's bytes are on the receiving pod's interface, beyond one block of data.
    const segments = await tshark(
      file,
      ['tcp.len'],
      ['-Y', `frame.interface_name == "default/linux-2:eth0" && tcp.dstport == 8080`],
    );
    const bytes = segments.reduce((sum, row) => sum + Number(row['tcp.len']), 0);
    expect(bytes).toBeGreaterThanOrEqual(200_000);
    const bgp = await tshark(file, ['bgp.type'], ['-Y', 'bgp && frame.interface_name == "host1:eth0"']);
    const types = new Set(bgp.flatMap((row) => row['bgp.type'].split(',')));
    // OPEN, UPDATE, NOTIFICATION (Cease), KEEPALIVE.
    expect([...types].sort()).toEqual(['1', '2', '3', '4']);
  });

  test('-c ends after so many packets', async () => {
    const file = await captured('count', ['-c', '3'], () => pingOnce('linux-1', 'linux-2'));
    expect(await tshark(file, ['frame.number'])).toHaveLength(3);
  });

  test('--duration ends after that time, with a file that is whole', async () => {
    const started = performance.now();
    const file = await captured('duration', ['--duration', '0.5'], () => pingOnce('linux-1', 'linux-2'));
    expect(performance.now() - started).toBeGreaterThan(500);
    // Four appearances of request and reply.
    expect((await tshark(file, ['frame.number'], ['-Y', 'icmp'])).length).toBe(8);
  });

  test.each([
    [
      ['--node', 'host2'],
      ['default/emulated-2:eth0', 'default/linux-2:eth0', 'host2:eth0'],
    ],
    [
      ['--node', 'host2', '--node', 'rr1'],
      ['default/emulated-2:eth0', 'default/linux-2:eth0', 'host2:eth0', 'rr1:eth0'],
    ],
    [['--pod', 'linux-1'], ['default/linux-1:eth0']],
    [
      ['--pod', 'linux-1', '--pod', 'default/emulated-2'],
      ['default/emulated-2:eth0', 'default/linux-1:eth0'],
    ],
    [['--link', 'underlay'], ['underlay']],
  ])('%j captures these interfaces and no others', async (options, names) => {
    const file = await captured('some', options, () => pingOnce('linux-1', 'emulated-2'));
    expect(await interfaces(file)).toEqual(names);
    const icmp = await tshark(file, ['frame.interface_name', 'frame.packet_id'], ['-Y', 'icmp']);
    expect(new Set(icmp.map((row) => row['frame.interface_name'])).size).toBeGreaterThan(0);
    // On a link each frame is there once.
    if (names.includes('underlay')) expect(icmp).toHaveLength(2);
  });

  test('-w - | tshark -i -: packets as they come, until tshark has enough', async () => {
    const podwire = `node '${join(root, 'bin', 'podwire.mjs')}' --name ${workspace.lab}`;
    const columns = '-e frame.interface_name -e icmp.type';
    const pipeline = workspace.run([
      'sh',
      '-c',
      `${podwire} capture --pod linux-2 -w - | tshark -n -l -i - -c 6 -Y icmp -T fields ${columns}`,
    ]);
    await pipeline.shows('podwire: capturing');
    // Pings go on, so that the capture hears that its reader is gone.
    const pings = workspace.start(['exec', 'linux-1', '--', 'ping', '-i', '0.2', ip['linux-2']!]);
    await pipeline.shows('default/linux-2:eth0\t8\ndefault/linux-2:eth0\t0\n');
    const { code, stdout } = await pipeline.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^(default\/linux-2:eth0\t[80]\n){2,6}$/);
    pings.child.kill('SIGINT');
    await pings.ended;
  });

  test.each([
    [['--node', 'host7'], /^podwire: no node host7 runs in this lab, did you mean host\d\?\n$/],
    [['--pod', 'linux-7'], /^podwire: no pod linux-7 in this lab, did you mean linux-\d\?\n$/],
    [['-w', '/no/such/folder/x.pcapng'], /^podwire: cannot write \/no\/such\/folder\/x\.pcapng: ENOENT\n$/],
  ])('exit code 1 and one line: %j', async (options, message) => {
    const ran = await workspace.podwire(['capture', '-c', '1', ...options]);
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(message);
  });
});
