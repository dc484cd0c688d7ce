// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of lab files
import { describe, expect, test } from 'vitest';
import { awaitedNodes, missingPods } from '../../../agents/node/awaited.ts';
import type { NodeAgentConfig } from '../../../agents/node/config.ts';
import { missingFor } from '../../../lab/cli/health.ts';
import { parseLab } from '../../../lab/file/load.ts';
import type { Lab } from '../../../lab/file/model.ts';
import {
  type ContainerNode,
  planContainerNode,
  planContainerResources,
} from '../../../lab/runtime/container-plan.ts';
import type { Node } from '../../../protocol/calico/resources/node.ts';
import { podwire, status } from './support/fake-lab.ts';

function lab(...lines: string[]): Lab {
  const readBeside = (): never => {
    throw new Error('no other files');
  };
  return parseLab(['name: t', ...lines].join('\n'), 'lab.yaml', { env: {}, readBeside });
}

const LINES = [
  'nodes:',
  '  host[1-2]: { labels: { rack: a } }',
  '  rr: { kind: route-reflector, clusterId: 1.1.1.1, asn: 65001 }',
  'pods:',
  '  web-[1-2]: { labels: { app: web } }',
  '  tool-1: { kind: emulated, node: host1 }',
];

function node(
  name: string,
  options: Partial<ContainerNode> = {},
  lines: readonly string[] = LINES,
): NodeAgentConfig {
  return planContainerNode(lab(...lines), {
    node: name,
    address: '198.51.100.11',
    prefixLength: 24,
    linuxPods: { possible: true },
    podSocket: true,
    ...options,
  });
}

describe('the configuration of an agent in a container', () => {
  test('has the address from outside, and the rest from the lab file', () => {
    expect(node('host1', { mtu: 9000 })).toEqual({
      lab: 't',
      node: 'host1',
      kind: 'host',
      address: '198.51.100.11',
      prefixLength: 24,
      link: 'underlay',
      mtu: 1500,
      bgpPort: 179,
      labels: { rack: 'a', 'kubernetes.io/hostname': 'host1' },
      holdTime: 240,
      pods: [
        { namespace: 'default', name: 'web-1', labels: { app: 'web' }, kind: 'linux' },
        { namespace: 'default', name: 'tool-1', labels: {}, kind: 'emulated' },
      ],
      labNodes: [
        { name: 'host1', kind: 'host' },
        { name: 'host2', kind: 'host' },
        { name: 'rr', kind: 'route-reflector' },
      ],
      linuxPodsFrom: 'socket',
    });
    expect(node('rr', { podSocket: false, name: 'other' })).toMatchObject({
      lab: 'other',
      kind: 'route-reflector',
      clusterId: '1.1.1.1',
      asn: 65001,
      pods: [],
    });
  });

  test('takes the smaller MTU of interface and lab file', () => {
    expect(node('host1', { mtu: 1400 }).mtu).toBe(1400);
    expect(node('host1', {}, ['links: [{ name: fabric, mtu: 9000 }]', ...LINES]).mtu).toBe(9000);
  });

  test('goes by its own address where the lab file says another subnet', () => {
    const lines = ['links: [{ name: fabric, subnet: 10.9.0.0/24 }]', ...LINES];
    expect(node('host2', { prefixLength: 26 }, lines)).toMatchObject({
      address: '198.51.100.11',
      prefixLength: 26,
      link: 'fabric',
    });
    expect(node('host2', { address: '127.5.0.1' }).address).toBe('127.5.0.1');
  });

  test('without a pod socket the agent makes the pods, as far as it can', () => {
    const own = node('host1', { podSocket: false, linuxPods: { possible: false, reason: 'no privilege' } });
    expect(own.linuxPodsFrom).toBeUndefined();
    expect(own.pods.map(({ kind }) => kind)).toEqual(['emulated', 'emulated']);
  });

  test('is refused for a node that the lab has not, or that runs no agent', () => {
    expect(() => node('host3')).toThrow('no node host3 in the lab file, did you mean host1?');
    expect(() => node('x')).toThrow('no node x in the lab file, expected one of host1, host2, rr');
    const foreign = ['nodes: { h: {}, tor: { kind: linux } }'];
    expect(() => node('tor', {}, foreign)).toThrow('node tor is of kind linux, which runs no agent');
  });
});

describe('the resources of a lab in containers', () => {
  const peer = (peerIP: string): string[] => [
    'calico:',
    '  - apiVersion: projectcalico.org/v3',
    '    kind: BGPPeer',
    '    metadata: { name: tor }',
    `    spec: { peerIP: "${peerIP}", asNumber: 64512 }`,
  ];

  test('need no addresses', () => {
    const { name, resources } = planContainerResources(lab(...LINES), undefined);
    expect(name).toBe('t');
    expect(resources.map(({ kind }) => kind)).toEqual(['IPPool']);
  });

  test('that name the address of a node are refused unless the lab file fixes it', () => {
    const fixed = (address: string): Lab =>
      lab(
        'links: [{ name: fabric, subnet: 198.51.100.0/24 }]',
        `nodes: { h1: {}, h2: ${address} }`,
        ...peer('${PODWIRE_H2_ADDRESS}'),
      );
    expect(() => planContainerResources(fixed('{}'), undefined)).toThrow(
      'node h2: BGPPeer tor names it, expected a fixed address in the lab file',
    );
    const { resources } = planContainerResources(fixed('{ address: 198.51.100.7 }'), undefined);
    expect(resources.find(({ kind }) => kind === 'BGPPeer')?.spec).toMatchObject({ peerIP: '198.51.100.7' });
  });

  test('of foreign nodes need their addresses', () => {
    const foreign = lab('nodes: { h: {}, tor: { kind: linux } }');
    expect(() => planContainerResources(foreign, undefined)).toThrow(
      'node tor: the lab writes its Node resource, expected a fixed address in the lab file',
    );
  });
});

