import type { FrameDevice } from '../../agents/ports.ts';
import { formatIpv4 } from '../../protocol/ip/ipv4.ts';

const NODE_MAC = [0xee, 0xee, 0xee, 0xee, 0xee, 0xee];
const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IPV4 = 0x0800;

/**
 * The other side of a pod's wire: answers every ARP request and every echo request by turning the frame around.
 * Returns what came, in words, growing.
 */
export function answerPings(device: FrameDevice): string[] {
  const seen: string[] = [];
  device.onFrame((frame) => {
    const answer = frame.slice();
    answer.set(frame.subarray(6, 12), 0);
    answer.set(NODE_MAC, 6);
    const view = new DataView(answer.buffer);
    const type = view.getUint16(12);
    if (type === ETHERTYPE_ARP) turnArp(answer, frame, seen);
    else if (type === ETHERTYPE_IPV4 && frame[23] === 1 && frame[34] === 8) turnEcho(answer, frame, seen);
    else {
      seen.push(`ethertype ${type.toString(16)}`);
      return;
    }
    device.write(answer);
  });
  return seen;
}

function turnArp(answer: Uint8Array, request: Uint8Array, seen: string[]): void {
  seen.push(`arp who-has ${formatIpv4(new DataView(answer.buffer).getUint32(38))}`);
  answer[21] = 2;
  answer.set(NODE_MAC, 22);
  answer.set(request.subarray(38, 42), 28);
  answer.set(request.subarray(22, 32), 32);
}

function turnEcho(answer: Uint8Array, request: Uint8Array, seen: string[]): void {
  const view = new DataView(answer.buffer);
  seen.push(`icmp echo request ${formatIpv4(view.getUint32(30))}`);
  answer.set(request.subarray(30, 34), 26);
  answer.set(request.subarray(26, 30), 30);
  answer[34] = 0;
  // RFC 1624: the type went down by 8 in the upper byte, so the checksum goes up by as much.
  const sum = view.getUint16(36) + 0x0800;
  view.setUint16(36, (sum & 0xffff) + (sum >> 16));
}
