import { describe, expect, test } from 'vitest';
import type { Family } from '../../../protocol/bgp/family.ts';
import { decodeUpdate } from '../../../protocol/bgp/message/update.ts';
import type { Nlri } from '../../../protocol/bgp/nlri/codec.ts';
import { nlriOf } from '../../../protocol/bgp/nlri/prefixes.ts';
import { NLRI_CODECS } from '../../../protocol/bgp/nlri/table.ts';
import { Rib } from '../../../protocol/bgp/rib/rib.ts';
import type { RouteAttributes } from '../../../protocol/bgp/rib/route.ts';
import { parseAddress } from '../../../protocol/ip/prefix.ts';
import {
  announceReach,
  CONFIG,
  messagesOf,
  peer,
  reached,
  sent,
  settle,
  withdrawUnreach,
} from './rib-support.ts';

const OWN: RouteAttributes = { origin: 0, asPath: [], nextHop: new Uint8Array(0) };
const parsed = (family: Family, text: string): Nlri => ({
  family,
  bytes: NLRI_CODECS[family].parse!(text),
});

describe('EVPN (RFC 7432, RFC 9136)', () => {
  const families = ['l2vpn-evpn'] as const;
  const hop = parseAddress('10.0.9.9')!;
  const macIp = (rest: string): Uint8Array =>
    NLRI_CODECS['l2vpn-evpn'].parse!(`[2]:[0]:[48]:[02:00:00:00:00:01] RD 192.0.2.1:2 ${rest}`);

  function pair(): { rib: Rib; from: number; to: number } {
    const rib = new Rib(CONFIG);
    return {
      rib,
      from: rib.addPeer(peer(2, { families, client: true })),
      to: rib.addPeer(peer(3, { families })),
    };
  }

  test('a MAC route that differs only in label or ESI replaces the old one (§7.2)', () => {
    const { rib, from, to } = pair();
    announceReach(rib, from, 'l2vpn-evpn', 25, 70, hop, macIp('label 100'));
    settle(rib);
    announceReach(rib, from, 'l2vpn-evpn', 25, 70, hop, macIp('label 200 esi 00:01:02:03:04:05:06:07:08:09'));
    expect(rib.receivedCount(from)).toBe(1);
    settle(rib);
    expect(rib.sentCount(to)).toBe(1);
  });

  test('a route goes on octet by octet as it came, and is withdrawn by its key', () => {
    const { rib, from, to } = pair();
    const nlri = macIp('label 200 esi 00:01:02:03:04:05:06:07:08:09');
    const communities = { extendedCommunities: [{ high: 0x0002fde9, low: 100 }] };
    settle(rib);
    announceReach(rib, from, 'l2vpn-evpn', 25, 70, hop, nlri, communities);
    const context = {
      fourOctetAs: true,
      extendedMessage: false,
      peerType: 'internal',
      families,
    } as const;
    const [first] = messagesOf(settle(rib).find(({ peer: id }) => id === to)!.chunks);
    const update = decodeUpdate(first!, context);
    expect(update.attributes.mpReach).toMatchObject({ afi: 25, safi: 70, nextHop: hop, nlri });
    expect(update.attributes).toMatchObject(communities);
    withdrawUnreach(rib, from, 'l2vpn-evpn', 25, 70, macIp('label 999'));
    const [second] = messagesOf(settle(rib).find(({ peer: id }) => id === to)!.chunks);
    const withdrawn = decodeUpdate(second!, context).attributes.mpUnreach!.nlri;
    const { key } = NLRI_CODECS['l2vpn-evpn'];
    expect(key(withdrawn)).toEqual(key(nlri));
    expect(rib.receivedCount(from)).toBe(0);
    expect(rib.attributeSets).toBe(0);
  });

  test('the next hop stays inside the AS, and towards others where that is configured', () => {
    const text = (more: object): Uint8Array | undefined => {
      const rib = new Rib(CONFIG);
      const from = rib.addPeer(peer(2, { families }));
      const to = rib.addPeer(peer(3, { families, peerType: 'external', ...more }));
      announceReach(rib, from, 'l2vpn-evpn', 25, 70, hop, macIp('label 100'));
      settle(rib);
      return sent(rib, to)[0]?.attributes.nextHop;
    };
    expect(text({})).toEqual(parseAddress('10.0.0.1'));
    expect(text({ nextHopUnchanged: true })).toEqual(hop);
  });
});

