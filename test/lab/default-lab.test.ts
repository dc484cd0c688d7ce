// The default lab as a new user meets it: brought up in the background, looked at, pinged, taken down.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabInfo } from '../../agents/control/routes.ts';
import type {
  AgentStatus,
  FdbRow,
  IpamRow,
  NeighborRow,
  PodRow,
  RouteRow,
  StoreRow,
} from '../../agents/control/types.ts';
import type { PingReport } from '../../lab/cli/ping-output.ts';
import { type Ran, Workspace } from './support/workspace.ts';

const HOSTS = ['host1', 'host2', 'host3'];
const REFLECTORS = ['rr1', 'rr2'];

const workspace = new Workspace('default');
let up: Ran;
let overview: { readonly lab: LabInfo; readonly nodes: readonly AgentStatus[] };

/** Underlay address of a node, as the running lab says. */
const addressOf = (name: string): string => overview.lab.nodes.find((node) => node.name === name)!.address;
const statusOf = (name: string): AgentStatus => overview.nodes.find(({ node }) => node === name)!;

beforeAll(async () => {
  up = await workspace.podwire(['up', '-d']);
  expect(up).toMatchObject({ code: 0, signal: null });
  overview = await workspace.json(['inspect']);
});

afterAll(() => workspace.clean());

describe('up -d', () => {
  test('tells the stages on standard error, and sessions and time on standard output', () => {
    const titles = up.stderr
      .trim()
      .split('\n')
      .map((line) => line.replace(/ \(\d+ ms\)$/, ''));
    expect(titles).toEqual([
      expect.stringMatching(
        /^✓ Lab file checked and addresses planned: 5 nodes on 127\..*, BGP on TCP \d+.* pods \(.+\)$/,
      ),
      expect.stringMatching(/^✓ Store with Calico resources: memory, etcd API on 127\.0\.0\.1:\d+$/),
      '✓ Node agents and route reflectors: 5/5',
      '✓ Pods with IPAM addresses: 6/6',
      '✓ BGP sessions Established, End-of-RIB in: 14/14',
      '✓ Routes to every block, with FDB and ARP entries: 6/6',
    ]);
    expect(up.stdout).toMatch(
      new RegExp(`^Lab ${workspace.lab}: 7/7 BGP sessions Established, converged in \\d+ ms\\.\n`),
    );
    expect(up.stdout).toContain(`podwire --name ${workspace.lab} ping web-1 web-2`);
    expect(up.stdout).not.toMatch(/[✓✗]/);
  });

  test('a second time does nothing and succeeds', async () => {
    const again = await workspace.podwire(['up', '-d']);
    expect(again).toEqual({
      code: 0,
      signal: null,
      stdout: '',
      stderr: `podwire: lab ${workspace.lab} is up already (process ${overview.lab.pid})\n`,
    });
  });
});

