import { DecodeError } from '../../../protocol/bytes/decode-error.ts';
import { formatIpv4 } from '../../../protocol/ip/ipv4.ts';

// ICMP echo and the errors that quote it (RFC 792; next-hop MTU in RFC 1191 §4), as a raw socket shows them: with
// their IPv4 header.
//
//   | type (1) | code (1) | checksum (2) |
//   | echo: identifier (2), sequence number (2) · error: unused (2), next-hop MTU (2) |
//   | echo: payload · error: IPv4 header and at least 8 bytes of the packet in question |

export const ICMP_ECHO_REPLY = 0;
export const ICMP_UNREACHABLE = 3;
export const ICMP_ECHO_REQUEST = 8;
export const ICMP_TIME_EXCEEDED = 11;
export const ICMP_PARAMETER_PROBLEM = 12;

export const CODE_FRAGMENTATION_NEEDED = 4;
export const ICMP_HEADER_SIZE = 8;
const IPV4_HEADER_SIZE = 20;
const PROTOCOL_ICMP = 1;

/** An answer to an echo request: the reply itself, or an ICMP error of whoever could not forward it. */
export interface EchoReply {
  /** Who sent the answer. */
  readonly from: string;
  /** ICMP type: 0 is the reply, others are errors. */
  readonly type: number;
  readonly code: number;
  /** Identifier and sequence number of the request. */
  readonly id: number;
  readonly seq: number;
  /** TTL with which the answer arrived. */
  readonly ttl: number;
  /** ICMP bytes of the answer, with its 8-byte header (what ping counts). */
  readonly bytes: number;
  /** Where the request went, as an error quotes it; in a reply, `from`. */
  readonly destination: string;
  /** Next-hop MTU of "fragmentation needed" (type 3, code 4). */
  readonly mtu?: number;
}

/** An ICMP echo request with its checksum. */
export function encodeEchoRequest(id: number, seq: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ICMP_HEADER_SIZE + payload.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = ICMP_ECHO_REQUEST;
  view.setUint16(4, id);
  view.setUint16(6, seq);
  bytes.set(payload, ICMP_HEADER_SIZE);
  view.setUint16(2, checksum(bytes));
  return bytes;
}

/** Internet checksum (RFC 1071). */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i + 1 < bytes.length; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!;
  if (bytes.length % 2 === 1) sum += bytes[bytes.length - 1]! << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65536);
  return ~sum & 0xffff;
}

interface IcmpPacket {
  readonly ttl: number;
  readonly source: string;
  readonly destination: string;
  readonly icmp: DataView;
}

/** Splits an IPv4 packet that holds ICMP; `from` is where it begins in the packet received, for the error. */
function openIpv4(bytes: Uint8Array, from: number): IcmpPacket {
  const packet = bytes.subarray(from);
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  if (packet.length < IPV4_HEADER_SIZE) {
    throw new DecodeError('IPv4 header', from, `${IPV4_HEADER_SIZE} bytes, not ${packet.length}`);
  }
  const headerSize = (packet[0]! & 15) * 4;
  if (
    packet[0]! >> 4 !== 4 ||
    headerSize < IPV4_HEADER_SIZE ||
    packet.length < headerSize + ICMP_HEADER_SIZE
  ) {
    throw new DecodeError('IPv4 header', from, 'version 4, and at least 8 bytes of ICMP after the header');
  }
  if (packet[9] !== PROTOCOL_ICMP) throw new DecodeError('IPv4 header', from + 9, 'protocol ICMP');
  return {
    ttl: packet[8]!,
    source: formatIpv4(view.getUint32(12)),
    destination: formatIpv4(view.getUint32(16)),
    icmp: new DataView(packet.buffer, packet.byteOffset + headerSize, packet.length - headerSize),
  };
}

/**
 * Reads what a raw ICMP socket received; undefined where it answers no echo request (somebody else's request, an
 * error about UDP). @throws DecodeError where it is cut short.
 */
export function decodeEchoReply(bytes: Uint8Array): EchoReply | undefined {
  const { ttl, source, icmp } = openIpv4(bytes, 0);
  const type = icmp.getUint8(0);
  const answer = { from: source, type, code: icmp.getUint8(1), ttl, bytes: icmp.byteLength };
  if (type === ICMP_ECHO_REPLY) {
    return { ...answer, id: icmp.getUint16(4), seq: icmp.getUint16(6), destination: source };
  }
  if (type !== ICMP_UNREACHABLE && type !== ICMP_TIME_EXCEEDED && type !== ICMP_PARAMETER_PROBLEM)
    return undefined;
  const quoteOffset = icmp.byteOffset - bytes.byteOffset + ICMP_HEADER_SIZE;
  if (bytes[quoteOffset + 9] !== PROTOCOL_ICMP) return undefined;
  const quoted = openIpv4(bytes, quoteOffset);
  if (quoted.icmp.getUint8(0) !== ICMP_ECHO_REQUEST) return undefined;
  const request = {
    id: quoted.icmp.getUint16(4),
    seq: quoted.icmp.getUint16(6),
    destination: quoted.destination,
  };
  const tooBig = type === ICMP_UNREACHABLE && answer.code === CODE_FRAGMENTATION_NEEDED;
  return { ...answer, ...request, ...(tooBig ? { mtu: icmp.getUint16(6) } : {}) };
}
