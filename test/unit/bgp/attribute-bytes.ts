// One sound example of every attribute: its octets by hand from the RFC, its value, and how it reads.
import type { PathAttributes } from '../../../protocol/bgp/attribute/table.ts';
import { fromHex } from '../../../protocol/bytes/hex.ts';

export interface Sample {
  readonly name: string;
  /** Whole attribute with its header, in hex. */
  readonly bytes: string;
  /** What it is decoded to, under its name in {@link PathAttributes}. */
  readonly value: PathAttributes;
  readonly text: string;
}

const ADDRESS = '20010db8000000000000000000000001';

export const SAMPLES: readonly Sample[] = [
  { name: 'ORIGIN', bytes: '40 01 01 02', value: { origin: 2 }, text: 'INCOMPLETE' },
  {
    name: 'AS_PATH',
    bytes: '40 02 1c 03 01 0000fde9 04 01 0000fdea 02 02 0000fc01 fa56ea01 01 01 00000007',
    value: {
      asPath: [
        { kind: 'confed-sequence', asns: [65001] },
        { kind: 'confed-set', asns: [65002] },
        { kind: 'sequence', asns: [64513, 4200000001] },
        { kind: 'set', asns: [7] },
      ],
    },
    text: '(65001) [65002] 64513 4200000001 {7}',
  },
  {
    name: 'NEXT_HOP',
    bytes: '40 03 04 c0000201',
    value: { nextHop: Uint8Array.of(192, 0, 2, 1) },
    text: '192.0.2.1',
  },
  { name: 'MULTI_EXIT_DISC', bytes: '80 04 04 ffffffff', value: { med: 4294967295 }, text: '4294967295' },
  { name: 'LOCAL_PREF', bytes: '40 05 04 00000064', value: { localPref: 100 }, text: '100' },
  { name: 'ATOMIC_AGGREGATE', bytes: '40 06 00', value: { atomicAggregate: true }, text: 'yes' },
  {
    name: 'AGGREGATOR',
    bytes: 'c0 07 08 fa56ea01 c0000201',
    value: { aggregator: { asn: 4200000001, id: 0xc0000201 } },
    text: '4200000001 192.0.2.1',
  },
  {
    name: 'COMMUNITIES',
    bytes: 'c0 08 10 fc000064 ffffff01 ffff0000 ffff029a',
    value: { communities: [0xfc000064, 0xffffff01, 0xffff0000, 0xffff029a] },
    text: '64512:100 no-export graceful-shutdown blackhole',
  },
  {
    name: 'ORIGINATOR_ID',
    bytes: '80 09 04 c0000201',
    value: { originatorId: 0xc0000201 },
    text: '192.0.2.1',
  },
  {
    name: 'CLUSTER_LIST',
    bytes: '80 0a 08 c0000201 c0000202',
    value: { clusterList: [0xc0000201, 0xc0000202] },
    text: '192.0.2.1 192.0.2.2',
  },
  {
    name: 'MP_REACH_NLRI',
    bytes: `80 0e 1a 0002 01 10 ${ADDRESS} 00 20 20010db8`,
    value: { mpReach: { afi: 2, safi: 1, nextHop: fromHex(ADDRESS), nlri: fromHex('2020010db8') } },
    text: 'ipv6-unicast next hop 2001:db8::1, 5 octets of NLRI',
  },
  {
    name: 'MP_UNREACH_NLRI',
    bytes: '80 0f 08 0002 01 20 20010db8',
    value: { mpUnreach: { afi: 2, safi: 1, nlri: fromHex('2020010db8') } },
    text: 'ipv6-unicast, 5 octets of NLRI',
  },
  {
    name: 'EXTENDED_COMMUNITIES',
    bytes: 'c0 10 10 0002fde8 00000064 030c0000 00000008',
    value: {
      extendedCommunities: [
        { high: 0x0002fde8, low: 100 },
        { high: 0x030c0000, low: 8 },
      ],
    },
    text: 'rt:65000:100 encap:vxlan',
  },
  {
    name: 'PMSI_TUNNEL',
    bytes: 'c0 16 09 00 06 000064 c0000201',
    value: { pmsiTunnel: { flags: 0, tunnelType: 6, label: 100, identifier: fromHex('c0000201') } },
    text: 'ingress-replication 192.0.2.1 label 6 (VNI 100)',
  },
  {
    name: 'TUNNEL_ENCAPSULATION',
    bytes: 'c0 17 14 0008 0010 06 0a 00000000 0001 c0000201 08 02 12b5',
    value: { tunnelEncapsulation: fromHex('0008 0010 060a000000000001c0000201 080212b5') },
    text: 'vxlan',
  },
  {
    name: 'IPV6_EXTENDED_COMMUNITIES',
    bytes: `c0 19 14 0002 ${ADDRESS} 0064`,
    value: { ipv6ExtendedCommunities: [{ kind: 2, address: fromHex(ADDRESS), localAdministrator: 100 }] },
    text: 'rt:[2001:db8::1]:100',
  },
  {
    name: 'AIGP',
    bytes: '80 1a 0b 01 000b 00000001 00000002',
    value: { aigp: fromHex('01000b0000000100000002') },
    text: 'metric 4294967298',
  },
  {
    name: 'BGP-LS',
    bytes: '80 1d 0a 0402 0002 7231 0447 0000',
    value: { linkState: fromHex('0402 0002 7231 0447 0000') },
    text: 'node name, IGP metric',
  },
  {
    name: 'LARGE_COMMUNITY',
    bytes: 'c0 20 0c 0000fc00 00000001 ffffffff',
    value: {
      largeCommunities: [{ globalAdministrator: 64512, localData1: 1, localData2: 4294967295 }],
    },
    text: '64512:1:4294967295',
  },
  { name: 'OTC', bytes: 'c0 23 04 0000fc00', value: { otc: 64512 }, text: '64512' },
  {
    name: 'PREFIX_SID',
    bytes: 'c0 28 0a 01 0007 00 0000 00000064',
    value: { prefixSid: fromHex('01 0007 00 0000 00000064') },
    text: 'label index',
  },
  {
    name: 'ATTR_SET',
    bytes: 'c0 80 0f 0000fc00 40 01 01 00 40 05 04 00000064',
    value: { attrSet: fromHex('0000fc00 40010100 40050400000064') },
    text: 'origin AS 64512, 11 octets of attributes',
  },
];
