import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../../protocol/bytes/hex.ts';
import { decodeIcmp } from '../../../protocol/icmp/icmp.ts';
import { ipv4DataLength, writeFragment } from '../../../protocol/ipv4/fragment.ts';
import { decodeIpv4, ipv4Fault, isIpv4Fragment, writeIpv4 } from '../../../protocol/ipv4/header.ts';
import { Reassembler } from '../../../protocol/ipv4/reassembly.ts';
import { podFrames } from './linux-frames.ts';

function packet(size: number, options = '', identification = 9): Uint8Array {
  const header = {
    typeOfService: 0x20,
    identification,
    dontFragment: false,
    moreFragments: false,
    fragmentOffset: 0,
    timeToLive: 64,
    protocol: 253,
    source: 0x0a410101,
    destination: 0x0a410201,
    options: fromHex(options),
  };
  const bytes = new Uint8Array(20 + header.options.length + size);
  const at = writeIpv4(bytes, 0, header, size);
  for (let i = 0; i < size; i++) bytes[at + i] = i * 7;
  return bytes;
}

function split(whole: Uint8Array, mtu: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = 0; start < ipv4DataLength(whole, 0); start += ipv4DataLength(parts.at(-1)!, 0)) {
    const part = new Uint8Array(mtu);
    parts.push(part.subarray(0, writeFragment(whole, 0, start, mtu, part, 0)));
  }
  return parts;
}

describe('fragments', () => {
  test('fit, say where they belong, and have right checksums', () => {
    const parts = split(packet(1000), 300);
    expect(parts.map((part) => part.length)).toEqual([300, 300, 300, 180]);
    const headers = parts.map((part) => decodeIpv4(part));
    expect(headers.map(({ fragmentOffset, moreFragments }) => [fragmentOffset, moreFragments])).toEqual([
      [0, true],
      [280, true],
      [560, true],
      [840, false],
    ]);
    expect(
      headers.every(({ identification, typeOfService }) => identification === 9 && typeOfService === 0x20),
    ).toBe(true);
  });

  test('of a fragment keep its offset and "more fragments"', () => {
    const [, middle] = split(packet(3000), 1020) as [Uint8Array, Uint8Array];
    const parts = split(middle, 520).map((part) => decodeIpv4(part));
    expect(parts.map(({ fragmentOffset, moreFragments }) => [fragmentOffset, moreFragments])).toEqual([
      [1000, true],
      [1496, true],
      [1992, true],
    ]);
  });

  test('after the first carry only options with the copied flag', () => {
    // Record route (7, not copied), no-operation, loose source route (131, copied), end of list.
    const parts = split(packet(200, '07 07 04 00000000 01 83 07 04 0a000001 00'), 120);
    const headers = parts.map((part) => decodeIpv4(part));
    expect(headers.map(({ options }) => toHex(options))).toEqual([
      '0707040000000001' + '8307040a00000100',
      '8307040a00000100',
      '8307040a00000100',
    ]);
  });

  test('survive options that make no sense', () => {
    for (const options of ['8300 0000', '83ff 0000', '0101 0183']) {
      for (const part of split(packet(200, options), 100))
        expect(ipv4Fault(part, 0, part.length)).toBeUndefined();
    }
  });
});

describe('reassembly', () => {
  const whole = packet(3000);

  test('of what Linux sent gives its echo request and reply', () => {
    const reassembler = new Reassembler();
    const results = podFrames
      .filter((frame) => frame[12] === 8 && frame[13] === 0 && isIpv4Fragment(frame, 14))
      .map((frame) => reassembler.add(frame, 14, 0))
      .filter((result) => result !== undefined);
    expect(results.map((result) => decodeIcmp(result, 20).kind)).toEqual(['echo-request', 'echo-reply']);
    expect(results.map((result) => result.length)).toEqual([1628, 1628]);
  });

  test.each([
    ['in order', (parts: Uint8Array[]) => parts],
    ['backwards', (parts: Uint8Array[]) => parts.toReversed()],
    ['doubled', (parts: Uint8Array[]) => [parts[0]!, parts[0]!, parts[2]!, parts[2]!, parts[1]!]],
  ])('%s', (_, arrange) => {
    const reassembler = new Reassembler();
    const results = arrange(split(whole, 1020)).map((part) => reassembler.add(part, 0, 0));
    expect(results.slice(0, -1).every((result) => result === undefined)).toBe(true);
    expect(results.at(-1)).toEqual(whole);
    expect(reassembler.nextTimeout()).toBeUndefined();
  });

  test('an overlap discards the datagram', () => {
    const reassembler = new Reassembler();
    const parts = split(whole, 1020);
    reassembler.add(parts[0]!, 0, 0);
    reassembler.add(split(whole, 820)[1]!, 0, 0);
    expect(reassembler.nextTimeout()).toBeUndefined();
  });

  test('data behind the end discard the datagram', () => {
    const reassembler = new Reassembler();
    reassembler.add(split(packet(500), 300)[1]!, 0, 0);
    reassembler.add(split(whole, 1020)[2]!, 0, 0);
    expect(reassembler.nextTimeout()).toBeUndefined();
  });

  test('datagrams do not mix', () => {
    const reassembler = new Reassembler();
    const one = split(packet(100, '', 1), 100);
    const two = split(packet(100, '', 2), 100);
    expect(reassembler.add(one[0]!, 0, 0)).toBeUndefined();
    expect(reassembler.add(two[1]!, 0, 0)).toBeUndefined();
    expect(reassembler.add(one[1]!, 0, 0)).toEqual(packet(100, '', 1));
    expect(reassembler.add(two[0]!, 0, 0)).toEqual(packet(100, '', 2));
  });

  test('ends after 30 s, giving back the first fragment where it came', () => {
    const reassembler = new Reassembler();
    const [first] = split(packet(100, '', 1), 100);
    reassembler.add(first!, 0, 0);
    reassembler.add(split(packet(100, '', 2), 100)[1]!, 0, 10);
    expect(reassembler.nextTimeout()).toBe(30_000);
    expect(reassembler.expire(29_999)).toEqual([]);
    expect(reassembler.expire(30_000)).toEqual([first]);
    expect(reassembler.nextTimeout()).toBe(30_010);
    expect(reassembler.expire(30_010)).toEqual([]);
    expect(reassembler.nextTimeout()).toBeUndefined();
  });

  test('is bounded: the oldest of more than 16 datagrams goes', () => {
    const reassembler = new Reassembler();
    for (let id = 0; id < 17; id++) reassembler.add(split(packet(100, '', id), 100)[0]!, 0, id);
    expect(reassembler.nextTimeout()).toBe(30_001);
  });

  test('a datagram longer than IPv4 allows is refused', () => {
    const reassembler = new Reassembler();
    const bytes = packet(1000);
    bytes[6] = 0x1f;
    bytes[7] = 0xff;
    expect(reassembler.add(bytes, 0, 0)).toBeUndefined();
    expect(reassembler.nextTimeout()).toBeUndefined();
  });
});
