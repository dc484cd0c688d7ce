import { expect, test } from 'vitest';
import { fromHex } from '../../../protocol/bytes/hex.ts';
import { ethernetFraming } from '../../../protocol/framing/ethernet.ts';
import { ipv4Framing } from '../../../protocol/framing/ipv4.ts';
import { udpFraming } from '../../../protocol/framing/udp.ts';
import { vxlanFraming } from '../../../protocol/framing/vxlan.ts';
import { wireFrames } from './linux-frames.ts';

const frame = wireFrames.find((candidate) => candidate[23] === 17)!;

test('headers of a VXLAN frame that Linux sent', () => {
  expect(ethernetFraming.parse(frame)).toEqual({
    destinationHigh: 0x02aa,
    destinationLow: 2,
    sourceHigh: 0x02aa,
    sourceLow: 1,
    type: 0x0800,
  });
  expect(ipv4Framing.parse(frame, 14)).toMatchObject({
    version: 4,
    headerWords: 5,
    totalLength: 134,
    dontFragment: 0,
    timeToLive: 64,
    protocol: 17,
    source: 0xac120002,
    destination: 0xac120003,
  });
  expect(udpFraming.parse(frame, 34)).toMatchObject({ destinationPort: 4789, length: 114, checksum: 0 });
  expect(vxlanFraming.parse(frame, 42)).toEqual({
    reservedFlagsHigh: 0,
    vniValid: 1,
    reservedFlagsLow: 0,
    reserved1High: 0,
    reserved1Low: 0,
    vni: 4096,
    reserved2: 0,
  });
});

test('bits stand where the RFCs put them', () => {
  expect(vxlanFraming.parse(fromHex('8f 010203 0a0b0c ff'))).toEqual({
    reservedFlagsHigh: 8,
    vniValid: 1,
    reservedFlagsLow: 7,
    reserved1High: 1,
    reserved1Low: 0x0203,
    vni: 0x0a0b0c,
    reserved2: 0xff,
  });
});

test('short input is refused with its place', () => {
  expect(() => vxlanFraming.parse(frame.subarray(0, 45), 42)).toThrow(
    'VXLAN header, offset 42: expected 8 bytes, 3 left',
  );
  expect(() => ipv4Framing.parse(new Uint8Array(19))).toThrow(
    'IPv4 header, offset 0: expected 20 bytes, 19 left',
  );
  expect([ethernetFraming.length, ipv4Framing.length, udpFraming.length, vxlanFraming.length]).toEqual([
    14, 20, 8, 8,
  ]);
});