describe('inspect', () => {
  test('the overview: five nodes that are ready, each on its own loopback address', () => {
    expect(overview.lab).toMatchObject({
      name: workspace.lab,
      runtime: 'local',
      phase: 'converged',
      store: 'memory',
      convergedMs: expect.any(Number),
    });
    expect(overview.lab.nodes.map(({ name, kind, running }) => [name, kind, running])).toEqual([
      ...HOSTS.map((name) => [name, 'host', true]),
      ...REFLECTORS.map((name) => [name, 'route-reflector', true]),
    ]);
    expect(new Set(overview.lab.nodes.map(({ address }) => address)).size).toBe(5);
    for (const { address } of overview.lab.nodes) expect(address).toMatch(/^127\.\d+\.\d+\.\d+$/);
    for (const name of HOSTS) {
      expect(statusOf(name)).toMatchObject({
        ready: true,
        asn: 64512,
        address: addressOf(name),
        sessions: { total: 2, established: 2, synced: 2 },
        pods: { total: 2, ready: 2 },
        blocks: [expect.stringMatching(/^192\.168\.\d+\.\d+\/26$/)],
      });
    }
    for (const name of REFLECTORS)
      expect(statusOf(name)).toMatchObject({ sessions: { total: 4, established: 4 }, blocks: [] });
  });

  test('bgp: every host with both reflectors, the reflectors with each other', async () => {
    const rows = await workspace.json<readonly NeighborRow[]>(['inspect', 'bgp']);
    const pairs = rows.map(({ node_name, node }) => `${node_name} ${node}`).sort();
    const wanted = HOSTS.flatMap((host) => REFLECTORS.flatMap((rr) => [`${host} ${rr}`, `${rr} ${host}`]));
    expect(pairs).toEqual([...wanted, 'rr1 rr2', 'rr2 rr1'].sort());
    for (const row of rows) {
      expect(row).toMatchObject({
        state: 'Established',
        asn: 64512,
        address: addressOf(row.node!),
        localAddress: addressOf(row.node_name),
        routerId: addressOf(row.node!),
        port: overview.lab.bgpPort,
        families: ['ipv4-unicast'],
        endOfRibReceived: ['ipv4-unicast'],
        endOfRibSent: ['ipv4-unicast'],
        routeReflectorClient: row.node_name.startsWith('rr') && row.node!.startsWith('host'),
      });
      expect(new Date(row.since).getTime()).toBeGreaterThan(
        new Date(overview.lab.startedAt).getTime() - 1000,
      );
    }
    // A host hears of the other two hosts' blocks from each reflector, and tells of its own.
    const host = rows.filter(({ node_name }) => node_name === 'host1');
    expect(host.map(({ prefixesReceived, prefixesSent }) => [prefixesReceived, prefixesSent])).toEqual([
      [2, 1],
      [2, 1],
    ]);
  });

  test('routes: own pods, own block, and the others by BGP through the reflectors', async () => {
    const rows = await workspace.json<readonly RouteRow[]>(['inspect', 'routes', '--node', 'host1']);
    const [block] = statusOf('host1').blocks;
    const others = ['host2', 'host3'].map((name) => statusOf(name).blocks[0]);
    expect(new Set(rows.map(({ node }) => node))).toEqual(new Set(['host1']));
    expect(
      rows
        .filter(({ protocol }) => protocol === 'bird')
        .map(({ destination }) => destination)
        .sort(),
    ).toEqual(others.toSorted());
    for (const name of ['host2', 'host3']) {
      const row = rows.find(({ destination }) => destination === statusOf(name).blocks[0])!;
      expect(row).toMatchObject({ type: 'unicast', device: 'vxlan.calico', flags: ['onlink'], mtu: 1450 });
      // The tunnel address is the first of the block.
      expect(row.gateway).toBe(row.destination.split('/')[0]);
      expect(row.learnedFrom).toContain('BGP from rr1');
      expect(row.learnedFrom).toContain(`next hop ${addressOf(name)} (${name})`);
      expect(row.learnedFrom).toContain(`originator ${addressOf(name)}`);
    }
    expect(rows.find(({ type }) => type === 'blackhole')).toMatchObject({
      destination: block,
      gateway: null,
    });
    expect(rows.filter(({ device }) => device?.startsWith('cali'))).toHaveLength(2);
  });

  test('fdb: the VTEPs of the other hosts, with the MACs that Calico derives from their names', async () => {
    const rows = await workspace.json<readonly FdbRow[]>(['inspect', 'fdb']);
    // Felix (felix/dataplane/linux/vxlan_mgr.go): 66 and the first five bytes of the name's SHA-1.
    const mac = (name: string): string =>
      ['66', ...createHash('sha1').update(name).digest('hex').slice(0, 10).match(/../g)!].join(':');
    const entries = rows.map(({ node, mac, destination }) => `${node} ${mac} ${destination}`).sort();
    const wanted = HOSTS.flatMap((node) =>
      HOSTS.filter((other) => other !== node).map((other) => `${node} ${mac(other)} ${addressOf(other)}`),
    );
    expect(entries).toEqual(wanted.sort());
  });

  test('ipam: one /26 block per host, with the tunnel and two pods', async () => {
    const rows = await workspace.json<readonly IpamRow[]>(['inspect', 'ipam']);
    expect(rows.map(({ affinity }) => affinity).sort()).toEqual(HOSTS.map((host) => `host:${host}`));
    for (const row of rows) {
      const own = statusOf(row.affinity!.slice('host:'.length)).blocks;
      expect([row.block]).toEqual(own);
      expect(row).toMatchObject({
        pool: '192.168.0.0/16',
        total: 64,
        inUse: 3,
        reserved: 0,
        free: 61,
        borrowed: [],
      });
    }
  });

  test('pods: web-N and client-N in turn on the hosts, addresses out of the host’s block', async () => {
    const rows = await workspace.json<readonly PodRow[]>(['inspect', 'pods']);
    expect(rows.map(({ namespace, name, node }) => `${namespace}/${name} ${node}`).sort()).toEqual(
      HOSTS.flatMap((host, i) => [`default/client-${i + 1} ${host}`, `default/web-${i + 1} ${host}`]).sort(),
    );
    for (const row of rows) {
      const octets = row.addresses[0]!.split('.').map(Number);
      const block = statusOf(row.node).blocks[0]!.split(/[./]/).map(Number);
      expect(octets.slice(0, 3)).toEqual(block.slice(0, 3));
      expect(octets[3]! & 0xc0).toBe(block[3]);
      expect(row).toMatchObject({
        ready: true,
        kind: overview.lab.podKind,
        interface: expect.stringMatching(/^cali/),
      });
    }
    expect(new Set(rows.map(({ mac }) => mac)).size).toBe(6);
  });

  test('store: Calico’s keys, as etcd would list them', async () => {
    const rows = await workspace.json<readonly StoreRow[]>(['inspect', 'store']);
    const keys = rows.map(({ key }) => key);
    expect(keys).toEqual(keys.toSorted());
    const resources = '/calico/resources/v3/projectcalico.org';
    expect(keys).toEqual(
      expect.arrayContaining([
        `${resources}/ippools/default-ipv4-ippool`,
        `${resources}/bgpconfigurations/default`,
        `${resources}/bgppeers/peer-with-route-reflectors`,
        ...[...HOSTS, ...REFLECTORS].map((name) => `${resources}/nodes/${name}`),
        `${resources}/workloadendpoints/default/host1-k8s-web--1-eth0`,
        '/calico/ipam/v2/handle/vxlan-tunnel-addr-host1',
        ...HOSTS.map((name) => {
          const block = statusOf(name).blocks[0]!.replace('/', '-');
          return `/calico/ipam/v2/host/${name}/ipv4/block/${block}`;
        }),
      ]),
    );
    const affinity = rows.find(({ key }) => key.startsWith('/calico/ipam/v2/host/host1/'))!;
    expect(JSON.parse(affinity.value)).toMatchObject({ state: 'confirmed' });
    // Written as pending first, then confirmed.
    expect(affinity).toMatchObject({ encoding: 'utf8', version: '2', lease: '0' });
  });

  test.each([
    [[], /^NODE +KIND +ADDRESS +AS +SESSIONS +BLOCKS +PODS +STATE$/m],
    [['bgp'], /^\| NODE +\| PEER ADDRESS +\| +PEER TYPE +\| STATE \| +SINCE +\| +INFO +\|$/m],
    [['bgp', '--node', 'rr1'], /^\| PEER ADDRESS +\| +PEER TYPE +\| STATE \| +SINCE +\| +INFO +\|$/m],
    [
      ['routes'],
      /^host1 +192\.168\.\S+\/26 via \S+ dev vxlan\.calico proto bird mtu 1450 onlink +# BGP from rr1/m,
    ],
    [['fdb'], /^host1 +66:\S+ dev vxlan\.calico dst 127\.\S+ self permanent/m],
    [['ipam'], /^\| Block +\| 192\.168\.\S+\/26 +\| 64 +\| 3 \(5%\) +\| 0 +\| 61 \(95%\) +\| host1 +\|$/m],
    [['pods'], /^default +web-1 +yes +\S+ +192\.168\.\S+ +host1 +02:/m],
    [['store'], /^\/calico\/ipam\/v2\/assignment\/ipv4\/block\/192\.168\./m],
  ])('a table for people: inspect %j', async (args, line) => {
    const { code, stdout, stderr } = await workspace.podwire(['inspect', ...args]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(line);
  });

  test.each([
    [['inspect', 'weather'], 2, /^podwire: .*'weather' is invalid.*\n/],
    [['inspect', '--node', 'host9'], 1, /^podwire: no node host9 runs in this lab, did you mean host\d\?\n$/],
    [['--name', 'no-such-lab', 'inspect'], 1, /^podwire: no lab no-such-lab runs; running: .*default-\d+\n$/],
  ])('says what is wrong: %j', async (args, code, message) => {
    const ran = await workspace.podwire(args);
    expect(ran).toMatchObject({ code, stdout: '' });
    expect(ran.stderr).toMatch(message);
  });
});

describe('ping', () => {
  test('between hosts: two hops, as iputils prints it', async () => {
    const { code, stdout, stderr } = await workspace.podwire([
      'ping',
      'web-1',
      'web-2',
      '-c',
      '2',
      '-i',
      '0.01',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trim().split('\n');
    expect(lines[0]).toMatch(/^PING default\/web-2 \(192\.168\.\d+\.\d+\) 56\(84\) bytes of data\.$/);
    expect(lines[1]).toMatch(/^64 bytes from 192\.168\.\d+\.\d+: icmp_seq=1 ttl=62 time=[\d.]+ ms$/);
    expect(lines[2]).toMatch(/ icmp_seq=2 ttl=62 /);
    expect(stdout).toContain('2 packets transmitted, 2 received, 0% packet loss');
  });

  test('from every web pod to every client pod, as JSON', async () => {
    const pods = await workspace.json<readonly PodRow[]>(['inspect', 'pods']);
    const [webs, clients] = ['web', 'client'].map((app) => pods.filter(({ labels }) => labels.app === app));
    const pairs = webs!.flatMap((from) => clients!.map((to) => [from, to] as const));
    const reports = await Promise.all(
      pairs.map(([from, to]) => workspace.json<PingReport>(['ping', from.name, to.name, '-c', '1'])),
    );
    const seen = reports.map(({ source, address, received, lossPercent, results }) => ({
      source,
      address,
      received,
      lossPercent,
      ttl: results[0]?.ttl,
    }));
    expect(seen).toEqual(
      pairs.map(([from, to]) => ({
        source: `default/${from.name}`,
        address: to.addresses[0],
        received: 1,
        lossPercent: 0,
        ttl: from.node === to.node ? 63 : 62,
      })),
    );
  });

  test('exit code 1 and the loss, where an address of a remote block is not used', async () => {
    const block = statusOf('host2').blocks[0]!;
    const unused = block.replace(/(\d+)\/26$/, (_, last: string) => String(Number(last) + 60));
    const ran = await workspace.podwire(['ping', 'web-1', unused, '-c', '2', '-i', '0.01', '-W', '0.3']);
    expect(ran).toMatchObject({ code: 1, stderr: '' });
    expect(ran.stdout).toContain('2 packets transmitted, 0 received, 100% packet loss');
  });

  test('exit code 1 and the ICMP error of the own host, where there is no route', async () => {
    const ran = await workspace.podwire(['--format', 'json', 'ping', 'web-1', '192.168.255.250', '-c', '1']);
    expect(ran).toMatchObject({ code: 1, stderr: '' });
    const report = JSON.parse(ran.stdout) as PingReport;
    expect(report).toMatchObject({ transmitted: 1, received: 0, rtt: null });
    // The host answers from its tunnel address, the first of its block.
    expect(report.results).toMatchObject([
      {
        outcome: 'error',
        from: statusOf('host1').blocks[0]!.split('/')[0],
        error: 'Destination Net Unreachable',
      },
    ]);
  });

  test.each([
    ['1', 'host1'],
    ['2', 'host2'],
  ])('a TTL of %s ends at %s', async (ttl, host) => {
    const ran = await workspace.podwire([
      '--format',
      'json',
      'ping',
      'web-1',
      'web-2',
      '-c',
      '1',
      '--ttl',
      ttl,
    ]);
    expect(ran.code).toBe(1);
    expect((JSON.parse(ran.stdout) as PingReport).results).toMatchObject([
      { outcome: 'error', from: statusOf(host).blocks[0]!.split('/')[0], error: 'Time to live exceeded' },
    ]);
  });

  test('more than the MTU goes in fragments', async () => {
    const report = await workspace.json<PingReport>(['ping', 'web-1', 'web-3', '-c', '1', '-s', '4000']);
    expect(report.results).toMatchObject([{ outcome: 'reply', bytes: 4008 }]);
  });

  test.each([
    [['ping', 'web-9', 'web-1'], 1, /^podwire: no pod web-9 in this lab, did you mean web-\d\?\n$/],
    [['ping', 'web-1', 'web-1', '-c', '0'], 2, /^podwire: option '-c, --count <n>' argument '0' is invalid/],
    [['ping', 'web-1'], 2, /^podwire: missing required argument 'destination'\n/],
  ])('says what is wrong: %j', async (args, code, message) => {
    const ran = await workspace.podwire(args);
    expect(ran).toMatchObject({ code, stdout: '' });
    expect(ran.stderr).toMatch(message);
  });
});
