import { describe, expect, test } from 'vitest';
import { plainUpdate } from '../../../protocol/bgp/message/plain-update.ts';
import { encodeUpdate } from '../../../protocol/bgp/message/update.ts';
import { Rib } from '../../../protocol/bgp/rib/rib.ts';
import { CONFIG, peer, ROUTE } from './rib-support.ts';

const ROUTES = 200_000;

/** UPDATEs of `count` prefixes of 24 bits, 500 in each. */
function updates(count: number, announce: boolean): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let from = 0; from < count; from += 500) {
    const nlri = new Uint8Array(4 * Math.min(500, count - from));
    for (let i = 0; i * 4 < nlri.length; i++) nlri.set([24, 1, (from + i) >> 8, from + i], i * 4);
    for (let i = 0; i * 4 < nlri.length; i++) nlri[i * 4 + 1] = 1 + ((from + i) >> 16);
    const none = new Uint8Array(0);
    messages.push(
      encodeUpdate(
        announce
          ? { withdrawn: none, attributes: { ...ROUTE, med: from }, nlri }
          : { withdrawn: nlri, attributes: {}, nlri: none },
        { fourOctetAs: true },
      ),
    );
  }
  return messages;
}

function feed(rib: Rib, from: number, messages: readonly Uint8Array[]): void {
  const context = {
    fourOctetAs: true,
    extendedMessage: false,
    peerType: 'internal',
    families: ['ipv4-unicast'],
  } as const;
  for (const bytes of messages) rib.update(from, plainUpdate(bytes, context)!);
}

/** Flushes until nothing is left to do; how often that was, and octets that were sent. */
function flushAll(rib: Rib): { readonly turns: number; readonly octets: number } {
  let turns = 0;
  let octets = 0;
  for (let pending = true; pending; turns++) {
    const flush = rib.flush(0, 10_000);
    for (const { chunks } of flush.deliveries) for (const chunk of chunks) octets += chunk.length;
    pending = flush.pending;
  }
  return { turns, octets };
}

/** Octets in typed arrays of this process. */
function arrayBytes(): number {
  return process.memoryUsage().arrayBuffers;
}

function filledRib(): { readonly rib: Rib; readonly source: number } {
  const rib = new Rib({ ...CONFIG, reportChanges: false });
  const source = rib.addPeer(peer(2, { client: true }));
  rib.addPeer(peer(3, { client: true }));
  flushAll(rib);
  feed(rib, source, updates(ROUTES, true));
  flushAll(rib);
  return { rib, source };
}

describe('a large RIB', () => {
  test('gives its memory back after everything was withdrawn, and can be filled again', () => {
    const before = arrayBytes();
    const { rib, source } = filledRib();
    const full = arrayBytes() - before;
    feed(rib, source, updates(ROUTES, false));
    flushAll(rib);
    expect(rib.counts()).toEqual([]);
    expect(rib.attributeSets).toBe(0);
    // Messages that wait for the garbage collector are in it.
    expect(arrayBytes() - before).toBeLessThan(full / 2);
    feed(rib, source, updates(1000, true));
    expect(flushAll(rib).octets).toBeGreaterThan(0);
    expect(rib.counts()).toEqual([{ family: 'ipv4-unicast', prefixes: 1000, paths: 1000 }]);
  });

  test('keeps what is left when most of it goes', () => {
    const { rib, source } = filledRib();
    feed(rib, source, updates(ROUTES, false).slice(2));
    flushAll(rib);
    expect(rib.counts()).toEqual([{ family: 'ipv4-unicast', prefixes: 1000, paths: 1000 }]);
    const prefixes = [...rib.adjRibOut(source + 1)].map(({ prefix }) => prefix);
    expect(prefixes).toHaveLength(1000);
    expect(prefixes).toContain('1.0.0.0/24');
    expect(prefixes).toContain('1.3.231.0/24');
    feed(rib, source, updates(2000, true));
    flushAll(rib);
    expect(rib.sentCount(source + 1)).toBe(2000);
  });

  test('takes out the routes of a peer that is gone in slices, and hears it no more', () => {
    const { rib, source } = filledRib();
    rib.removePeer(source);
    expect(rib.counts()[0]!.paths).toBe(ROUTES);
    feed(rib, source, updates(500, true));
    rib.flush(0, 10_000);
    expect(rib.counts()[0]!.paths).toBe(ROUTES - 10_000);
    expect(flushAll(rib).turns).toBeGreaterThan(10);
    expect(rib.counts()).toEqual([]);
    expect([...rib.peers()].map(({ id }) => id)).toEqual([source + 1]);
    expect(rib.sentCount(source + 1)).toBe(0);
  });
});
