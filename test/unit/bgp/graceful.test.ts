import { describe, expect, test } from 'vitest';
import { LLGR_STALE, NO_LLGR } from '../../../protocol/bgp/attribute/communities.ts';
import { Rib } from '../../../protocol/bgp/rib/rib.ts';
import {
  announce,
  CONFIG,
  messageNames,
  PREFIX,
  peer,
  policy,
  sent,
  settle,
  withdraw,
} from './rib-support.ts';

const FAMILY = 'ipv4-unicast';
const OTHER = '10.2.0.0/16';

/** A peer with two routes, and one that is told of them. */
function restarting(): { rib: Rib; from: number; reader: number } {
  const rib = new Rib(CONFIG);
  const from = rib.addPeer(peer(2, { client: true }));
  const reader = rib.addPeer(peer(3));
  announce(rib, from, {}, [PREFIX, OTHER]);
  settle(rib);
  return { rib, from, reader };
}

const prefixesOf = (rib: Rib, to: number): string[] =>
  sent(rib, to)
    .map(({ prefix }) => prefix)
    .sort();

describe('graceful restart (RFC 4724)', () => {
  test('routes stay while the session is down, and others are not told of it', () => {
    const { rib, from, reader } = restarting();
    rib.suspendPeer(from, [FAMILY]);
    expect(settle(rib)).toEqual([]);
    expect(prefixesOf(rib, reader)).toEqual([PREFIX, OTHER]);
    expect([...rib.adjRibIn(from)].map(({ stale, best }) => [stale, best])).toEqual([
      [true, true],
      [true, true],
    ]);
  });

  test('families that are not to be kept go', () => {
    const { rib, from, reader } = restarting();
    rib.suspendPeer(from, ['ipv6-unicast']);
    settle(rib);
    expect(prefixesOf(rib, reader)).toEqual([]);
    expect(rib.receivedCount(from)).toBe(0);
  });

  test('what is not announced again goes at the end, what is stays without a word to others', () => {
    const { rib, from, reader } = restarting();
    rib.suspendPeer(from, [FAMILY]);
    rib.resumePeer(from, peer(2, { client: true }));
    announce(rib, from, {}, [PREFIX]);
    expect(settle(rib).filter(({ peer: to }) => to === reader)).toEqual([]);
    expect(rib.purgeStale(from, FAMILY)).toBe(1);
    settle(rib);
    expect(prefixesOf(rib, reader)).toEqual([PREFIX]);
    expect([...rib.adjRibIn(from)].map(({ stale }) => stale)).toEqual([false]);
  });

  test('the peer is told everything again, with End-of-RIB, when it is back', () => {
    const rib = new Rib(CONFIG);
    const source = rib.addPeer(peer(2));
    const reader = rib.addPeer(peer(3, { client: true }));
    announce(rib, source);
    settle(rib);
    rib.suspendPeer(reader, [FAMILY]);
    announce(rib, source, { med: 1 });
    expect(settle(rib)).toEqual([]);
    rib.resumePeer(reader, peer(3, { client: true }));
    const [delivery] = settle(rib);
    expect(delivery).toMatchObject({ peer: reader, endOfRib: true });
    expect(messageNames(delivery!.chunks)).toEqual(['update', 'End-of-RIB']);
    expect(sent(rib, reader)[0]!.attributes.med).toBe(1);
  });

  test('a second restart ends what was stale from the first', () => {
    const { rib, from } = restarting();
    rib.suspendPeer(from, [FAMILY]);
    rib.resumePeer(from, peer(2, { client: true }));
    announce(rib, from, {}, [PREFIX]);
    rib.suspendPeer(from, [FAMILY]);
    expect([...rib.adjRibIn(from)].map(({ prefix }) => prefix)).toEqual([PREFIX]);
  });

  test('a peer that does not come back is removed with what it left', () => {
    const { rib, from, reader } = restarting();
    rib.suspendPeer(from, [FAMILY]);
    rib.removePeer(from);
    settle(rib);
    expect(prefixesOf(rib, reader)).toEqual([]);
    expect(rib.attributeSets).toBe(0);
  });
});

