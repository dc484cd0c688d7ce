import { describe, expect, test } from 'vitest';
import { ARP_REPLY, ARP_REQUEST, decodeArp, writeArp } from '../../../protocol/arp/arp.ts';
import { DecodeError } from '../../../protocol/bytes/decode-error.ts';
import { fromHex, toHex } from '../../../protocol/bytes/hex.ts';
import { decodeEthernet, encodeEthernet } from '../../../protocol/ethernet/ethernet.ts';
import {
  BROADCAST_MAC,
  formatMac,
  isGroupMac,
  parseMac,
  readMac,
  tryParseMac,
  writeMac,
} from '../../../protocol/ethernet/mac.ts';
import { readQuotedPacket } from '../../../protocol/icmp/error.ts';
import { decodeIcmp, encodeIcmp, icmpName } from '../../../protocol/icmp/icmp.ts';
import { parseIpv4 } from '../../../protocol/ip/ipv4.ts';
import { adjustChecksum, internetChecksum } from '../../../protocol/ipv4/checksum.ts';
import {
  decodeIpv4,
  decrementTtl,
  ipv4Fault,
  isIpv4Fragment,
  writeIpv4,
} from '../../../protocol/ipv4/header.ts';
import { decodeTcp, encodeTcp, TCP_ACK, TCP_RST, TCP_SYN } from '../../../protocol/tcp/header.ts';
import { resetFor } from '../../../protocol/tcp/reset.ts';
import { decodeUdp, encodeUdp } from '../../../protocol/udp/udp.ts';
import { decodeVxlan, writeVxlan } from '../../../protocol/vxlan/header.ts';
import { podFrames, wireFrames } from './linux-frames.ts';

const pod = parseIpv4('10.65.1.1');
const peer = parseIpv4('10.65.2.1');

describe('MAC addresses', () => {
  test('parse, format and bytes agree', () => {
    const mac = parseMac('66:F9:37:c3:7e:94');
    expect(formatMac(mac)).toBe('66:f9:37:c3:7e:94');
    const bytes = new Uint8Array(8);
    writeMac(bytes, 1, mac);
    expect(toHex(bytes)).toBe('0066f937c37e9400');
    expect(readMac(bytes, 1)).toBe(mac);
    expect(formatMac(1)).toBe('00:00:00:00:00:01');
  });

  test('anything else is refused', () => {
    for (const text of ['', '66:f9:37:c3:7e', '66:f9:37:c3:7e:9', '66-f9-37-c3-7e-94', '66:f9:37:c3:7e:9g']) {
      expect(tryParseMac(text)).toBeUndefined();
    }
    expect(() => parseMac('x')).toThrow('not a MAC address (expected six hex pairs with colons): "x"');
  });

  test('group addresses', () => {
    expect(isGroupMac(BROADCAST_MAC)).toBe(true);
    expect(isGroupMac(parseMac('01:00:5e:00:00:01'))).toBe(true);
    expect(isGroupMac(parseMac('66:f9:37:c3:7e:94'))).toBe(false);
    expect(isGroupMac(parseMac('ee:ee:ee:ee:ee:ee'))).toBe(false);
  });
});

