// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of lab files
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../agents/io/clock.ts';
import { systemRandom } from '../../../agents/io/random.ts';
import { keyBytes, keyText } from '../../../agents/store/keys.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import { parseLab } from '../../../lab/file/load.ts';
import type { Lab } from '../../../lab/file/model.ts';
import {
  type LabPlan,
  PlanError,
  type PlannedForeignNode,
  type PlanOptions,
  planLab,
} from '../../../lab/plan/plan.ts';
import { applyResources } from '../../../lab/runtime/resources.ts';
import { BLOCK, BLOCK_AFFINITY, IPAM_HANDLE } from '../../../protocol/calico/ipam/values.ts';

const OPTIONS: PlanOptions = {
  runtime: 'local',
  pods: 'auto',
  linuxPods: { possible: false, reason: 'no privilege' },
  store: 'memory',
  bgpPort: 1790,
  usedUnderlays: [],
};

function lab(...lines: string[]): Lab {
  const readBeside = (): never => {
    throw new Error('no other files');
  };
  return parseLab(['name: t', ...lines].join('\n'), 'lab.yaml', { env: {}, readBeside });
}

function plan(lines: readonly string[], options: Partial<PlanOptions> = {}): LabPlan {
  return planLab(lab(...lines), { ...OPTIONS, ...options });
}

const TWO = [
  'nodes: { h1: {}, h2: { asn: 65001 }, rr: { kind: route-reflector } }',
  'pods: { "p-[1-2]": {} }',
];

describe('underlay', () => {
  test('is the same every time, in 127/8 outside its first /16 for local', () => {
    const first = plan(TWO);
    expect(first.link.subnet).toMatch(/^127\.(?!0\.)\d+\.\d+\.0\/24$/);
    expect(plan(TWO)).toEqual(first);
    const prefix = first.link.subnet.replace('0/24', '');
    expect(first.nodes.map(({ address }) => address)).toEqual([`${prefix}1`, `${prefix}2`, `${prefix}3`]);
  });

  test('avoids other labs and pools, by probing', () => {
    const first = plan(TWO).link.subnet;
    const second = plan(TWO, { usedUnderlays: [first] }).link.subnet;
    const third = plan(TWO, { usedUnderlays: [first, second] }).link.subnet;
    expect(new Set([first, second, third]).size).toBe(3);
  });

  test('another name has another place', () => {
    expect(plan(TWO, { name: 'other' }).link.subnet).not.toBe(plan(TWO).link.subnet);
    expect(plan(TWO, { name: 'other' }).name).toBe('other');
  });

  test('grows with the lab', () => {
    const big = plan(['nodes:', '  h[1-300]: {}']);
    expect(big.link.prefixLength).toBe(23);
    expect(new Set(big.nodes.map(({ address }) => address)).size).toBe(300);
    expect(
      big.nodes.some(({ address }) => address.endsWith('.255') && address === big.nodes[254]!.address),
    ).toBe(true);
  });

  test('netns takes 172.30/16 first, and other networks where the machine uses it', () => {
    expect(plan(TWO, { runtime: 'netns' }).link.subnet).toMatch(/^172\.30\.\d+\.0\/24$/);
    const used = ['172.30.0.0/16'];
    expect(plan(TWO, { runtime: 'netns', usedUnderlays: used }).link.subnet).toMatch(/^172\.31\./);
  });

  test('says when nothing is free', () => {
    expect(() => plan(TWO, { usedUnderlays: ['127.0.0.0/8'] })).toThrow(/^no free \/24 for the underlay/);
  });

  test('fixed subnets and addresses are kept', () => {
    const { nodes } = plan([
      'links: [{ subnet: 127.9.9.0/24 }]',
      'nodes: { a: {}, b: { address: 127.9.9.1 }, c: {} }',
    ]);
    expect(nodes.map(({ address }) => address)).toEqual(['127.9.9.2', '127.9.9.1', '127.9.9.3']);
  });

  test.each<[string, string, Partial<PlanOptions>, string]>([
    [
      'real in local',
      '10.0.0.0/24',
      {},
      'link underlay: subnet 10.0.0.0/24 in runtime local, expected auto or one inside 127.0.0.0/8',
    ],
    [
      'loopback in netns',
      '127.1.0.0/24',
      { runtime: 'netns' },
      'link underlay: subnet 127.1.0.0/24 in runtime netns, expected auto or one outside 127.0.0.0/8',
    ],
    [
      'in use',
      '127.1.0.0/24',
      { usedUnderlays: ['127.1.0.0/16'] },
      'link underlay: subnet 127.1.0.0/24 overlaps 127.1.0.0/16, which is in use on this machine',
    ],
  ])('%s', (_name, subnet, options, message) => {
    expect(() => plan([`links: [{ subnet: ${subnet} }]`, 'nodes: { h: {} }'], options)).toThrow(
      new PlanError(message),
    );
  });
});

