import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeArp, writeArp } from '../../protocol/arp/arp.ts';
import { DecodeError } from '../../protocol/bytes/decode-error.ts';
import { decodeEthernet, encodeEthernet } from '../../protocol/ethernet/ethernet.ts';
import { formatMac, parseMac } from '../../protocol/ethernet/mac.ts';
import { innerIpv4OfVxlan, ipv4InFrame, packetId } from '../../protocol/forwarder/packet-id.ts';
import { ethernetFraming } from '../../protocol/framing/ethernet.ts';
import { ipv4Framing } from '../../protocol/framing/ipv4.ts';
import { udpFraming } from '../../protocol/framing/udp.ts';
import { vxlanFraming } from '../../protocol/framing/vxlan.ts';
import { readQuotedPacket } from '../../protocol/icmp/error.ts';
import { decodeIcmp, encodeIcmp, type Icmp } from '../../protocol/icmp/icmp.ts';
import { adjustChecksum, internetChecksum } from '../../protocol/ipv4/checksum.ts';
import { ipv4DataLength, writeFragment } from '../../protocol/ipv4/fragment.ts';
import {
  decodeIpv4,
  decrementTtl,
  type Ipv4Header,
  ipv4Fault,
  updateIpv4Checksum,
  writeIpv4,
} from '../../protocol/ipv4/header.ts';
import { Reassembler } from '../../protocol/ipv4/reassembly.ts';
import { decodeTcp, encodeTcp } from '../../protocol/tcp/header.ts';
import { decodeUdp, encodeUdp } from '../../protocol/udp/udp.ts';
import { decodeVxlan, writeVxlan } from '../../protocol/vxlan/header.ts';
import { vxlanSourcePort } from '../../protocol/vxlan/source-port.ts';

const uint8 = fc.integer({ min: 0, max: 0xff });
const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const mac = fc.integer({ min: 0, max: 0xffffffffffff });
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const options = fc
  .uint8Array({ maxLength: 10 })
  .map((seed) => new Uint8Array(seed.length * 4).map((_, i) => seed[i >> 2]! * (i + 1)));
const addresses = fc.record({ source: uint32, destination: uint32 });

const header: fc.Arbitrary<Ipv4Header> = fc.record({
  typeOfService: uint8,
  identification: uint16,
  dontFragment: fc.boolean(),
  moreFragments: fc.boolean(),
  fragmentOffset: fc.integer({ min: 0, max: 0x1fff }).map((units) => units * 8),
  timeToLive: uint8,
  protocol: uint8,
  source: uint32,
  destination: uint32,
  options,
});

function packet(fields: Ipv4Header, payload: Uint8Array): Uint8Array {
  const result = new Uint8Array(20 + fields.options.length + payload.length);
  result.set(payload, writeIpv4(result, 0, fields, payload.length));
  return result;
}

/** Bytes that stand in a larger buffer of 0xff, so that a read beyond them gives something else than nothing. */
function embedded(content: Uint8Array): { readonly buffer: Uint8Array; readonly view: Uint8Array } {
  const buffer = new Uint8Array(content.length + 96).fill(0xff);
  buffer.set(content, 48);
  return { buffer, view: buffer.subarray(48, 48 + content.length) };
}

