import { afterEach, describe, expect, test } from 'vitest';
import type { BgpSpeaker } from '../../agents/bgp/speaker.ts';
import type { PathView, PeerConfig } from '../../agents/bgp/types.ts';
import { bestRoutes, realSpeaker, until } from '../support/bgp.ts';
import { all, tool } from '../support/tools.ts';
import { FrrDaemon } from './bgp-frr-daemon.ts';

const PORT = 17978;
const PODWIRE = '127.78.0.1';
const ASN = 64512;

function frrConfig(address: string, asn: number, network: string, network6: string): string {
  return `
router bgp ${asn}
 bgp router-id ${address}
 bgp allow-martian-nexthop
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 no bgp network import-check
 neighbor ${PODWIRE} remote-as ${ASN}
 neighbor ${PODWIRE} port ${PORT}
 neighbor ${PODWIRE} update-source ${address}
 neighbor ${PODWIRE} timers connect 1
 neighbor ${PODWIRE} disable-connected-check
 neighbor ${PODWIRE} advertisement-interval 0
 address-family ipv4 unicast
  network ${network}
  neighbor ${PODWIRE} activate
 exit-address-family
 address-family ipv6 unicast
  network ${network6}
  neighbor ${PODWIRE} activate
  neighbor ${PODWIRE} route-map HOP out
 exit-address-family
route-map HOP permit 10
 set ipv6 next-hop global 2001:db8::78
`;
}

let daemons: FrrDaemon[] = [];
let speaker: BgpSpeaker | undefined;

afterEach(async () => {
  await speaker?.stop();
  speaker = undefined;
  await Promise.all(daemons.map((daemon) => daemon.stop()));
  daemons = [];
});

async function startFrr(address: string, asn: number, network: string, network6: string): Promise<FrrDaemon> {
  const daemon = await FrrDaemon.start(address, PORT, frrConfig(address, asn, network, network6));
  daemons.push(daemon);
  return daemon;
}

async function startSpeaker(peers: readonly PeerConfig[], clusterId?: string): Promise<BgpSpeaker> {
  const listen = [{ address: PODWIRE, port: PORT }];
  speaker = realSpeaker({
    asn: ASN,
    routerId: PODWIRE,
    listen,
    ...(clusterId === undefined ? {} : { clusterId }),
  });
  speaker.setPeers(peers);
  await speaker.start();
  return speaker;
}

function peer(name: string, address: string, more: Partial<PeerConfig> = {}): PeerConfig {
  const families = ['ipv4-unicast', 'ipv6-unicast'] as const;
  return { name, address, port: PORT, asn: ASN, localAddress: PODWIRE, families, ...more };
}

interface FrrRoute {
  readonly valid?: boolean;
  readonly metric?: number;
  readonly path: string;
  readonly origin: string;
  readonly nexthops: readonly { readonly ip: string }[];
}

async function table(
  daemon: FrrDaemon,
  family: 'ipv4' | 'ipv6',
): Promise<Record<string, readonly FrrRoute[]>> {
  return JSON.parse(await daemon.command(`show bgp ${family} unicast json`)).routes;
}

const frr = all(tool('bgpd'), tool('vtysh'));

