// Messages octet by octet, against what the RFCs draw.
import { describe, expect, test } from 'vitest';
import { ByteWriter } from '../../../protocol/bgp/byte-writer.ts';
import type { Field } from '../../../protocol/bgp/dissect/field.ts';
import { dissectBmp } from '../../../protocol/bmp/dissect.ts';
import { MAX_MESSAGE_LENGTH } from '../../../protocol/bmp/header.ts';
import { type BmpMessage, decodeBmp, writeBmp } from '../../../protocol/bmp/message.ts';
import { hasFourOctetAs, ribOf } from '../../../protocol/bmp/peer-header.ts';
import { BmpPeers } from '../../../protocol/bmp/peers.ts';
import type { RouteMonitoring } from '../../../protocol/bmp/route-monitoring.ts';
import { monitoredUpdate } from '../../../protocol/bmp/routes.ts';
import { BmpStream } from '../../../protocol/bmp/stream.ts';
import { terminationReason } from '../../../protocol/bmp/termination.ts';
import { DecodeError } from '../../../protocol/bytes/decode-error.ts';
import {
  bytes,
  GOLDEN,
  IPV6_END_OF_RIB,
  LEGACY_ROUTE_MONITORING,
  LOC_RIB_DOWN,
  PEER_DOWN,
  PEER_DOWN_SILENT,
  PEER_UP,
  ROUTE_MONITORING,
  STATISTICS,
  TERMINATION,
} from './golden.ts';

function decoded<K extends BmpMessage['kind']>(
  message: Uint8Array,
  kind: K,
): BmpMessage & { readonly kind: K } {
  const result = decodeBmp(message);
  expect(result?.kind).toBe(kind);
  return result as BmpMessage & { readonly kind: K };
}

