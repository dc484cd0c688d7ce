/** Addresses as bgpdump prints them: as the C library's inet_ntop does. */

import { readUint32 } from '../bgp/byte-writer.ts';
import { formatIpv4 } from '../ip/ipv4.ts';
import { formatIpv6 } from '../ip/ipv6.ts';

/** Text of 4 or 16 octets. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return formatIpv4(readUint32(bytes, 0));
  return embeddedIpv4(bytes) ?? formatIpv6(bytes);
}

/** `"::192.0.2.1"` and `"::ffff:192.0.2.1"`; `undefined` for all other addresses. */
function embeddedIpv4(bytes: Uint8Array): string | undefined {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return undefined;
  const mapped = bytes[10] === 0xff && bytes[11] === 0xff;
  const compatible = bytes[10] === 0 && bytes[11] === 0 && (bytes[12] !== 0 || bytes[13] !== 0);
  if (!mapped && !compatible) return undefined;
  return `${mapped ? '::ffff:' : '::'}${formatIpv4(readUint32(bytes, 12))}`;
}
