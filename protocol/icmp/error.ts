import { readUint16, writeUint16 } from '../bytes/uint.ts';
import {
  IPV4_HEADER_LENGTH,
  ipv4Destination,
  ipv4FragmentOffset,
  ipv4HeaderLength,
  ipv4Source,
  ipv4TotalLength,
  isMartianOctet,
  PROTOCOL_ICMP,
  writeIpv4,
} from '../ipv4/header.ts';
import { ICMP_HEADER_LENGTH, isIcmpError, updateIcmpChecksum } from './icmp.ts';

/** An error may fill a datagram of 576 bytes (RFC 1812 §4.3.2.3), headers included. */
const QUOTE_LIMIT = 576 - IPV4_HEADER_LENGTH - ICMP_HEADER_LENGTH;

/** What an error about a packet says. */
export interface IcmpErrorFields {
  readonly type: number;
  readonly code: number;
  /** Next-hop MTU for "fragmentation needed", else 0. */
  readonly mtu: number;
  /** Address of the sender of the error. */
  readonly source: number;
  readonly identification: number;
}

/**
 * Whether an error may be sent about the packet at `at`: not about ICMP errors (or ICMP too short to tell), fragments
 * but the first, packets to or from anything but one host (RFC 1122 §3.2.2, RFC 1812 §4.3.2.7).
 */
export function mayReportIcmpError(packet: Uint8Array, at: number): boolean {
  if (ipv4FragmentOffset(packet, at) !== 0) return false;
  if (isMartianOctet(packet[at + 12]!) || isMartianOctet(packet[at + 16]!)) return false;
  if (packet[at + 9] !== PROTOCOL_ICMP) return true;
  const header = ipv4HeaderLength(packet, at);
  return ipv4TotalLength(packet, at) > header && !isIcmpError(packet[at + header]!);
}

/**
 * Writes at `intoAt` a whole IPv4 packet with the ICMP error about the packet at `at`, quoting its header and as much
 * as fits in 576 bytes. Precedence 6 as RFC 1812 §4.3.2.5 asks, TTL 64.
 * @returns its total length.
 */
export function writeIcmpError(
  packet: Uint8Array,
  at: number,
  fields: IcmpErrorFields,
  into: Uint8Array,
  intoAt: number,
): number {
  const quote = Math.min(ipv4TotalLength(packet, at), QUOTE_LIMIT);
  const icmpAt = intoAt + IPV4_HEADER_LENGTH;
  into.set(packet.subarray(at, at + quote), icmpAt + ICMP_HEADER_LENGTH);
  into[icmpAt] = fields.type;
  into[icmpAt + 1] = fields.code;
  writeUint16(into, icmpAt + 4, 0);
  writeUint16(into, icmpAt + 6, fields.mtu);
  updateIcmpChecksum(into, icmpAt, ICMP_HEADER_LENGTH + quote);
  const header = {
    typeOfService: 0xc0 | (packet[at + 1]! & 0x1e),
    identification: fields.identification,
    dontFragment: false,
    moreFragments: false,
    fragmentOffset: 0,
    timeToLive: 64,
    protocol: PROTOCOL_ICMP,
    source: fields.source,
    destination: ipv4Source(packet, at),
    options: NO_OPTIONS,
  };
  return writeIpv4(into, intoAt, header, ICMP_HEADER_LENGTH + quote) + ICMP_HEADER_LENGTH + quote;
}

const NO_OPTIONS = new Uint8Array(0);

/** What an error quotes of the packet it is about, as far as the quote reaches. */
export interface QuotedPacket {
  readonly source: number;
  readonly destination: number;
  readonly protocol: number;
  readonly totalLength: number;
  readonly timeToLive: number;
  /** First eight bytes of the data: ports, or ICMP type, identifier and sequence. Shorter where cut. */
  readonly data: Uint8Array;
  /** UDP and TCP. */
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** ICMP echo. */
  readonly identifier?: number;
  readonly sequence?: number;
}

/** Reads a quoted packet; the quote may be cut anywhere behind the header. `undefined` where it is no IPv4 header. */
export function readQuotedPacket(quoted: Uint8Array): QuotedPacket | undefined {
  if (quoted.length < IPV4_HEADER_LENGTH || quoted[0]! >>> 4 !== 4) return undefined;
  const header = ipv4HeaderLength(quoted, 0);
  if (header < IPV4_HEADER_LENGTH || header > quoted.length) return undefined;
  const data = quoted.slice(header, header + 8);
  const protocol = quoted[9]!;
  const base = {
    source: ipv4Source(quoted, 0),
    destination: ipv4Destination(quoted, 0),
    protocol,
    totalLength: ipv4TotalLength(quoted, 0),
    timeToLive: quoted[8]!,
    data,
  };
  if (data.length < 8) return base;
  if (protocol === PROTOCOL_ICMP)
    return { ...base, identifier: readUint16(data, 4), sequence: readUint16(data, 6) };
  if (protocol === 6 || protocol === 17) {
    return { ...base, sourcePort: readUint16(data, 0), destinationPort: readUint16(data, 2) };
  }
  return base;
}
