// From `up` to `down` by every way there is, and what is left after each: nothing.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LabInfo } from '../../agents/control/routes.ts';
import type { PodRow } from '../../agents/control/types.ts';
import { processStartTicks } from '../../lab/runtime/state.ts';
import { root } from '../support/root.ts';
import { until } from '../support/until.ts';
import { HeldNamespaces, leftovers, processesOf } from './support/leftovers.ts';
import { type Started, Workspace } from './support/workspace.ts';

let workspace: Workspace;

beforeEach(() => {
  workspace = new Workspace('life');
});

afterEach(() => workspace.clean());

/** Namespaces of the pods that run now. */
async function podNamespaces(): Promise<HeldNamespaces> {
  const pods = await workspace.json<readonly PodRow[]>(['inspect', 'pods']);
  return new HeldNamespaces(pods.flatMap(({ netns, uts }) => [netns, uts]).filter((path) => path !== null));
}

async function labInfo(name = workspace.lab): Promise<LabInfo> {
  return (await workspace.json<{ lab: LabInfo }>(['--name', name, 'inspect'])).lab;
}

describe('up in the foreground', () => {
  test('shows the hops of a ping; Ctrl-C ends it, exit code 0, nothing left', async () => {
    const up = workspace.start(['up']);
    await up.shows('Ctrl-C ends the lab.');
    const said = up.stdout();
    expect(said).toMatch(/^Lab \S+: 7\/7 BGP sessions Established, converged in \d+ ms\.$/m);
    const hops = [...said.matchAll(/^ {2}(pod|host|wire) /gm)].map(([, place]) => place);
    expect(hops).toEqual(['pod', 'host', 'wire', 'host', 'pod', 'pod', 'host', 'wire', 'host', 'pod']);
    expect(said).toMatch(/learnt: BGP from rr[12] \(127\..*\), next hop 127\..* \(host2\), originator 127\./);
    expect(said).toMatch(/encapsulation +VXLAN VNI 4096 to VTEP 127\./);
    expect(said).toContain(`podwire --name ${workspace.lab} inspect bgp`);
    const held = await podNamespaces();
    up.child.kill('SIGINT');
    const { code, stderr } = await up.ended;
    expect({ code, last: stderr.trim().split('\n').at(-1) }).toEqual({
      code: 0,
      last: `podwire: taking lab ${workspace.lab} down`,
    });
    expect(leftovers(workspace)).toEqual([]);
    expect(held.holders()).toEqual([]);
    held.close();
  });

  test('ends when another command takes the lab down', async () => {
    const up = workspace.start(['up', '-q']);
    await until('the lab runs', async () => (await workspace.podwire(['inspect'])).code === 0);
    await workspace.ok(['down']);
    expect(await up.ended).toMatchObject({ code: 0 });
    expect(leftovers(workspace)).toEqual([]);
  });

  // The signal comes at every stage: whatever was begun by then is undone.
  test.each([
    ['before anything else', ['up'], ''],
    ['when the plan is made', ['up'], '✓ Lab file checked'],
    ['while nodes start', ['up'], '✓ Store with Calico resources'],
    ['while sessions come up', ['up'], '✓ Node agents'],
    ['of a lab for the background', ['up', '-d'], '✓ Lab file checked'],
  ])('SIGINT during start-up, %s: exit code 1, nothing left', async (_, args, stage) => {
    const up = workspace.start(args);
    await (stage === '' ? until('it runs', () => processesOf(workspace).length > 0) : up.shows(stage));
    up.child.kill('SIGINT');
    const { code, signal, stderr } = await up.ended;
    // Before podwire listens to signals, the signal itself ends it; the lab may also have been faster than the signal.
    if (code === 0) await workspace.podwire(['down']);
    else if (code === 1) expect(stderr).toMatch(/^podwire: stage \S+ failed: interrupted$/m);
    else expect({ stage, signal }).toEqual({ stage: '', signal: 'SIGINT' });
    expect(leftovers(workspace)).toEqual([]);
  });
});

