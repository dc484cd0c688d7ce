import { describe, expect, test } from 'vitest';
import {
  formatPacketId,
  innerIpv4OfVxlan,
  innerIpv4OfVxlanPayload,
  ipv4InFrame,
  packetId,
} from '../../../protocol/forwarder/packet-id.ts';
import { decrementTtl } from '../../../protocol/ipv4/header.ts';
import { podFrames, wireFrames } from './linux-frames.ts';

const pod = podFrames.filter((frame) => ipv4InFrame(frame) !== undefined);
const idInFrame = (frame: Uint8Array) => packetId(frame, 14, frame.length - 14);

describe('packet id', () => {
  test('is the same before and behind a hop: each packet that Linux encapsulated has its id in the pod’s capture', () => {
    const ids = new Set(pod.map(idInFrame));
    const inner = wireFrames.filter((frame) => frame[23] === 17);
    expect(inner.length).toBe(14);
    for (const frame of inner) {
      const span = innerIpv4OfVxlan(frame, 14)!;
      expect(ids).toContain(packetId(frame, span.offset, span.length));
    }
  });

  test('differs between packets', () => {
    expect(new Set(pod.map(idInFrame)).size).toBe(pod.length);
  });

  test('is a constant of its bytes: processes and versions agree', () => {
    expect(formatPacketId(idInFrame(pod[0]!))).toBe('d5f053b808face05');
  });

  test('depends on none of TTL, TOS, checksum, UDP checksum and padding, but on the rest', () => {
    const frame = pod.find((candidate) => candidate[23] === 17)!;
    const id = idInFrame(frame);
    const changed = frame.slice();
    decrementTtl(changed, 14);
    changed[15] = 0xfc;
    changed.fill(0xee, 40, 42);
    expect(idInFrame(changed)).toBe(id);
    const padded = new Uint8Array(100).fill(7);
    padded.set(frame);
    expect(packetId(padded, 14, 86)).toBe(id);
    for (const at of [16, 18, 20, 23, 26, 30, 34, 36, 38, 42, 47]) {
      const other = frame.slice();
      other[at]! ^= 0x10;
      expect(idInFrame(other), `byte ${at}`).not.toBe(id);
    }
  });

  test('of a fragment takes the bytes at the place of a checksum as data', () => {
    const frame = pod.find((candidate) => candidate[23] === 17)!.slice();
    frame[21] = 1;
    const id = idInFrame(frame);
    frame[40]! ^= 1;
    expect(idInFrame(frame)).not.toBe(id);
  });

  test('never throws on short bytes', () => {
    for (let length = 0; length < 70; length++) {
      expect(typeof packetId(pod[0]!.subarray(14, 14 + length), 0, length)).toBe('bigint');
    }
    expect(packetId(new Uint8Array(3), 3, 10)).toBe(packetId(new Uint8Array(0), 0, 0));
  });
});

describe('finding the inner packet', () => {
  const wire = wireFrames.find((frame) => frame[23] === 17)!;

  test('in an Ethernet frame, tagged or not', () => {
    expect(ipv4InFrame(wire)).toEqual({ offset: 14, length: wire.length - 14 });
    const tagged = new Uint8Array(wire.length + 4);
    tagged.set(wire.subarray(0, 12));
    tagged.set([0x81, 0, 0, 5], 12);
    tagged.set(wire.subarray(12), 16);
    expect(ipv4InFrame(tagged)).toEqual({ offset: 18, length: wire.length - 14 });
    expect(ipv4InFrame(podFrames[0]!), 'ARP').toBeUndefined();
    expect(ipv4InFrame(wire, 0, 33)).toBeUndefined();
  });

  test('in VXLAN', () => {
    expect(innerIpv4OfVxlan(wire, 14)).toEqual({ offset: 64, length: wire.length - 64 });
    expect(innerIpv4OfVxlanPayload(wire, 42, wire.length - 42)).toEqual({
      offset: 64,
      length: wire.length - 64,
    });
    expect(innerIpv4OfVxlan(wire, 14, wire.length - 14, 8472), 'another port').toBeUndefined();
    expect(innerIpv4OfVxlan(wire, 14, 60), 'cut').toBeUndefined();
    expect(innerIpv4OfVxlan(pod[0]!, 14), 'ICMP').toBeUndefined();
  });
});