describe('what is encoded is decoded', () => {
  test('MAC, Ethernet, ARP', () => {
    fc.assert(
      fc.property(mac, mac, uint16, uint32, uint32, bytes(40), (a, b, type, senderIp, targetIp, payload) => {
        expect(parseMac(formatMac(a))).toBe(a);
        const frame = encodeEthernet({ destination: a, source: b, type }, payload);
        expect(decodeEthernet(frame)).toEqual({ destination: a, source: b, type });
        expect(frame.subarray(14)).toEqual(payload);
        const arp = { operation: type, senderMac: a, senderIp, targetMac: b, targetIp };
        const body = new Uint8Array(30);
        writeArp(body, 2, arp);
        expect(decodeArp(body, 2)).toEqual(arp);
      }),
    );
  });

  test('IPv4', () => {
    fc.assert(
      fc.property(header, bytes(64), (fields, payload) => {
        const encoded = packet(fields, payload);
        const decoded = decodeIpv4(encoded);
        expect(decoded).toMatchObject({ ...fields });
        expect(decoded.totalLength).toBe(encoded.length);
        expect(internetChecksum(encoded, 0, decoded.headerLength)).toBe(0);
      }),
    );
  });

  test('ICMP, UDP, TCP, VXLAN', () => {
    const echo = fc.record({
      kind: fc.constantFrom('echo-request' as const, 'echo-reply' as const),
      identifier: uint16,
      sequence: uint16,
      data: bytes(64),
    });
    const unreachable = fc.record({
      kind: fc.constant('unreachable' as const),
      code: uint8,
      mtu: uint16,
      quoted: bytes(64),
    });
    const exceeded = fc.record({
      kind: fc.constant('time-exceeded' as const),
      code: uint8,
      quoted: bytes(64),
    });
    const other = fc.record({
      kind: fc.constant('other' as const),
      type: fc.integer({ min: 12, max: 255 }),
      code: uint8,
      body: fc.uint8Array({ minLength: 4, maxLength: 64 }),
    });
    const message: fc.Arbitrary<Icmp> = fc.oneof(echo, unreachable, exceeded, other);
    const tcp = fc.record({
      sourcePort: uint16,
      destinationPort: uint16,
      sequence: uint32,
      acknowledgment: uint32,
      flags: uint8,
      window: uint16,
      urgentPointer: uint16,
      options,
      data: bytes(64),
    });
    const udp = fc.record({ sourcePort: uint16, destinationPort: uint16, data: bytes(64) });
    fc.assert(
      fc.property(message, tcp, udp, addresses, uint32, (icmp, segment, datagram, pair, vni) => {
        expect(decodeIcmp(encodeIcmp(icmp))).toEqual(icmp);
        const tcpBytes = encodeTcp(segment, pair);
        expect(decodeTcp(tcpBytes, 0, tcpBytes.length, pair)).toEqual(segment);
        const udpBytes = encodeUdp(datagram, pair);
        expect(decodeUdp(udpBytes, 0, udpBytes.length, pair)).toEqual(datagram);
        const vxlan = new Uint8Array(8);
        writeVxlan(vxlan, 0, vni & 0xffffff);
        expect(decodeVxlan(vxlan)).toEqual({ vni: vni & 0xffffff });
      }),
    );
  });
});

describe('checksums', () => {
  test('equal those of the definition, word by word', () => {
    const byDefinition = (content: Uint8Array): number => {
      let sum = 0;
      for (let i = 0; i < content.length; i += 2) {
        sum += content[i]! * 256 + (content[i + 1] ?? 0);
        if (sum > 0xffff) sum -= 0xffff;
      }
      return 0xffff - sum;
    };
    fc.assert(
      fc.property(bytes(300), (content) => {
        const { buffer } = embedded(content);
        expect(internetChecksum(buffer, 48, content.length)).toBe(byDefinition(content));
      }),
    );
    const large = new Uint8Array(65535).fill(0xff);
    expect(internetChecksum(large, 0, large.length)).toBe(byDefinition(large));
  });

  test('adjusted are those computed afresh', () => {
    fc.assert(
      fc.property(header, fc.integer({ min: 1, max: 255 }), uint16, (fields, timeToLive, word) => {
        const bytes = packet({ ...fields, timeToLive }, new Uint8Array(0));
        const before = (bytes[4]! << 8) | bytes[5]!;
        const checksum = (bytes[10]! << 8) | bytes[11]!;
        decrementTtl(bytes, 0);
        expect(ipv4Fault(bytes, 0, bytes.length)).toBeUndefined();
        const changed = packet({ ...fields, timeToLive, identification: word }, new Uint8Array(0));
        expect(adjustChecksum(checksum, before, word)).toBe((changed[10]! << 8) | changed[11]!);
      }),
    );
  });
});

test('fragments of any size, in any order, give back the packet', () => {
  const whole = fc.record({ fields: header, size: fc.integer({ min: 1, max: 3000 }) });
  const order = fc.array(fc.nat(), { minLength: 60, maxLength: 60 });
  fc.assert(
    fc.property(whole, fc.integer({ min: 68, max: 1500 }), order, ({ fields, size }, mtu, keys) => {
      const unfragmented = {
        dontFragment: false,
        moreFragments: false,
        fragmentOffset: 0,
        options: new Uint8Array(0),
      };
      const payload = new Uint8Array(size).map((_, i) => i * 31);
      const bytes = packet({ ...fields, ...unfragmented }, payload);
      const parts: Uint8Array[] = [];
      for (let start = 0; start < size; start += ipv4DataLength(parts.at(-1)!, 0)) {
        const part = new Uint8Array(mtu);
        const length = writeFragment(bytes, 0, start, mtu, part, 0);
        expect(length).toBeLessThanOrEqual(mtu);
        parts.push(part.subarray(0, length));
      }
      const shuffled = parts
        .map((part, i) => ({ part, key: keys[i % keys.length]! }))
        .sort((a, b) => a.key - b.key)
        .map(({ part }) => part);
      const reassembler = new Reassembler();
      const results = shuffled
        .map((part) => reassembler.add(part, 0, 0))
        .filter((result) => result !== undefined);
      expect(results).toEqual([bytes]);
    }),
  );
});

