import { describe, expect, test } from 'vitest';
import { decodeUpdate, encodeUpdate } from '../../../protocol/bgp/message/update.ts';
import { nlriOf } from '../../../protocol/bgp/nlri/prefixes.ts';
import { Rib } from '../../../protocol/bgp/rib/rib.ts';
import type { RibConfig, RibPeerConfig, RouteAttributes } from '../../../protocol/bgp/rib/route.ts';
import { parseIpv4 } from '../../../protocol/ip/ipv4.ts';
import { parseAddress } from '../../../protocol/ip/prefix.ts';

const CONFIG: RibConfig = { asn: 64512, routerId: parseIpv4('10.0.0.1'), clusterId: parseIpv4('10.0.0.255') };
const PREFIX = '10.1.0.0/24';

function peer(octet: number, more: Partial<RibPeerConfig> = {}): RibPeerConfig {
  return {
    name: `peer-${octet}`,
    peerType: 'internal',
    routerId: parseIpv4(`10.0.0.${octet}`),
    address: parseAddress(`10.0.0.${octet}`)!,
    localAddress: parseAddress('10.0.0.1')!,
    client: false,
    nextHopSelf: false,
    families: ['ipv4-unicast', 'ipv6-unicast'],
    fourOctetAs: true,
    maxMessageLength: 4096,
    ...more,
  };
}

const ROUTE: RouteAttributes = {
  origin: 0,
  asPath: [{ kind: 'sequence', asns: [65001] }],
  nextHop: parseAddress('10.0.9.9')!,
};

/** Feeds an UPDATE with these attributes for {@link PREFIX}. */
function announce(
  rib: Rib,
  from: number,
  more: Partial<RouteAttributes> = {},
  prefix: string = PREFIX,
): void {
  const attributes = { ...ROUTE, ...more };
  const bytes = encodeUpdate(
    { withdrawn: new Uint8Array(0), attributes, nlri: nlriOf(prefix).bytes },
    { fourOctetAs: true },
  );
  const context = {
    fourOctetAs: true,
    extendedMessage: false,
    peerType: 'internal',
    families: ['ipv4-unicast'],
  } as const;
  rib.update(from, decodeUpdate(bytes, context));
}

/** Best path's peer first, the others with the step at which they lost. */
function ranking(rib: Rib): string[] {
  return [...rib.paths()].map(
    ({ peer: from, best, lost }) => `${from?.name ?? 'own'} ${best ? 'best' : lost}`,
  );
}

const sequence = (...asns: number[]): RouteAttributes['asPath'] => [{ kind: 'sequence', asns }];

