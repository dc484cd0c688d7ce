/** Arithmetic on addresses within a prefix. Offsets are numbers: no pool or block that is walked has 2^53 addresses. */

import {
  formatAddress,
  formatPrefix,
  type IpVersion,
  type Prefix,
  parseAddress,
  parsePrefix,
} from '../../ip/prefix.ts';

/** Number of addresses or of sub-prefixes; capped at 2^52, so that it can be counted. */
export function powerOfTwo(exponent: number): number {
  return 2 ** Math.min(exponent, 52);
}

/** Number of addresses of a prefix (capped, see {@link powerOfTwo}). */
export function addressCount(prefix: Prefix): number {
  return powerOfTwo(prefix.bytes.length * 8 - prefix.length);
}

/** Address that lies `offset` after the first of the prefix, as text. */
export function addressAt(prefix: Prefix, offset: number): string {
  return formatAddress(add(prefix.bytes, offset));
}

/** The sub-prefix of the given length with number `index`, as CIDR text. */
export function subPrefixAt(prefix: Prefix, length: number, index: number): string {
  const bytes = prefix.bytes.slice();
  // The index is added at the bit where the sub-prefix ends, byte by byte from there.
  let carry = index * 2 ** (7 - ((length + 7) % 8));
  for (let i = Math.ceil(length / 8) - 1; i >= 0 && carry > 0; i--) {
    const sum = bytes[i]! + (carry % 256);
    bytes[i] = sum & 255;
    carry = Math.floor(carry / 256) + (sum >> 8);
  }
  return formatPrefix({ version: prefix.version, bytes, length });
}

/** Position of an address in a prefix; `undefined` where it lies outside or is no address of that IP version. */
export function offsetOf(prefix: Prefix, address: string): number | undefined {
  const bytes = parseAddress(address);
  if (bytes === undefined || bytes.length !== prefix.bytes.length) return undefined;
  let offset = 0;
  for (const [i, byte] of bytes.entries()) {
    const difference = byte - prefix.bytes[i]!;
    offset = offset * 256 + difference;
    if (!Number.isSafeInteger(offset)) return undefined;
  }
  return offset >= 0 && offset < addressCount(prefix) ? offset : undefined;
}

/** CIDR of the prefix of the given length around an address. */
export function enclosingPrefix(address: string, length: number): string {
  return formatPrefix(parsePrefix(`${address}/${length}`, 'mask'));
}

/** IP version of address or CIDR text that is known to be valid. */
export function versionOf(text: string): IpVersion {
  return text.includes(':') ? 6 : 4;
}

function add(base: Uint8Array, offset: number): Uint8Array {
  const bytes = base.slice();
  let carry = offset;
  for (let i = bytes.length - 1; i >= 0 && carry > 0; i--) {
    const sum = bytes[i]! + (carry % 256);
    bytes[i] = sum & 255;
    carry = Math.floor(carry / 256) + (sum >> 8);
  }
  return bytes;
}
