// NLRI as real speakers sent it on loopback: captured bytes, with what they mean.
import type { Family } from '../../../protocol/bgp/family.ts';

export interface NlriSample {
  readonly family: Family;
  /** The speaker, and what it was asked to announce. */
  readonly from: string;
  readonly hex: string;
  readonly text: string;
  /** What identifies the route, where that is not the whole text. */
  readonly identity?: string;
}

const FRR = 'FRR 8.4.4';
const GOBGP = 'GoBGP 3.10';
const EXABGP = 'ExaBGP 4.2.21';
const BIRD = 'BIRD 2.0.12';

export const EVPN_SAMPLES: readonly NlriSample[] = [
  {
    family: 'l2vpn-evpn',
    from: FRR,
    hex: '0221 0001c00002010003 00000000000000000000 00000000 30 aabbcc000001 00 000064',
    text: '[2]:[0]:[48]:[aa:bb:cc:00:00:01] RD 192.0.2.1:3 label 100',
    identity: '[2]:[0]:[48]:[aa:bb:cc:00:00:01] RD 192.0.2.1:3',
  },
  {
    family: 'l2vpn-evpn',
    from: FRR,
    hex: '0228 0001c00002010003 00000000000000000000 00000000 30 aabbcc000002 20 0a640007 000064 0003e8',
    text: '[2]:[0]:[48]:[aa:bb:cc:00:00:02]:[32]:[10.100.0.7] RD 192.0.2.1:3 label 100/1000',
    identity: '[2]:[0]:[48]:[aa:bb:cc:00:00:02]:[32]:[10.100.0.7] RD 192.0.2.1:3',
  },
  {
    family: 'l2vpn-evpn',
    from: FRR,
    hex: `0231 0001c00002010003 00000000000000000000 00000000 30 3a1cee2f30aa 80 fe80000000000000405521fffef711c2
      000064`,
    text: '[2]:[0]:[48]:[3a:1c:ee:2f:30:aa]:[128]:[fe80::4055:21ff:fef7:11c2] RD 192.0.2.1:3 label 100',
    identity: '[2]:[0]:[48]:[3a:1c:ee:2f:30:aa]:[128]:[fe80::4055:21ff:fef7:11c2] RD 192.0.2.1:3',
  },
  {
    family: 'l2vpn-evpn',
    from: FRR,
    hex: '0311 0001c00002010003 00000000 20 c0000201',
    text: '[3]:[0]:[32]:[192.0.2.1] RD 192.0.2.1:3',
  },
  {
    family: 'l2vpn-evpn',
    from: FRR,
    hex: '0522 0001c00002010001 00000000000000000000 00000000 10 0a4d0000 00000000 0003e8',
    text: '[5]:[0]:[16]:[10.77.0.0] RD 192.0.2.1:1 label 1000',
    identity: '[5]:[0]:[16]:[10.77.0.0] RD 192.0.2.1:1',
  },
  {
    family: 'l2vpn-evpn',
    from: FRR,
    hex: `053a 0001c00002010001 00000000000000000000 00000000 30 20010db8007700000000000000000000
      00000000000000000000000000000000 0003e8`,
    text: '[5]:[0]:[48]:[2001:db8:77::] RD 192.0.2.1:1 label 1000',
    identity: '[5]:[0]:[48]:[2001:db8:77::] RD 192.0.2.1:1',
  },
  {
    family: 'l2vpn-evpn',
    from: GOBGP,
    hex: '0119 0000fde900000064 01aabbccddeeff006400 0000000a 000014',
    text: '[1]:[10]:[01:aa:bb:cc:dd:ee:ff:00:64:00] RD 65001:100 label 20',
    identity: '[1]:[10]:[01:aa:bb:cc:dd:ee:ff:00:64:00] RD 65001:100',
  },
  {
    family: 'l2vpn-evpn',
    from: GOBGP,
    hex: '0225 0000fde900000064 050000fde80000006400 0000000a 30 aabbccddee04 20 0a000001 000014',
    text: '[2]:[10]:[48]:[aa:bb:cc:dd:ee:04]:[32]:[10.0.0.1] RD 65001:100 label 20 esi 05:00:00:fd:e8:00:00:00:64:00',
    identity: '[2]:[10]:[48]:[aa:bb:cc:dd:ee:04]:[32]:[10.0.0.1] RD 65001:100',
  },
  {
    family: 'l2vpn-evpn',
    from: GOBGP,
    hex: '031d 0000fde900000064 0000000a 80 20010db8000000000000000000000001',
    text: '[3]:[10]:[128]:[2001:db8::1] RD 65001:100',
  },
  {
    family: 'l2vpn-evpn',
    from: GOBGP,
    hex: '0417 0000fde900000064 01aabbccddeeff006400 20 0a000001',
    text: '[4]:[01:aa:bb:cc:dd:ee:ff:00:64:00]:[32]:[10.0.0.1] RD 65001:100',
  },
  {
    family: 'l2vpn-evpn',
    from: GOBGP,
    hex: '0522 0000fde900000064 00111111111111111111 0000000a 10 0a090000 00000000 000014',
    text: '[5]:[10]:[16]:[10.9.0.0] RD 65001:100 label 20 esi 00:11:11:11:11:11:11:11:11:11',
    identity: '[5]:[10]:[16]:[10.9.0.0] RD 65001:100',
  },
];

