/** An IP prefix inside NLRI: its length in bits, and as many octets as hold these bits. Shared by all codecs. */
import { formatPrefix, parsePrefix } from '../../ip/prefix.ts';

/** Octets that hold `bits` bits. */
export function octetsOf(bits: number): number {
  return (bits + 7) >> 3;
}

/** Clears what stands in the last octet of a prefix past its length; `bytes` are exactly its octets. */
export function clearHostBits(bytes: Uint8Array, bits: number): void {
  if (bits % 8 !== 0 && bytes.length > 0) bytes[bytes.length - 1]! &= 0xff << (8 - (bits % 8));
}

/** Text of a prefix whose octets start at `at`, bits past its length cleared. @param size octets of an address. */
export function prefixText(bytes: Uint8Array, at: number, bits: number, size: 4 | 16): string {
  const address = new Uint8Array(size);
  const octets = octetsOf(bits);
  address.set(bytes.subarray(at, at + octets));
  clearHostBits(address.subarray(0, octets), bits);
  return formatPrefix({ version: size === 4 ? 4 : 6, bytes: address, length: bits });
}

/**
 * Length octet and octets of a prefix given as text.
 * @throws RangeError naming the text where it is no prefix of an address of `size` octets.
 */
export function parseIpPrefix(text: string, size: 4 | 16): Uint8Array {
  const prefix = parsePrefix(text);
  if (prefix.bytes.length !== size) throw new RangeError(`not an IPv${size === 4 ? 4 : 6} prefix: ${text}`);
  const bytes = new Uint8Array(1 + octetsOf(prefix.length));
  bytes[0] = prefix.length;
  bytes.set(prefix.bytes.subarray(0, bytes.length - 1), 1);
  return bytes;
}
