import { readUint16 } from '../bytes/uint.ts';

/**
 * The Internet checksum (RFC 1071): ones' complement of the ones' complement sum of 16-bit words, an odd last byte
 * padded with zero.
 */

/** Adds `length` bytes at `at` to a running sum; not folded. `sum` must come from here, so that it cannot overflow. */
export function checksumAdd(bytes: Uint8Array, at: number, length: number, sum = 0): number {
  let total = sum;
  const end = at + length;
  const evenEnd = end - (length & 1);
  let i = at;
  for (; i + 8 <= evenEnd; i += 8) {
    const high = bytes[i]! + bytes[i + 2]! + bytes[i + 4]! + bytes[i + 6]!;
    total += (high << 8) + bytes[i + 1]! + bytes[i + 3]! + bytes[i + 5]! + bytes[i + 7]!;
  }
  for (; i < evenEnd; i += 2) total += readUint16(bytes, i);
  if (i < end) total += bytes[i]! << 8;
  return total;
}

/** The checksum of a sum made by {@link checksumAdd}, 0 to 0xffff. */
export function checksumFinish(sum: number): number {
  let folded = (sum & 0xffff) + Math.floor(sum / 0x10000);
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16);
  return ~folded & 0xffff;
}

/** Checksum of `length` bytes at `at`; 0 where the bytes contain their own right checksum. */
export function internetChecksum(bytes: Uint8Array, at: number, length: number): number {
  return checksumFinish(checksumAdd(bytes, at, length));
}

/** Sum of the pseudo-header that TCP and UDP checksums cover (RFC 768, RFC 9293 §3.1). */
export function pseudoHeaderSum(
  source: number,
  destination: number,
  protocol: number,
  length: number,
): number {
  return (
    (source >>> 16) +
    (source & 0xffff) +
    (destination >>> 16) +
    (destination & 0xffff) +
    protocol +
    (length & 0xffff)
  );
}

/** A checksum after one 16-bit word under it changed (RFC 1624 §3, eqn. 3). */
export function adjustChecksum(checksum: number, before: number, after: number): number {
  let sum = (~checksum & 0xffff) + (~before & 0xffff) + after;
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
