// The netns runtime by itself: what it makes, where it makes it, and that nothing of it stays.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { LabInfo } from '../../agents/control/routes.ts';
import type { AgentStatus, NeighborRow, PodRow } from '../../agents/control/types.ts';
import { all, root, tool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { HeldNamespaces, leftovers, processesOf } from './support/leftovers.ts';
import {
  blockOf,
  example,
  inFabric,
  inside,
  labInfo,
  nodeOf,
  untilReachable,
  untilSynced,
} from './support/netns.ts';
import { podAddresses } from './support/pods.ts';
import { tshark } from './support/tshark.ts';
import { type Ran, Workspace } from './support/workspace.ts';

const needs = all(root(), tool('ip'), tool('nsenter'), tool('ping'), tool('unshare'));
const UP = ['up', '-d', '--runtime', 'netns'];

const WITH_COMMANDS = `
name: commands
nodes:
  host[1-2]: {}
  foreign:
    kind: linux
    exec: ['setsid sleep 4321 >/dev/null 2>&1 &']
    run: sleep 4322 & exec sleep 4323
`;

/** A lab with a foreign node whose commands are these. */
function foreign(exec: string, run: string): string {
  return `
name: foreign
nodes:
  host[1-2]: {}
  foreign: { kind: linux, exec: [${JSON.stringify(exec)}], run: ${JSON.stringify(run)} }
`;
}

/** The lab's supervisor and agents, and whoever has one of its namespaces. */
async function namespacesOf(workspace: Workspace): Promise<HeldNamespaces> {
  const lab = await labInfo(workspace);
  const pods = await workspace.json<readonly PodRow[]>(['inspect', 'pods']);
  const paths = [lab.fabric, ...lab.nodes.map(({ netns }) => netns), ...pods.map(({ netns }) => netns)];
  return new HeldNamespaces(paths.filter((path) => typeof path === 'string'));
}

describe.skipIf(needs.missing)(needs.title('a lab in network namespaces'), () => {
  let workspace: Workspace;
  let lab: LabInfo;
  let machine: Machine;

  /** A namespace that stands for the machine's own: nobody else makes interfaces in it meanwhile. */
  interface Machine {
    /** Arguments that run a command in it. */
    readonly through: readonly string[];
    /** Its interfaces, addresses and routes, as `ip` tells them. */
    readonly look: () => Promise<string>;
  }

  async function startMachine(): Promise<Machine> {
    const holder = spawn(
      tool('unshare').path,
      ['--net', 'sh', '-c', 'ip link set lo up && echo up && exec sleep infinity'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    await once(holder.stdout, 'data');
    onClean.push(() => holder.kill());
    const through = ['nsenter', `--net=/proc/${holder.pid}/ns/net`];
    const look = async (): Promise<string> => {
      const texts = await Promise.all(
        ['link', 'address', 'route', 'rule'].map((what) => workspace.run([...through, 'ip', what]).ended),
      );
      return texts.map(({ stdout }) => stdout).join('\n');
    };
    return { through, look };
  }

  const onClean: (() => void)[] = [];
  let before: string;

  beforeAll(async () => {
    workspace = new Workspace('netns');
    machine = await startMachine();
    before = await machine.look();
    await workspace.ok(UP, { through: machine.through });
    lab = await labInfo(workspace);
  });

  afterAll(async () => {
    await workspace.clean();
    for (const clean of onClean) clean();
  });

  test("has converged and has an agent's process in a namespace of its own for each node", async () => {
    expect(lab).toMatchObject({ runtime: 'netns', phase: 'converged', podKind: 'linux', bgpPort: 179 });
    const { nodes } = await workspace.json<{ nodes: readonly AgentStatus[] }>(['inspect']);
    expect(nodes.map(({ ready, sessions }) => [ready, sessions])).toEqual([
      ...Array(3).fill([true, { total: 2, established: 2, synced: 2 }]),
      ...Array(2).fill([true, { total: 4, established: 4, synced: 4 }]),
    ]);
    expect(new Set([lab.pid, ...lab.nodes.map(({ pid }) => pid)]).size).toBe(6);
    for (const { name, address } of lab.nodes) {
      const text = await inside(workspace, name, 'ip', '-o', '-4', 'address', 'show', 'eth0');
      expect(text).toContain(` ${address}/24 `);
      expect(await inside(workspace, name, 'ip', 'route')).toMatch(/^172\.30\.\d+\.0\/24 dev eth0 .*\n$/);
    }
  });

  test("puts nothing into the machine's own namespace", async () => {
    expect(await machine.look()).toBe(before);
    expect(before).toContain('lo:');
  });

  test('has a bridge with a port per node, named after it', async () => {
    const ports = await inFabric(workspace, lab, 'ip', '-br', 'link', 'show', 'master', 'br0');
    const names = ports
      .trim()
      .split('\n')
      .map((line) => line.split('@')[0]);
    expect(names.sort()).toEqual(['host1', 'host2', 'host3', 'rr1', 'rr2']);
  });

  test('ping, exec, inspect and logs work as in any lab', async () => {
    const ip = await podAddresses(workspace);
    const report = await workspace.ok(['ping', 'web-1', 'web-2', '-c', '3', '-i', '0.05']);
    expect(report).toContain('3 packets transmitted, 3 received, 0% packet loss');
    expect(await inside(workspace, 'client-3', 'ping', '-c', '2', '-i', '0.05', ip['web-1']!)).toContain(
      'ttl=62',
    );
    const rows = await workspace.json<readonly NeighborRow[]>(['inspect', 'bgp']);
    expect(rows).toHaveLength(14);
    expect(new Set(rows.map(({ state }) => state))).toEqual(new Set(['Established']));
    const logs = await workspace.ok(['logs', '--node', 'host2']);
    const lines = logs
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { node: string; msg: string });
    expect(lines).toContainEqual(expect.objectContaining({ node: 'host2', msg: 'node up' }));
    expect(new Set(lines.map(({ node }) => node))).toEqual(new Set(['host2']));
  });

  test.skipIf(tool('tshark').missing)('capture has the packets of all agents in one file', async () => {
    const file = join(workspace.folder, 'netns.pcapng');
    const capture = workspace.start(['capture', '-w', file]);
    await capture.shows('capturing');
    await workspace.ok(['ping', 'web-1', 'web-3', '-c', '1']);
    capture.child.kill('SIGINT');
    expect(await capture.ended).toMatchObject({ code: 0 });
    const rows = await tshark(file, ['frame.interface_name', 'vxlan.vni'], ['-Y', 'icmp.type == 8']);
    const seen = rows.map((row) => `${row['frame.interface_name']} ${row['vxlan.vni']}`.trim());
    for (const place of ['default/web-1:eth0', 'host1:eth0 4096', 'host3:eth0 4096', 'default/web-3:eth0'])
      expect(seen).toContain(place);
  });

  test('a node whose process is killed is shown as stopped, is let go of by the others, and starts again', async () => {
    const block = await blockOf(workspace, 'host2');
    process.kill(nodeOf(lab, 'host2').pid!, 'SIGKILL');
    await until('the lab knows', async () => !nodeOf(await labInfo(workspace), 'host2').running);
    await untilReachable(workspace, 'host1', block, false);
    expect(await workspace.ok(['inspect'])).toMatch(/^host2 +host +172\.30\.\d+\.2 .* stopped$/m);
    await workspace.ok(['ping', 'web-1', 'web-3', '-c', '1']);
    expect((await workspace.podwire(['start', 'host2'])).stderr).toBe('podwire: node host2 is up\n');
    await untilSynced(workspace, 'host2');
    await untilReachable(workspace, 'host1', block, true);
    await workspace.ok(['ping', 'web-1', 'web-2', '-c', '1']);
  });

  test('down ends every process, and with them every namespace', async () => {
    const held = await namespacesOf(workspace);
    expect(held.holders().length).toBeGreaterThan(10);
    await workspace.ok(['down']);
    expect(leftovers(workspace)).toEqual([]);
    expect(held.holders()).toEqual([]);
    held.close();
    expect(await machine.look()).toBe(before);
  });
});

describe.skipIf(needs.missing)(needs.title('labs in network namespaces'), () => {
  let workspace: Workspace;

  beforeAll(() => {
    workspace = new Workspace('netns-labs');
  });

  afterEach(async () => {
    await workspace.podwire(['down', '--all']);
    expect(leftovers(workspace)).toEqual([]);
  });

  afterAll(() => workspace.clean());

  test('with emulated pods', async () => {
    await workspace.ok([...UP, '--pods', 'emulated']);
    expect(await labInfo(workspace)).toMatchObject({ podKind: 'emulated' });
    await workspace.ok(['ping', 'web-1', 'web-2', '-c', '2', '-i', '0.05']);
    const { code, stdout } = await workspace.podwire(['exec', 'web-1', '--', 'ip', 'addr']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('192.168.') });
  });

  test('several at once have underlays of their own and know nothing of each other', async () => {
    const names = ['one', 'two', 'three'].map((name) => `${workspace.lab}-${name}`);
    const file = workspace.file(
      'small.yaml',
      'name: small\nnodes: { "host[1-2]": {} }\npods: { "web-[1-2]": {} }\n',
    );
    await Promise.all(names.map((name) => workspace.ok(['--name', name, ...UP, file])));
    const infos = await Promise.all(
      names.map((name) => workspace.json<{ lab: LabInfo }>(['--name', name, 'inspect'])),
    );
    const underlays = infos.map(({ lab }) => lab.nodes[0]!.address.replace(/\.\d+$/, ''));
    expect(new Set(underlays).size).toBe(3);
    for (const name of names) {
      await workspace.ok(['--name', name, 'ping', 'web-1', 'web-2', '-c', '1']);
      expect(await workspace.json<readonly PodRow[]>(['--name', name, 'inspect', 'pods'])).toHaveLength(2);
    }
    await workspace.ok(['--name', names[0]!, 'down']);
    await workspace.ok(['--name', names[1]!, 'ping', 'web-1', 'web-2', '-c', '1']);
  });

  test('a supervisor that is killed takes everything along, foreign commands too', async () => {
    await workspace.ok([...UP, workspace.file('commands.yaml', WITH_COMMANDS)]);
    const { pid } = await labInfo(workspace);
    const held = await namespacesOf(workspace);
    onTestFinished(() => held.close());
    // Supervisor, two agents, the foreign node's keeper and three sleeps.
    expect(processesOf(workspace).length).toBe(7);
    process.kill(pid, 'SIGKILL');
    await until('all processes have ended', () => processesOf(workspace).length === 0);
    await until('all namespaces are gone', () => held.holders().length === 0);
    // Only files are left, which the next command finds and removes.
    expect(existsSync(join(workspace.runDir, workspace.lab))).toBe(true);
    expect((await workspace.podwire(['down'])).stderr).toContain(
      `podwire: removed what lab ${workspace.lab} left when it crashed\n`,
    );
    expect(leftovers(workspace)).toEqual([]);
  });

  test('after a crash the next up of the same name works', async () => {
    const file = workspace.file('commands.yaml', WITH_COMMANDS);
    await workspace.ok([...UP, file]);
    process.kill((await labInfo(workspace)).pid, 'SIGKILL');
    await workspace.ok([...UP, file]);
    expect((await labInfo(workspace)).phase).toBe('converged');
    expect(processesOf(workspace).length).toBe(7);
  });

  test('stop ends all processes of a foreign node, whoever started them, and start starts them again', async () => {
    await workspace.ok([...UP, workspace.file('commands.yaml', WITH_COMMANDS)]);
    await workspace.ok(['stop', 'foreign']);
    expect(processesOf(workspace).length).toBe(3);
    expect((await labInfo(workspace)).nodes.map(({ running }) => running)).toEqual([true, true, false]);
    await workspace.ok(['start', 'foreign']);
    expect(processesOf(workspace).length).toBe(7);
    await workspace.ok(['kill', 'foreign']);
    expect(processesOf(workspace).length).toBe(3);
  });

  test.each([
    [
      'a command that fails',
      foreign('sleep 4324 & ip link show nowhere', 'sleep 4325'),
      [],
      'node foreign: command failed: sleep 4324 & ip link show nowhere: exit code 1: Device "nowhere" does not exist.',
    ],
    [
      'a process that ends while the lab starts',
      foreign('true', 'sleep 4326 & echo no such thing >&2; exit 3'),
      [],
      'node foreign ended by itself: exit code 3: no such thing',
    ],
    [
      'a command that never ends',
      foreign('sleep 4327', 'true'),
      ['--timeout', '2'],
      'node foreign: command did not end: sleep 4327',
    ],
  ])('%s: one line, exit code 1, nothing left', async (_what, text, options, message) => {
    const ran: Ran = await workspace.podwire([...UP, ...options, workspace.file('foreign.yaml', text)]);
    expect(ran.code).toBe(1);
    expect(ran.stderr.trim().split('\n').at(-1)).toBe(`podwire: stage nodes failed: ${message}`);
    expect(leftovers(workspace)).toEqual([]);
  });

  test('Ctrl-C in the middle of start-up leaves nothing', async () => {
    const file = workspace.file('foreign.yaml', foreign('echo > ready; sleep 4328', 'true'));
    const up = workspace.start(['up', '--runtime', 'netns', file]);
    const ready = join(workspace.runDir, workspace.lab, 'foreign', 'ready');
    await until('the command runs', () => existsSync(ready));
    up.child.kill('SIGINT');
    const { code } = await up.ended;
    expect(code).not.toBe(0);
    expect(leftovers(workspace)).toEqual([]);
  });

  test('without root it says what is missing', async () => {
    const { code, stderr } = await workspace.podwire(['up', '--runtime', 'netns', example('calico-mesh')], {
      through: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
      env: { PODWIRE_RUN_DIR: join('/tmp', `${workspace.lab}-nobody`) },
    });
    expect(code).toBe(1);
    expect(stderr.trim().split('\n').at(-1)).toMatch(/^podwire: .*needs root/);
    expect(existsSync(join('/tmp', `${workspace.lab}-nobody`))).toBe(false);
  });
});
