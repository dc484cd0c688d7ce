/**
 * Fast loops over the NLRI of unicast and multicast families, RFC 4271 §4.3, RFC 4760 §5, RFC 7911 §3: prefixes one
 * after another, each
 *
 *   (4 path identifier, where ADD-PATH was negotiated) · 1 length in bits · as many octets as hold these bits
 *
 * Tables read the octets where they stand; nothing is allocated per prefix.
 */
import { parsePrefix } from '../../ip/prefix.ts';
import { readUint32 } from '../byte-writer.ts';
import { FAMILIES, type Family } from '../family.ts';
import type { Nlri, NlriFault } from './codec.ts';
import { parseIpPrefix } from './ip-prefix.ts';
import { NLRI_CODECS } from './table.ts';
import { checkRoutes, forEachRoute, PATH_ID_LENGTH } from './walk.ts';

export type { Nlri, NlriFault } from './codec.ts';

const EMPTY: Uint8Array = new Uint8Array(0);

/**
 * Checks every length in `bytes`, NLRI of any family; `undefined` means that all routes can be read.
 * @param addPath whether a path identifier stands before each.
 */
export function checkNlri(family: Family, bytes: Uint8Array, addPath = false): NlriFault | undefined {
  const { prefixes, bytes: size } = FAMILIES[family];
  return prefixes ? checkPrefixes(bytes, size * 8, addPath) : checkRoutes(family, bytes, addPath);
}

function checkPrefixes(bytes: Uint8Array, maximum: number, addPath: boolean): NlriFault | undefined {
  const before = addPath ? PATH_ID_LENGTH : 0;
  for (let at = 0; at < bytes.length; ) {
    if (at + before >= bytes.length) return { offset: at, expected: 'path identifier or prefix is cut off' };
    at += before;
    const bits = bytes[at]!;
    if (bits > maximum) return { offset: at, expected: `prefix length ${bits} must be at most ${maximum}` };
    const next = at + 1 + ((bits + 7) >> 3);
    if (next > bytes.length) return { offset: at, expected: `prefix of ${bits} bits is cut off` };
    at = next;
  }
  return undefined;
}

/**
 * Goes through plain prefixes that {@link checkNlri} found sound, one after another; used again and again, it costs no
 * memory. {@link forEachRoute} does any family.
 */
export class PrefixWalk {
  /** Where the prefix stands: its length octet. */
  at = 0;
  /** Its path identifier, 0 where there is none. */
  pathId = 0;
  #octets = EMPTY;
  #next = 0;
  #end = 0;
  #addPath = false;

  /** Begins before the first prefix of the octets from `start` to `end`. */
  begin(octets: Uint8Array, start: number, end: number, addPath: boolean): void {
    this.#octets = octets;
    this.#next = start;
    this.#end = end;
    this.#addPath = addPath;
  }

  /** Goes to the next prefix. Returns whether there is one. */
  next(): boolean {
    let at = this.#next;
    if (at >= this.#end) return false;
    if (this.#addPath) {
      this.pathId = readUint32(this.#octets, at);
      at += PATH_ID_LENGTH;
    } else this.pathId = 0;
    this.at = at;
    this.#next = at + 1 + ((this.#octets[at]! + 7) >> 3);
    return true;
  }
}

/**
 * Calls `visit` with the offset of each prefix's address octets, its length in bits and its path identifier, 0 where
 * there is none; otherwise as {@link PrefixWalk}.
 */
export function forEachPrefix(
  nlri: Uint8Array,
  visit: (offset: number, bits: number, pathId: number) => void,
  addPath = false,
): void {
  const walk = new PrefixWalk();
  walk.begin(nlri, 0, nlri.length, addPath);
  while (walk.next()) visit(walk.at + 1, nlri[walk.at]!, walk.pathId);
}

/** Unicast NLRI of one prefix given as text. @throws RangeError naming the text where it is no prefix. */
export function nlriOf(text: string): Nlri {
  const size = parsePrefix(text).version === 4 ? 4 : 16;
  return { family: size === 4 ? 'ipv4-unicast' : 'ipv6-unicast', bytes: parseIpPrefix(text, size) };
}

/** Every route as text, path identifiers left out. */
export function nlriText(nlri: Nlri): string[] {
  const texts: string[] = [];
  forEachRoute(nlri.family, nlri.bytes, nlri.addPath === true, (offset, end) => {
    texts.push(NLRI_CODECS[nlri.family].text(nlri.bytes.subarray(offset, end)));
  });
  return texts;
}
