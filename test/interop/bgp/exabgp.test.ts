// ExaBGP announces a route of every kind that it knows; podwire reflects all of them as they are.
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { BgpSpeaker } from '../../../agents/bgp/speaker.ts';
import type { Family } from '../../../protocol/bgp/family.ts';
import { realSpeaker } from '../../support/bgp.ts';
import { all, tool } from '../../support/tools.ts';
import { type Capture, capture, wiretap } from './capture.ts';
import { Exabgp } from './exabgp.ts';
import { announced, type RawRoute } from './raw-update.ts';
import { RecordingTcp } from './recording-tcp.ts';
import { Witness } from './witness.ts';

const PORT = 17994;
const ASN = 64512;
const PODWIRE = '127.110.4.1';
const EXABGP = '127.110.4.2';
const OTHER = '127.110.4.3';
const WAIT = { timeout: 20_000, interval: 50 };
const FAMILIES = [
  'ipv4-unicast',
  'ipv4-labeled',
  'ipv4-vpn',
  'ipv4-flowspec',
  'ipv4-vpn-flowspec',
  'ipv6-unicast',
  'ipv6-vpn',
  'ipv6-flowspec',
  'ipv6-vpn-flowspec',
  'l2vpn-vpls',
] as const satisfies readonly Family[];
/** Not for VPNs: tshark 4.0 knows no path identifiers there. */
const ADD_PATH = ['ipv4-unicast'] as const satisfies readonly Family[];

// What ExaBGP's "announce" says of VPNs and of multicast is sent as unicast: VPN routes are static here, and multicast
// ones left out.
const CONFIG = `
neighbor ${PODWIRE} {
  router-id ${EXABGP};
  local-address ${EXABGP};
  local-as ${ASN};
  peer-as ${ASN};
  connect ${PORT};
  group-updates false;
  capability { asn4 enable; route-refresh enable; add-path send/receive; }
  family {
    ipv4 unicast; ipv4 nlri-mpls; ipv4 mpls-vpn; ipv4 flow; ipv4 flow-vpn;
    ipv6 unicast; ipv6 mpls-vpn; ipv6 flow; ipv6 flow-vpn;
    l2vpn vpls;
  }
  add-path { ipv4 unicast; }
  announce {
    ipv4 {
      unicast 10.50.0.0/24 next-hop 192.0.2.1 origin egp as-path [ 65001 4200000001 ( 65003 65004 ) ] med 77 local-preference 300 atomic-aggregate aggregator ( 65001:192.0.2.9 ) community [ 65001:1 no-export ] large-community [ 64512:1:2 4294967295:0:4294967295 ] extended-community [ target:64512:7 origin:192.0.2.3:9 0x4006000012345678 ];
      unicast 10.50.1.0/24 next-hop 192.0.2.1 origin incomplete originator-id 192.0.2.7 cluster-list [ 192.0.2.8 192.0.2.9 ] aigp 500;
      unicast 10.50.2.0/24 path-information 1 next-hop 192.0.2.1 med 1;
      unicast 10.50.2.0/24 path-information 2 next-hop 192.0.2.2 med 2;
      unicast 10.50.3.0/24 next-hop 192.0.2.1 attribute [ 0x99 0xc0 0x0011223344 ];
      unicast 10.50.4.0/24 next-hop 192.0.2.1 attribute [ 0x9a 0x80 0x55 ];
      unicast 10.50.5.0/24 next-hop 192.0.2.1 attribute [ 0x20 0xc0 0x0000000100000002000000030000000A0000000B0000000C ];
      unicast 0.0.0.0/0 next-hop 192.0.2.1;
      nlri-mpls 10.52.0.0/24 next-hop 192.0.2.1 label 1000;
    }
    ipv6 {
      unicast 2001:db8:50::/48 next-hop 2001:db8::1 origin igp med 9 community [ 65001:1 ] large-community [ 64512:1:2 ] extended-community [ target:64512:7 ];
      unicast 2001:db8:50:1::/64 next-hop 2001:db8::1 attribute [ 0x99 0xc0 0x0011223344 ];
    }
  }
  static {
    route 10.53.0.0/24 rd 64512:1 label 2000 next-hop 192.0.2.1 extended-community [ target:64512:1 target:64512:2 ];
    route 10.53.0.0/24 rd 192.0.2.1:2 label 2001 next-hop 192.0.2.1 extended-community [ target:64512:1 ];
    route 2001:db8:53::/48 rd 64512:1 label 3000 next-hop 2001:db8::1 extended-community [ target:64512:1 ];
    route 10.54.0.0/24 next-hop 192.0.2.1 label 800 bgp-prefix-sid [ 300, [ ( 800000,4096 ) ] ];
  }
  flow {
    route full { match { source 10.0.0.9/32; destination 192.168.0.1/32; port [ =80 =8080 ]; destination-port [ >8080&<8088 =3128 ]; source-port >1024; protocol [ udp tcp ]; packet-length [ >200&<300 ]; fragment [ last-fragment ]; tcp-flags [ syn ]; dscp [ 10 ]; icmp-type [ 8 ]; icmp-code [ 0 ]; } then { redirect 65500:12345; community [ 30740:0 ]; } }
    route limit { match { source 10.0.0.0/24; destination-port =3128; } then { rate-limit 9600; } }
    route drop { match { destination 10.0.1.0/24; } then { discard; } }
    route marked { match { destination 10.0.2.0/24; } then { mark 10; } }
    route action { match { destination 10.0.3.0/24; } then { action sample-terminal; } }
    route v6 { match { source 2001:db8::1/128/0; destination 2001:db8:1::/48/0; next-header udp; flow-label 2013; } then { discard; } }
    route vpn6 { rd 65535:65537; match { source 2001:db8::1/128/0; } then { discard; } }
    route vpn { rd 65535:65536; match { source 10.0.0.1/32; } then { discard; } }
  }
  l2vpn {
    vpls site5 { endpoint 5; base 10732; offset 1; size 8; next-hop 192.168.201.1; origin igp; as-path [ 30740 ]; local-preference 1; med 2000; rd 192.168.201.1:124; community [ 54591:123 ]; extended-community [ target:54591:6 l2info:19:0:1500:111 ]; }
  }
}
`;

