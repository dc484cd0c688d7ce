import { describe, expect, test } from 'vitest';
import { encodeAddress } from '../../../agents/io/linux/netlink/address.ts';
import { decodeLink, encodeLink, encodeVeth } from '../../../agents/io/linux/netlink/link.ts';
import {
  attribute,
  decodeAttributes,
  decodeError,
  decodeMessages,
  encodeMessage,
  nested,
  stringAttribute,
  u32Attribute,
} from '../../../agents/io/linux/netlink/message.ts';
import { encodeFdbEntry, encodeNeighbour } from '../../../agents/io/linux/netlink/neighbour.ts';
import { encodeRoute } from '../../../agents/io/linux/netlink/route.ts';
import { concatBytes } from '../../../protocol/bytes/concat.ts';
import { DecodeError } from '../../../protocol/bytes/decode-error.ts';
import { fromHex, toHex } from '../../../protocol/bytes/hex.ts';
import { parsePrefix } from '../../../protocol/ip/prefix.ts';

const hex = (text: string): string => text.replaceAll(/\s/g, '');

describe('netlink messages', () => {
  test('have the header, the parts, and their length in it', () => {
    const message = encodeMessage(16, 5, 7, [Uint8Array.of(1, 2, 3, 4)]);
    expect(toHex(message)).toBe(hex('14000000 1000 0500 07000000 00000000 01020304'));
    expect(decodeMessages(message)).toEqual([
      { type: 16, flags: 5, sequence: 7, body: Uint8Array.of(1, 2, 3, 4) },
    ]);
  });

  test('follow each other in one datagram', () => {
    const both = concatBytes([encodeMessage(16, 0, 1, []), encodeMessage(3, 0, 2, [new Uint8Array(4)])]);
    expect(decodeMessages(both).map(({ type, sequence }) => [type, sequence])).toEqual([
      [16, 1],
      [3, 2],
    ]);
  });

  test('attributes are padded to four bytes, which their length does not count', () => {
    expect(toHex(attribute(3, Uint8Array.of(1, 2, 3, 4, 5)))).toBe(hex('0900 0300 0102030405 000000'));
    expect(toHex(stringAttribute(1, 'veth'))).toBe(hex('0900 0100 7665746800 000000'));
    expect(toHex(nested(18, [u32Attribute(4, 1450)]))).toBe(hex('0c00 1280 0800 0400 aa050000'));
    const decoded = decodeAttributes(concatBytes([u32Attribute(4, 1450), stringAttribute(3, 'e0')]));
    expect([...decoded].map(([type, payload]) => [type, toHex(payload)])).toEqual([
      [4, 'aa050000'],
      [3, '653000'],
    ]);
  });

  test.each([
    ['longer than the buffer', '15000000 1000 0500 07000000 00000000 01020304'],
    ['shorter than its header', '0f000000 1000 0500 07000000 00000000'],
  ])('a message %s is refused', (_title, bytes) => {
    expect(() => decodeMessages(fromHex(hex(bytes)))).toThrow(DecodeError);
  });

  test.each(['0300 0400', '0900 0400 aa050000'])(
    'an attribute of impossible length is refused (%s)',
    (bytes) => {
      expect(() => decodeAttributes(fromHex(hex(bytes)))).toThrow(DecodeError);
    },
  );

  test('an acknowledgement is error 0; a refusal has the errno and the kernel\u2019s words', () => {
    const header = '20000000 1000 0500 07000000 00000000';
    const ack = { type: 2, flags: 0x100, sequence: 7, body: fromHex(hex(`00000000 ${header}`)) };
    expect(decodeError(ack)).toEqual({ errno: 0 });
    const text = toHex(stringAttribute(1, 'Device is busy'));
    const refusal = { type: 2, flags: 0x300, sequence: 7, body: fromHex(hex(`f0ffffff ${header} ${text}`)) };
    expect(decodeError(refusal)).toEqual({ errno: 16, text: 'Device is busy' });
    const whole = `${header} 01020304 05060708 090a0b0c 0d0e0f10`;
    const echoed = { type: 2, flags: 0x200, sequence: 7, body: fromHex(hex(`f0ffffff ${whole} ${text}`)) };
    expect(decodeError(echoed)).toEqual({ errno: 16, text: 'Device is busy' });
    expect(() => decodeError({ ...ack, body: new Uint8Array(8) })).toThrow(DecodeError);
  });
});

