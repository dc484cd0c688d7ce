/** Byte strings for stimuli: the tester builds its messages itself, apart from podwire's codec, which it also tests. */
import { parseAddress } from '../../../../protocol/ip/prefix.ts';

/** One octet, or octets. */
export type Octets = number | Uint8Array | readonly number[];

/** All parts one after another; a number is one octet. */
export function bytes(...parts: readonly Octets[]): Uint8Array {
  const flat: number[] = [];
  for (const part of parts) {
    if (typeof part === 'number') flat.push(part);
    else for (const octet of part) flat.push(octet);
  }
  return Uint8Array.from(flat);
}

/** Big-endian 16 bits. */
export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}

/** Big-endian 32 bits. */
export function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** Octets of an IPv4 or IPv6 address. @throws RangeError naming the text where it is none. */
export function address(text: string): Uint8Array {
  const found = parseAddress(text);
  if (found === undefined) throw new RangeError(`not an IP address: ${JSON.stringify(text)}`);
  return found;
}

/** A prefix as NLRI: its length in bits, then as many octets as hold them. @throws RangeError where it is none. */
export function nlri(prefix: string): Uint8Array {
  const [text, length] = prefix.split('/');
  const bits = Number(length);
  const octets = address(text!);
  if (!Number.isInteger(bits) || bits < 0 || bits > octets.length * 8) {
    throw new RangeError(`not a prefix: ${JSON.stringify(prefix)}`);
  }
  return bytes(bits, octets.subarray(0, (bits + 7) >> 3));
}

/** A prefix as NLRI behind a path identifier (RFC 7911 §3). */
export function pathNlri(pathId: number, prefix: string): Uint8Array {
  return bytes(u32(pathId), nlri(prefix));
}

/** Lower-case hexadecimal digits, two for each octet. */
export function hex(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join('');
}
