import { DecodeError } from '../bytes/decode-error.ts';
import { readUint16, readUint32, writeUint16, writeUint32 } from '../bytes/uint.ts';
import { adjustChecksum, internetChecksum } from './checksum.ts';

/**
 * IPv4 header (RFC 791 §3.1):
 *
 *     0  version 4, header length in words   1  DSCP, ECN (RFC 2474, 3168)   2  total length (2)
 *     4  identification (2)                  6  flags (3 bits), fragment offset in 8-byte units (13 bits)
 *     8  TTL      9  protocol               10  header checksum (2)
 *    12  source (4)                         16  destination (4)
 *    20  options, to the header length
 */
export const IPV4_HEADER_LENGTH = 20;

/** Largest total length that the header can say. */
export const IPV4_MAX_LENGTH = 65535;

const IPV4_DONT_FRAGMENT = 0x4000;
export const IPV4_MORE_FRAGMENTS = 0x2000;

/** Protocol numbers (IANA "Protocol Numbers"). */
export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;

export interface Ipv4Header {
  readonly typeOfService: number;
  readonly identification: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** In bytes, a multiple of 8. */
  readonly fragmentOffset: number;
  readonly timeToLive: number;
  readonly protocol: number;
  readonly source: number;
  readonly destination: number;
  /** Padded to words; empty in nearly all packets. */
  readonly options: Uint8Array;
}

/** A decoded header and what it says of lengths. */
export interface Ipv4Packet extends Ipv4Header {
  readonly headerLength: number;
  readonly totalLength: number;
  readonly checksum: number;
}

/**
 * Checks everything about the header of the packet at `at` that the packet path relies on, `available` bytes being
 * there (link-layer padding may follow the packet). `undefined` says that it is good; otherwise what is wrong
 * (RFC 1812 §5.2.2).
 */
export function ipv4Fault(
  bytes: Uint8Array,
  at: number,
  available: number,
): 'malformed' | 'bad-checksum' | undefined {
  if (available < IPV4_HEADER_LENGTH || bytes[at]! >>> 4 !== 4) return 'malformed';
  const headerLength = ipv4HeaderLength(bytes, at);
  const totalLength = ipv4TotalLength(bytes, at);
  if (headerLength < IPV4_HEADER_LENGTH || headerLength > totalLength || totalLength > available)
    return 'malformed';
  return internetChecksum(bytes, at, headerLength) === 0 ? undefined : 'bad-checksum';
}

/** Header at `at`; `options` is a copy. @throws DecodeError on a short, contradictory or wrongly summed header. */
export function decodeIpv4(bytes: Uint8Array, at = 0, available: number = bytes.length - at): Ipv4Packet {
  const fault = ipv4Fault(bytes, at, Math.min(available, bytes.length - at));
  if (fault === 'bad-checksum')
    throw new DecodeError('IPv4 header', at + 10, 'expected a right header checksum');
  if (fault === 'malformed') {
    throw new DecodeError(
      'IPv4 header',
      at,
      `expected version 4 and lengths that fit ${Math.max(0, available)} bytes`,
    );
  }
  const headerLength = ipv4HeaderLength(bytes, at);
  const fragment = readUint16(bytes, at + 6);
  return {
    headerLength,
    totalLength: ipv4TotalLength(bytes, at),
    checksum: readUint16(bytes, at + 10),
    typeOfService: bytes[at + 1]!,
    identification: readUint16(bytes, at + 4),
    dontFragment: (fragment & IPV4_DONT_FRAGMENT) !== 0,
    moreFragments: (fragment & IPV4_MORE_FRAGMENTS) !== 0,
    fragmentOffset: (fragment & 0x1fff) * 8,
    timeToLive: bytes[at + 8]!,
    protocol: bytes[at + 9]!,
    source: ipv4Source(bytes, at),
    destination: ipv4Destination(bytes, at),
    options: bytes.slice(at + IPV4_HEADER_LENGTH, at + headerLength),
  };
}