describe('netlink bodies', () => {
  test('link up with MTU and MAC', () => {
    expect(toHex(encodeLink(3, { up: true, mtu: 1450, mac: '02:00:00:00:00:05' }))).toBe(
      hex('00000000 03000000 01000000 01000000  0a00 0100 020000000005 0000  0800 0400 aa050000'),
    );
  });

  test('a change that says nothing about up leaves the flags alone', () => {
    expect(toHex(encodeLink(3, { master: 9 }))).toBe(
      hex('00000000 03000000 00000000 00000000  0800 0a00 09000000'),
    );
  });

  test('veth pair with the peer in another namespace', () => {
    const name = (text: string): string => toHex(new TextEncoder().encode(text)).padEnd(32, '0');
    const peer = `00000000 00000000 00000000 00000000 1400 0300 ${name('p')} 0800 1c00 15000000`;
    expect(toHex(encodeVeth({ name: 'v' }, { name: 'p', netnsFd: 21 }))).toBe(
      hex(`00000000 00000000 00000000 00000000 1400 0300 ${name('v')}
           4400 1280  0900 0100 7665746800 000000  3400 0280  3000 0180 ${peer}`),
    );
  });

  test('addresses: IPv6 without duplicate address detection', () => {
    expect(toHex(encodeAddress(2, Uint8Array.of(10, 0, 0, 1), 24))).toBe(
      hex('02180000 02000000  0800 0200 0a000001  0800 0100 0a000001'),
    );
    expect(toHex(encodeAddress(2, new Uint8Array(16).fill(0xfd), 64))).toContain(hex('0800 0800 02000000'));
  });

  test.each([
    ['on the link', { device: 2 }, '02200000 fe03fd01 00000000  0800 0100 a9fe0101  0800 0400 02000000'],
    [
      'through a gateway that no route covers',
      { device: 2, gateway: Uint8Array.of(10, 0, 0, 1), onlink: true },
      '02200000 fe030001 04000000  0800 0100 a9fe0101  0800 0500 0a000001  0800 0400 02000000',
    ],
    ['to nowhere', {}, '02200000 fe030006 00000000  0800 0100 a9fe0101'],
  ])('route %s', (_title, rest, bytes) => {
    const destination = parsePrefix('169.254.1.1/32');
    expect(toHex(encodeRoute({ destination, ...rest }))).toBe(hex(bytes));
  });

  test('a default route has no destination attribute', () => {
    const route = { destination: parsePrefix('0.0.0.0/0'), device: 2 };
    expect(toHex(encodeRoute(route))).toBe(hex('02000000 fe03fd01 00000000  0800 0400 02000000'));
  });

  test('permanent neighbour and static FDB entry', () => {
    const mac = Uint8Array.of(0x66, 0, 0, 0, 0, 2);
    const address = Uint8Array.of(10, 0, 0, 2);
    expect(toHex(encodeNeighbour(4, address, mac))).toBe(
      hex('02000000 04000000 80000000  0800 0100 0a000002  0a00 0200 660000000002 0000'),
    );
    expect(toHex(encodeFdbEntry(4, mac, address))).toBe(
      hex('07000000 04000000 c0000200  0a00 0200 660000000002 0000  0800 0100 0a000002'),
    );
  });

  test('an interface name of 16 bytes, a bad MAC and a short link message are refused', () => {
    expect(() => encodeLink(1, { name: 'a'.repeat(16) })).toThrow('must have 1 to 15 bytes');
    expect(() => encodeLink(1, { mac: '02:00' })).toThrow('not a MAC address');
    expect(() => decodeLink(new Uint8Array(15))).toThrow(DecodeError);
  });
});