describe('nodes', () => {
  test('have router ids, AS numbers and their own pods', () => {
    const { nodes } = plan([
      ...TWO,
      'calico:',
      '  - { apiVersion: projectcalico.org/v3, kind: BGPConfiguration, metadata: { name: default }, spec: { asNumber: 65500 } }',
    ]);
    expect(
      nodes.map(({ name, asn, routerId, address, index }) => [name, asn, routerId === address, index]),
    ).toEqual([
      ['h1', 65500, true, 0],
      ['h2', 65001, true, 1],
      ['rr', 65500, true, 2],
    ]);
    const configs = nodes.flatMap((node) => (node.kind === 'linux' ? [] : [node.config]));
    expect(
      configs.map(({ node, asn, clusterId, pods }) => [node, asn, clusterId, pods.map(({ name }) => name)]),
    ).toEqual([
      ['h1', undefined, undefined, ['p-1']],
      ['h2', 65001, undefined, ['p-2']],
      ['rr', undefined, '244.0.0.1', []],
    ]);
  });

  test('the BGP port goes into the BGPConfiguration unless it is 179, and the file goes before the machine', () => {
    const ports = ({ resources }: LabPlan): unknown[] =>
      resources.flatMap(({ kind, spec }) =>
        kind === 'BGPConfiguration' ? [(spec as { listenPort?: number }).listenPort] : [],
      );
    expect(ports(plan(TWO, { bgpPort: 179 }))).toEqual([]);
    expect(ports(plan(TWO))).toEqual([1790]);
    const configured = [
      ...TWO,
      'calico:',
      '  - { apiVersion: projectcalico.org/v3, kind: BGPConfiguration, metadata: { name: default }, spec: { listenPort: 1179 } }',
    ];
    expect(ports(plan(configured))).toEqual([1179]);
    expect(plan(configured).bgpPort).toBe(1179);
  });

  test('linux nodes need netns', () => {
    expect(() => plan(['nodes: { h: {}, l: { kind: linux } }'])).toThrow(
      'node l is of kind linux, which runtime local has not, expected --runtime netns',
    );
  });
});

describe('pods', () => {
  const mixed = ['nodes: { h: {} }', 'pods: { a: {}, e: { kind: emulated } }'];
  test.each<[Partial<PlanOptions>, string, string, string[]]>([
    [{}, 'emulated', 'as the lab file says', ['emulated', 'emulated']],
    [{ linuxPods: { possible: true } }, 'mixed', 'as the lab file says', ['linux', 'emulated']],
    [{ linuxPods: { possible: true }, pods: 'linux' }, 'linux', '--pods linux', ['linux', 'linux']],
    [
      { linuxPods: { possible: true }, pods: 'emulated' },
      'emulated',
      '--pods emulated',
      ['emulated', 'emulated'],
    ],
  ])('%o', (options, podKind, podReason, kinds) => {
    const planned = plan(mixed, options);
    expect(planned).toMatchObject({ podKind, podReason });
    expect(planned.pods.map(({ kind }) => kind)).toEqual(kinds);
  });

  test('auto says why', () => {
    expect(plan(TWO).podReason).toBe('no privilege');
    expect(plan(TWO, { linuxPods: { possible: true } }).podReason).toBe(
      'this machine can make network namespaces',
    );
  });

  test('linux pods where the machine has none are refused with its reason', () => {
    expect(() => plan(TWO, { pods: 'linux' })).toThrow('pod default/p-1 cannot be a linux pod: no privilege');
  });
});

