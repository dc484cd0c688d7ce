/**
 * NLRI of unicast families, RFC 4271 §4.3 and RFC 4760 §5: prefixes one after another, each
 *
 *   0: 1 length in bits · 1: as many octets as hold these bits
 *
 * Tables read the octets where they stand; nothing is allocated per prefix.
 */

import { formatPrefix, type Prefix, parsePrefix } from '../../ip/prefix.ts';
import type { Family } from '../family.ts';
import { FAMILIES } from '../family.ts';

/** Prefixes of one family, structure checked, as they stood in a message. */
export interface Nlri {
  readonly family: Family;
  readonly bytes: Uint8Array;
}

/** Why a run of prefixes cannot be read: the first bad octet's offset in it, and one line. */
export interface NlriFault {
  readonly offset: number;
  readonly expected: string;
}

/** Checks every length in `bytes`; `undefined` means that all prefixes can be read. */
export function checkNlri(family: Family, bytes: Uint8Array): NlriFault | undefined {
  const maximum = FAMILIES[family].bytes * 8;
  for (let at = 0; at < bytes.length; ) {
    const bits = bytes[at]!;
    if (bits > maximum) return { offset: at, expected: `prefix length ${bits} must be at most ${maximum}` };
    const next = at + 1 + ((bits + 7) >> 3);
    if (next > bytes.length) return { offset: at, expected: `prefix of ${bits} bits is cut off` };
    at = next;
  }
  return undefined;
}

/** Calls `visit` with the offset of each prefix's address octets and its length in bits. */
export function forEachPrefix(nlri: Uint8Array, visit: (offset: number, bits: number) => void): void {
  for (let at = 0; at < nlri.length; ) {
    const bits = nlri[at]!;
    visit(at + 1, bits);
    at += 1 + ((bits + 7) >> 3);
  }
}

/** NLRI of one prefix given as text. @throws RangeError naming the text where it is no prefix. */
export function nlriOf(text: string): Nlri {
  const prefix = parsePrefix(text);
  const bytes = new Uint8Array(1 + ((prefix.length + 7) >> 3));
  bytes[0] = prefix.length;
  bytes.set(prefix.bytes.subarray(0, bytes.length - 1), 1);
  return { family: prefix.version === 4 ? 'ipv4-unicast' : 'ipv6-unicast', bytes };
}

/** Prefixes as text, bits past their length cleared. */
export function nlriText(nlri: Nlri): string[] {
  const texts: string[] = [];
  forEachPrefix(nlri.bytes, (offset, bits) => {
    const bytes = new Uint8Array(FAMILIES[nlri.family].bytes);
    const size = (bits + 7) >> 3;
    bytes.set(nlri.bytes.subarray(offset, offset + size));
    if (bits % 8 !== 0) bytes[size - 1]! &= 0xff << (8 - (bits % 8));
    const prefix: Prefix = { version: bytes.length === 4 ? 4 : 6, bytes, length: bits };
    texts.push(formatPrefix(prefix));
  });
  return texts;
}
