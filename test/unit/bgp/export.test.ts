import { describe, expect, test } from 'vitest';
import {
  GRACEFUL_SHUTDOWN,
  LLGR_STALE,
  NO_EXPORT,
  NO_EXPORT_SUBCONFED,
} from '../../../protocol/bgp/attribute/communities.ts';
import { Rib } from '../../../protocol/bgp/rib/rib.ts';
import { parseIpv4 } from '../../../protocol/ip/ipv4.ts';
import { parseAddress } from '../../../protocol/ip/prefix.ts';
import {
  ASN,
  announce,
  CONFIG,
  messagesOf,
  PREFIX,
  peer,
  policy,
  ROUTE,
  reached,
  sent,
  sequence,
  settle,
} from './rib-support.ts';

const EXTERNAL = { peerType: 'external', asn: 65002 } as const;
const MEMBER = { peerType: 'confederation', asn: 64513 } as const;
const CONFEDERATION = { confederation: { id: 65100, members: [ASN, 64513] } };

describe('AS_PATH on the way out', () => {
  test('the AS that we are for the peer goes in front', () => {
    expect(reached({}, { ...EXTERNAL, localAs: 64999 })!.asPath).toEqual(sequence(64999, 65001));
  });

  test('inside a confederation our member AS goes into a confederation segment, the rest stays (RFC 5065 §4.1)', () => {
    const attributes = { med: 7, localPref: 50, originatorId: 9, clusterList: [8] };
    expect(reached({}, MEMBER, attributes, CONFEDERATION)).toEqual({
      origin: 0,
      asPath: [{ kind: 'confed-sequence', asns: [ASN] }, ...sequence(65001)],
      nextHop: ROUTE.nextHop,
      med: 7,
      localPref: 50,
    });
    const asPath = [{ kind: 'confed-sequence' as const, asns: [64513] }, ...sequence(65001)];
    expect(reached(MEMBER, MEMBER, { asPath }, CONFEDERATION)!.asPath).toEqual([
      { kind: 'confed-sequence', asns: [ASN, 64513] },
      ...sequence(65001),
    ]);
  });

  test('to the outside the confederation is one AS', () => {
    const asPath = [
      { kind: 'confed-sequence' as const, asns: [64513] },
      { kind: 'confed-set' as const, asns: [64514, 64515] },
      ...sequence(65001),
    ];
    expect(reached(MEMBER, EXTERNAL, { asPath }, CONFEDERATION)!.asPath).toEqual(sequence(65100, 65001));
  });
});

describe('next hop', () => {
  const far = parseAddress('192.0.2.9')!;

  test('self where configured, unchanged to another AS where configured (RFC 4271 §5.1.3)', () => {
    const self = parseAddress('10.0.0.1');
    expect(reached({ client: true }, { nextHopSelf: true })!.nextHop).toEqual(self);
    expect(reached({}, EXTERNAL)!.nextHop).toEqual(self);
    expect(reached({}, { ...EXTERNAL, nextHopUnchanged: true })!.nextHop).toEqual(ROUTE.nextHop);
  });

  test('a third party on the shared subnet stays, others become our own address', () => {
    const sharesSubnet = (hop: Uint8Array): boolean => hop[0] === 10;
    expect(reached(EXTERNAL, { ...EXTERNAL, sharesSubnet })!.nextHop).toEqual(ROUTE.nextHop);
    expect(reached(EXTERNAL, { ...EXTERNAL, sharesSubnet }, { nextHop: far })!.nextHop).toEqual(
      parseAddress('10.0.0.1'),
    );
  });

  test('a policy may choose it: an address, our own, or unchanged', () => {
    const choose = (nextHop: (old: Uint8Array) => Uint8Array) =>
      policy(({ attributes }) => ({ ...attributes, nextHop: nextHop(attributes.nextHop) }));
    const to = (exportPolicy: ReturnType<typeof policy>) =>
      reached({}, { ...EXTERNAL, exportPolicy })!.nextHop;
    expect(to(choose(() => far))).toEqual(far);
    expect(to(choose((old) => old.slice()))).toEqual(ROUTE.nextHop);
    expect(to(choose(() => new Uint8Array(0)))).toEqual(parseAddress('10.0.0.1'));
    expect(to(policy(({ attributes }) => attributes))).toEqual(parseAddress('10.0.0.1'));
  });

  test('an IPv4 route goes over an IPv6 session with an IPv6 next hop only where that was agreed (RFC 8950)', () => {
    const address = parseAddress('2001:db8::3')!;
    const localAddress = parseAddress('2001:db8::1')!;
    const over = { ...EXTERNAL, address, localAddress };
    const extendedNextHop = ['ipv4-unicast'] as const;
    const ipv4 = parseAddress('192.0.2.1')!;
    expect(reached({}, over)).toBeUndefined();
    expect(reached({}, { ...over, localAddresses: { ipv4 } })!.nextHop).toEqual(ipv4);
    expect(reached({}, { ...over, extendedNextHop })!.nextHop).toEqual(localAddress);
    // Reflected: what came with an IPv6 next hop goes only to those who understand it.
    const nextHop = parseAddress('2001:db8::9')!;
    const rib = new Rib(CONFIG);
    const from = rib.addPeer(peer(2, { client: true, extendedNextHop }));
    const [plain, extended] = [rib.addPeer(peer(3)), rib.addPeer(peer(4, { extendedNextHop }))];
    rib.announce({ family: 'ipv4-unicast', bytes: Uint8Array.of(8, 20) }, { origin: 0, asPath: [], nextHop });
    settle(rib);
    expect(sent(rib, plain)).toEqual([]);
    expect(sent(rib, extended)[0]!.attributes.nextHop).toEqual(nextHop);
    expect(sent(rib, from)[0]!.attributes.nextHop).toEqual(nextHop);
  });

  test('such a route stands in MP_REACH_NLRI', () => {
    const rib = new Rib(CONFIG);
    rib.addPeer(peer(4, { extendedNextHop: ['ipv4-unicast'] }));
    settle(rib);
    const nextHop = parseAddress('2001:db8::9')!;
    rib.announce({ family: 'ipv4-unicast', bytes: Uint8Array.of(8, 20) }, { origin: 0, asPath: [], nextHop });
    const [bytes] = messagesOf(settle(rib)[0]!.chunks);
    // No withdrawn routes, MP_REACH_NLRI first: AFI 1, SAFI 1, next hop of 16 octets; nothing behind the attributes.
    expect([...bytes!.subarray(19, 31)]).toEqual([0, 0, 0, 41, 0x90, 14, 0, 23, 0, 1, 1, 16]);
    expect(bytes!.length).toBe(19 + 4 + 41);
  });
});