describe('checksum', () => {
  test('the example of RFC 1071 §3', () => {
    expect(internetChecksum(fromHex('0001 f203 f4f5 f6f7'), 0, 8)).toBe(~0xddf2 & 0xffff);
  });

  test('the example of RFC 1624 §4: never 0xffff for a header', () => {
    expect(adjustChecksum(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
  });

  test('an odd last byte counts as a high byte', () => {
    expect(internetChecksum(fromHex('0001f2'), 0, 3)).toBe(~0xf201 & 0xffff);
  });
});

describe('frames of a Linux kernel, decoded and encoded again', () => {
  test('ARP', () => {
    const [request, reply] = podFrames as [Uint8Array, Uint8Array];
    expect(decodeArp(request, 14)).toEqual({
      operation: ARP_REQUEST,
      senderMac: parseMac('02:00:00:00:01:01'),
      senderIp: pod,
      targetMac: 0,
      targetIp: parseIpv4('169.254.1.1'),
    });
    expect(decodeArp(reply, 14)).toMatchObject({ operation: ARP_REPLY, senderMac: 0xeeeeeeeeeeee });
    for (const frame of [request, reply]) {
      const body = new Uint8Array(28);
      writeArp(body, 0, decodeArp(frame, 14));
      expect(encodeEthernet(decodeEthernet(frame), body)).toEqual(frame);
    }
  });

  const packets = podFrames.filter((frame) => decodeEthernet(frame).type === 0x0800);

  test.each(packets.map((frame, i) => [i, frame] as const))('IPv4 packet %i', (_, frame) => {
    const ip = decodeIpv4(frame, 14);
    const payload = frame.subarray(14 + ip.headerLength, 14 + ip.totalLength);
    const again = new Uint8Array(ip.totalLength);
    again.set(payload, writeIpv4(again, 0, ip, payload.length));
    expect(again).toEqual(frame.subarray(14));
    if (ip.moreFragments || ip.fragmentOffset > 0) return;
    const encoders: Record<number, () => Uint8Array> = {
      1: () => encodeIcmp(decodeIcmp(payload)),
      6: () => encodeTcp(decodeTcp(payload, 0, payload.length, ip), ip),
      17: () => encodeUdp(decodeUdp(payload, 0, payload.length, ip), ip),
    };
    expect(encoders[ip.protocol]?.()).toEqual(payload);
  });

  test('the fixture holds what the tests above are to cover', () => {
    const headers = packets.map((frame) => decodeIpv4(frame, 14));
    expect(new Set(headers.map(({ protocol }) => protocol))).toEqual(new Set([1, 6, 17]));
    expect(headers.some(({ moreFragments }) => moreFragments)).toBe(true);
    expect(headers.some(({ fragmentOffset }) => fragmentOffset > 0)).toBe(true);
    expect(headers.filter(({ options }) => options.length > 0).length).toBe(2);
  });

  test('ICMP errors name type, code, MTU and the packet they are about', () => {
    const errors = packets
      .filter((frame) => frame[14] === 0x45 && frame[23] === 1 && !isIpv4Fragment(frame, 14))
      .map((frame) => decodeIcmp(frame, 34, decodeIpv4(frame, 14).totalLength - 20))
      .filter((icmp) => icmp.kind === 'unreachable' || icmp.kind === 'time-exceeded');
    const summary = errors.map((icmp) => ({
      kind: icmp.kind,
      code: icmp.code,
      mtu: icmp.kind === 'unreachable' ? icmp.mtu : 0,
    }));
    expect(summary).toEqual([
      { kind: 'time-exceeded', code: 0, mtu: 0 },
      { kind: 'unreachable', code: 4, mtu: 1450 },
      { kind: 'unreachable', code: 3, mtu: 0 },
      { kind: 'unreachable', code: 1, mtu: 0 },
    ]);
    expect(readQuotedPacket(errors[2]!.quoted)).toMatchObject({
      source: pod,
      destination: peer,
      destinationPort: 9999,
    });
    expect(readQuotedPacket(errors[0]!.quoted)).toMatchObject({ timeToLive: 1, sequence: 1 });
  });

  test('the VXLAN header', () => {
    const frame = wireFrames.find((candidate) => candidate[23] === 17)!;
    const outer = decodeIpv4(frame, 14);
    const udp = decodeUdp(frame, 34, outer.totalLength - 20, outer);
    expect(udp.destinationPort).toBe(4789);
    expect(decodeVxlan(udp.data)).toEqual({ vni: 4096 });
    const header = new Uint8Array(8).fill(0xff);
    writeVxlan(header, 0, 4096);
    expect(header).toEqual(udp.data.slice(0, 8));
    expect(decodeEthernet(udp.data, 8).destination).toBe(parseMac('66:00:00:00:00:02'));
  });
});

describe('faults are told', () => {
  const valid = podFrames.find((frame) => frame[23] === 17)!.slice(14);
  const damaged = (at: number, value: number) => {
    const copy = valid.slice();
    copy[at] = value;
    return copy;
  };

  test.each([
    ['version', damaged(0, 0x65), 'malformed'],
    ['header length', damaged(0, 0x44), 'malformed'],
    ['header longer than the packet', damaged(0, 0x4f), 'malformed'],
    ['total length', damaged(3, 0xff), 'malformed'],
    ['checksum', damaged(10, valid[10]! ^ 1), 'bad-checksum'],
  ])('IPv4 %s', (_, packet, fault) => {
    expect(ipv4Fault(packet, 0, packet.length)).toBe(fault);
    expect(() => decodeIpv4(packet)).toThrow(DecodeError);
  });

  test('link-layer padding behind a packet is no fault', () => {
    const padded = new Uint8Array(60);
    padded.set(valid);
    expect(ipv4Fault(padded, 0, 60)).toBeUndefined();
  });

  test('wrong transport checksums', () => {
    const addresses = { source: pod, destination: peer };
    expect(() => decodeUdp(damaged(valid.length - 1, 0), 20, valid.length - 20, addresses)).toThrow(
      'UDP, offset 26: expected a right checksum, or 0',
    );
    const icmp = encodeIcmp({ kind: 'echo-request', identifier: 1, sequence: 2, data: new Uint8Array(3) });
    icmp[9] = 1;
    expect(() => decodeIcmp(icmp)).toThrow('ICMP, offset 2: expected a right checksum');
    expect(() => decodeVxlan(new Uint8Array(8))).toThrow(
      'VXLAN header, offset 0: expected the I flag (0x08)',
    );
  });

  test('a UDP checksum that comes out as 0 is sent as 0xffff', () => {
    const addresses = { source: 0, destination: 0 };
    // Length twice (header and pseudo-header), protocol 17 and the data sum to 0xffff.
    const datagram = encodeUdp(
      { sourcePort: 0xffff - 10 - 10 - 17 - 5, destinationPort: 0, data: Uint8Array.of(0, 5) },
      addresses,
    );
    expect(toHex(datagram.subarray(6, 8))).toBe('ffff');
    expect(decodeUdp(datagram, 0, 10, addresses).data).toEqual(Uint8Array.of(0, 5));
  });
});

test('the TTL falls by one and the checksum stays right, also over the carry', () => {
  const packet = podFrames.find((frame) => frame[23] === 17)!.slice(14);
  for (let id = 0; id < 0x10000; id += 7) {
    const header = { ...decodeIpv4(packet), identification: id, timeToLive: 1 + (id % 255) };
    writeIpv4(packet, 0, header, packet.length - 20);
    decrementTtl(packet, 0);
    expect(ipv4Fault(packet, 0, packet.length)).toBeUndefined();
    expect(packet[8]).toBe(header.timeToLive - 1);
  }
});

test('the answer to a segment without a connection (RFC 9293 §3.10.7.1)', () => {
  const empty = new Uint8Array(0);
  const syn = {
    sourcePort: 4000,
    destinationPort: 80,
    sequence: 0xffffffff,
    acknowledgment: 0,
    flags: TCP_SYN,
    window: 1,
    urgentPointer: 0,
    options: empty,
    data: empty,
  };
  expect(resetFor(syn)).toMatchObject({
    sourcePort: 80,
    destinationPort: 4000,
    sequence: 0,
    acknowledgment: 0,
    flags: TCP_RST | TCP_ACK,
  });
  expect(resetFor({ ...syn, flags: TCP_ACK, acknowledgment: 77 })).toMatchObject({
    sequence: 77,
    flags: TCP_RST,
  });
  expect(resetFor({ ...syn, flags: TCP_RST })).toBeUndefined();
});

test('ICMP messages have names', () => {
  expect([
    icmpName(8, 0),
    icmpName(0, 0),
    icmpName(3, 4),
    icmpName(3, 9),
    icmpName(11, 1),
    icmpName(5, 1),
  ]).toEqual([
    'echo request',
    'echo reply',
    'fragmentation needed',
    'destination unreachable, code 9',
    'reassembly time exceeded',
    'type 5, code 1',
  ]);
});