describe('VPN routes', () => {
  test('our next hop has a route distinguisher of 0 before it (RFC 4364 §4.3.2, RFC 4659 §3.2.1)', () => {
    const families = ['ipv4-vpn', 'ipv6-vpn'] as const;
    const rib = new Rib(CONFIG);
    const to = rib.addPeer(peer(3, { families }));
    rib.announce(parsed('ipv4-vpn', '10.0.0.0/8 RD 65000:1 label 100'), OWN);
    rib.announce(parsed('ipv6-vpn', '2001:db8::/32 RD 65000:1 label 100'), OWN);
    settle(rib);
    expect(sent(rib, to).map(({ attributes }) => [...attributes.nextHop])).toEqual([
      [0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1],
      [0, 0, 0, 0, 0, 0, 0, 0, ...parseAddress('::ffff:10.0.0.1')!],
    ]);
  });

  test('the label belongs to the route and not to its key', () => {
    const rib = new Rib(CONFIG);
    const to = rib.addPeer(peer(3, { families: ['ipv4-vpn'] }));
    rib.announce(parsed('ipv4-vpn', '10.0.0.0/8 RD 65000:1 label 100'), OWN);
    rib.announce(parsed('ipv4-vpn', '10.0.0.0/8 RD 65000:1 label 200'), OWN);
    rib.announce(parsed('ipv4-vpn', '10.0.0.0/8 RD 65000:2 label 200'), OWN);
    settle(rib);
    expect(sent(rib, to).map(({ prefix }) => prefix)).toEqual([
      '10.0.0.0/8 RD 65000:1 label 200',
      '10.0.0.0/8 RD 65000:2 label 200',
    ]);
    rib.withdraw(parsed('ipv4-vpn', '10.0.0.0/8 RD 65000:1'));
    settle(rib);
    expect(rib.sentCount(to)).toBe(1);
  });
});

describe('IPv6 next hops (RFC 2545 §3)', () => {
  const families = ['ipv6-unicast'] as const;
  const global = parseAddress('2001:db8::1')!;
  const linkLocal = parseAddress('fe80::1')!;

  function own(more: object): Uint8Array {
    const rib = new Rib(CONFIG);
    const to = rib.addPeer(peer(3, { families, ...more }));
    rib.announce(nlriOf('2001:db8:1::/48'), OWN);
    settle(rib);
    return sent(rib, to)[0]!.attributes.nextHop;
  }

  test('our address on the session, with our link-local one on a shared link', () => {
    expect(own({ localAddress: global })).toEqual(global);
    expect(own({ localAddress: global, localAddresses: { ipv6LinkLocal: linkLocal } })).toEqual(
      Uint8Array.of(...global, ...linkLocal),
    );
    expect(own({ localAddress: linkLocal, localAddresses: { ipv6: global } })).toEqual(global);
  });

  test('over an IPv4 session our IPv6 address, or the IPv4-mapped one', () => {
    expect(own({ localAddresses: { ipv6: global } })).toEqual(global);
    expect(own({})).toEqual(parseAddress('::ffff:10.0.0.1'));
  });

  test('a link-local next hop does not go beyond its link', () => {
    const rib = new Rib(CONFIG);
    const from = rib.addPeer(peer(2, { families, client: true }));
    const to = rib.addPeer(peer(3, { families }));
    const hop = Uint8Array.of(...parseAddress('2001:db8::9')!, ...parseAddress('fe80::9')!);
    announceReach(rib, from, 'ipv6-unicast', 2, 1, hop, nlriOf('2001:db8:1::/48').bytes);
    settle(rib);
    expect(sent(rib, to)[0]!.attributes.nextHop).toEqual(parseAddress('2001:db8::9'));
  });
});