/** The DecodeError of a message. */
function fault(message: Uint8Array, base = 0): DecodeError {
  try {
    decodeBmp(message, base);
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
  throw new Error('was read');
}

/** The message with octets replaced, and its length made right. */
function patched(message: Uint8Array, at: number, ...octets: number[]): Uint8Array {
  const copy = message.slice();
  copy.set(octets, at);
  return copy;
}

/** The first octets of a message, with the length that it then has. */
function cut(message: Uint8Array, length: number): Uint8Array {
  return patched(message.slice(0, length), 1, 0, 0, length >>> 8, length & 0xff);
}

describe('messages', () => {
  test.each(Object.entries(GOLDEN))('%s is written as it was read', (_name, message) => {
    const writer = new ByteWriter();
    writeBmp(writer, decodeBmp(message)!);
    expect(Buffer.from(writer.view()).toString('hex')).toBe(Buffer.from(message).toString('hex'));
  });

  test('say what they are about', () => {
    const { peer, update } = decoded(ROUTE_MONITORING, 'route-monitoring');
    expect(peer).toMatchObject({ asn: 65001, bgpId: 0xc0000201, seconds: 1704067200, microseconds: 5 });
    expect([...peer.address]).toEqual([192, 0, 2, 1]);
    expect([ribOf(peer), update.length]).toEqual(['adj-rib-in-post', 47]);
    const sent = decoded(IPV6_END_OF_RIB, 'route-monitoring').peer;
    expect([ribOf(sent), sent.address.length]).toEqual(['adj-rib-out-pre', 16]);
    const up = decoded(PEER_UP, 'peer-up');
    expect([[...up.localAddress], up.localPort, up.remotePort]).toEqual([[192, 0, 2, 2], 179, 49153]);
    expect([up.sentOpen.length, up.receivedOpen.length, up.information]).toEqual([29, 37, []]);
    expect(decoded(STATISTICS, 'statistics-report').statistics).toEqual([
      { kind: 'counter', type: 0, value: 3 },
      { kind: 'gauge', type: 7, value: 1000n },
      { kind: 'family-gauge', type: 9, family: { afi: 2, safi: 1 }, value: 7n },
      { kind: 'opaque', type: 999, value: bytes('abcd') },
    ]);
    expect(decoded(PEER_DOWN, 'peer-down').cause).toMatchObject({ reason: 3 });
    expect(decoded(PEER_DOWN_SILENT, 'peer-down').cause).toEqual({ reason: 2, fsmEvent: 2 });
    const locRib = decoded(LOC_RIB_DOWN, 'peer-down');
    expect([ribOf(locRib.peer), locRib.cause.reason]).toEqual(['loc-rib', 6]);
    expect(terminationReason(decoded(TERMINATION, 'termination'))).toBe(0);
  });

  test('the A flag decides how long AS numbers are', () => {
    const paths = [ROUTE_MONITORING, LEGACY_ROUTE_MONITORING].map((message) => {
      const monitoring = decodeBmp(message) as RouteMonitoring;
      const [announced] = monitoredUpdate(monitoring, new BmpPeers(), 0).announced;
      return [hasFourOctetAs(monitoring.peer), announced!.attributes.asPath, announced!.routes[0]!.prefix];
    });
    expect(paths).toEqual([
      [true, '65001', '198.51.100.0/24'],
      [false, '65001', '198.51.100.0/24'],
    ]);
    const end = monitoredUpdate(decodeBmp(IPV6_END_OF_RIB) as RouteMonitoring, new BmpPeers(), 0);
    expect(end).toEqual({ withdrawn: [], announced: [], endOfRib: 'ipv6-unicast' });
  });

  test('of unknown types are passed over', () => {
    expect(decodeBmp(bytes('03 00000008 42 abcd'))).toBeUndefined();
  });
});

describe('wrong messages', () => {
  test('say at which octet of the stream', () => {
    expect(fault(patched(PEER_DOWN, 0, 2), 100)).toMatchObject({ offset: 100 });
    expect(fault(cut(PEER_UP, 40), 100).message).toContain('cut off');
    // Marker of the UPDATE.
    expect(fault(patched(ROUTE_MONITORING, 48, 0), 100)).toMatchObject({ offset: 148 });
    // A NOTIFICATION in place of the UPDATE.
    expect(fault(patched(ROUTE_MONITORING, 48 + 18, 3))).toMatchObject({ offset: 66 });
    // An UPDATE that ends before the message does, or after it.
    expect(fault(patched(ROUTE_MONITORING, 48 + 16, 0, 46)).message).toContain('1 octets are left');
    expect(fault(patched(ROUTE_MONITORING, 48 + 16, 0, 48)).message).toContain('cut off');
    expect(fault(patched(ROUTE_MONITORING, 48 + 16, 0, 3)).message).toContain('must be at least 19');
    // A count of statistics that nobody can hold.
    expect(fault(patched(STATISTICS, 48, 0xff, 0xff, 0xff, 0xff))).toMatchObject({ offset: 48 });
    expect(fault(cut(PEER_DOWN_SILENT, 50)).message).toContain('FSM event');
  });

  test('do not make a collector wait for gigabytes', () => {
    const stream = new BmpStream();
    expect(() => [...stream.messages(bytes('03 ffffffff 00'))]).toThrow(
      `length 4294967295 must be from 6 to ${MAX_MESSAGE_LENGTH}`,
    );
    expect(() => [...new BmpStream().messages(bytes('03 00000005 00'))]).toThrow('length 5');
  });
});

describe('a stream', () => {
  test.each([1, 5, 6, 7, 100, 4096])('is cut alike in pieces of %i octets', (size) => {
    const all = Buffer.concat(Object.values(GOLDEN));
    const stream = new BmpStream();
    const seen: string[] = [];
    const offsets: number[] = [];
    for (let at = 0; at < all.length; at += size) {
      const piece = Uint8Array.from(all.subarray(at, at + size));
      for (const frame of stream.messages(piece)) {
        seen.push(Buffer.from(frame.bytes).toString('hex'));
        offsets.push(frame.offset);
      }
      piece.fill(0xee);
    }
    expect(seen).toEqual(Object.values(GOLDEN).map((message) => Buffer.from(message).toString('hex')));
    expect(offsets[1]).toBe(Object.values(GOLDEN)[0]!.length);
    expect(stream.pending).toBe(0);
  });
});

describe('taken apart for people', () => {
  const find = (field: Field, name: string): Field | undefined =>
    field.name === name ? field : field.children?.map((child) => find(child, name)).find(Boolean);

  test('fields stand where they are in the message, those of BGP messages too', () => {
    const peers = new BmpPeers();
    const tree = dissectBmp(ROUTE_MONITORING, peers);
    expect(find(tree, 'AS')).toMatchObject({ offset: 32, value: 65001 });
    expect(find(tree, 'flags')).toMatchObject({ offset: 7, text: 'Adj-RIB-In, post-policy' });
    const route = find(tree, 'route')!;
    expect([route.offset, route.length]).toEqual([ROUTE_MONITORING.length - 4, 4]);
    expect(tree.error).toBeUndefined();
    expect(find(dissectBmp(STATISTICS, peers), 'statistic')!.children![0]).toMatchObject({
      text: 'prefixes rejected by inbound policy',
    });
    expect(find(dissectBmp(TERMINATION, peers), 'reason')).toMatchObject({ text: 'administratively closed' });
  });

  test('what cannot be read is there with the reason', () => {
    const tree = dissectBmp(cut(PEER_UP, 60), new BmpPeers());
    expect(tree.error?.reason).toContain('cut off');
    expect(find(tree, 'undecoded')).toMatchObject({ offset: 6, length: 54 });
  });
});
