import { formatIpv4, ipv4Mask, tryParseIpv4 } from './ipv4.ts';
import { formatIpv6, tryParseIpv6 } from './ipv6.ts';

/** Address family as a number, 4 or 6. */
export type IpVersion = 4 | 6;

/**
 * An IP prefix for configuration, control and text. `bytes` is the network address (4 or 16 bytes) with all host
 * bits zero. Tables keep prefixes as integers instead.
 */
export interface Prefix {
  readonly version: IpVersion;
  readonly bytes: Uint8Array;
  readonly length: number;
}

/**
 * `"10.0.0.0/24"` or `"2001:db8::/32"` → {@link Prefix}. A bare address is a /32 or /128.
 * @param hostBits what to do with bits beyond the length: `"reject"` (default) or `"mask"`.
 * @throws RangeError naming the text where it is no prefix.
 */
export function parsePrefix(text: string, hostBits: 'reject' | 'mask' = 'reject'): Prefix {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const bytes = parseAddress(address);
  if (bytes === undefined) throw new RangeError(`not an IP prefix: ${JSON.stringify(text)}`);
  const bits = bytes.length * 8;
  const lengthText = slash < 0 ? String(bits) : text.slice(slash + 1);
  const length = Number(lengthText);
  if (!/^(0|[1-9]\d{0,2})$/.test(lengthText) || length > bits) {
    throw new RangeError(`prefix length of ${JSON.stringify(text)} must be 0 to ${bits}`);
  }
  const masked = maskBytes(bytes, length);
  if (hostBits === 'reject' && masked.some((byte, i) => byte !== bytes[i])) {
    const version = bytes.length === 4 ? 4 : 6;
    throw new RangeError(
      `${text} has host bits set; did you mean ${formatPrefix({ version, bytes: masked, length })}?`,
    );
  }
  return { version: bytes.length === 4 ? 4 : 6, bytes: masked, length };
}

/** Text of a prefix, `"10.0.0.0/24"` or RFC 5952 `"2001:db8::/32"`. */
export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix.bytes)}/${prefix.length}`;
}

/** Address bytes (4 or 16) of text, or `undefined` where it is no address. */
export function parseAddress(text: string): Uint8Array | undefined {
  const ipv4 = tryParseIpv4(text);
  if (ipv4 !== undefined)
    return Uint8Array.of(ipv4 >>> 24, (ipv4 >>> 16) & 255, (ipv4 >>> 8) & 255, ipv4 & 255);
  return tryParseIpv6(text);
}

/** Text of 4 or 16 address bytes. */
export function formatAddress(bytes: Uint8Array): string {
  return bytes.length === 4 ? formatIpv4(readIpv4(bytes)) : formatIpv6(bytes);
}

/** Whether `inner` lies wholly inside `outer` (equal counts as inside). */
export function prefixContains(outer: Prefix, inner: Prefix): boolean {
  if (outer.version !== inner.version || outer.length > inner.length) return false;
  const masked = maskBytes(inner.bytes, outer.length);
  return masked.every((byte, i) => byte === outer.bytes[i]);
}

/** Whether two prefixes share any address. */
export function prefixesOverlap(a: Prefix, b: Prefix): boolean {
  return prefixContains(a, b) || prefixContains(b, a);
}

/** An IPv4 prefix as integers, for tables. @throws RangeError on an IPv6 prefix. */
export function ipv4Prefix(text: string): { readonly address: number; readonly length: number } {
  const prefix = parsePrefix(text);
  if (prefix.version !== 4) throw new RangeError(`not an IPv4 prefix: ${text}`);
  return { address: (readIpv4(prefix.bytes) & ipv4Mask(prefix.length)) >>> 0, length: prefix.length };
}

function readIpv4(bytes: Uint8Array): number {
  return ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0;
}

function maskBytes(bytes: Uint8Array, length: number): Uint8Array {
  return bytes.map((byte, i) => {
    const keep = Math.min(8, Math.max(0, length - 8 * i));
    return byte & (0xff << (8 - keep));
  });
}