describe('long-lived graceful restart (RFC 9494)', () => {
  test('stale routes get LLGR_STALE and lose against any other; those with NO_LLGR go', () => {
    const rib = new Rib(CONFIG);
    const from = rib.addPeer(peer(2, { client: true }));
    const other = rib.addPeer(peer(4, { client: true }));
    const [knows, doesNot] = [rib.addPeer(peer(5, { longLived: [FAMILY] })), rib.addPeer(peer(6))];
    announce(rib, from, { communities: [1] }, [PREFIX]);
    announce(rib, from, { communities: [NO_LLGR] }, [OTHER]);
    rib.suspendPeer(from, [FAMILY]);
    rib.startLongLived(from, FAMILY);
    settle(rib);
    expect([...rib.adjRibIn(from)].map(({ prefix, longLived }) => [prefix, longLived])).toEqual([
      [PREFIX, true],
    ]);
    expect(rib.receivedCount(from)).toBe(1);
    expect(sent(rib, knows)).toMatchObject([{ attributes: { communities: [1, LLGR_STALE] } }]);
    expect(sent(rib, doesNot)).toEqual([]);
    announce(rib, other, { localPref: 1 });
    settle(rib);
    expect(sent(rib, doesNot)).toMatchObject([{ attributes: { localPref: 1 } }]);
  });

  test('policies that are applied again keep the mark', () => {
    const { rib, from } = restarting();
    rib.suspendPeer(from, [FAMILY]);
    rib.startLongLived(from, FAMILY);
    const importPolicy = policy(({ attributes }) => ({ ...attributes, localPref: 7 }));
    rib.policyChanged(from, peer(2, { importPolicy }));
    expect([...rib.paths()][0]!.attributes).toMatchObject({ localPref: 7, communities: [LLGR_STALE] });
  });

  test('a route that is announced again is an ordinary one', () => {
    const { rib, from } = restarting();
    rib.suspendPeer(from, [FAMILY]);
    rib.startLongLived(from, FAMILY);
    rib.resumePeer(from, peer(2, { client: true }));
    announce(rib, from, {}, [PREFIX]);
    const [fresh] = [...rib.paths()].filter(({ prefix }) => prefix === PREFIX);
    expect(fresh).toMatchObject({ stale: false, longLived: false });
    expect(fresh!.attributes).not.toHaveProperty('communities');
  });
});

describe('route refresh (RFC 2918, RFC 7313)', () => {
  test('a peer is sent everything again, between BoRR and EoRR where it knows them', () => {
    const { rib, reader } = restarting();
    const marks = rib.addPeer(peer(4, { enhancedRefresh: true }));
    settle(rib);
    rib.refresh(reader, FAMILY);
    rib.refresh(marks, FAMILY);
    const deliveries = settle(rib);
    const names = (to: number): string[] =>
      deliveries.filter((each) => each.peer === to).flatMap(({ chunks }) => messageNames(chunks));
    expect(names(reader)).toEqual(['update']);
    expect(names(marks)).toEqual(['BoRR', 'update', 'EoRR']);
  });

  test('an empty table is refreshed as well', () => {
    const rib = new Rib(CONFIG);
    const marks = rib.addPeer(peer(4, { enhancedRefresh: true }));
    settle(rib);
    rib.refresh(marks, FAMILY);
    expect(settle(rib).flatMap(({ chunks }) => messageNames(chunks))).toEqual(['BoRR', 'EoRR']);
  });

  test('a refresh waits for the first feed to be complete (RFC 7313 §4)', () => {
    const { rib } = restarting();
    const late = rib.addPeer(peer(4, { enhancedRefresh: true }));
    rib.refresh(late, FAMILY);
    const names = settle(rib).flatMap(({ chunks }) => messageNames(chunks));
    expect(names).toEqual(['update', 'End-of-RIB', 'BoRR', 'update', 'EoRR']);
  });

  test('what a peer does not repeat between its BoRR and EoRR goes', () => {
    const { rib, from, reader } = restarting();
    rib.beginRefresh(from, FAMILY);
    announce(rib, from, {}, [OTHER]);
    expect(rib.endRefresh(from, FAMILY)).toBe(1);
    settle(rib);
    expect(prefixesOf(rib, reader)).toEqual([OTHER]);
    withdraw(rib, from, [OTHER]);
    settle(rib);
    expect(rib.receivedCount(from)).toBe(0);
  });
});

describe('a family that is used no more (RFC 4760 §7)', () => {
  test('its routes go, later ones are ignored, and the peer is sent nothing in it', () => {
    const { rib, from, reader } = restarting();
    rib.dropFamily(from, FAMILY);
    announce(rib, from);
    settle(rib);
    expect(prefixesOf(rib, reader)).toEqual([]);
    expect(rib.receivedCount(from)).toBe(0);
    rib.dropFamily(reader, FAMILY);
    announce(rib, rib.addPeer(peer(9, { client: true })));
    expect(settle(rib).some(({ peer: to }) => to === reader)).toBe(false);
  });
});
