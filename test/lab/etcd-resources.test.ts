// Calico resources that the real etcdctl puts into a running lab: what follows on the wires, and that it is undone with them.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabInfo } from '../../agents/control/routes.ts';
import type { NeighborRow, PodRow, RouteRow } from '../../agents/control/types.ts';
import { IPAM_HANDLE } from '../../protocol/calico/ipam/values.ts';
import { affinityPrefix, blockKey, HANDLE_PREFIX, resourceKey } from '../../protocol/calico/keys.ts';
import { parsePrefix, prefixContains } from '../../protocol/ip/prefix.ts';
import { all, tool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { tshark } from './support/tshark.ts';
import { type Started, Workspace } from './support/workspace.ts';

const run = promisify(execFile);
const etcdctl = tool('etcdctl');
const needs = all(etcdctl, tool('tshark'));

/** Two hosts behind a route reflector, not with each other. */
const LAB = `
name: resources
nodes:
  host[1-2]: {}
  rr1: { kind: route-reflector, labels: { route-reflector: "true" } }
pods:
  pod-[1-2]: { kind: emulated }
calico:
  - apiVersion: projectcalico.org/v3
    kind: IPPool
    metadata: { name: first }
    spec: { cidr: 192.168.0.0/16, blockSize: 26, vxlanMode: Always }
  - apiVersion: projectcalico.org/v3
    kind: BGPConfiguration
    metadata: { name: default }
    spec: { nodeToNodeMeshEnabled: false, asNumber: 64512 }
  - apiVersion: projectcalico.org/v3
    kind: BGPPeer
    metadata: { name: reflected }
    spec: { nodeSelector: all(), peerSelector: route-reflector == 'true' }
`;

const FIRST = '192.168.0.0/16';
const SECOND = '10.99.0.0/16';

describe.skipIf(needs.missing)(needs.title('resources that etcdctl puts'), () => {
  let workspace: Workspace;
  let lab: LabInfo;
  let capture: Started;
  let file: string;

  beforeAll(async () => {
    workspace = new Workspace('resources');
    await workspace.ok(['up', '-d', workspace.file('resources.yaml', LAB)]);
    ({ lab } = await workspace.json<{ readonly lab: LabInfo }>(['inspect']));
    file = join(workspace.folder, 'resources.pcapng');
    capture = workspace.start(['capture', '-w', file]);
    await capture.shows('podwire: capturing');
  });

  afterAll(() => workspace.clean());

  async function ctl(...args: string[]): Promise<string> {
    const env = { ...process.env, ETCDCTL_API: '3' };
    return (await run(etcdctl.path, ['--endpoints', lab.storeEndpoint!, ...args], { env })).stdout;
  }

  const put = (kind: 'IPPool' | 'BGPPeer', name: string, spec: object): Promise<string> => {
    const resource = { apiVersion: 'projectcalico.org/v3', kind, metadata: { name }, spec };
    return ctl('put', resourceKey(kind, name), JSON.stringify(resource));
  };
  const pool = (name: string, cidr: string, more: object = {}): Promise<string> =>
    put('IPPool', name, { cidr, blockSize: 26, vxlanMode: 'Always', nodeSelector: 'all()', ...more });
  const addressOf = (node: string): string => lab.nodes.find(({ name }) => name === node)!.address;
  const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

  async function podOf(node: string): Promise<{ readonly name: string; readonly address: string }> {
    const pods = await workspace.json<readonly PodRow[]>(['inspect', 'pods']);
    const { name, addresses } = pods.find((pod) => pod.node === node)!;
    return { name, address: addresses[0]! };
  }

  /** Destinations that a node has learnt by BGP. */
  async function learnt(node: string): Promise<string[]> {
    const rows = await workspace.json<readonly RouteRow[]>(['inspect', 'routes', '--node', node]);
    return rows.filter(({ protocol }) => protocol === 'bird').map(({ destination }) => destination);
  }

  const inside = (cidr: string, prefix: string): boolean =>
    prefixContains(parsePrefix(cidr), parsePrefix(prefix.includes('/') ? prefix : `${prefix}/32`));

  /** What Calico's garbage collection does for pods that are no more: their addresses, and the node's blocks, are given up. */
  async function giveUpAddresses(node: string): Promise<void> {
    const prefix = affinityPrefix(node, 4);
    const affinities = lines(await ctl('get', '--prefix', prefix, '--keys-only'));
    const cidrs = affinities.map((key) => key.slice(prefix.length).replace('-', '/'));
    const handles = lines(await ctl('get', '--prefix', HANDLE_PREFIX, '--keys-only'));
    for (const key of handles) {
      const { block } = IPAM_HANDLE.parse(await ctl('get', key, '--print-value-only'));
      if (cidrs.some((cidr) => block[cidr] !== undefined)) await ctl('del', key);
    }
    for (const cidr of cidrs) await ctl('del', blockKey(cidr));
    await ctl('del', '--prefix', prefix);
  }

  /** Ends a node's pods for good and has new ones in their place. */
  async function newPods(node: string): Promise<void> {
    await workspace.ok(['stop', node]);
    await giveUpAddresses(node);
    await workspace.ok(['start', node]);
  }

  const reach = (from: string, to: string): Promise<void> =>
    until(`a ping from ${from} to ${to} is answered`, async () => {
      return (await workspace.podwire(['ping', from, to, '-c', '1'])).code === 0;
    }).then(() => {});

  test('an IPPool: new pods draw from it and are reached through VXLAN; deleted, new ones are from the other pool again', async () => {
    const sender = await podOf('host1');
    expect(inside(FIRST, (await podOf('host2')).address)).toBe(true);
    // As Calico's guide to migrate to another pool has it.
    await pool('second', SECOND);
    await pool('first', FIRST, { disabled: true });
    await newPods('host2');
    const moved = await podOf('host2');
    expect(inside(SECOND, moved.address)).toBe(true);
    await until('host1 has learnt a block of the new pool', async () =>
      (await learnt('host1')).some((prefix) => inside(SECOND, prefix)),
    );
    await reach(sender.name, moved.name);
    await reach(moved.name, sender.name);

    // Not to be announced any more, all at once.
    await pool('second', SECOND, { disableBGPExport: true });
    await until('the block is withdrawn', async () => (await learnt('host1')).length === 0);
    await pool('second', SECOND);
    await until('the block is announced again', async () => (await learnt('host1')).length === 1);

    await pool('first', FIRST);
    await ctl('del', resourceKey('IPPool', 'second'));
    await newPods('host2');
    const back = await podOf('host2');
    expect(inside(FIRST, back.address)).toBe(true);
    await until('host1 has learnt a block of the first pool alone', async () => {
      const prefixes = await learnt('host1');
      return prefixes.length === 1 && inside(FIRST, prefixes[0]!);
    });
    await reach(sender.name, back.name);
    const { code } = await workspace.podwire(['ping', sender.name, moved.address, '-c', '1', '-W', '1']);
    expect(code).toBe(1);
  });

  test('a BGPPeer: its session comes up and carries routes; deleted, it ends and takes them with it', async () => {
    const hosts = 'has(kubernetes.io/hostname) && !has(route-reflector)';
    const sessions = async (): Promise<string[]> => {
      const rows = await workspace.json<readonly NeighborRow[]>(['inspect', 'bgp']);
      return rows
        .filter(({ state }) => state === 'Established')
        .map(({ node_name, node }) => `${node_name} ${node}`)
        .sort();
    };
    const reflected = ['host1 rr1', 'host2 rr1', 'rr1 host1', 'rr1 host2'];
    const [one, two] = [await podOf('host1'), await podOf('host2')];
    await until(
      'the sessions with the reflector',
      async () => (await sessions()).join() === reflected.join(),
    );
    await ctl('del', resourceKey('BGPPeer', 'reflected'));
    await until('no session is left', async () => (await sessions()).length === 0);
    await until('no route is left', async () => (await learnt('host1')).length === 0);
    expect((await workspace.podwire(['ping', one.name, two.name, '-c', '1', '-W', '1'])).code).toBe(1);

    await put('BGPPeer', 'direct', { nodeSelector: hosts, peerSelector: hosts });
    await until(
      'both ends of the session',
      async () => (await sessions()).join() === 'host1 host2,host2 host1',
    );
    await until('host1 has the block of host2', async () => (await learnt('host1')).length === 1);
    await reach(one.name, two.name);
    expect(await workspace.ok(['bgp', 'summary', '--node', 'host1'])).toContain(addressOf('host2'));

    await ctl('del', resourceKey('BGPPeer', 'direct'));
    await until('the session is gone', async () => (await sessions()).length === 0);
    await until('its routes are gone', async () => (await learnt('host1')).length === 0);
    await put('BGPPeer', 'reflected', { nodeSelector: 'all()', peerSelector: "route-reflector == 'true'" });
    await until(
      'the sessions with the reflector',
      async () => (await sessions()).join() === reflected.join(),
    );
    await reach(one.name, two.name);
  });

  test('all of that was on the wires', async () => {
    capture.child.kill('SIGINT');
    expect(await capture.ended).toMatchObject({ code: 0 });
    const direct = `bgp && ip.addr == ${addressOf('host1')} && ip.addr == ${addressOf('host2')}`;
    const fields = ['bgp.type', 'bgp.notify.major_error'] as const;
    const messages = await tshark(file, fields, ['-Y', direct]);
    const types = messages.flatMap((row) => row['bgp.type'].split(','));
    for (const type of [OPEN, UPDATE, NOTIFICATION, KEEPALIVE]) expect(types).toContain(type);
    const errors = messages.map((row) => row['bgp.notify.major_error']).filter((error) => error !== '');
    expect(new Set(errors)).toEqual(new Set([CEASE]));
    const tunnelled = await tshark(
      file,
      ['ip.dst'],
      ['-Y', `vxlan && icmp.type == 8 && ip.dst == ${SECOND}`],
    );
    expect(tunnelled.length).toBeGreaterThan(0);
  });
});

const OPEN = '1';
const UPDATE = '2';
const NOTIFICATION = '3';
const KEEPALIVE = '4';
const CEASE = '6';