describe('what is withheld', () => {
  test('NO_EXPORT stays in the confederation, NO_EXPORT_SUBCONFED in the member AS (RFC 1997)', () => {
    const to = (peerType: 'external' | 'confederation' | 'internal', community: number) =>
      reached({ client: true }, { peerType }, { communities: [community] }, CONFEDERATION);
    expect(to('external', NO_EXPORT)).toBeUndefined();
    expect(to('confederation', NO_EXPORT)).toBeDefined();
    expect(to('external', NO_EXPORT_SUBCONFED)).toBeUndefined();
    expect(to('confederation', NO_EXPORT_SUBCONFED)).toBeUndefined();
    expect(to('internal', NO_EXPORT_SUBCONFED)).toBeDefined();
  });

  test('a long-lived stale route from those who do not know what that is (RFC 9494 §4.3)', () => {
    const communities = [LLGR_STALE];
    expect(reached({ client: true }, {}, { communities })).toBeUndefined();
    expect(reached({ client: true }, { longLived: ['ipv4-unicast'] }, { communities })).toBeDefined();
  });

  test('everything from another AS without a policy, where that is the rule (RFC 8212)', () => {
    const exportPolicy = policy(({ attributes }) => attributes);
    const rule = { ebgpRequiresPolicy: true };
    expect(reached({}, EXTERNAL, {}, rule)).toBeUndefined();
    expect(reached({}, { ...EXTERNAL, exportPolicy }, {}, rule)).toBeDefined();
    expect(reached({ client: true }, {}, {}, rule)).toBeDefined();
  });

  test.each([
    ['customer', 65009, undefined],
    ['peer', 65009, undefined],
    ['rs-client', 65009, undefined],
    ['provider', 65009, 65009],
    ['rs-server', 65009, 65009],
    ['provider', undefined, ASN],
    ['peer', undefined, ASN],
    ['rs-server', undefined, ASN],
  ] as const)('to a peer whose %s we are, OTC %s (RFC 9234 §5)', (role, otc, after) => {
    expect(reached({}, { ...EXTERNAL, role }, otc === undefined ? {} : { otc })?.otc).toBe(after);
  });

  test('a customer is told nothing of the attribute where there is none', () => {
    const out = reached({}, { ...EXTERNAL, role: 'customer' });
    expect(out).toBeDefined();
    expect(out).not.toHaveProperty('otc');
  });

  test('what a policy rejects, also of the prefixes of one message', () => {
    const exportPolicy = policy(
      ({ attributes, prefix }) => (prefix!.bytes[1] === 2 ? undefined : attributes),
      true,
    );
    const rib = new Rib(CONFIG);
    const from = rib.addPeer(peer(2));
    const to = rib.addPeer(peer(3, { ...EXTERNAL, exportPolicy }));
    announce(rib, from, {}, [PREFIX, '10.2.0.0/16', '10.3.0.0/16']);
    settle(rib);
    expect(sent(rib, to).map(({ prefix }) => prefix)).toEqual([PREFIX, '10.3.0.0/16']);
  });
});

