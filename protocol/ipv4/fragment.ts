import { writeUint16 } from '../bytes/uint.ts';
import {
  IPV4_HEADER_LENGTH,
  IPV4_MORE_FRAGMENTS,
  ipv4DontFragment,
  ipv4FragmentOffset,
  ipv4HeaderLength,
  ipv4TotalLength,
  updateIpv4Checksum,
} from './header.ts';

/** Every link carries IPv4 packets of this size unfragmented (RFC 791 §3.2); a smaller MTU leaves no room for data. */
export const IPV4_MINIMUM_MTU = 68;

/**
 * Writes into `into` the fragment of the packet `from` (whole or itself a fragment, header already checked) whose data
 * begin `start` bytes into its data, as large as `mtu` (at least 68) allows (RFC 791 §3.2, "Fragmentation").
 * The caller begins with `start` 0 and adds {@link ipv4DataLength} of each fragment until the packet's own is reached.
 * @returns total length of the fragment.
 */
export function writeFragment(
  from: Uint8Array,
  fromAt: number,
  start: number,
  mtu: number,
  into: Uint8Array,
  intoAt: number,
): number {
  const fromHeader = ipv4HeaderLength(from, fromAt);
  const header =
    start === 0 ? copyHeader(from, fromAt, into, intoAt) : copyNextHeader(from, fromAt, into, intoAt);
  const remaining = ipv4DataLength(from, fromAt) - start;
  const room = (mtu - header) & ~7;
  const length = header + remaining <= mtu ? remaining : room;
  const data = fromAt + fromHeader + start;
  into.set(from.subarray(data, data + length), intoAt + header);
  const more = length < remaining || (from[fromAt + 6]! & 0x20) !== 0;
  const flags = (ipv4DontFragment(from, fromAt) ? 0x4000 : 0) | (more ? IPV4_MORE_FRAGMENTS : 0);
  writeUint16(into, intoAt + 6, flags | ((ipv4FragmentOffset(from, fromAt) + start) >>> 3));
  writeUint16(into, intoAt + 2, header + length);
  updateIpv4Checksum(into, intoAt);
  return header + length;
}

/** Bytes after the header, as the header says. */
export function ipv4DataLength(bytes: Uint8Array, at: number): number {
  return ipv4TotalLength(bytes, at) - ipv4HeaderLength(bytes, at);
}

function copyHeader(from: Uint8Array, fromAt: number, into: Uint8Array, intoAt: number): number {
  const length = ipv4HeaderLength(from, fromAt);
  into.set(from.subarray(fromAt, fromAt + length), intoAt);
  return length;
}

/** Header of a fragment that is not the first: only options with the copied flag (RFC 791 §3.1, "Options"). */
function copyNextHeader(from: Uint8Array, fromAt: number, into: Uint8Array, intoAt: number): number {
  into.set(from.subarray(fromAt, fromAt + IPV4_HEADER_LENGTH), intoAt);
  const end = fromAt + ipv4HeaderLength(from, fromAt);
  let to = intoAt + IPV4_HEADER_LENGTH;
  let option = fromAt + IPV4_HEADER_LENGTH;
  while (option < end && from[option] !== 0) {
    // No-operation has no length octet; a length that leads nowhere ends the list.
    const length = from[option] === 1 ? 1 : option + 1 < end ? from[option + 1]! : 0;
    if (length === 0 || (length === 1 && from[option] !== 1) || option + length > end) break;
    if ((from[option]! & 0x80) !== 0) {
      into.set(from.subarray(option, option + length), to);
      to += length;
    }
    option += length;
  }
  while ((to - intoAt) % 4 !== 0) into[to++] = 0;
  into[intoAt] = 0x40 | ((to - intoAt) >>> 2);
  return to - intoAt;
}
