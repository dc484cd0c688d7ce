import { describe, expect, test } from 'vitest';
import { Rib } from '../../../protocol/bgp/rib/rib.ts';
import {
  announce,
  CONFIG,
  messageNames,
  messagesOf,
  PREFIX,
  peer,
  policy,
  sent,
  settle,
} from './rib-support.ts';

/** As many /24 prefixes, no two equal. */
const prefixes = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `10.${100 + (i >> 8)}.${i & 255}.0/24`);

describe('update groups', () => {
  test('members that come up together are fed by the same bytes', () => {
    const rib = new Rib(CONFIG);
    announce(rib, rib.addPeer(peer(2)), {}, prefixes(500));
    settle(rib);
    const others = [3, 4, 5].map((octet) => rib.addPeer(peer(octet, { client: true })));
    settle(rib);
    // The group has sent its table by now; these are fed from it.
    const late = [6, 7].map((octet) => rib.addPeer(peer(octet, { client: true })));
    const deliveries = settle(rib);
    expect(deliveries.map(({ peer: to, endOfRib }) => [to, endOfRib])).toEqual(late.map((id) => [id, true]));
    const buffers = new Set(deliveries.flatMap(({ chunks }) => chunks.map(({ buffer }) => buffer)));
    expect(buffers.size).toBe(1);
    expect(others.map((id) => rib.sentCount(id))).toEqual([500, 500, 500]);
  });

  test('what only some may get goes into the same buffer', () => {
    const rib = new Rib(CONFIG);
    const [a, b, c] = [2, 3, 4].map((octet) => rib.addPeer(peer(octet, { client: true })));
    settle(rib);
    announce(rib, a!, {}, ['10.1.0.0/16']);
    announce(rib, b!, {}, ['10.2.0.0/16']);
    const deliveries = settle(rib);
    expect(deliveries.map(({ peer: to, messages }) => [to, messages])).toEqual([
      [a, 1],
      [b, 1],
      [c, 2],
    ]);
    expect(new Set(deliveries.flatMap(({ chunks }) => chunks.map(({ buffer }) => buffer))).size).toBe(1);
  });

  test('a flush works off about as much as it may, and a feed goes on where it stopped', () => {
    const rib = new Rib(CONFIG);
    announce(rib, rib.addPeer(peer(2)), {}, prefixes(1000));
    const reader = rib.addPeer(peer(3, { client: true }));
    const sizes: number[] = [];
    for (let pending = true; pending; ) {
      const flushed = rib.flush(0, 300);
      for (const { chunks } of flushed.deliveries)
        sizes.push(chunks.reduce((sum, { length }) => sum + length, 0));
      pending = flushed.pending;
    }
    expect(sizes.length).toBeGreaterThanOrEqual(4);
    expect(Math.max(...sizes)).toBeLessThan(300 * 4 + 200);
    expect(rib.sentCount(reader)).toBe(1000);
  });

  test('changes that cancel out are never sent', () => {
    const rib = new Rib(CONFIG);
    const from = rib.addPeer(peer(2));
    rib.addPeer(peer(3, { client: true }));
    settle(rib);
    announce(rib, from);
    rib.removePeer(from);
    expect(settle(rib)).toEqual([]);
  });

  test('another export policy is told by its difference only', () => {
    const rib = new Rib(CONFIG);
    announce(rib, rib.addPeer(peer(2)), {}, ['10.1.0.0/16', '10.2.0.0/16', '10.3.0.0/16']);
    const reader = rib.addPeer(peer(3, { client: true }));
    settle(rib);
    const exportPolicy = policy(({ attributes, prefix }) => {
      if (prefix!.bytes[1] === 2) return undefined;
      return prefix!.bytes[1] === 3 ? { ...attributes, med: 9 } : attributes;
    }, true);
    rib.policyChanged(reader, peer(3, { client: true, exportPolicy }));
    const [delivery] = settle(rib);
    expect(delivery).toMatchObject({ peer: reader, messages: 2, endOfRib: false });
    expect(messagesOf(delivery!.chunks).map((bytes) => (bytes[19]! << 8) | bytes[20]!)).toEqual([3, 0]);
    expect(sent(rib, reader).map(({ prefix, attributes }) => [prefix, attributes.med])).toEqual([
      ['10.1.0.0/16', undefined],
      ['10.3.0.0/16', 9],
    ]);
  });
});

describe('interval between advertisements (RFC 4271 §9.2.1.1)', () => {
  test('a prefix that flaps is told at most once in it, by its last state', () => {
    const rib = new Rib(CONFIG);
    const from = rib.addPeer(peer(2));
    const reader = rib.addPeer(peer(3, { client: true, mrai: 1000 }));
    settle(rib, 0);
    announce(rib, from, { med: 0 });
    expect(settle(rib, 5000)).toHaveLength(1);
    for (let med = 1; med < 5; med++) {
      announce(rib, from, { med });
      const flushed = rib.flush(5000 + med * 200);
      expect(flushed).toMatchObject({ deliveries: [], pending: false, nextFlushAt: 6000 });
    }
    expect(rib.flush(5999).deliveries).toEqual([]);
    expect(rib.flush(6000).deliveries).toMatchObject([{ peer: reader, messages: 1 }]);
    expect(sent(rib, reader)[0]!.attributes.med).toBe(4);
  });

  test('it does not cut a large table into pieces, and does not hold up feeds', () => {
    const rib = new Rib(CONFIG);
    announce(rib, rib.addPeer(peer(2)), {}, prefixes(900));
    const reader = rib.addPeer(peer(3, { client: true, mrai: 1000 }));
    for (let i = 0; i < 5; i++) rib.flush(0, 300);
    expect(rib.sentCount(reader)).toBe(900);
    const late = rib.addPeer(peer(4, { client: true, mrai: 1000 }));
    settle(rib, 1);
    expect(rib.sentCount(late)).toBe(900);
  });
});