describe('what is changed', () => {
  test('MED goes to another AS only where it is ours or a policy set it (RFC 4271 §5.1.4)', () => {
    const seen: unknown[] = [];
    const exportPolicy = policy(({ attributes }) => {
      seen.push(attributes.med);
      return { ...attributes, med: 30 };
    });
    expect(reached({}, EXTERNAL, { med: 5 })).not.toHaveProperty('med');
    expect(reached({}, { ...EXTERNAL, exportPolicy }, { med: 5 })!.med).toBe(30);
    expect(seen).toEqual([undefined]);
    const rib = new Rib(CONFIG);
    const to = rib.addPeer(peer(3, EXTERNAL));
    rib.announce(
      { family: 'ipv4-unicast', bytes: Uint8Array.of(8, 20) },
      { origin: 0, asPath: [], med: 5, nextHop: new Uint8Array(0) },
    );
    settle(rib);
    expect(sent(rib, to)[0]!.attributes.med).toBe(5);
  });

  test('before we leave, routes carry GRACEFUL_SHUTDOWN to other ASes (RFC 8326 §4.1)', () => {
    const communities = [1, 2];
    const leaving = { gracefulShutdown: true };
    expect(reached({}, { ...EXTERNAL, ...leaving }, { communities })!.communities).toEqual([
      1,
      2,
      GRACEFUL_SHUTDOWN,
    ]);
    expect(reached({}, { ...EXTERNAL, ...leaving })!.communities).toEqual([GRACEFUL_SHUTDOWN]);
    expect(reached({ client: true }, leaving, { communities })!.communities).toEqual(communities);
  });

  test('AIGP stays inside (RFC 7311 §3.2)', () => {
    const aigp = Uint8Array.of(1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 9);
    expect(reached({}, EXTERNAL, { aigp })).not.toHaveProperty('aigp');
    expect(reached({ client: true }, {}, { aigp })!.aigp).toEqual(aigp);
  });

  test('every attribute that we do not touch arrives as it came', () => {
    const attributes = {
      atomicAggregate: true as const,
      aggregator: { asn: 65001, id: parseIpv4('192.0.2.1') },
      communities: [0xfde90001],
      extendedCommunities: [{ high: 0x0002fde9, low: 1 }],
      largeCommunities: [{ globalAdministrator: 1, localData1: 2, localData2: 3 }],
      unknown: [
        { type: 20, flags: 0xc0, value: Uint8Array.of(1) },
        { type: 99, flags: 0xe0, value: new Uint8Array(300).fill(7) },
      ],
    };
    expect(reached({}, EXTERNAL, attributes)).toEqual({
      ...ROUTE,
      ...attributes,
      unknown: attributes.unknown.map((each) => ({ ...each, flags: 0xe0 })),
      asPath: sequence(ASN, 65001),
      nextHop: parseAddress('10.0.0.1'),
    });
  });

  test('an oversize route sheds what may be lost, and is withdrawn where that is not enough (RFC 8654 §4)', () => {
    const rib = new Rib(CONFIG);
    const from = rib.addPeer(peer(2, { client: true }));
    const [short, long] = [rib.addPeer(peer(3)), rib.addPeer(peer(4, { maxMessageLength: 65535 }))];
    const aggregator = { asn: 65001, id: 1 };
    const communities = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
    // Beside a prefix, 4068 octets are left for attributes: 56 without communities, 11 of them for the aggregator.
    announce(rib, from, { aggregator, communities: communities(1003) });
    settle(rib);
    expect(sent(rib, short)[0]!.attributes).toHaveProperty('aggregator');
    announce(rib, from, { aggregator, communities: communities(1005) });
    settle(rib);
    expect(sent(rib, short)[0]!.attributes).not.toHaveProperty('aggregator');
    expect(sent(rib, long)[0]!.attributes).toHaveProperty('aggregator');
    announce(rib, from, { aggregator, communities: communities(1006) });
    const [delivery] = settle(rib).filter(({ peer: to }) => to === short);
    expect(messagesOf(delivery!.chunks).map((bytes) => [...bytes.subarray(19, 21)])).toEqual([[0, 4]]);
    expect(sent(rib, short)).toEqual([]);
    expect(sent(rib, long)).toHaveLength(1);
  });
});
