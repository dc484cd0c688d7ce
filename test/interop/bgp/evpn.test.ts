// FRR with VXLAN devices originates EVPN routes of types 2, 3 and 5; podwire decodes and reflects them as they came.
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { BgpSpeaker } from '../../../agents/bgp/speaker.ts';
import type { PathView } from '../../../agents/bgp/types.ts';
import { realSpeaker } from '../../support/bgp.ts';
import { all, requireTool, tool } from '../../support/tools.ts';
import { FrrDaemon } from '../bgp-frr-daemon.ts';
import { type Capture, capture, wiretap } from './capture.ts';
import { enterOwnNetwork, ip } from './own-network.ts';
import { PodwireProcess } from './podwire-process.ts';
import { announced, type RawRoute } from './raw-update.ts';
import { RecordingTcp } from './recording-tcp.ts';

const PORT = 17996;
const ASN = 64512;
// Not of 127.0.0.0/8, which zebra knows no way to.
const PODWIRE = '192.0.2.101';
const VTEP = '192.0.2.102';
const OTHER = '192.0.2.103';
const READER = '192.0.2.104';
/** Tunnel end of the VTEP. */
const TUNNEL = '192.0.2.1';
const MAC = 'aa:bb:cc:00:00:01';
const WAIT = { timeout: 20_000, interval: 60 };

/** A layer 2 VNI 100 with a host behind a port, and the layer 3 VNI 200 (of the default VRF: not every kernel has more). */
function makeDevices(): void {
  const vxlan = ['local', TUNNEL, 'dstport', '4789', 'nolearning'];
  ip('link', 'add', 'br100', 'type', 'bridge');
  ip('link', 'add', 'vxlan100', 'type', 'vxlan', 'id', '100', ...vxlan);
  ip('link', 'add', 'host100', 'type', 'veth', 'peer', 'name', 'inside');
  ip('link', 'set', 'vxlan100', 'master', 'br100', 'addrgenmode', 'none');
  ip('link', 'set', 'host100', 'master', 'br100');
  ip('address', 'add', '10.100.0.1/24', 'dev', 'br100');
  ip('link', 'add', 'br200', 'type', 'bridge');
  ip('link', 'add', 'vxlan200', 'type', 'vxlan', 'id', '200', ...vxlan);
  ip('link', 'set', 'vxlan200', 'master', 'br200', 'addrgenmode', 'none');
  for (const device of ['br100', 'vxlan100', 'host100', 'inside', 'br200', 'vxlan200'])
    ip('link', 'set', device, 'up');
  execFileSync(requireTool('bridge'), ['fdb', 'add', MAC, 'dev', 'host100', 'master', 'static']);
  ip('neighbor', 'add', '10.100.0.5', 'lladdr', MAC, 'dev', 'br100', 'nud', 'permanent');
}

function bgpd(address: string, statements: string = '', evpn: string = ''): string {
  return `
router bgp ${ASN}
 bgp router-id ${address}
 bgp allow-martian-nexthop
 no bgp default ipv4-unicast
 no bgp network import-check
 neighbor ${PODWIRE} remote-as ${ASN}
 neighbor ${PODWIRE} port ${PORT}
 neighbor ${PODWIRE} update-source ${address}
 neighbor ${PODWIRE} timers connect 1
 neighbor ${PODWIRE} advertisement-interval 0
 ${statements}
 address-family l2vpn evpn
  neighbor ${PODWIRE} activate
  ${evpn}
 exit-address-family
`;
}

const NETWORK = ' address-family ipv4 unicast\n  network 203.0.113.0/24\n exit-address-family';
const VTEP_EVPN = 'advertise-all-vni\n  advertise ipv4 unicast';

/** An EVPN route as FRR and podwire both show it. */
interface Row {
  /** With the route distinguisher. */
  readonly route: string;
  readonly nextHop: string;
  readonly communities: readonly string[];
}

function sorted(list: readonly Row[]): Row[] {
  return list.toSorted((a, b) => (a.route < b.route ? -1 : 1));
}

interface FrrRoute {
  readonly paths: readonly {
    readonly extendedCommunity: { readonly string: string };
    readonly nexthops: readonly { readonly ip: string }[];
  }[];
}

/** EVPN routes that an FRR has. */
async function frrTable(frr: FrrDaemon): Promise<Row[]> {
  const text = await frr.command('show bgp l2vpn evpn json');
  const rds = Object.entries(JSON.parse(text) as Record<string, unknown>).filter(
    ([, value]) => typeof value === 'object',
  );
  const rows = rds.flatMap(([rd, routes]) =>
    Object.entries(routes as Record<string, FrrRoute | string>).flatMap(([prefix, route]) => {
      if (typeof route === 'string') return [];
      expect(route.paths).toHaveLength(1);
      const { nexthops, extendedCommunity } = route.paths[0]!;
      return [
        {
          route: `${prefix} RD ${rd}`,
          nextHop: nexthops[0]!.ip,
          communities: extendedCommunity.string.split(' ').map(podwireName).sort(),
        },
      ];
    }),
  );
  return sorted(rows);
}

/** An extended community of FRR's as podwire writes it. */
function podwireName(text: string): string {
  return text.replace('RT:', 'rt:').replace('ET:8', 'encap:vxlan').replace('Rmac:', 'router-mac:');
}