/** Every other family that labels or distinguishers, filters or targets make. */
export const NLRI_SAMPLES: readonly NlriSample[] = [
  { family: 'ipv4-unicast', from: BIRD, hex: '1a 0a4c0200', text: '10.76.2.0/26' },
  { family: 'ipv6-unicast', from: FRR, hex: '40 20010db800780000', text: '2001:db8:78::/64' },
  {
    family: 'ipv4-labeled',
    from: GOBGP,
    hex: '28 000641 0a01',
    text: '10.1.0.0/16 label 100',
    identity: '10.1.0.0/16',
  },
  {
    family: 'ipv6-labeled',
    from: GOBGP,
    hex: '60 000640 000c81 20010db80001',
    text: '2001:db8:1::/48 label 100/200',
    identity: '2001:db8:1::/48',
  },
  {
    family: 'ipv4-vpn',
    from: GOBGP,
    hex: '68 0000a1 0000fde900000064 0a02',
    text: '10.2.0.0/16 RD 65001:100 label 10',
    identity: '10.2.0.0/16 RD 65001:100',
  },
  {
    family: 'ipv4-vpn',
    from: GOBGP,
    hex: '70 000141 0001c00002010064 0a0203',
    text: '10.2.3.0/24 RD 192.0.2.1:100 label 20',
    identity: '10.2.3.0/24 RD 192.0.2.1:100',
  },
  {
    family: 'ipv6-vpn',
    from: GOBGP,
    hex: '88 0000a1 0000fde900000064 20010db80002',
    text: '2001:db8:2::/48 RD 65001:100 label 10',
    identity: '2001:db8:2::/48 RD 65001:100',
  },
  { family: 'rt-constraint', from: GOBGP, hex: '60 0000fde9 0002fde900000064', text: '65001:65001:100' },
  { family: 'rt-constraint', from: GOBGP, hex: '60 0000fde9 0102c000020100c8', text: '65001:192.0.2.1:200' },
  {
    family: 'l2vpn-vpls',
    from: EXABGP,
    hex: '0011 0000fdeb00000064 0005 0001 0008 029ce1',
    text: 'VE 5 offset 1 RD 65003:100 size 8 label 10702',
    identity: 'VE 5 offset 1 RD 65003:100',
  },
  {
    family: 'ipv4-flowspec',
    from: GOBGP,
    hex: '0a 01180a0000 021814 0000',
    text: '[destination: 10.0.0.0/24][source: 20.0.0.0/24]',
  },
  {
    family: 'ipv4-flowspec',
    from: GOBGP,
    hex: `30 01180a0001 0301068111 040150131f90d51f9a 05940400 068635 078108 088100 09011282 04 0a0364c5c8 0b810a
      0c8002`,
    text:
      '[destination: 10.0.1.0/24][protocol: ==tcp ==udp][port: ==80 >=8080&<=8090][destination-port: <1024]' +
      '[source-port: !=53][icmp-type: ==8][icmp-code: ==0][tcp-flags: =SA !R][packet-length: >=100&<=200]' +
      '[dscp: ==10][fragment: is-fragment]',
  },
  {
    family: 'ipv4-flowspec',
    from: BIRD,
    hex: `2a 01080a 040218441e03284532033c45460150c35a 090103420c80ff 0a130800d5ffff 0b813f 0c0101c202`,
    text:
      '[destination: 10.0.0.0/8][port: >24&<30 >=40&<=50 >=60&<=70 ==80&>=90][tcp-flags: =FS&!RP FSRPAUEC]' +
      '[packet-length: >=2048&<=65535][dscp: ==63][fragment: =dont-fragment&!is-fragment]',
  },
  {
    family: 'ipv6-flowspec',
    from: GOBGP,
    hex: '0b 014000 20010db800010000',
    text: '[destination: 2001:db8:1::/64/0]',
  },
  {
    family: 'ipv6-flowspec',
    from: EXABGP,
    hex: '0f 013000 20010db80003 098002 0c8002',
    text: '[destination: 2001:db8:3::/48/0][tcp-flags: S][fragment: is-fragment]',
  },
  {
    family: 'ipv6-flowspec',
    from: 'RFC 8956 §3.8.2',
    hex: '08 026841 2468acf134',
    text: '[source: ::1234:5678:9a00:0/104/65]',
  },
  {
    family: 'ipv4-vpn-flowspec',
    from: GOBGP,
    hex: '0d 0000fde900000064 01180a0000',
    text: '[rd: 65001:100][destination: 10.0.0.0/24]',
  },
  {
    family: 'ipv6-vpn-flowspec',
    from: GOBGP,
    hex: '13 0000fde900000064 014000 20010db800010000',
    text: '[rd: 65001:100][destination: 2001:db8:1::/64/0]',
  },
  {
    family: 'link-state',
    from: 'RFC 9552 §5.2',
    hex: `0001 0027 02 0000000000000001 0100 001a 0200 0004 0000fde9 0201 0004 00000000 0203 0006 192168001001`,
    text: 'node isis-2:1 local[as 65001 bgp-ls 0 router 1921.6800.1001]',
  },
];

/** A flow specification of ExaBGP 4.2.21 whose length has two octets: ports 1000, 1003, … 1267. */
export const LONG_FLOWSPEC: string = `f114 01180a0000 05 ${ports()}`;

function ports(): string {
  const pairs = Array.from({ length: 90 }, (_, i) => {
    const operator = i === 89 ? '91' : '11';
    return operator + (1000 + 3 * i).toString(16).padStart(4, '0');
  });
  return pairs.join('');
}