describe.skipIf(frr.missing)(frr.title('FRR as a peer'), () => {
  test('tables are equal both ways over internal BGP, for IPv4 and IPv6, and a stop withdraws', async () => {
    const daemon = await startFrr('127.78.0.2', ASN, '10.78.2.0/26', '2001:db8:2::/64');
    const podwire = await startSpeaker([peer('frr', '127.78.0.2')]);
    podwire.announce('10.78.1.0/26', { communities: ['64512:7'] });
    podwire.announce('2001:db8:1::/64', { nextHop: '2001:db8::1' });
    await until(podwire, () => podwire.neighbors()[0]!.prefixesReceived === 2);
    expect(bestRoutes(podwire.adjRibIn('frr'))).toEqual([
      '10.78.2.0/26 via 127.78.0.2',
      '2001:db8:2::/64 via 2001:db8::78',
    ]);
    await daemon.until('show bgp ipv4 unicast json', (text) => text.includes('10.78.1.0/26'));
    await daemon.until('show bgp ipv6 unicast json', (text) => text.includes('2001:db8:1::/64'));
    const [route] = (await table(daemon, 'ipv4'))['10.78.1.0/26']!;
    expect(route).toMatchObject({ path: '', origin: 'IGP', nexthops: [{ ip: PODWIRE }] });
    const [route6] = (await table(daemon, 'ipv6'))['2001:db8:1::/64']!;
    expect(route6!.nexthops[0]!.ip).toBe('2001:db8::1');
    expect(await daemon.command('show bgp ipv4 unicast 10.78.1.0/26 json')).toContain('64512:7');
    const neighbor = JSON.parse(await daemon.command(`show bgp neighbors ${PODWIRE} json`))[PODWIRE];
    expect(neighbor.neighborCapabilities['4byteAs']).toBe('advertisedAndReceived');
    expect(neighbor.neighborCapabilities.routeRefresh).toContain('eceived');

    await podwire.stop();
    await daemon.until('show bgp ipv4 unicast json', (text) => !text.includes('10.78.1.0/26'));
    const after = JSON.parse(await daemon.command(`show bgp neighbors ${PODWIRE} json`))[PODWIRE];
    expect(after.lastErrorCodeSubcode).toBe('0602');
  });

  test('external BGP with a 4-octet AS: path and next hop both ways, withdrawals, refresh', async () => {
    const asn = 4200000078;
    const daemon = await startFrr('127.78.0.3', asn, '10.78.3.0/24', '2001:db8:3::/64');
    const podwire = await startSpeaker([peer('frr', '127.78.0.3', { asn })]);
    podwire.announce('10.78.1.0/24', { med: 30 });
    const received = (prefix: string): PathView | undefined =>
      podwire.adjRibIn('frr').find((path) => path.prefix === prefix);
    await until(podwire, () => received('10.78.3.0/24') !== undefined);
    expect(received('10.78.3.0/24')).toMatchObject({
      asPath: String(asn),
      nextHop: '127.78.0.3',
      best: true,
    });
    await daemon.until('show bgp ipv4 unicast json', (text) => text.includes('10.78.1.0/24'));
    const [route] = (await table(daemon, 'ipv4'))['10.78.1.0/24']!;
    expect(route).toMatchObject({ path: '64512', metric: 30, nexthops: [{ ip: PODWIRE }] });

    const before = podwire.neighbors()[0]!.messagesSent;
    await daemon.command('clear bgp * soft in');
    await daemon.until(
      `show bgp neighbors ${PODWIRE} json`,
      () => podwire.neighbors()[0]!.messagesSent > before,
    );

    podwire.withdraw('10.78.1.0/24');
    await daemon.until('show bgp ipv4 unicast json', (text) => !text.includes('10.78.1.0/24'));
    await daemon.command(
      'configure terminal',
      `router bgp ${asn}`,
      'address-family ipv4',
      'no network 10.78.3.0/24',
    );
    await until(podwire, () => received('10.78.3.0/24') === undefined);
    // FRR sends our own route back; with our AS in its path it never takes part in selection.
    expect(podwire.rib().filter((path) => path.best && path.asPath.includes('64512'))).toEqual([]);
  });

  test('reflects between two FRRs', async () => {
    const a = await startFrr('127.78.0.4', ASN, '10.78.4.0/26', '2001:db8:4::/64');
    const b = await startFrr('127.78.0.5', ASN, '10.78.5.0/26', '2001:db8:5::/64');
    await startSpeaker(
      [
        peer('a', '127.78.0.4', { routeReflectorClient: true }),
        peer('b', '127.78.0.5', { routeReflectorClient: true }),
      ],
      '127.78.255.1',
    );
    await a.until('show bgp ipv4 unicast json', (text) => text.includes('10.78.5.0/26'));
    await a.until('show bgp ipv6 unicast json', (text) => text.includes('2001:db8:5::/64'));
    await b.until('show bgp ipv4 unicast json', (text) => text.includes('10.78.4.0/26'));
    const route = await a.command('show bgp ipv4 unicast 10.78.5.0/26 json');
    expect(route).toContain('"originatorId":"127.78.0.5"');
    expect(route.replace(/\s/g, '')).toContain('"list":["127.78.255.1"]');
    await b.stop();
    await a.until('show bgp ipv4 unicast json', (text) => !text.includes('10.78.5.0/26'));
  });
});
