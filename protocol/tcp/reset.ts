import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, type TcpSegment } from './header.ts';

/**
 * The segment that a host without the connection answers with (RFC 9293 §3.10.7.1), or `undefined` where the segment is
 * itself a reset.
 */
export function resetFor(segment: TcpSegment): TcpSegment | undefined {
  if ((segment.flags & TCP_RST) !== 0) return undefined;
  const acked = (segment.flags & TCP_ACK) !== 0;
  const length =
    segment.data.length +
    ((segment.flags & TCP_SYN) !== 0 ? 1 : 0) +
    ((segment.flags & TCP_FIN) !== 0 ? 1 : 0);
  return {
    sourcePort: segment.destinationPort,
    destinationPort: segment.sourcePort,
    sequence: acked ? segment.acknowledgment : 0,
    acknowledgment: acked ? 0 : (segment.sequence + length) >>> 0,
    flags: acked ? TCP_RST : TCP_RST | TCP_ACK,
    window: 0,
    urgentPointer: 0,
    options: new Uint8Array(0),
    data: new Uint8Array(0),
  };
}
