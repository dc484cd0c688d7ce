import { afterEach, describe, expect, test } from 'vitest';
import type { BgpSpeaker } from '../../agents/bgp/speaker.ts';
import type { PeerConfig } from '../../agents/bgp/types.ts';
import { bestRoutes, realSpeaker, until, untilEstablished } from '../support/bgp.ts';
import { tool } from '../support/tools.ts';
import { BirdDaemon } from './bgp-bird-daemon.ts';

const PORT = 17977;
const PODWIRE = '127.77.0.1';
const ASN = 64512;

interface BirdNode {
  readonly address: string;
  readonly asn?: number;
  readonly routes: readonly string[];
  readonly routes6?: readonly string[];
  readonly options?: string;
  readonly communities?: boolean;
}

function birdConfig(node: BirdNode): string {
  const routes = (list: readonly string[]): string =>
    list.map((route) => `route ${route} blackhole;`).join(' ');
  const export4 = node.communities
    ? 'filter { bgp_community.add((64512,100)); bgp_large_community.add((64512,1,2)); bgp_med = 50; accept; }'
    : 'all';
  return `
    router id ${node.address};
    protocol device {}
    protocol static { ipv4; ${routes(node.routes)} }
    protocol static { ipv6; ${routes(node.routes6 ?? [])} }
    protocol bgp podwire {
      local ${node.address} port ${PORT} as ${node.asn ?? ASN};
      neighbor ${PODWIRE} port ${PORT} as ${ASN};
      strict bind yes;
      multihop;
      connect delay time 1;
      ${node.options ?? ''}
      ipv4 { import all; export ${export4}; next hop self; };
      ipv6 { import all; export all; next hop address 2001:db8::77; };
    }`;
}

let birds: BirdDaemon[] = [];
let speaker: BgpSpeaker | undefined;

afterEach(async () => {
  await speaker?.stop();
  speaker = undefined;
  await Promise.all(birds.map((bird) => bird.stop()));
  birds = [];
});

async function startBird(node: BirdNode): Promise<BirdDaemon> {
  const bird = await BirdDaemon.start(birdConfig(node));
  birds.push(bird);
  return bird;
}

async function startSpeaker(peers: readonly PeerConfig[], clusterId?: string): Promise<BgpSpeaker> {
  speaker = realSpeaker({
    asn: ASN,
    routerId: PODWIRE,
    listen: [{ address: PODWIRE, port: PORT }],
    ...(clusterId === undefined ? {} : { clusterId }),
  });
  speaker.setPeers(peers);
  await speaker.start();
  return speaker;
}

function peer(address: string, more: Partial<PeerConfig> = {}): PeerConfig {
  return {
    name: `bird_${address.replaceAll('.', '_')}`,
    address,
    port: PORT,
    asn: ASN,
    localAddress: PODWIRE,
    families: ['ipv4-unicast', 'ipv6-unicast'],
    ...more,
  };
}

const bird = tool('bird');