/**
 * Writes a header at `at` for a payload of `payloadLength` bytes, checksum included.
 * @returns header length. @throws RangeError where options are not whole words up to 40 bytes, or the packet is too long.
 */
export function writeIpv4(bytes: Uint8Array, at: number, header: Ipv4Header, payloadLength: number): number {
  const { options } = header;
  const headerLength = IPV4_HEADER_LENGTH + options.length;
  if (options.length > 40 || options.length % 4 !== 0) {
    throw new RangeError(`IPv4 options must be 0 to 40 bytes in words of 4, not ${options.length}`);
  }
  if (headerLength + payloadLength > IPV4_MAX_LENGTH) {
    throw new RangeError(`IPv4 packet of ${headerLength + payloadLength} bytes exceeds ${IPV4_MAX_LENGTH}`);
  }
  bytes[at] = 0x40 | (headerLength >>> 2);
  bytes[at + 1] = header.typeOfService;
  writeUint16(bytes, at + 2, headerLength + payloadLength);
  writeUint16(bytes, at + 4, header.identification);
  const flags =
    (header.dontFragment ? IPV4_DONT_FRAGMENT : 0) | (header.moreFragments ? IPV4_MORE_FRAGMENTS : 0);
  writeUint16(bytes, at + 6, flags | (header.fragmentOffset >>> 3));
  bytes[at + 8] = header.timeToLive;
  bytes[at + 9] = header.protocol;
  writeUint32(bytes, at + 12, header.source);
  writeUint32(bytes, at + 16, header.destination);
  bytes.set(options, at + IPV4_HEADER_LENGTH);
  updateIpv4Checksum(bytes, at);
  return headerLength;
}

/** Computes and writes the header checksum of the header at `at`, whose length field must be right. */
export function updateIpv4Checksum(bytes: Uint8Array, at: number): void {
  writeUint16(bytes, at + 10, 0);
  writeUint16(bytes, at + 10, internetChecksum(bytes, at, ipv4HeaderLength(bytes, at)));
}

/** Header length in bytes as the header says it. */
export function ipv4HeaderLength(bytes: Uint8Array, at: number): number {
  return (bytes[at]! & 15) << 2;
}

/** Total length in bytes as the header says it. */
export function ipv4TotalLength(bytes: Uint8Array, at: number): number {
  return readUint16(bytes, at + 2);
}

/** Source address. */
export function ipv4Source(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at + 12);
}

/** Destination address. */
export function ipv4Destination(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at + 16);
}

/** Whether the DF bit is set. */
export function ipv4DontFragment(bytes: Uint8Array, at: number): boolean {
  return (bytes[at + 6]! & 0x40) !== 0;
}

/** Whether the packet is a fragment: an offset, or more to come. */
export function isIpv4Fragment(bytes: Uint8Array, at: number): boolean {
  return (readUint16(bytes, at + 6) & 0x3fff) !== 0;
}

/** Fragment offset in bytes; 0 for a first fragment or a whole packet. */
export function ipv4FragmentOffset(bytes: Uint8Array, at: number): number {
  return (readUint16(bytes, at + 6) & 0x1fff) << 3;
}

/** One hop less, checksum adjusted (RFC 1812 §5.3.1, RFC 1624). The TTL must be above 0. */
export function decrementTtl(bytes: Uint8Array, at: number): void {
  const before = readUint16(bytes, at + 8);
  const after = before - 0x100;
  bytes[at + 8] = after >>> 8;
  writeUint16(bytes, at + 10, adjustChecksum(readUint16(bytes, at + 10), before, after));
}

/**
 * Whether the first octet belongs to addresses that are no host's: 0/8, 127/8, multicast, reserved and broadcast
 * (RFC 1812 §5.3.7, RFC 6890). Such packets are not forwarded.
 */
export function isMartianOctet(octet: number): boolean {
  return octet === 0 || octet === 127 || octet >= 224;
}