/** Attribute types. */
const [NEXT_HOP, ORIGINATOR_ID, CLUSTER_LIST, MP_REACH_NLRI] = [3, 9, 10, 14];
const [UNKNOWN_TRANSITIVE, UNKNOWN_LOCAL] = [0x99, 0x9a];
const hex = (address: string): string => Buffer.from(address.split('.').map(Number)).toString('hex');

/** What a reflector makes of a route's attributes (RFC 4456 §8), and of those that it does not know (RFC 4271 §5). */
function reflected({ attributes }: RawRoute): Map<number, string> {
  const expected = new Map(attributes);
  if (!expected.has(ORIGINATOR_ID)) expected.set(ORIGINATOR_ID, `80:${hex(EXABGP)}`);
  const clusters = expected.get(CLUSTER_LIST)?.slice(3) ?? '';
  expected.set(CLUSTER_LIST, `80:${hex(PODWIRE)}${clusters}`);
  const unknown = expected.get(UNKNOWN_TRANSITIVE);
  if (unknown !== undefined) expected.set(UNKNOWN_TRANSITIVE, unknown.replace(/^c0/, 'e0'));
  expected.delete(UNKNOWN_LOCAL);
  // ExaBGP has one beside MP_REACH_NLRI, where it means nothing (RFC 4760 §3).
  if (expected.has(MP_REACH_NLRI)) expected.delete(NEXT_HOP);
  return expected;
}

/** Routes in a form to compare: path identifiers are each session's own. */
function rows(
  routes: readonly RawRoute[],
  attributesOf: (route: RawRoute) => ReadonlyMap<number, string>,
): string[] {
  return routes
    .map((route) => {
      const attributes = [...attributesOf(route)]
        .sort(([a], [b]) => a - b)
        .map(([type, value]) => `${type}=${value}`);
      return `${route.family} ${route.nlri} ${attributes.join(' ')}`;
    })
    .sort();
}

const need = all(tool('exabgp'), wiretap);

let speakers: BgpSpeaker[] = [];
let exabgp: Exabgp | undefined;
let traffic: Capture | undefined;

afterEach(async () => {
  await Promise.all(speakers.map((speaker) => speaker.stop()));
  await exabgp?.stop();
  await traffic?.discard();
  speakers = [];
});

describe.skipIf(need.missing)(need.title('ExaBGP as an injector'), () => {
  test('podwire reflects every kind of route and attribute as it came', async () => {
    traffic = await capture(PORT, `host ${PODWIRE}`);
    const tcp = new RecordingTcp();
    const podwire = realSpeaker(
      { asn: ASN, routerId: PODWIRE, listen: [{ address: PODWIRE, port: PORT }] },
      tcp,
    );
    const client = {
      port: PORT,
      asn: ASN,
      localAddress: PODWIRE,
      routeReflectorClient: true,
      connectRetry: 1,
    };
    const familySettings = ADD_PATH.map((family) => ({
      family,
      addPath: { receive: true, send: 'all' } as const,
    }));
    podwire.setPeers([
      { name: 'exabgp', address: EXABGP, passive: true, families: FAMILIES, familySettings, ...client },
      { name: 'other', address: OTHER, families: FAMILIES, familySettings, ...client },
    ]);
    const other = await Witness.start({
      address: OTHER,
      asn: ASN,
      port: PORT,
      families: FAMILIES,
      peer: { address: PODWIRE, asn: ASN },
      settings: { familySettings },
    });
    speakers = [podwire, other.speaker];
    await podwire.start();
    exabgp = await Exabgp.start(CONFIG);
    await vi.waitFor(
      () => expect(podwire.neighbors()[0]!.endOfRibReceived).toHaveLength(FAMILIES.length),
      WAIT,
    );
    await vi.waitFor(() => expect(other.paths()).toHaveLength(podwire.adjRibIn('exabgp').length), WAIT);

    const received = announced(tcp.with(EXABGP).received, ADD_PATH);
    expect(new Set(received.map(({ family }) => family))).toEqual(new Set(FAMILIES));
    const sent = announced(tcp.with(OTHER).sent, ADD_PATH);
    expect(rows(sent, ({ attributes }) => attributes)).toEqual(rows(received, reflected));
    // Withdrawals are of every family as well.
    await exabgp.stop();
    await vi.waitFor(() => expect(other.paths()).toEqual([]), WAIT);
    expect(await traffic.messages()).toBeGreaterThan(received.length);
  });
});