function podwireTable(paths: readonly PathView[]): Row[] {
  return sorted(
    paths.map(({ prefix, nextHop, communities }) => ({
      route: prefix.replace(/ label .*/, ''),
      nextHop,
      communities: communities.toSorted(),
    })),
  );
}

/** Routes as octets; of a table that was reflected with what the reflector adds (RFC 4456 §8). */
function octets(routes: readonly RawRoute[], reflected: boolean): string[] {
  const hex = (address: string): string => Buffer.from(address.split('.').map(Number)).toString('hex');
  return routes
    .filter(({ family }) => family === 'l2vpn-evpn')
    .map(({ nlri, attributes }) => {
      const all = new Map(attributes);
      if (reflected) all.set(9, `80:${hex(VTEP)}`).set(10, `80:${hex(PODWIRE)}`);
      return `${nlri} ${[...all]
        .sort(([a], [b]) => a - b)
        .map(([type, value]) => `${type}=${value}`)
        .join(' ')}`;
    })
    .sort();
}

const need = all(wiretap, ...['zebra', 'bgpd', 'vtysh', 'ip', 'bridge'].map(tool));

describe.skipIf(need.missing)(need.title('FRR EVPN'), () => {
  const tcp = new RecordingTcp();
  let speaker: BgpSpeaker;
  let reader: PodwireProcess;
  let vtep: FrrDaemon;
  let other: FrrDaemon;
  let traffic: Capture;

  beforeAll(async () => {
    enterOwnNetwork([PODWIRE, VTEP, OTHER, READER, TUNNEL].map((address) => `${address}/32`));
    makeDevices();
    traffic = await capture(PORT, `host ${PODWIRE}`);
    vtep = await FrrDaemon.start(VTEP, PORT, bgpd(VTEP, NETWORK, VTEP_EVPN), 'vni 200\n');
    other = await FrrDaemon.start(OTHER, PORT, bgpd(OTHER));
    speaker = realSpeaker({ asn: ASN, routerId: PODWIRE, listen: [{ address: PODWIRE, port: PORT }] }, tcp);
    speaker.setPeers(
      [VTEP, OTHER, READER].map((address) => ({
        name: address,
        address,
        port: PORT,
        asn: ASN,
        localAddress: PODWIRE,
        families: ['l2vpn-evpn'],
        routeReflectorClient: true,
        connectRetry: 1,
      })),
    );
    await speaker.start();
    reader = await PodwireProcess.start({
      asn: ASN,
      routerId: READER,
      listen: [{ address: READER, port: PORT }],
      peers: [
        {
          address: PODWIRE,
          port: PORT,
          asn: ASN,
          localAddress: READER,
          connectRetry: 1,
          families: ['l2vpn-evpn'],
        },
      ],
    });
  });

  afterAll(async () => {
    await reader?.stop();
    await speaker?.stop();
    await other?.stop();
    await vtep?.stop();
    await traffic?.discard();
  });

  test('podwire has what FRR originates, and says so', async () => {
    await vi.waitFor(async () => {
      const routes = await frrTable(vtep);
      const types = new Set(routes.map(({ route }) => route.slice(0, 3)));
      expect(types).toEqual(new Set(['[2]', '[3]', '[5]']));
      expect(podwireTable(speaker.adjRibIn(VTEP))).toEqual(routes);
    }, WAIT);
    const rib = await vi.waitFor(async () => {
      const paths = await reader.bgp<readonly PathView[]>('rib', '--family', 'l2vpn-evpn');
      expect(podwireTable(paths)).toEqual(await frrTable(vtep));
      return paths;
    }, WAIT);
    const labels = rib.map(({ prefix }) => prefix.replace(/ RD .*?( label|$)/, '$1'));
    expect(labels).toEqual(
      expect.arrayContaining([
        `[2]:[0]:[48]:[${MAC}] label 100`,
        `[2]:[0]:[48]:[${MAC}]:[32]:[10.100.0.5] label 100/200`,
        `[3]:[0]:[32]:[${TUNNEL}]`,
        '[5]:[0]:[24]:[203.0.113.0] label 200',
      ]),
    );
  });

  test('podwire reflects the routes as they came, and FRR has them as their origin has', async () => {
    await vi.waitFor(async () => expect(await frrTable(other)).toEqual(await frrTable(vtep)), WAIT);
    const received = octets(announced(tcp.with(VTEP).received, []), true);
    const sent = octets(announced(tcp.with(OTHER).sent, []), false);
    expect(new Set(sent)).toEqual(new Set(received));
    expect(sent.length).toBeGreaterThan(4);
  });

  test('what FRR withdraws goes everywhere', async () => {
    execFileSync(requireTool('bridge'), ['fdb', 'del', MAC, 'dev', 'host100', 'master']);
    await vtep.command(
      'configure terminal',
      `router bgp ${ASN}`,
      'address-family ipv4',
      'no network 203.0.113.0/24',
    );
    const gone = ({ route }: Row): boolean =>
      route.startsWith('[5]') || route.startsWith(`[2]:[0]:[48]:[${MAC}] `);
    await vi.waitFor(async () => expect((await frrTable(other)).filter(gone)).toEqual([]), WAIT);
    expect(podwireTable(speaker.adjRibIn(VTEP))).toEqual(await frrTable(other));
    expect(await traffic.messages()).toBeGreaterThan(10);
  });
});
