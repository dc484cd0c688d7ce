import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DecodeError } from '../../../protocol/bytes/decode-error.ts';
import { fromHex } from '../../../protocol/bytes/hex.ts';
import {
  directionFlags,
  encodeEnhancedPacket,
  packetDirection,
} from '../../../protocol/pcapng/enhanced-packet.ts';
import { encodeInterfaceDescription } from '../../../protocol/pcapng/interface-description.ts';
import { encodeNameResolution } from '../../../protocol/pcapng/name-resolution.ts';
import { PcapngReader } from '../../../protocol/pcapng/reader.ts';
import { encodeSectionHeader } from '../../../protocol/pcapng/section-header.ts';
import { timestampNanos } from '../../../protocol/pcapng/timestamp.ts';

const header = encodeSectionHeader({ majorVersion: 1, minorVersion: 0 });
const ethernet = encodeInterfaceDescription({ linkType: 1, snapLength: 0, timestampResolution: 9 });

const packets = fc.record(
  {
    kind: fc.constant('enhanced-packet' as const),
    interfaceId: fc.constant(0),
    timestamp: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    data: fc.uint8Array({ maxLength: 300 }),
    originalLength: fc.nat(),
    flags: fc.nat(),
    dropCount: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    packetId: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    queue: fc.nat(),
    verdicts: fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('hardware' as const), data: fc.uint8Array({ maxLength: 9 }) }),
        fc.record({
          kind: fc.constantFrom('tc' as const, 'xdp' as const),
          action: fc.bigInt({ min: 0n, max: 99n }),
        }),
      ),
      { minLength: 1, maxLength: 3 },
    ),
    comments: fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ['kind', 'interfaceId', 'timestamp', 'data', 'originalLength'] },
);

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

describe('PcapngReader', () => {
  test('reads what was written, cut into pieces of any size', () => {
    fc.assert(
      fc.property(fc.array(packets, { maxLength: 8 }), fc.integer({ min: 1, max: 90 }), (list, size) => {
        const bytes = concat([header, ethernet, ...list.map(encodeEnhancedPacket)]);
        const reader = new PcapngReader();
        const blocks = [];
        for (let at = 0; at < bytes.length; at += size)
          blocks.push(...reader.push(bytes.subarray(at, at + size)));
        reader.end();
        expect(blocks.slice(2)).toEqual(list);
      }),
    );
  });

  test('arbitrary bytes after a good start never throw anything but DecodeError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, fresh) => {
        const reader = new PcapngReader();
        if (!fresh) reader.push(concat([header, ethernet]));
        try {
          reader.push(bytes);
          reader.end();
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
    );
  });

  test('one flipped byte in a good stream never throws anything but DecodeError', () => {
    const good = concat([
      header,
      ethernet,
      encodeNameResolution({ names: [{ address: Uint8Array.of(1, 2, 3, 4), names: ['x'] }] }),
      encodeEnhancedPacket({
        interfaceId: 0,
        timestamp: 1n,
        data: new Uint8Array(20),
        originalLength: 20,
        packetId: 3n,
        verdicts: [{ kind: 'xdp', action: 1n }],
        comments: ['c'],
      }),
    ]);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = good.slice();
        bytes[at] = bytes[at]! ^ flip;
        const reader = new PcapngReader();
        try {
          reader.push(bytes);
          reader.end();
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['no section header', '01000000 14000000 01000000', 'pcapng stream, offset 0: no section header'],
    [
      'byte-order magic',
      '0a0d0d0a 1c000000 00000000',
      'pcapng section header, offset 8: no byte-order magic',
    ],
    [
      'version',
      '0a0d0d0a 1c000000 4d3c2b1a 0200 0000 ffffffffffffffff 1c000000',
      'version 2.0, expected 1.0',
    ],
    [
      'closing length',
      '0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 20000000',
      'offset 24: closing length 32',
    ],
    ['huge length', '0a0d0d0a fcffffff 4d3c2b1a', 'offset 4: block total length 4294967292'],
    ['zero length', '0a0d0d0a 00000000 4d3c2b1a', 'block total length 0'],
  ])('refuses a wrong %s with place and reason, and stays refused', (_, hex, message) => {
    const reader = new PcapngReader();
    expect(() => reader.push(fromHex(hex))).toThrow(message);
    expect(() => reader.push(header)).toThrow(message);
  });

  test('refuses a packet of an interface that is not described, and counts the offset over the whole stream', () => {
    const reader = new PcapngReader();
    reader.push(concat([header, ethernet]));
    const offset = header.length + ethernet.length + 8;
    const packet = encodeEnhancedPacket({
      interfaceId: 1,
      timestamp: 0n,
      data: new Uint8Array(0),
      originalLength: 0,
    });
    expect(() => reader.push(packet)).toThrow(
      `pcapng enhanced packet, offset ${offset}: interface 1, but only 1 described so far`,
    );
  });

  test('a captured length beyond the block is refused', () => {
    const reader = new PcapngReader();
    reader.push(concat([header, ethernet]));
    const packet = encodeEnhancedPacket({
      interfaceId: 0,
      timestamp: 0n,
      data: new Uint8Array(4),
      originalLength: 4,
    });
    packet[20] = 200;
    expect(() => reader.push(packet)).toThrow('packet data needs 200 bytes, 4 left');
  });

  test('a stream that ends inside a block says so', () => {
    const reader = new PcapngReader();
    reader.push(header.subarray(0, 20));
    expect(() => reader.end()).toThrow('stream ends after 20 bytes of a block');
  });
});

describe('writer limits', () => {
  test('an option that its length field cannot hold is refused', () => {
    expect(() => encodeSectionHeader({ majorVersion: 1, minorVersion: 0, os: 'x'.repeat(65536) })).toThrow(
      RangeError,
    );
  });
  test('a name for something that is no IP address is refused', () => {
    expect(() => encodeNameResolution({ names: [{ address: new Uint8Array(6), names: ['x'] }] })).toThrow(
      RangeError,
    );
  });
});

test('directions in epb_flags', () => {
  expect(packetDirection(directionFlags('inbound'))).toBe('inbound');
  expect(packetDirection(directionFlags('outbound'))).toBe('outbound');
  expect(packetDirection(0)).toBeUndefined();
  expect(packetDirection(undefined)).toBeUndefined();
});

test.each([
  [{}, 1_500_000n, 1_500_000_000n],
  [{ timestampResolution: 9 }, 7n, 7n],
  [{ timestampResolution: 0x80 | 10 }, 1536n, 1_500_000_000n],
  [{ timestampResolution: 3, timestampOffset: -2n }, 2500n, 500_000_000n],
  [{ timestampResolution: 12 }, 1999n, 1n],
])('timestamps of %o in nanoseconds', (description, ticks, nanos) => {
  expect(timestampNanos(ticks, description)).toBe(nanos);
});
