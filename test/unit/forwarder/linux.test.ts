import { describe, expect, test } from 'vitest';
import { readUint16 } from '../../../protocol/bytes/uint.ts';
import { decodeEthernet } from '../../../protocol/ethernet/ethernet.ts';
import { formatMac } from '../../../protocol/ethernet/mac.ts';
import { decodeIcmp } from '../../../protocol/icmp/icmp.ts';
import { decodeIpv4, isIpv4Fragment } from '../../../protocol/ipv4/header.ts';
import { podFrames, wireFrames } from '../packet/linux-frames.ts';
import { type Node, TwoHosts } from './two-hosts.ts';

/** What a Linux host did with the pod's packets, and what the forwarder does when it is given the same ones. */
const POD_MAC = '02:00:00:00:01:01';
const sentByPod = podFrames.filter((frame) => formatMac(decodeEthernet(frame).source) === POD_MAC);
const sentToPod = podFrames.filter((frame) => formatMac(decodeEthernet(frame).source) !== POD_MAC);
const vxlan = wireFrames.filter((frame) => frame[23] === 17);
const outbound = vxlan.filter((frame) => frame[29] === 2).map((frame) => frame.subarray(42));
const inbound = vxlan.filter((frame) => frame[29] === 3).map((frame) => frame.subarray(42));

function node(): { net: TwoHosts; host: Node } {
  const net = new TwoHosts(1450, 1500);
  net.up = false;
  const [host] = net.nodes;
  host.route('10.66.0.0/24', {
    kind: 'vxlan',
    port: host.vxlan,
    gateway: 1,
    origin: { source: 'static', detail: 'a gateway without neighbor entry' },
  });
  return { net, host };
}

describe('given the frames of the pod', () => {
  const { net, host } = node();
  for (const frame of sentByPod) host.forwarder.fromWorkload(host.workload, frame);

  test('the VXLAN payloads are those of Linux, byte for byte', () => {
    expect(outbound.length).toBe(7);
    expect(net.wire.map(({ payload }) => payload)).toEqual(outbound);
  });

  test('the ARP reply is that of Linux, byte for byte', () => {
    expect(host.toPod[0]).toEqual(sentToPod[0]);
  });

  test('echo replies and ICMP errors are those of Linux, but for identification and the source of errors', () => {
    const own = (frame: Uint8Array) => {
      const ip = decodeIpv4(frame, 14);
      return ip.timeToLive === 64 && !isIpv4Fragment(frame, 14);
    };
    const theirs = sentToPod.slice(1).filter(own);
    expect(theirs.map((frame) => decodeIcmp(frame, 34, readUint16(frame, 16) - 20).kind)).toEqual([
      'time-exceeded',
      'unreachable',
      'echo-reply',
      'unreachable',
    ]);
    const ours = host.toPod.slice(1).filter(own);
    expect(ours.map(comparable)).toEqual(theirs.map(comparable));
  });
});

/** Blanks identification, source of errors, and the TTL of what they quote, with the checksums over these. */
function comparable(frame: Uint8Array): Uint8Array {
  const copy = frame.slice();
  copy.fill(0, 18, 20).fill(0, 24, 26);
  if (copy[34] !== 3 && copy[34] !== 11) return copy;
  copy.fill(0, 26, 30).fill(0, 36, 38).fill(0, 50, 51).fill(0, 52, 54);
  return copy;
}

test('given the VXLAN payloads of the peer, the pod gets the frames that Linux gave it', () => {
  const { host, net } = node();
  for (const payload of inbound) host.forwarder.fromVtep(payload, net.nodes[1].vtep);
  const fromPeer = sentToPod.filter(
    (frame) => frame[29] === 1 && frame[28] === 2 && frame[12] === 8 && frame[13] === 0,
  );
  expect(inbound.length).toBe(7);
  expect(host.toPod).toEqual(fromPeer);
});
