import { describe, expect, test } from 'vitest';
import { LLGR_STALE } from '../../../protocol/bgp/attribute/communities.ts';
import { nlriOf } from '../../../protocol/bgp/nlri/prefixes.ts';
import { UNREACHABLE_NEXT_HOP } from '../../../protocol/bgp/rib/import.ts';
import { Rib } from '../../../protocol/bgp/rib/rib.ts';
import type { RibConfig } from '../../../protocol/bgp/rib/route.ts';
import { formatAddress, parseAddress } from '../../../protocol/ip/prefix.ts';
import { announce, CONFIG, PREFIX, peer, ranking, sequence, settle } from './rib-support.ts';

const NEAR = parseAddress('10.0.9.1')!;
const FAR = parseAddress('10.0.9.2')!;
const NOWHERE = parseAddress('10.0.9.3')!;
const COSTS: Readonly<Record<string, number>> = { '10.0.9.1': 5, '10.0.9.2': 20 };
const resolve = (hop: Uint8Array): number | undefined => COSTS[formatAddress(hop)];

/** AIGP TLV (RFC 7311 §3) with a metric below 256. */
const aigp = (metric: number): Uint8Array => Uint8Array.of(1, 0, 11, 0, 0, 0, 0, 0, 0, 0, metric);

function ribWith(config: Partial<RibConfig> = {}): { rib: Rib; a: number; b: number } {
  const rib = new Rib({ ...CONFIG, ...config });
  return { rib, a: rib.addPeer(peer(2)), b: rib.addPeer(peer(3)) };
}

describe('decision process', () => {
  test('a long-lived stale path is least preferred, whatever its LOCAL_PREF (RFC 9494 §4.3)', () => {
    const { rib, a, b } = ribWith();
    announce(rib, a, { localPref: 500, communities: [LLGR_STALE] });
    announce(rib, b, { localPref: 1 });
    expect(ranking(rib)).toEqual(['peer-3 best', 'peer-2 long-lived-stale']);
  });

  test('lower cost of the next hop wins, and says what was compared (RFC 4271 §9.1.2.2 e)', () => {
    const { rib, a, b } = ribWith({ resolve });
    announce(rib, a, { nextHop: FAR });
    announce(rib, b, { nextHop: NEAR });
    expect(ranking(rib)).toEqual(['peer-3 best', 'peer-2 igp-cost']);
    expect(rib.explain(nlriOf(PREFIX))[1]).toMatchObject({ compared: { value: 20, best: 5 } });
  });

  test('without a resolver the cost decides nothing', () => {
    const { rib, a, b } = ribWith();
    announce(rib, a, { nextHop: FAR });
    announce(rib, b, { nextHop: NEAR });
    expect(ranking(rib)).toEqual(['peer-2 best', 'peer-3 router-id']);
  });

  test('a path with an unreachable next hop is kept but not selected, until its cost changes (§9.1.2.1)', () => {
    const { rib, a } = ribWith({ resolve });
    announce(rib, a, { nextHop: NOWHERE });
    expect([...rib.adjRibIn(a)]).toMatchObject([{ best: false, ineligible: UNREACHABLE_NEXT_HOP }]);
    expect(rib.flush().changes).toEqual([]);
    rib.nextHopChanged(() => 1);
    expect(rib.flush().changes).toMatchObject([{ prefix: PREFIX, best: { best: true } }]);
    rib.nextHopChanged(resolve);
    expect(rib.flush().changes).toMatchObject([{ prefix: PREFIX, best: undefined }]);
  });

  test('MED of different neighbouring ASes is compared where that is asked for', () => {
    const { rib, a, b } = ribWith({ alwaysCompareMed: true });
    announce(rib, a, { med: 9 });
    announce(rib, b, { med: 1, asPath: sequence(65002) });
    expect(ranking(rib)).toEqual(['peer-3 best', 'peer-2 med']);
  });

  test('lower AIGP with the cost of the next hop wins where it counts, and any beats none (RFC 7311 §4.1)', () => {
    const { rib, a, b } = ribWith({ compareAigp: true, resolve });
    announce(rib, a, { nextHop: FAR, aigp: aigp(10), asPath: sequence(1, 2, 3) });
    announce(rib, b, { nextHop: NEAR, aigp: aigp(26), asPath: sequence(1) });
    const c = rib.addPeer(peer(4));
    announce(rib, c, { nextHop: NEAR, asPath: sequence(1) });
    expect(ranking(rib)).toEqual(['peer-2 best', 'peer-4 aigp', 'peer-3 aigp']);
  });

  test('a path from another member AS counts as internal (RFC 5065 §5.3)', () => {
    const rib = new Rib({ ...CONFIG, confederation: { id: 65100, members: [64513] } });
    announce(rib, rib.addPeer(peer(2, { peerType: 'confederation' })));
    announce(rib, rib.addPeer(peer(3, { peerType: 'external' })));
    expect(ranking(rib)).toEqual(['peer-3 best', 'peer-2 external-over-internal']);
  });

  test('of two paths of one peer the lower path identifier wins', () => {
    const { rib, a } = ribWith();
    announce(rib, a, {}, [PREFIX, PREFIX], [7, 3]);
    expect([...rib.paths()].map(({ pathId, best, lost }) => [pathId, best, lost])).toEqual([
      [3, true, undefined],
      [7, false, 'path-id'],
    ]);
  });

  test('a path that is worse before MED does not put the best one out, whatever its MED', () => {
    // Same neighbouring AS: the lower MED would count, but the path loses by its length first.
    const { rib, a, b } = ribWith();
    announce(rib, a, { med: 50 });
    announce(rib, b, { med: 1, asPath: sequence(65001, 65002) });
    expect(ranking(rib)).toEqual(['peer-2 best', 'peer-3 as-path-length']);
  });

  test('equal paths are used together as far as asked for, and reported when they come and go', () => {
    const rib = new Rib({ ...CONFIG, multipath: { ebgp: 2, ibgp: 1 } });
    const peers = [2, 3, 4].map((octet) => rib.addPeer(peer(octet, { peerType: 'external' })));
    const names = (): (string | undefined)[] =>
      rib.flush().changes[0]!.multipath.map(({ peer: from }) => from?.name);
    announce(rib, peers[0]!);
    expect(names()).toEqual(['peer-2']);
    announce(rib, peers[1]!);
    expect(names()).toEqual(['peer-2', 'peer-3']);
    announce(rib, peers[2]!);
    expect(names()).toEqual(['peer-2', 'peer-3']);
    rib.removePeer(peers[1]!);
    expect(names()).toEqual(['peer-2', 'peer-4']);
    expect([...rib.paths()].map(({ multipath }) => multipath)).toEqual([true, true]);
    announce(rib, peers[2]!, { med: 5 });
    expect(names()).toEqual(['peer-2']);
    settle(rib);
  });

  test('selection that is held back changes nothing, and comes all at once (RFC 4724 §4.1)', () => {
    const { rib, a } = ribWith();
    const reader = rib.addPeer(peer(4, { client: true }));
    rib.hold('ipv4-unicast', true);
    announce(rib, a);
    const held = rib.flush();
    expect(held).toEqual({
      deliveries: [],
      changes: [],
      macMoves: [],
      pending: false,
      nextFlushAt: undefined,
    });
    rib.hold('ipv4-unicast', false);
    const [delivery] = settle(rib).filter(({ peer: to }) => to === reader);
    // The route and, after it, End-of-RIB.
    expect(delivery).toMatchObject({ messages: 2, endOfRib: true });
  });
});
