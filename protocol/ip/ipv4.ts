/**
 * IPv4 addresses as unsigned 32-bit integers: the form that tables and the packet path use. Text at the edges only.
 */

/** `"10.0.0.1"` → 0x0a000001. Strict dotted quad: four decimal octets, no leading zeros (RFC 6943 §3.1.1). */
export function parseIpv4(text: string): number {
  const value = tryParseIpv4(text);
  if (value === undefined) throw new RangeError(`not an IPv4 address: ${JSON.stringify(text)}`);
  return value;
}

/** As {@link parseIpv4}, but `undefined` where the text is no IPv4 address. */
export function tryParseIpv4(text: string): number | undefined {
  const octets = text.split('.');
  if (octets.length !== 4) return undefined;
  let value = 0;
  for (const octet of octets) {
    if (!/^(0|[1-9]\d{0,2})$/.test(octet)) return undefined;
    const number = Number(octet);
    if (number > 255) return undefined;
    value = value * 256 + number;
  }
  return value;
}

/** 0x0a000001 → `"10.0.0.1"`. */
export function formatIpv4(address: number): string {
  return `${(address >>> 24) & 255}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** Netmask of a prefix length, 0 to 32, as an unsigned integer. */
export function ipv4Mask(length: number): number {
  return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
}