describe.skipIf(bird.missing)(bird.title('BIRD as a peer'), () => {
  test('tables are equal both ways, for IPv4 and IPv6, and follow changes', async () => {
    const daemon = await startBird({
      address: '127.77.0.2',
      routes: ['10.77.2.0/26', '10.77.2.64/26'],
      routes6: ['2001:db8:2::/64'],
    });
    const podwire = await startSpeaker([peer('127.77.0.2')]);
    podwire.announce('10.77.1.0/26');
    podwire.announce('0.0.0.0/0', { nextHop: '127.77.9.9', med: 7, communities: ['64512:1', '64512:1:2'] });
    podwire.announce('2001:db8:1::/64', { nextHop: '2001:db8::1' });
    await until(podwire, () => podwire.neighbors()[0]!.endOfRibReceived.length === 2);
    expect(bestRoutes(podwire.adjRibIn('bird_127_77_0_2'))).toEqual([
      '10.77.2.0/26 via 127.77.0.2',
      '10.77.2.64/26 via 127.77.0.2',
      '2001:db8:2::/64 via 2001:db8::77',
    ]);
    const table = await daemon.until('show route all protocol podwire', (text) =>
      text.includes('10.77.1.0/26'),
    );
    expect(table).toContain('BGP.next_hop: 127.77.0.1');
    expect(table).toMatch(
      /0\.0\.0\.0\/0[\s\S]*BGP\.next_hop: 127\.77\.9\.9\s+BGP\.med: 7\s+BGP\.local_pref: 100/,
    );
    expect(table).toContain('BGP.community: (64512,1)');
    expect(table).toContain('BGP.large_community: (64512, 1, 2)');
    expect(table).toMatch(/2001:db8:1::\/64[\s\S]*BGP\.next_hop: 2001:db8::1/);

    podwire.withdraw('10.77.1.0/26');
    await daemon.until('show route protocol podwire', (text) => !text.includes('10.77.1.0/26'));
    await daemon.order('disable static1');
    await until(podwire, () => podwire.adjRibIn('bird_127_77_0_2').length === 1);
    await daemon.order('enable static1');
    await until(podwire, () => podwire.adjRibIn('bird_127_77_0_2').length === 3);
  });

  test('attributes of an external BIRD arrive, and ours reach it', async () => {
    const daemon = await startBird({
      address: '127.77.0.3',
      asn: 4200000001,
      routes: ['10.77.3.0/24'],
      communities: true,
    });
    const podwire = await startSpeaker([peer('127.77.0.3', { asn: 4200000001, passive: true })]);
    podwire.announce('10.77.1.0/24');
    await until(podwire, () => podwire.neighbors()[0]!.endOfRibReceived.length === 2);
    expect(podwire.adjRibIn('bird_127_77_0_3')).toEqual([
      {
        prefix: '10.77.3.0/24',
        nextHop: '127.77.0.3',
        peer: { name: 'bird_127_77_0_3', address: '127.77.0.3' },
        origin: 'IGP',
        asPath: '4200000001',
        localPref: undefined,
        med: 50,
        originatorId: undefined,
        clusterList: [],
        communities: ['64512:100', '64512:1:2'],
        best: true,
      },
    ]);
    const table = await daemon.until('show route all protocol podwire', (text) =>
      text.includes('10.77.1.0/24'),
    );
    expect(table).toContain('BGP.as_path: 64512');
    expect(table).toContain('BGP.next_hop: 127.77.0.1');
  });

  test('answers a route refresh', async () => {
    const daemon = await startBird({ address: '127.77.0.4', routes: [] });
    const podwire = await startSpeaker([peer('127.77.0.4')]);
    podwire.announce('10.77.1.0/24');
    await daemon.until('show route protocol podwire', (text) => text.includes('10.77.1.0/24'));
    const before = podwire.neighbors()[0]!.messagesSent;
    await daemon.order('reload in podwire');
    await daemon.until('show protocols all podwire', (text) => /Import updates:\s+2 /.test(text));
    expect(podwire.neighbors()[0]!.messagesSent).toBeGreaterThan(before);
    expect(podwire.neighbors()[0]!.state).toBe('Established');
  });

  test('routes go when BIRD is killed and come back with it; a stop of podwire withdraws at BIRD', async () => {
    const node = { address: '127.77.0.5', routes: ['10.77.5.0/26'] };
    const first = await startBird(node);
    const podwire = await startSpeaker([peer(node.address)]);
    podwire.announce('10.77.1.0/26');
    await until(podwire, () => podwire.adjRibIn('bird_127_77_0_5').length === 1);
    await first.kill();
    await until(podwire, () => podwire.rib().length === 1);
    expect(podwire.neighbors()[0]!.state).not.toBe('Established');
    const second = await startBird(node);
    await until(podwire, () => podwire.adjRibIn('bird_127_77_0_5').length === 1);
    await second.until('show route protocol podwire', (text) => text.includes('10.77.1.0/26'));
    await podwire.stop();
    await second.until('show route protocol podwire', (text) => !text.includes('10.77.1.0/26'));
    expect(await second.command('show protocols all podwire')).toContain('Received: Administrative shutdown');
  });

  test('reflects between two BIRDs with ORIGINATOR_ID and CLUSTER_LIST', async () => {
    const [a, b] = [
      await startBird({ address: '127.77.0.6', routes: ['10.77.6.0/26'] }),
      await startBird({ address: '127.77.0.7', routes: ['10.77.7.0/26'] }),
    ];
    const clients = ['127.77.0.6', '127.77.0.7'].map((address) =>
      peer(address, { routeReflectorClient: true }),
    );
    const podwire = await startSpeaker(clients, '127.77.255.1');
    await untilEstablished(podwire, 'bird_127_77_0_6');
    await untilEstablished(podwire, 'bird_127_77_0_7');
    const atA = await a.until('show route all protocol podwire', (text) => text.includes('10.77.7.0/26'));
    expect(atA).toContain('BGP.originator_id: 127.77.0.7');
    expect(atA).toContain('BGP.cluster_list: 127.77.255.1');
    expect(atA).toContain('BGP.next_hop: 127.77.0.7');
    expect(atA).not.toContain('10.77.6.0/26');
    await b.until('show route all protocol podwire', (text) => text.includes('10.77.6.0/26'));
    await b.stop();
    await a.until('show route protocol podwire', (text) => !text.includes('10.77.7.0/26'));
  });
});