describe('arbitrary bytes', () => {
  test('make decoders throw DecodeError or nothing, and reads stay inside', () => {
    const pair = { source: 1, destination: 2 };
    const decoders: ((view: Uint8Array) => unknown)[] = [
      decodeEthernet,
      decodeArp,
      decodeIpv4,
      decodeIcmp,
      decodeVxlan,
      (view) => decodeUdp(view, 0, view.length, pair),
      (view) => decodeTcp(view, 0, view.length, pair),
      readQuotedPacket,
      ipv4InFrame,
      innerIpv4OfVxlan,
      (view) => packetId(view, 0, view.length),
    ];
    const attempt = (decode: (view: Uint8Array) => unknown, view: Uint8Array): unknown => {
      try {
        return decode(view);
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
        return String(error);
      }
    };
    fc.assert(
      fc.property(bytes(80), (content) => {
        for (const decode of decoders) {
          // The same bytes amid others and alone must come to the same: nothing beyond them was read.
          expect(attempt(decode, embedded(content).view)).toEqual(attempt(decode, content));
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('cut packets do not make decoders read beyond the cut', () => {
    fc.assert(
      fc.property(header, bytes(40), fc.nat(100), (fields, payload, cut) => {
        const short = packet(fields, payload).subarray(0, cut);
        const fault = ipv4Fault(embedded(short).view, 0, short.length);
        expect(fault).toBe(cut < 20 + fields.options.length + payload.length ? 'malformed' : undefined);
      }),
    );
  });
});

test('the declarative descriptions in protocol/framing agree with the codecs', () => {
  fc.assert(
    fc.property(header, fc.uint8Array({ minLength: 30, maxLength: 60 }), addresses, (fields, noise, pair) => {
      const ethernet = ethernetFraming.parse(noise);
      expect(decodeEthernet(noise)).toEqual({
        destination: ethernet.destinationHigh * 2 ** 32 + ethernet.destinationLow,
        source: ethernet.sourceHigh * 2 ** 32 + ethernet.sourceLow,
        type: ethernet.type,
      });

      const encoded = packet(fields, noise);
      const ipv4 = ipv4Framing.parse(encoded);
      expect(decodeIpv4(encoded)).toEqual({
        headerLength: ipv4.headerWords * 4,
        totalLength: ipv4.totalLength,
        checksum: ipv4.checksum,
        typeOfService: ipv4.typeOfService,
        identification: ipv4.identification,
        dontFragment: ipv4.dontFragment === 1,
        moreFragments: ipv4.moreFragments === 1,
        fragmentOffset: ipv4.fragmentOffset * 8,
        timeToLive: ipv4.timeToLive,
        protocol: ipv4.protocol,
        source: ipv4.source,
        destination: ipv4.destination,
        options: encoded.subarray(20, ipv4.headerWords * 4),
      });

      const datagram = encodeUdp(
        { sourcePort: noise[0]! * 256, destinationPort: noise[1]!, data: noise },
        pair,
      );
      const udp = udpFraming.parse(datagram);
      expect(decodeUdp(datagram, 0, datagram.length, pair)).toMatchObject({
        sourcePort: udp.sourcePort,
        destinationPort: udp.destinationPort,
      });
      expect(udp.length).toBe(datagram.length);

      const vxlan = vxlanFraming.parse(noise);
      if (vxlan.vniValid === 1) expect(decodeVxlan(noise)).toEqual({ vni: vxlan.vni });
      else expect(() => decodeVxlan(noise)).toThrow(DecodeError);
    }),
  );
});

test('the VXLAN source port is in 49152 to 65535, of the flow alone, and spread', () => {
  const seen = new Set<number>();
  fc.assert(
    fc.property(header, uint16, uint16, bytes(20), (fields, sourcePort, destinationPort, data) => {
      const flow = { ...fields, protocol: 17, moreFragments: false, fragmentOffset: 0 };
      const bytes = packet(flow, encodeUdp({ sourcePort, destinationPort, data }));
      const port = vxlanSourcePort(bytes, 0);
      expect(port).toBeGreaterThanOrEqual(49152);
      expect(port).toBeLessThanOrEqual(65535);
      bytes[8] = 1;
      bytes[5]! ^= 0x55;
      updateIpv4Checksum(bytes, 0);
      expect(vxlanSourcePort(bytes, 0)).toBe(port);
      seen.add(port);
    }),
    { numRuns: 500 },
  );
  expect(seen.size).toBeGreaterThan(400);
});