describe('a peer that takes no bytes', () => {
  test('is passed over, and in the end told the newest state of what it missed, and no more', () => {
    const rib = new Rib(CONFIG);
    const from = rib.addPeer(peer(2));
    const [fast, slow] = [rib.addPeer(peer(3, { client: true })), rib.addPeer(peer(4, { client: true }))];
    announce(rib, from, {}, ['10.1.0.0/16', '10.2.0.0/16', '10.3.0.0/16']);
    settle(rib, 0);
    rib.setWritable(slow, false);
    for (let med = 1; med <= 20; med++) {
      announce(rib, from, { med }, ['10.1.0.0/16', '10.4.0.0/16']);
      settle(rib, med * 100);
    }
    announce(rib, from, {}, ['10.1.0.0/16']);
    settle(rib, 9000);
    expect(sent(rib, fast)).toHaveLength(4);
    expect(sent(rib, slow)).toHaveLength(3);
    rib.setWritable(slow, true);
    const deliveries = settle(rib, 9001);
    // 10.1.0.0/16 is again what the peer knows; only the new prefix is told.
    expect(deliveries).toMatchObject([{ peer: slow, messages: 1 }]);
    const [bytes] = messagesOf(deliveries[0]!.chunks);
    expect([...bytes!.subarray(-3)]).toEqual([16, 10, 4]);
    expect(sent(rib, slow)).toEqual(sent(rib, fast));
  });

  test('holds up the others only for a moment', () => {
    const rib = new Rib(CONFIG);
    const from = rib.addPeer(peer(2));
    const [fast, slow] = [rib.addPeer(peer(3, { client: true })), rib.addPeer(peer(4, { client: true }))];
    settle(rib, 100);
    rib.setWritable(slow, false);
    announce(rib, from);
    expect(rib.flush(110)).toMatchObject({ deliveries: [], pending: false, nextFlushAt: 150 });
    expect(rib.flush(150).deliveries.map(({ peer: to }) => to)).toEqual([fast]);
    // From then on they do not wait for it.
    announce(rib, from, { med: 1 });
    expect(rib.flush(151).deliveries.map(({ peer: to }) => to)).toEqual([fast]);
    rib.setWritable(slow, true);
    expect(rib.flush(152).deliveries).toMatchObject([{ peer: slow, messages: 1 }]);
  });

  test('a feed waits for it, and ends with End-of-RIB all the same', () => {
    const rib = new Rib(CONFIG);
    announce(rib, rib.addPeer(peer(2)), {}, prefixes(1000));
    rib.addPeer(peer(3, { client: true }));
    settle(rib, 0);
    const slow = rib.addPeer(peer(4, { client: true }));
    rib.flush(1, 300);
    rib.setWritable(slow, false);
    expect(rib.flush(100)).toMatchObject({ deliveries: [], pending: false, nextFlushAt: undefined });
    rib.setWritable(slow, true);
    const names = settle(rib, 101).flatMap(({ chunks }) => messageNames(chunks));
    expect(names.at(-1)).toBe('End-of-RIB');
    expect(rib.sentCount(slow)).toBe(1000);
  });

  test('alone in its group, it costs nothing but the marks of what changed', () => {
    const rib = new Rib(CONFIG);
    const from = rib.addPeer(peer(2));
    const slow = rib.addPeer(peer(3, { client: true }));
    settle(rib, 0);
    rib.setWritable(slow, false);
    for (let med = 0; med < 50; med++) announce(rib, from, { med }, [PREFIX]);
    expect(rib.flush(1000)).toMatchObject({ deliveries: [], pending: false });
    expect(rib.attributeSets).toBe(1);
    rib.setWritable(slow, true);
    expect(settle(rib, 1001)).toMatchObject([{ peer: slow, messages: 1 }]);
    expect(sent(rib, slow)[0]!.attributes.med).toBe(49);
  });

  test('a peer that asks again and again before it is told anything is told once', () => {
    const rib = new Rib(CONFIG);
    announce(rib, rib.addPeer(peer(2)), {}, prefixes(100));
    const reader = rib.addPeer(peer(3, { client: true, enhancedRefresh: true }));
    settle(rib);
    rib.setWritable(reader, false);
    for (let i = 0; i < 1000; i++) rib.refresh(reader, 'ipv4-unicast');
    expect(rib.waitingCount(reader, 'ipv4-unicast')).toBe(100);
    rib.setWritable(reader, true);
    const names = settle(rib).flatMap(({ chunks }) => messageNames(chunks));
    expect(names.filter((name) => name !== 'update')).toEqual(['BoRR', 'EoRR']);
    expect(rib.waitingCount(reader, 'ipv4-unicast')).toBe(0);
  });
});