describe('decision process (RFC 4271 §9.1.2.2, RFC 4456 §9)', () => {
  type Side = { readonly attributes?: Partial<RouteAttributes>; readonly peer?: Partial<RibPeerConfig> };
  const cases: readonly (readonly [string, Side, Side, string])[] = [
    ['higher LOCAL_PREF', { attributes: { localPref: 200, asPath: sequence(1, 2, 3) } }, {}, 'local-pref'],
    ['absent LOCAL_PREF is 100', {}, { attributes: { localPref: 99 } }, 'local-pref'],
    ['shorter AS_PATH', {}, { attributes: { asPath: sequence(65001, 65001) } }, 'as-path-length'],
    [
      'AS_SET counts one',
      { attributes: { asPath: [{ kind: 'set', asns: [1, 2, 3] }] } },
      { attributes: { asPath: sequence(1, 2) } },
      'as-path-length',
    ],
    ['lower ORIGIN', {}, { attributes: { origin: 1 } }, 'origin'],
    ['lower MED of one neighbour AS', { attributes: { med: 5 } }, { attributes: { med: 6 } }, 'med'],
    ['absent MED is lowest', {}, { attributes: { med: 1 } }, 'med'],
    [
      'MED of different neighbour ASes is not compared',
      { attributes: { med: 9 }, peer: { routerId: 1 } },
      { attributes: { med: 1, asPath: sequence(65002) } },
      'router-id',
    ],
    ['external over internal', { peer: { peerType: 'external' } }, {}, 'external-over-internal'],
    ['lower identifier', { peer: { routerId: 1 } }, {}, 'router-id'],
    ['ORIGINATOR_ID stands for the identifier', { attributes: { originatorId: 1 } }, {}, 'router-id'],
    [
      'shorter CLUSTER_LIST',
      { attributes: { originatorId: 7, clusterList: [1] } },
      { attributes: { originatorId: 7, clusterList: [1, 2] } },
      'cluster-list-length',
    ],
    [
      'lower peer address',
      { peer: { routerId: 7, address: parseAddress('9.0.0.1')! } },
      { peer: { routerId: 7 } },
      'peer-address',
    ],
  ];

  test.each(cases)('%s', (_name, winner, loser, step) => {
    for (const winnerFirst of [true, false]) {
      const rib = new Rib(CONFIG);
      const [first, second] = winnerFirst ? [winner, loser] : [loser, winner];
      const a = rib.addPeer(peer(2, { ...first.peer, name: winnerFirst ? 'winner' : 'loser' }));
      const b = rib.addPeer(peer(3, { ...second.peer, name: winnerFirst ? 'loser' : 'winner' }));
      // Steps before the tested one must not decide: identifiers differ by peer, so give them equal ones there.
      announce(rib, a, first.attributes);
      announce(rib, b, second.attributes);
      expect(ranking(rib)).toEqual(['winner best', `loser ${step}`]);
    }
  });

  test('an own route wins over a learnt one of equal LOCAL_PREF', () => {
    const rib = new Rib(CONFIG);
    announce(rib, rib.addPeer(peer(2)), { asPath: [] });
    rib.announce(nlriOf(PREFIX), { ...ROUTE, nextHop: new Uint8Array(0) });
    expect(ranking(rib)).toEqual(['own best', 'peer-2 local-route']);
  });

  test('with MED the result does not depend on the order of arrival', () => {
    const routes = [
      { octet: 2, med: 10, as: 65001 },
      { octet: 3, med: 20, as: 65002 },
      { octet: 4, med: 5, as: 65001 },
    ];
    const orders = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ];
    for (const order of orders) {
      const rib = new Rib(CONFIG);
      const numbers = routes.map(({ octet }) => rib.addPeer(peer(octet, { peerType: 'external' })));
      for (const i of order)
        announce(rib, numbers[i]!, { med: routes[i]!.med, asPath: sequence(routes[i]!.as) });
      expect([...rib.paths()][0]!.peer!.name).toBe('peer-3');
    }
  });

  test.each([
    ['own AS in the path', { asPath: sequence(65001, 64512) }, 1],
    ['own identifier as ORIGINATOR_ID', { originatorId: CONFIG.routerId }, 2],
    ['own cluster in CLUSTER_LIST', { clusterList: [1, CONFIG.clusterId!] }, 3],
    ['own address as next hop', { nextHop: parseAddress('10.0.0.1')! }, 4],
  ])('%s is kept but never selected', (_name, attributes, ineligible) => {
    const rib = new Rib(CONFIG);
    const from = rib.addPeer(peer(2));
    announce(rib, from, attributes);
    expect([...rib.adjRibIn(from)]).toMatchObject([{ best: false, ineligible }]);
    expect(rib.flush().changes).toEqual([]);
  });

  test('the identifier is the cluster id of a speaker without one, on import as on export (RFC 4456 §7)', () => {
    const rib = new Rib({ ...CONFIG, clusterId: undefined });
    const from = rib.addPeer(peer(2));
    announce(rib, from, { clusterList: [1, CONFIG.routerId] });
    expect([...rib.adjRibIn(from)]).toMatchObject([{ best: false, ineligible: 3 }]);
  });

  test('a multicast prefix alone is ignored', () => {
    const rib = new Rib(CONFIG);
    const from = rib.addPeer(peer(2));
    announce(rib, from, {}, '224.1.0.0/16');
    announce(rib, from);
    expect([...rib.adjRibIn(from)].map(({ prefix }) => prefix)).toEqual([PREFIX]);
  });
});

