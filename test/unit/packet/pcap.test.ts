import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DecodeError } from '../../../protocol/bytes/decode-error.ts';
import { fromHex, toHex } from '../../../protocol/bytes/hex.ts';
import { type CapturedPacket, CaptureReader, isCapture } from '../../../protocol/pcap/capture-reader.ts';
import { IpOpener } from '../../../protocol/pcap/ip-payload.ts';
import { ipOffset, isKnownLinkType } from '../../../protocol/pcap/link-type.ts';
import { encodeEnhancedPacket } from '../../../protocol/pcapng/enhanced-packet.ts';
import { encodeInterfaceDescription } from '../../../protocol/pcapng/interface-description.ts';
import { encodeSectionHeader } from '../../../protocol/pcapng/section-header.ts';

/** What a reader makes of bytes that come in pieces of a size. */
function read(bytes: Uint8Array, size: number = bytes.length || 1): CapturedPacket[] {
  const reader = new CaptureReader();
  const packets: CapturedPacket[] = [];
  for (let at = 0; at < bytes.length; at += size)
    reader.push(bytes.subarray(at, at + size), (packet) => packets.push(packet));
  reader.end();
  return packets;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** A classic pcap file of two packets: 3 octets, and 2 of 1500. */
function pcap(littleEndian: boolean, magic: number, linkType = 101): Uint8Array {
  const bytes = new Uint8Array(24 + 16 + 3 + 16 + 2);
  const view = new DataView(bytes.buffer);
  const u32 = (at: number, ...values: readonly number[]): void => {
    for (const [i, value] of values.entries()) view.setUint32(at + 4 * i, value, littleEndian);
  };
  u32(0, magic);
  view.setUint16(4, 2, littleEndian);
  view.setUint16(6, 4, littleEndian);
  u32(16, 262144);
  u32(20, linkType);
  u32(24, 1_700_000_000, 123456, 3, 3);
  bytes.set([1, 2, 3], 40);
  u32(43, 1_700_000_001, 7, 2, 1500);
  bytes.set([4, 5], 59);
  return bytes;
}

describe('pcap', () => {
  test.each([
    ['little-endian, microseconds', true, 0xa1b2c3d4, 1000n],
    ['big-endian, microseconds', false, 0xa1b2c3d4, 1000n],
    ['little-endian, nanoseconds', true, 0xa1b23c4d, 1n],
    ['big-endian, nanoseconds', false, 0xa1b23c4d, 1n],
  ])('%s, in pieces of any size', (_name, littleEndian, magic, nanos) => {
    const bytes = pcap(littleEndian, magic);
    expect(isCapture(bytes)).toBe(true);
    for (const size of [1, 2, 7, 40, bytes.length]) {
      expect(read(bytes, size)).toEqual([
        {
          number: 1,
          nanos: 1_700_000_000_000_000_000n + 123456n * nanos,
          linkType: 101,
          data: Uint8Array.of(1, 2, 3),
          originalLength: 3,
        },
        {
          number: 2,
          nanos: 1_700_000_001_000_000_000n + 7n * nanos,
          linkType: 101,
          data: Uint8Array.of(4, 5),
          originalLength: 1500,
        },
      ]);
    }
  });

  test('the upper bits of the link type tell of a frame check sequence', () => {
    expect(read(pcap(true, 0xa1b2c3d4, 0x24000001)).map(({ linkType }) => linkType)).toEqual([1, 1]);
  });

  test.each([
    ['no magic', '00010203 04', 'capture, offset 0: expected the magic number of pcap or pcapng'],
    [
      'another version',
      'd4c3b2a1 0300 0000 0000000000000000 00000400 01000000',
      'offset 4: version 3, expected 2',
    ],
    [
      'a huge packet',
      'd4c3b2a1 0200 0400 0000000000000000 00000400 01000000 00000000 00000000 01000001 01000001',
      'pcap packet, offset 32: captured length 16777217, expected at most 16777216',
    ],
    ['an end in the header', 'd4c3b2a1 0200', 'offset 0: ends after 6 bytes of the file header'],
    [
      'an end in a packet',
      'd4c3b2a1 0200 0400 0000000000000000 00000400 01000000 00000000 00000000 02000000 02000000 ff',
      'offset 24: ends after 17 bytes of a packet',
    ],
    ['nothing', '', 'capture, offset 0: ends after 0 bytes'],
  ])('%s is refused with place and reason', (_name, hex, message) => {
    expect(() => read(fromHex(hex))).toThrow(message);
  });

  test('packets before a fault are visited, and the reader stays failed', () => {
    const bytes = pcap(true, 0xa1b2c3d4);
    new DataView(bytes.buffer).setUint32(43 + 8, 0xffffffff, true);
    const reader = new CaptureReader();
    const numbers: number[] = [];
    expect(() => reader.push(bytes, ({ number }) => numbers.push(number))).toThrow(DecodeError);
    expect(numbers).toEqual([1]);
    expect(() => reader.push(Uint8Array.of(0), () => undefined)).toThrow(DecodeError);
    expect(() => reader.end()).toThrow(DecodeError);
  });
});

describe('pcapng', () => {
  const section = encodeSectionHeader({ majorVersion: 1, minorVersion: 0 });
  const ethernet = encodeInterfaceDescription({ linkType: 1, snapLength: 4, timestampResolution: 9 });
  const raw = encodeInterfaceDescription({ linkType: 101, snapLength: 0 });
  const packet = (interfaceId: number, timestamp: bigint): Uint8Array =>
    encodeEnhancedPacket({ interfaceId, timestamp, data: Uint8Array.of(9), originalLength: 9 });

  test('each packet has the link type and resolution of its interface, and of its section', () => {
    const bytes = concat(section, ethernet, raw, packet(0, 5n), packet(1, 5n), section, raw, packet(0, 6n));
    for (const size of [3, bytes.length]) {
      expect(read(bytes, size).map(({ number, linkType, nanos }) => [number, linkType, nanos])).toEqual([
        [1, 1, 5n],
        [2, 101, 5000n],
        [3, 101, 6000n],
      ]);
    }
  });

  test('simple packets have no time, and as many octets as the first interface takes', () => {
    const simple = fromHex('03000000 14000000 0a000000 01020304 14000000');
    expect(read(concat(section, ethernet, raw, simple))).toEqual([
      { number: 1, nanos: undefined, linkType: 1, data: Uint8Array.of(1, 2, 3, 4), originalLength: 10 },
    ]);
    expect(() => read(concat(section, simple))).toThrow('no interface described so far');
  });

  test('the obsolete packet block is read', () => {
    const obsolete = fromHex(
      '02000000 28000000 0100 ffff 00000000 08000000 02000000 05000000 aabb0000 00000000 28000000',
    );
    expect(read(concat(section, ethernet, raw, obsolete))).toEqual([
      { number: 1, nanos: 8000n, linkType: 101, data: Uint8Array.of(0xaa, 0xbb), originalLength: 5 },
    ]);
  });

  test('other blocks are passed over', () => {
    const secrets = fromHex('0a000000 14000000 01020304 05060708 14000000');
    expect(read(concat(section, secrets, ethernet, packet(0, 1n)))).toHaveLength(1);
  });
});

test('arbitrary bytes after the start of either format never throw anything but DecodeError', () => {
  const starts = [pcap(true, 0xa1b2c3d4), pcap(false, 0xa1b23c4d), fromHex('0a0d0d0a'), new Uint8Array(0)];
  fc.assert(
    fc.property(
      fc.constantFrom(...starts),
      fc.nat(60),
      fc.uint8Array({ maxLength: 120 }),
      (start, length, bytes) => {
        try {
          read(concat(start.subarray(0, length), bytes), 11);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

describe('where IP begins', () => {
  const ip = '45000014';
  test.each([
    ['Ethernet', 1, `020000000001 020000000002 0800 ${ip}`, 14],
    ['Ethernet, IPv6', 1, `020000000001 020000000002 86dd 60000000`, 14],
    ['Ethernet with a VLAN tag', 1, `020000000001 020000000002 8100 0064 0800 ${ip}`, 18],
    ['Ethernet with two', 1, `020000000001 020000000002 88a8 0001 8100 0064 86dd 6000`, 22],
    ['Ethernet, ARP', 1, `020000000001 020000000002 0806 0001`, undefined],
    ['Linux cooked', 113, `0000 0304 0006 000000000000 0000 0800 ${ip}`, 16],
    ['Linux cooked with a VLAN tag', 113, `0000 0001 0006 000000000000 0000 8100 0064 0800 ${ip}`, 20],
    ['Linux cooked v2', 276, `86dd 0000 00000001 0304 00 06 0000000000000000 6000`, 20],
    ['Linux cooked v2, ARP', 276, `0806 0000 00000001 0304 00 06 0000000000000000 0001`, undefined],
    ['raw', 101, ip, 0],
    ['DLT_RAW', 12, ip, 0],
    ['IPv4', 228, ip, 0],
    ['IPv6', 229, '6000', 0],
    ['BSD loopback, little-endian', 0, `02000000 ${ip}`, 4],
    ['BSD loopback, big-endian', 0, `00000002 ${ip}`, 4],
    ['BSD loopback, IPv6 of macOS', 0, `1e000000 6000`, 4],
    ['OpenBSD loopback', 108, `00000018 6000`, 4],
    ['OpenBSD loopback of another family', 108, `00000010 6000`, undefined],
    ['a frame cut before it', 1, '0200000000010200000000020800', undefined],
    ['an empty frame', 1, '', undefined],
    ['another link type', 147, ip, undefined],
  ])('%s', (_name, linkType, hex, offset) => {
    expect(ipOffset(linkType, fromHex(hex))).toBe(offset);
  });

  test('what cannot be looked into is known', () => {
    expect([0, 1, 101, 113, 276, 147].map(isKnownLinkType)).toEqual([true, true, true, true, true, false]);
  });
});

describe('IpOpener', () => {
  const v4 = (total: string, more = '0000'): string =>
    `4500 ${total} 0001 ${more} 40 06 0000 c0000201 c0000202`;
  const v6 = (length: string, next: string): string =>
    `60000000 ${length} ${next} 40 20010db8000000000000000000000001 20010db8000000000000000000000002`;
  const open = (hex: string): string | undefined => {
    const payload = new IpOpener().open(fromHex(hex), 0, 0n);
    return payload === undefined ? undefined : `${payload.protocol} ${payload.length} ${toHex(payload.data)}`;
  };

  test.each([
    ['IPv4', `${v4('0017')} aabbcc`, '6 3 aabbcc'],
    ['IPv4 in a padded frame', `${v4('0017')} aabbcc 0000`, '6 3 aabbcc'],
    ['IPv4 that the capture cut', `${v4('0020')} aabbcc`, '6 12 aabbcc'],
    ['IPv4 whose card sets the length', `${v4('0000')} aabbcc`, '6 3 aabbcc'],
    ['IPv4 with options', `4600 001b 0001 0000 40 06 0000 c0000201 c0000202 01010101 aabbcc`, '6 3 aabbcc'],
    ['IPv6', `${v6('0003', '06')} aabbcc 00`, '6 3 aabbcc'],
    [
      'IPv6 with extension headers',
      `${v6('0013', '00')} 3c00010400000000 0600010400000000 aabbcc`,
      '6 3 aabbcc',
    ],
    ['a fragment of IPv6', `${v6('000b', '2c')} 0600000100000001 aabbcc`, undefined],
    ['a header cut short', '4500 0017 0001', undefined],
    ['IPv6 cut short', '60000000', undefined],
    [
      'a header length beyond the packet',
      `4f00 0017 0001 0000 40 06 0000 c0000201 c0000202 aabbcc`,
      undefined,
    ],
    ['an extension header beyond the packet', `${v6('0003', '00')} 06ff00`, undefined],
    ['another version', '7500', undefined],
  ])('%s', (_name, hex, expected) => {
    expect(open(hex)).toBe(expected);
  });

  test('fragments of IPv4 are put together, in any order', () => {
    const opener = new IpOpener();
    const last = fromHex(`${v4('0016', '0001')} eeff`);
    const first = fromHex(`${v4('001c', '2000')} 0102030405060708`);
    expect(opener.open(last, 0, 1n)).toBeUndefined();
    expect(toHex(opener.open(first, 0, 2n)!.data)).toBe('0102030405060708eeff');
  });

  test('any bytes are safe', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 90 }),
        fc.constantFrom(0x45, 0x46, 0x60, 0x4f),
        (bytes, first) => {
          const frame = concat(Uint8Array.of(first), bytes);
          const payload = new IpOpener().open(frame, 0, undefined);
          expect((payload?.data.length ?? 0) <= frame.length).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
