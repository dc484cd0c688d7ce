import { innerIpv4OfVxlan, ipv4InFrame, packetId } from '../../protocol/forwarder/packet-id.ts';

/**
 * Id of the innermost IPv4 packet of an Ethernet frame, so that a packet has the same id in its pod, on its host and,
 * inside VXLAN, on the wire. `undefined` where the frame carries no IPv4 packet.
 */
export function framePacketId(frame: Uint8Array): bigint | undefined {
  let innermost = ipv4InFrame(frame);
  for (let inner = innermost; inner !== undefined; ) {
    innermost = inner;
    inner = innerIpv4OfVxlan(frame, inner.offset, inner.length);
  }
  return innermost === undefined ? undefined : packetId(frame, innermost.offset, innermost.length);
}