describe('what an agent waits for', () => {
  const view = (nodes: readonly string[], blocks: readonly string[]): Parameters<typeof awaitedNodes>[0] => ({
    nodes: new Map(nodes.map((name) => [name, {} as Node])),
    confirmedBlocks: () => blocks.map((name) => ({ node: name, block: '10.0.0.0/26' })),
  });
  const expected = [
    { name: 'h1', kind: 'host' },
    { name: 'h2', kind: 'host' },
    { name: 'rr', kind: 'route-reflector' },
  ] as const;

  test('nodes in the store, hosts with a block', () => {
    expect(awaitedNodes(view([], []), expected)).toEqual(['h1', 'h2', 'rr']);
    expect(awaitedNodes(view(['h1', 'h2'], ['h2']), expected)).toEqual(['h1', 'rr']);
    expect(awaitedNodes(view(['h1', 'h2', 'rr'], ['h1', 'h2']), expected)).toEqual([]);
    expect(awaitedNodes(view([], []), undefined)).toEqual([]);
  });

  test('pods', () => {
    const pods = ['a', 'b'].map((name) => ({ namespace: 'n', name, labels: {}, kind: 'linux' as const }));
    expect(missingPods(pods, [{ spec: pods[1]! }])).toEqual(['n/a']);
  });
});

describe('podwire health', () => {
  const good = { ...status('h1'), awaited: [] };

  test('nothing is missing on a converged node', () => {
    expect(missingFor(good)).toEqual([]);
    expect(missingFor({ ...good, kind: 'route-reflector', blocks: [], reachable: [] })).toEqual([]);
  });

  test('says all that is missing', () => {
    const bad = {
      ...good,
      awaited: ['h2', 'rr'],
      sessions: { total: 3, established: 2, synced: 1 },
      blocks: [],
      reachable: ['10.0.1.0/26'],
      remoteBlocks: [
        { node: 'h3', block: '10.0.1.0/26' },
        { node: 'h4', block: '10.0.2.0/26' },
      ],
      pods: { total: 2, ready: 1 },
    };
    expect(missingFor(bad)).toEqual([
      'not in the store yet: h2, rr',
      '1 of 3 BGP sessions Established with End-of-RIB',
      '1 of 2 pods',
      'no block of its own',
      'no route to 10.0.2.0/26 (h4)',
    ]);
    expect(missingFor({ ...good, ready: false, message: 'starting', blocks: [] })).toEqual(['starting']);
  });

  test('says in one line why nobody answers', async () => {
    expect(await podwire(['health', '--control', '/nonexistent/control.sock'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'podwire: cannot reach /nonexistent/control.sock: connect ENOENT /nonexistent/control.sock\n',
    });
    expect(await podwire(['health', '--store', 'http://127.91.0.1:1'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'podwire: cannot reach store http://127.91.0.1:1: connection refused (ECONNREFUSED)\n',
    });
    for (const args of [['health'], ['health', '--control', 'a', '--store', 'b']]) {
      const { code, stderr } = await podwire(args);
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: 'podwire: expected either --control or --store\n',
      });
    }
  });
});

describe('commands of containers', () => {
  const agent = ['agent', '--node', 'h', '--store', 'http://x:1', '--lab', 'x.yaml', '--control', '/x'];

  test.each<[string[], string]>([
    [agent, "required option '--address <ip>' not specified"],
    [[...agent, '--address', 'host1'], 'Expected an IPv4 address such as 198.51.100.11.'],
    [['store', '--listen', '2379'], 'Expected HOST:PORT such as 0.0.0.0:2379.'],
    [['store', '--listen', '[::1]:65536'], 'Expected HOST:PORT such as 0.0.0.0:2379.'],
    [['store', '--listen', '[::1]:1', '--backend', 'etcd'], 'Expected memory or a URL'],
    [['pod', '--agent-socket', '/x'], "required option '--pod <pod>' not specified"],
  ])('%j is a usage error', async (args, message) => {
    const { code, stdout, stderr } = await podwire(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  test.each<[string[], string]>([
    [[...agent, '--address', '127.0.0.1'], 'x.yaml:1:1: no such file, expected a lab file'],
    [
      ['store', '--listen', '127.0.0.1:0', '--backend', 'redis://127.91.0.1:1'],
      'podwire: redis://127.91.0.1:1: connection refused\n',
    ],
    [
      ['store', '--listen', '192.0.2.1:2379'],
      'podwire: store cannot listen on 192.0.2.1:2379: EADDRNOTAVAIL\n',
    ],
  ])('%j fails with one line', async (args, message) => {
    const { code, stdout, stderr } = await podwire(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr.match(/\n/g)).toHaveLength(1);
  });
});
