// The suite's own builder and reader against podwire's codec, which was written apart from them.
import { describe, expect, test } from 'vitest';
import {
  asPath,
  attribute,
  communities,
  localPref,
  med,
  mpReach,
  nextHop,
  origin,
  sequence,
} from '../../../lab/conformance/bgp/wire/attributes.ts';
import {
  extendedOpen,
  extendedParameter,
  message,
  notification,
  open,
  routeRefresh,
  update,
} from '../../../lab/conformance/bgp/wire/build.ts';
import { address, bytes, hex, nlri, pathNlri } from '../../../lab/conformance/bgp/wire/bytes.ts';
import {
  addPath,
  capabilities,
  fourOctetAs,
  gracefulRestart,
  IPV4_UNICAST,
  IPV6_UNICAST,
  multiprotocol,
} from '../../../lab/conformance/bgp/wire/capabilities.ts';
import { MessageCutter } from '../../../lab/conformance/bgp/wire/cutter.ts';
import { describeMessage } from '../../../lab/conformance/bgp/wire/describe.ts';
import { type ReadContext, readMessage } from '../../../lab/conformance/bgp/wire/read.ts';
import { BASE_CONTEXT } from '../../../protocol/bgp/context.ts';
import { decodeMessage } from '../../../protocol/bgp/message/message.ts';

const FOUR: ReadContext = { asnOctets: 4, addPath: () => false };
const CONTEXT = { ...BASE_CONTEXT, fourOctetAs: true };

function route(): Uint8Array {
  return update({
    withdrawn: [nlri('198.51.100.0/24')],
    attributes: [
      origin(),
      asPath(sequence(65001, 4200000000), 4),
      nextHop('192.0.2.1'),
      med(7),
      localPref(200),
      communities(0xffffff01),
    ],
    nlri: [nlri('203.0.113.0/25'), nlri('0.0.0.0/0')],
  });
}

describe('messages that the suite builds', () => {
  test('an UPDATE reads alike with the codec and with the suite', () => {
    const decoded = decodeMessage(route(), CONTEXT);
    expect(decoded).toMatchObject({
      kind: 'update',
      faults: [],
      attributes: { origin: 0, med: 7, localPref: 200, communities: [0xffffff01] },
    });
    const read = readMessage(route(), FOUR);
    expect(read).toMatchObject({
      kind: 'update',
      withdrawn: [{ prefix: '198.51.100.0/24' }],
      announced: [{ prefix: '203.0.113.0/25' }, { prefix: '0.0.0.0/0' }],
      endOfRib: undefined,
    });
    expect(describeMessage(route(), FOUR)).toBe(
      'UPDATE 203.0.113.0/25 0.0.0.0/0 withdraw 198.51.100.0/24 ORIGIN=IGP AS_PATH="65001 4200000000" ' +
        'NEXT_HOP=192.0.2.1 MED=7 LOCAL_PREF=200 COMMUNITIES=ffffff01',
    );
  });

  test('an OPEN in both forms has its capabilities', () => {
    const list = [multiprotocol(IPV6_UNICAST), fourOctetAs(4200000000)];
    const restart = gracefulRestart(
      { restartTime: 120, restarting: true },
      { ...IPV4_UNICAST, forwarding: true },
    );
    const fields = { myAs: 23456, holdTime: 90, bgpId: 0x0a000001 };
    const plain = open({ ...fields, parameters: [capabilities(...list, restart)] });
    const extended = extendedOpen({ ...fields, parameters: [extendedParameter(2, bytes(...list, restart))] });
    for (const octets of [plain, extended]) {
      expect(decodeMessage(octets, CONTEXT)).toMatchObject({
        kind: 'open',
        holdTime: 90,
        capabilities: [
          { kind: 'multiprotocol', afi: 2, safi: 1 },
          { kind: 'four-octet-as', asn: 4200000000 },
          { kind: 'graceful-restart', restarting: true, restartTime: 120 },
        ],
      });
      expect(readMessage(octets, FOUR)).toMatchObject({ kind: 'open', asn: 4200000000, holdTime: 90 });
    }
  });

  test('path identifiers are read where they were negotiated', () => {
    const octets = update({
      attributes: [mpReach(IPV6_UNICAST, address('2001:db8::1'), [pathNlri(9, '2001:db8:1::/48')])],
    });
    const read = readMessage(octets, { asnOctets: 4, addPath: (afi) => afi === 2 });
    expect(read).toMatchObject({ announced: [{ prefix: '2001:db8:1::/48', pathId: 9, afi: 2, safi: 1 }] });
  });

  test('what cannot be read is said and never throws', () => {
    expect(readMessage(message(2, bytes(0, 9)), FOUR).kind).toBe('unreadable');
    expect(readMessage(message(9, bytes()), FOUR)).toEqual({ kind: 'unreadable', reason: 'message type 9' });
    const cut = update({ attributes: [attribute(0x40, 1, [0], 200)] });
    expect(readMessage(cut, FOUR).kind).toBe('unreadable');
    for (let length = 0; length < 60; length++) {
      expect(() => describeMessage(route().subarray(0, length), FOUR)).not.toThrow();
    }
  });

  test('short messages are described', () => {
    expect(describeMessage(notification(6, 2), FOUR)).toBe('NOTIFICATION 6/2 Cease: Administrative Shutdown');
    expect(describeMessage(routeRefresh(1, 1), FOUR)).toBe('ROUTE-REFRESH ipv4-unicast request');
    expect(describeMessage(update(), FOUR)).toBe('UPDATE End-of-RIB ipv4-unicast');
    expect(describeMessage(message(4, bytes(), { length: 18 }), FOUR)).toContain('whose length says 18');
    expect(hex(addPath({ ...IPV4_UNICAST, sendReceive: 3 }))).toBe('450400010103');
  });
});

test('a stream is cut into messages wherever it is divided', () => {
  const stream = bytes(route(), notification(6, 4), update());
  for (let at = 1; at < stream.length; at++) {
    const cutter = new MessageCutter();
    const found: Uint8Array[] = [];
    cutter.push(stream.subarray(0, at), (one) => found.push(one));
    cutter.push(stream.subarray(at), (one) => found.push(one));
    expect(found.map(({ length }) => length)).toEqual([route().length, 21, 23]);
  }
});