describe('foreign nodes', () => {
  const foreign = [
    'nodes:',
    '  h: {}',
    '  bird-1:',
    '    kind: linux',
    '    asn: 65009',
    '    run: bird -f',
    '    env: { MY: own }',
    '    calico: { vxlanTunnelAddr: 192.168.9.0, vxlanTunnelMACAddr: 66:aa:00:00:00:01, blocks: [192.168.9.0/26] }',
    'calico:',
    '  - { apiVersion: projectcalico.org/v3, kind: BGPPeer, metadata: { name: b }, spec: { peerIP: "${PODWIRE_BIRD_1_ADDRESS}:1179", asNumber: 65009 } }',
  ];
  const planned = plan(foreign, { runtime: 'netns' });
  const [host, bird] = planned.nodes as [LabPlan['nodes'][number], PlannedForeignNode];

  test('find what they need in their environment', () => {
    expect(bird.env).toMatchObject({
      PODWIRE_LAB: 't',
      PODWIRE_NODE: 'bird-1',
      PODWIRE_ADDRESS: bird.address,
      PODWIRE_PREFIX_LENGTH: '24',
      PODWIRE_ASN: '65009',
      PODWIRE_BGP_PORT: '1790',
      PODWIRE_H_ADDRESS: host.address,
      PODWIRE_BIRD_1_ADDRESS: bird.address,
      MY: 'own',
    });
    expect(bird.env.PODWIRE_H_VTEP_MAC).toMatch(/^66:/);
  });

  test('are named in peers, and known as Calico nodes', () => {
    const specs = planned.resources.map(({ kind, metadata, spec }) => [kind, metadata.name, spec]);
    expect(specs).toContainEqual(['BGPPeer', 'b', { peerIP: `${bird.address}:1179`, asNumber: 65009 }]);
    expect(specs).toContainEqual([
      'Node',
      'bird-1',
      {
        bgp: { ipv4Address: `${bird.address}/24`, asNumber: 65009 },
        ipv4VXLANTunnelAddr: '192.168.9.0',
        vxlanTunnelMACAddr: '66:aa:00:00:00:01',
      },
    ]);
  });

  test('have their blocks and tunnel address in the store', async () => {
    const clock = systemClock();
    const store = createMemoryStore({ clock });
    const kv = store.client();
    // Twice: a lab that starts again on a store that was kept finds its own work done.
    await applyResources(planned, kv, { clock, random: systemRandom() });
    await applyResources(planned, kv, { clock, random: systemRandom() });
    const { kvs } = await kv.range({ key: keyBytes('/'), rangeEnd: keyBytes('0') });
    const records = new Map(kvs.map(({ key, value }) => [keyText(key), keyText(value)]));
    await store.close();
    expect([...records.keys()]).toEqual([
      '/calico/ipam/v2/assignment/ipv4/block/192.168.9.0-26',
      '/calico/ipam/v2/handle/vxlan-tunnel-addr-bird-1',
      '/calico/ipam/v2/host/bird-1/ipv4/block/192.168.9.0-26',
      '/calico/resources/v3/projectcalico.org/bgpconfigurations/default',
      '/calico/resources/v3/projectcalico.org/bgppeers/b',
      '/calico/resources/v3/projectcalico.org/ippools/default-ipv4-ippool',
      '/calico/resources/v3/projectcalico.org/nodes/bird-1',
    ]);
    expect(
      BLOCK_AFFINITY.parse(records.get('/calico/ipam/v2/host/bird-1/ipv4/block/192.168.9.0-26')!).state,
    ).toBe('confirmed');
    expect(IPAM_HANDLE.parse(records.get('/calico/ipam/v2/handle/vxlan-tunnel-addr-bird-1')!).block).toEqual({
      '192.168.9.0/26': 1,
    });
    const block = BLOCK.parse(records.get('/calico/ipam/v2/assignment/ipv4/block/192.168.9.0-26')!);
    expect(block).toMatchObject({
      affinity: 'host:bird-1',
      attributes: [{ handle_id: 'vxlan-tunnel-addr-bird-1' }],
    });
    expect(block.unallocated).toHaveLength(63);
    expect(block.unallocated).not.toContain(0);
  });
});

describe('pools', () => {
  test.each(['Never', 'CrossSubnet'])(
    'with vxlanMode %s are refused: nothing would carry their packets',
    (mode) => {
      const pool = `calico: [{ apiVersion: projectcalico.org/v3, kind: IPPool, metadata: { name: p },
      spec: { cidr: 10.9.0.0/16, vxlanMode: ${mode} } }]`;
      expect(() => plan([...TWO, pool])).toThrow(
        new PlanError(`IPPool p: vxlanMode ${mode} is not supported yet, expected Always`),
      );
    },
  );
});
