/**
 * Addresses as bgpdump prints them, which has an inet_ntop of its own, not that of the C library: a single group of zeros
 * is `::` too, and so short an address as `::5` is one of IPv4 in IPv6, but for `::1`.
 */

import { readUint32 } from '../bgp/byte-writer.ts';
import { formatIpv4 } from '../ip/ipv4.ts';
import { formatIpv6 } from '../ip/ipv6.ts';

/** Text of 4 or 16 octets. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return formatIpv4(readUint32(bytes, 0));
  return embeddedIpv4(bytes) ?? formatIpv6(bytes, 1);
}

/** `"::192.0.2.1"`, `"::0.0.0.5"` and `"::ffff:192.0.2.1"`; `undefined` for all other addresses. */
function embeddedIpv4(bytes: Uint8Array): string | undefined {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return undefined;
  const mapped = bytes[10] === 0xff && bytes[11] === 0xff;
  const last = readUint32(bytes, 12);
  const compatible = bytes[10] === 0 && bytes[11] === 0 && last > 1;
  if (!mapped && !compatible) return undefined;
  return `${mapped ? '::ffff:' : '::'}${formatIpv4(last)}`;
}