describe('route target constraint (RFC 4684)', () => {
  const target = (asn: number, value: number): Partial<RouteAttributes> => ({
    extendedCommunities: [{ high: (0x0002 << 16) | asn, low: value }],
  });
  const wish = (bits: number, asn: number, value: number): Uint8Array =>
    Uint8Array.of(bits, 0, 0, 0xfc, 0, 0, 2, asn >> 8, asn & 255, 0, 0, value >> 8, value & 255).slice(
      0,
      1 + Math.ceil(bits / 8),
    );

  function asked(): {
    rib: Rib;
    reader: number;
    ask: (nlri: Uint8Array) => string[];
    stop: (nlri: Uint8Array) => string[];
  } {
    const rib = new Rib(CONFIG);
    const reader = rib.addPeer(
      peer(3, { families: ['ipv4-vpn', 'rt-constraint'], client: true, rtConstraint: true }),
    );
    for (const [value, prefix] of ['10.1.0.0/16', '10.2.0.0/16'].entries()) {
      rib.announce(parsed('ipv4-vpn', `${prefix} RD 65000:1 label 100`), {
        ...OWN,
        ...target(65000, 1 + value),
      });
    }
    const shown = (): string[] => {
      settle(rib);
      return [...rib.adjRibOut(reader)].map(({ prefix }) => prefix.split(' ')[0]!);
    };
    const hop = parseAddress('10.0.0.3')!;
    return {
      rib,
      reader,
      ask: (nlri) => {
        announceReach(rib, reader, 'rt-constraint', 1, 132, hop, nlri);
        return shown();
      },
      stop: (nlri) => {
        withdrawUnreach(rib, reader, 'rt-constraint', 1, 132, nlri);
        return shown();
      },
    };
  }

  test('a peer gets what it asked for, as long as it does', () => {
    const { rib, reader, ask, stop } = asked();
    const [delivery] = settle(rib).filter(({ family }) => family === 'ipv4-vpn');
    expect(delivery).toMatchObject({ peer: reader, messages: 1, endOfRib: true });
    expect(ask(wish(96, 65000, 2))).toEqual(['10.2.0.0/16']);
    expect(ask(wish(96, 65000, 1))).toEqual(['10.1.0.0/16', '10.2.0.0/16']);
    expect(stop(wish(96, 65000, 2))).toEqual(['10.1.0.0/16']);
  });

  test('a shorter membership asks for every target that begins so, the default for all', () => {
    expect(asked().ask(wish(64, 65000, 0))).toEqual(['10.1.0.0/16', '10.2.0.0/16']);
    expect(asked().ask(wish(64, 65001, 0))).toEqual([]);
    expect(asked().ask(Uint8Array.of(0))).toEqual(['10.1.0.0/16', '10.2.0.0/16']);
  });

  test('a peer that does not take part gets everything', () => {
    const rib = new Rib(CONFIG);
    const reader = rib.addPeer(peer(3, { families: ['ipv4-vpn'] }));
    rib.announce(parsed('ipv4-vpn', '10.1.0.0/16 RD 65000:1 label 100'), { ...OWN, ...target(65000, 1) });
    settle(rib);
    expect(rib.sentCount(reader)).toBe(1);
  });
});

describe('two-octet peers', () => {
  test('are sent AS_TRANS with AS4_PATH (RFC 6793 §4.2.2)', () => {
    const rib = new Rib({ ...CONFIG, asn: 4200000000 });
    rib.addPeer(peer(3, { peerType: 'external', fourOctetAs: false }));
    settle(rib);
    rib.announce(nlriOf('10.1.0.0/16'), OWN);
    const [bytes] = messagesOf(settle(rib)[0]!.chunks);
    const context = {
      fourOctetAs: false,
      extendedMessage: false,
      peerType: 'external',
      families: ['ipv4-unicast'],
    } as const;
    expect(decodeUpdate(bytes!, context).attributes.asPath).toEqual([
      { kind: 'sequence', asns: [4200000000] },
    ]);
    expect([...bytes!.subarray(27, 34)]).toEqual([0x40, 2, 4, 2, 1, 0x5b, 0xa0]);
  });

  test('the table of others is not affected', () => {
    expect(reached({ fourOctetAs: false }, { peerType: 'external' })!.asPath[0]!.asns).toEqual([
      64512, 65001,
    ]);
  });
});