describe('propagation', () => {
  /** Attributes with which a route reaches a peer, by its name. */
  function reached(
    source: Partial<RibPeerConfig>,
    to: Partial<RibPeerConfig>,
    attributes: Partial<RouteAttributes> = {},
  ): unknown {
    const rib = new Rib(CONFIG);
    const from = rib.addPeer(peer(2, source));
    const target = rib.addPeer(peer(3, to));
    announce(rib, from, attributes);
    while (rib.flush().pending);
    return [...rib.adjRibOut(target)][0]?.attributes;
  }

  test('reflection: from a client to all, from others to clients only', () => {
    const reflected = {
      originatorId: parseIpv4('10.0.0.2'),
      clusterList: [CONFIG.clusterId],
      nextHop: ROUTE.nextHop,
    };
    expect(reached({ client: true }, {})).toMatchObject(reflected);
    expect(reached({}, { client: true })).toMatchObject(reflected);
    expect(reached({}, {})).toBeUndefined();
    expect(reached({ peerType: 'external' }, {})).toMatchObject({ asPath: ROUTE.asPath, localPref: 100 });
    expect(reached({ peerType: 'external' }, {})).not.toHaveProperty('clusterList');
  });

  test('reflection keeps ORIGINATOR_ID and puts our cluster in front', () => {
    expect(
      reached({ client: true }, {}, { originatorId: 7, clusterList: [8], med: 3, localPref: 50 }),
    ).toMatchObject({
      originatorId: 7,
      clusterList: [CONFIG.clusterId, 8],
      med: 3,
      localPref: 50,
    });
  });

  test('to another AS: own AS in front, own next hop, nothing internal', () => {
    const out = reached(
      {},
      { peerType: 'external' },
      { originatorId: 7, clusterList: [8], med: 3, localPref: 50 },
    );
    expect(out).toEqual({ origin: 0, asPath: sequence(64512, 65001), nextHop: parseAddress('10.0.0.1') });
  });

  test('prepending to a set, to an empty path, to a full segment', () => {
    const full = new Array<number>(255).fill(65001);
    expect(reached({}, { peerType: 'external' }, { asPath: [{ kind: 'set', asns: [1, 2] }] })).toMatchObject({
      asPath: [...sequence(64512), { kind: 'set', asns: [1, 2] }],
    });
    expect(reached({}, { peerType: 'external' }, { asPath: [] })).toMatchObject({ asPath: sequence(64512) });
    expect(reached({}, { peerType: 'external' }, { asPath: sequence(...full) })).toMatchObject({
      asPath: [...sequence(64512), ...sequence(...full)],
    });
  });

  test('well-known communities', () => {
    expect(reached({}, { peerType: 'external' }, { communities: [0xffffff01] })).toBeUndefined();
    expect(reached({}, { peerType: 'external' }, { communities: [0xffffff03] })).toBeUndefined();
    expect(reached({}, { client: true }, { communities: [0xffffff01] })).toBeDefined();
    expect(reached({}, { client: true }, { communities: [0xffffff02] })).toBeUndefined();
  });

  test('never to the peer whose address is the next hop', () => {
    expect(
      reached({ client: true }, { client: true }, { nextHop: parseAddress('10.0.0.3')! }),
    ).toBeUndefined();
    expect(
      reached({ client: true }, { client: true, nextHopSelf: true }, { nextHop: parseAddress('10.0.0.3')! }),
    ).toMatchObject({
      nextHop: parseAddress('10.0.0.1'),
    });
  });

  test('unknown attributes go on with the Partial bit', () => {
    const unknown = [{ type: 99, flags: 0xc0, value: Uint8Array.of(1) }];
    expect(reached({ client: true }, {}, { unknown })).toMatchObject({
      unknown: [{ ...unknown[0], flags: 0xe0 }],
    });
  });

  test('attributes that fill a message by themselves keep a route back', () => {
    const communities = Array.from({ length: 1020 }, (_, i) => i);
    expect(reached({ client: true }, {}, { communities: communities.slice(0, 900) })).toBeDefined();
    expect(reached({ client: true }, {}, { communities })).toBeUndefined();
  });

  test('equal messages are encoded once and their bytes shared', () => {
    const rib = new Rib(CONFIG);
    const source = rib.addPeer(peer(2));
    const others = [3, 4, 5, 6].map((octet) => rib.addPeer(peer(octet, { client: true })));
    while (rib.flush().pending);
    for (let i = 0; i < 3000; i++) announce(rib, source, {}, `10.${i >> 8}.${i & 255}.0/24`);
    const { deliveries } = rib.flush();
    expect(deliveries.map(({ peer: to }) => to)).toEqual(others);
    const buffers = new Set(deliveries.flatMap(({ chunks }) => chunks.map(({ buffer }) => buffer)));
    expect(buffers.size).toBe(1);
    // 3000 prefixes of 4 octets fill three messages.
    expect(deliveries.map(({ messages }) => messages)).toEqual([3, 3, 3, 3]);
    for (const { chunks } of deliveries) expect(chunks.length).toBe(1);
  });

  test('IPv6 goes in MP_REACH_NLRI with an IPv4-mapped next hop over an IPv4 session', () => {
    const rib = new Rib(CONFIG);
    const target = rib.addPeer(peer(3));
    rib.announce(nlriOf('2001:db8::/32'), { origin: 0, asPath: [], nextHop: new Uint8Array(0) });
    const [delivery] = rib.flush().deliveries.filter(({ family }) => family === 'ipv6-unicast');
    const [first] = delivery!.chunks;
    const context = {
      fourOctetAs: true,
      extendedMessage: false,
      peerType: 'internal',
      families: ['ipv6-unicast'],
    } as const;
    const update = decodeUpdate(first!.subarray(0, (first![16]! << 8) | first![17]!), context);
    expect(update.attributes.mpReach!.nextHop).toEqual(parseAddress('::ffff:10.0.0.1'));
    expect(update.attributes.nextHop).toBeUndefined();
    expect([...rib.adjRibOut(target)].map(({ prefix }) => prefix)).toEqual(['2001:db8::/32']);
  });
});