describe('an error in the middle of start-up', () => {
  /** Address that a node of the lab will get: the same at every start. */
  async function plannedAddress(node: string): Promise<{ address: string; bgpPort: number }> {
    await workspace.ok(['up', '-d', '-q']);
    const info = await labInfo();
    await workspace.ok(['down', '-q']);
    return { address: info.nodes.find(({ name }) => name === node)!.address, bgpPort: info.bgpPort };
  }

  async function failsWith(args: readonly string[], cause: string): Promise<void> {
    const { code, stderr } = await workspace.podwire(args);
    const lines = stderr.trim().split('\n');
    expect(lines.at(-1)).toBe(`podwire: stage nodes failed: ${cause}`);
    // The cause is said once.
    expect(lines.filter((line) => line.includes('address already in use'))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('✗')).length).toBe(1);
    expect(code).toBe(1);
    expect(leftovers(workspace)).toEqual([]);
  }

  test.each([[['up', '-d']], [['up']]])('VXLAN’s UDP port of one node is taken: %j', async (args) => {
    const { address } = await plannedAddress('host2');
    const socket = createSocket('udp4').bind(4789, address);
    await once(socket, 'listening');
    try {
      await failsWith(args, `cannot bind UDP ${address}:4789: address already in use (EADDRINUSE)`);
    } finally {
      socket.close();
    }
    await workspace.ok(['up', '-d']);
  });

  test('BGP’s TCP port of a reflector is taken', async () => {
    const { address, bgpPort } = await plannedAddress('rr1');
    const server = createServer().listen(bgpPort, address);
    await once(server, 'listening');
    try {
      await failsWith(
        ['up', '-d'],
        `cannot listen on ${address}:${bgpPort}: address already in use (EADDRINUSE)`,
      );
    } finally {
      server.close();
    }
  });

  test('a lab that cannot converge says what is missing after --timeout', async () => {
    const file = workspace.file(
      'lonely.yaml',
      `
name: lonely
nodes: { "host[1-2]": {} }
calico:
  - apiVersion: projectcalico.org/v3
    kind: BGPPeer
    metadata: { name: nobody }
    spec: { peerIP: 127.99.99.99, asNumber: 65001 }
`,
    );
    const { code, stderr } = await workspace.podwire(['up', '-d', file, '--timeout', '1']);
    expect(code).toBe(1);
    expect(stderr.trim().split('\n').at(-1)).toMatch(
      /^podwire: stage bgp failed: not converged after 1 s: host1: 1 of 2 BGP sessions Established; host2: .*$/,
    );
    expect(leftovers(workspace)).toEqual([]);
  });

  test('the command that started a background lab is killed before the lab has converged: the lab ends', async () => {
    const up: Started = workspace.start(['up', '-d']);
    await up.shows('✓ Lab file checked');
    for (const pid of commandsOf('podwire.mjs').concat(commandsOf('lab/main'))) process.kill(pid, 'SIGKILL');
    await up.ended;
    await until('the lab has ended', () => processesOf(workspace).length === 0);
    expect(leftovers(workspace)).toEqual([]);
  });

  /** The workspace's processes whose command line contains `text`. */
  function commandsOf(text: string): number[] {
    return processesOf(workspace).filter((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text),
    );
  }
});

describe('a lab in the background', () => {
  test('down ends it, and is no error where nothing runs', async () => {
    await workspace.ok(['up', '-d']);
    const held = await podNamespaces();
    const { pid } = await labInfo();
    expect(processesOf(workspace)).toEqual([pid]);
    expect(await workspace.podwire(['down'])).toEqual({
      code: 0,
      signal: null,
      stdout: '',
      stderr: `podwire: lab ${workspace.lab} is down\n`,
    });
    expect(leftovers(workspace)).toEqual([]);
    expect(held.holders()).toEqual([]);
    held.close();
    expect(await workspace.podwire(['down'])).toEqual({
      code: 0,
      signal: null,
      stdout: '',
      stderr: `podwire: no lab ${workspace.lab} runs, nothing to do\n`,
    });
  });

  test('after SIGKILL: other commands say that no lab runs, down cleans, up works again', async () => {
    await workspace.ok(['up', '-d']);
    const held = await podNamespaces();
    await killLab();
    expect(held.holders()).toEqual([]);
    held.close();
    expect(await workspace.podwire(['inspect'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `podwire: no lab ${workspace.lab} runs; running: none\n`,
    });
    expect(existsSync(workspace.runDir)).toBe(true);
    expect(await workspace.podwire(['down'])).toMatchObject({
      code: 0,
      stderr: `podwire: removed what lab ${workspace.lab} left when it crashed\n`,
    });
    expect(leftovers(workspace)).toEqual([]);
    await workspace.ok(['up', '-d']);
    // Without a `down` in between, too.
    await killLab();
    await workspace.ok(['up', '-d']);
    await workspace.ok(['ping', 'web-1', 'web-2', '-c', '1']);
  });

  test('two labs at once: own addresses, own state; --name is needed to choose', async () => {
    const [one, two] = [`${workspace.lab}-a`, `${workspace.lab}-b`];
    await Promise.all([one, two].map((name) => workspace.ok(['--name', name, 'up', '-d'])));
    const infos = await Promise.all([labInfo(one), labInfo(two)]);
    const addresses = infos.flatMap(({ nodes }) => nodes.map(({ address }) => address));
    expect(new Set(addresses).size).toBe(10);
    await Promise.all(
      [one, two].map((name) => workspace.ok(['--name', name, 'ping', 'web-1', 'web-2', '-c', '1'])),
    );
    const unnamed = await workspace.run(['node', join(root, 'bin', 'podwire.mjs'), 'inspect']).ended;
    expect(unnamed).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `podwire: several labs run, choose one with --name: ${one}, ${two}\n`,
    });
    await workspace.ok(['--name', one, 'down']);
    await workspace.ok(['--name', two, 'ping', 'web-1', 'web-2', '-c', '1']);
    await workspace.ok(['--name', one, 'up', '-d']);
    expect((await workspace.podwire(['--name', one, 'down', '--all'])).stderr).toBe(
      `podwire: lab ${one} is down\npodwire: lab ${two} is down\n`,
    );
    expect(leftovers(workspace)).toEqual([]);
  });

  test('up twice at the same time: one lab, both succeed or one says why not', async () => {
    const both = await Promise.all([workspace.podwire(['up', '-d']), workspace.podwire(['up', '-d'])]);
    expect(both.map(({ code }) => code)).toContain(0);
    for (const { code, stderr } of both) if (code !== 0) expect(stderr).toContain('is up already');
    await workspace.ok(['ping', 'web-1', 'web-2', '-c', '1']);
    await workspace.ok(['down']);
    expect(leftovers(workspace)).toEqual([]);
  });

  async function killLab(): Promise<void> {
    const { pid } = await labInfo();
    process.kill(pid, 'SIGKILL');
    await until('it has ended', () => processStartTicks(pid) === null);
  }
});
