// UPDATEs of GoBGP 3.10 on loopback: captured octets, what they mean, and that nothing is lost in writing them again.
import { expect, test } from 'vitest';
import { ATTRIBUTES } from '../../../protocol/bgp/attribute/table.ts';
import type { CodecContext } from '../../../protocol/bgp/context.ts';
import { announcedRoutes, decodeUpdate, encodeUpdate } from '../../../protocol/bgp/message/update.ts';
import { nlriText } from '../../../protocol/bgp/nlri/prefixes.ts';
import { message } from './golden.ts';
import { INTERNAL } from './update-bytes.ts';

const SESSION: CodecContext = {
  ...INTERNAL,
  families: ['ipv4-unicast', 'ipv6-unicast', 'ipv4-vpn', 'l2vpn-evpn', 'ipv4-flowspec'],
};

const REST = '40010102 400200 400504 00000064';

test.each([
  [
    'IPv4 with a set in its path, AIGP and large communities',
    `006f 02 0000 0054 40010101 400210 02010000fde901020000fdea0000fdeb 800404 00000005 400504 000000c8
     c00808 fde80001ffffff01 801a0b 01000b000000000000004d c0200c 000000010000000200000003 400304 7f650001 180a0900`,
    '10.9.0.0/24',
    {
      ORIGIN: 'EGP',
      AS_PATH: '65001 {65002,65003}',
      NEXT_HOP: '127.101.0.1',
      MULTI_EXIT_DISC: '5',
      LOCAL_PREF: '200',
      COMMUNITIES: '65000:1 no-export',
      AIGP: 'metric 77',
      LARGE_COMMUNITY: '1:2:3',
    },
  ],
  [
    'EVPN type 3 with PMSI_TUNNEL',
    `0063 02 0000 004c ${REST} 800e1c 0019 46 04 7f650001 00 0311 0001c00002010002 00000000 20 c0000201
     c01010 0002fde800000064 030c000000000008 c01609 00 06 000064 c0000201`,
    '[3]:[0]:[32]:[192.0.2.1] RD 192.0.2.1:2',
    {
      ORIGIN: 'INCOMPLETE',
      AS_PATH: 'empty',
      LOCAL_PREF: '100',
      MP_REACH_NLRI: 'l2vpn-evpn next hop 127.101.0.1, 19 octets of NLRI',
      EXTENDED_COMMUNITIES: 'rt:65000:100 encap:vxlan',
      PMSI_TUNNEL: 'ingress-replication 192.0.2.1 label 6 (VNI 100)',
    },
  ],
  [
    "EVPN type 5 with the Router's MAC",
    `0070 02 0000 0059 ${REST} 800e2d 0019 46 04 7f650001 00
     0522 0001c00002010002 00000000000000000000 00000000 18 0a050000 0a000009 00000a
     c01018 0002fde800000064 030c000000000008 0603aabbcc000001`,
    '[5]:[0]:[24]:[10.5.0.0] RD 192.0.2.1:2 label 10 gateway 10.0.0.9',
    {
      ORIGIN: 'INCOMPLETE',
      AS_PATH: 'empty',
      LOCAL_PREF: '100',
      MP_REACH_NLRI: 'l2vpn-evpn next hop 127.101.0.1, 36 octets of NLRI',
      EXTENDED_COMMUNITIES: 'rt:65000:100 encap:vxlan router-mac:aa:bb:cc:00:00:01',
    },
  ],
  [
    'VPN, the next hop behind a route distinguisher',
    `005b 02 0000 0044 ${REST} 800e20 0001 80 0c 0000000000000000 7f650001 00 70 0000a1 0000fde800000001 0a0600
     c01010 0102c00002010007 0002ffff00000005`,
    '10.6.0.0/24 RD 65000:1 label 10',
    {
      ORIGIN: 'INCOMPLETE',
      AS_PATH: 'empty',
      LOCAL_PREF: '100',
      MP_REACH_NLRI: 'ipv4-vpn next hop 127.101.0.1, 15 octets of NLRI',
      EXTENDED_COMMUNITIES: 'rt:192.0.2.1:7 rt:65535:5',
    },
  ],
  [
    'a flow specification without a next hop',
    `003e 02 0000 0027 ${REST} 800e0b 0001 85 00 00 05 01 180a0800 c01008 8008fde80000000a`,
    '[destination: 10.8.0.0/24]',
    {
      ORIGIN: 'INCOMPLETE',
      AS_PATH: 'empty',
      LOCAL_PREF: '100',
      MP_REACH_NLRI: 'ipv4-flowspec next hop none, 6 octets of NLRI',
      EXTENDED_COMMUNITIES: 'redirect:65000:10',
    },
  ],
])('%s', (_name, hex, route, texts) => {
  const decoded = decodeUpdate(message(hex), SESSION);
  expect([decoded.faults, decoded.faultyRoutes]).toEqual([[], []]);
  expect(announcedRoutes(decoded).flatMap(nlriText)).toEqual([route]);
  const shown = ATTRIBUTES.filter(([name]) => decoded.attributes[name] !== undefined).map(([name, codec]) => [
    codec.name,
    codec.text(decoded.attributes[name] as never),
  ]);
  expect(Object.fromEntries(shown)).toEqual(texts);
  expect(decodeUpdate(encodeUpdate(decoded, SESSION), SESSION).attributes).toEqual(decoded.attributes);
});
