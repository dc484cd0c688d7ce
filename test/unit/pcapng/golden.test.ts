import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../../protocol/bytes/hex.ts';
import { encodeEnhancedPacket } from '../../../protocol/pcapng/enhanced-packet.ts';
import { encodeInterfaceDescription } from '../../../protocol/pcapng/interface-description.ts';
import { encodeInterfaceStatistics } from '../../../protocol/pcapng/interface-statistics.ts';
import { encodeNameResolution } from '../../../protocol/pcapng/name-resolution.ts';
import { type Block, PcapngReader } from '../../../protocol/pcapng/reader.ts';
import { encodeSectionHeader } from '../../../protocol/pcapng/section-header.ts';

/** One value and its bytes per block, checked in both directions. */
const section = {
  block: {
    kind: 'section-header',
    majorVersion: 1,
    minorVersion: 0,
    os: 'Linux',
    userApplication: 'pw',
    comments: ['hi'],
  },
  hex: `0a0d0d0a 3c000000 4d3c2b1a 0100 0000 ffffffffffffffff
        0300 0500 4c696e7578 000000  0400 0200 7077 0000  0100 0200 6869 0000  0000 0000  3c000000`,
} as const;

const description = {
  block: {
    kind: 'interface-description',
    linkType: 1,
    snapLength: 0,
    name: 'host1:eth0',
    ipv4Addresses: [{ address: Uint8Array.of(10, 0, 0, 1), mask: Uint8Array.of(255, 255, 255, 0) }],
    macAddress: Uint8Array.of(2, 0, 0, 0, 0, 1),
    timestampResolution: 9,
    timestampOffset: -1n,
  },
  hex: `01000000 54000000 0100 0000 00000000
        0200 0a00 686f7374313a65746830 0000  0400 0800 0a000001ffffff00  0600 0600 020000000001 0000
        0900 0100 09 000000  0e00 0800 ffffffffffffffff  0000 0000  54000000`,
} as const;

const packet = {
  block: {
    kind: 'enhanced-packet',
    interfaceId: 0,
    timestamp: 0x17d0_0000_1234_5678n,
    data: Uint8Array.of(1, 2, 3, 4, 5),
    originalLength: 9,
    flags: 2,
    dropCount: 7n,
    packetId: 0x0102030405060708n,
    verdicts: [{ kind: 'tc', action: 2n }],
    comments: ['a', 'bc'],
  },
  hex: `06000000 6c000000 00000000 0000d017 78563412 05000000 09000000 0102030405 000000
        0200 0400 02000000  0400 0800 0700000000000000  0500 0800 0807060504030201
        0700 0900 01 0200000000000000 000000  0100 0100 61 000000  0100 0200 6263 0000  0000 0000  6c000000`,
} as const;

const names = {
  block: {
    kind: 'name-resolution',
    names: [
      { address: Uint8Array.of(10, 0, 0, 1), names: ['host1'] },
      { address: fromHex('20010db8000000000000000000000001'), names: ['a', 'b'] },
    ],
  },
  hex: `04000000 38000000 0100 0a00 0a000001 686f73743100 0000
        0200 1400 20010db8000000000000000000000001 61006200  0000 0000  38000000`,
} as const;

const statistics = {
  block: {
    kind: 'interface-statistics',
    interfaceId: 0,
    timestamp: 0x1_0000_0002n,
    startTime: 0x1_0000_0001n,
    received: 5n,
    dropped: 3n,
  },
  hex: `05000000 40000000 00000000 01000000 02000000  0200 0800 01000000 01000000
        0400 0800 0500000000000000  0500 0800 0300000000000000  0000 0000  40000000`,
} as const;

function decode(...hex: readonly string[]): Block[] {
  const reader = new PcapngReader();
  const blocks = hex.flatMap((text) => reader.push(fromHex(text)));
  reader.end();
  return blocks;
}

describe('golden bytes', () => {
  test.each([
    ['section header', section, encodeSectionHeader(section.block)],
    ['interface description', description, encodeInterfaceDescription(description.block)],
    ['enhanced packet', packet, encodeEnhancedPacket(packet.block)],
    ['name resolution', names, encodeNameResolution(names.block)],
    ['interface statistics', statistics, encodeInterfaceStatistics(statistics.block)],
  ])('%s, written and read', (_, { block, hex }, written) => {
    expect(toHex(written)).toBe(toHex(fromHex(hex)));
    const prelude = block === section.block ? [] : [section.hex, description.hex];
    expect(decode(...prelude, hex).at(-1)).toEqual(block);
  });

  test('a big-endian section after a little-endian one is read with its own byte order and interfaces', () => {
    const blocks = decode(
      section.hex,
      description.hex,
      '0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c',
      '00000001 0000001c 0065 0000 00000040  0009 0001 06 000000  0000001c',
      `00000006 0000003c 00000000 00000001 00000002 00000003 00000003 aabbcc 00
       0002 0004 00000001  0005 0008 0000000000000009  00000000 0000003c`,
      '00000005 00000024 00000000 00000000 00000001  0004 0008 0000000000000006  00000024',
      '00000bad 00000010 deadbeef 00000010',
    );
    expect(blocks.slice(2)).toEqual([
      { kind: 'section-header', majorVersion: 1, minorVersion: 0 },
      { kind: 'interface-description', linkType: 101, snapLength: 64, timestampResolution: 6 },
      {
        kind: 'enhanced-packet',
        interfaceId: 0,
        timestamp: 0x1_0000_0002n,
        data: Uint8Array.of(0xaa, 0xbb, 0xcc),
        originalLength: 3,
        flags: 1,
        packetId: 9n,
      },
      { kind: 'interface-statistics', interfaceId: 0, timestamp: 1n, received: 6n },
      { kind: 'other', type: 0xbad, body: fromHex('deadbeef') },
    ]);
  });
});
