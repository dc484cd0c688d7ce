/**
 * Communities as policies name them: standard `A:B` (RFC 1997) or a well-known name, large `A:B:C` (RFC 8092), extended
 * `rt:A:B` and `soo:A:B` (RFC 4360 §4, §5; RFC 5668), where a field may be `*`; other extended communities by their text
 * (`encap:vxlan`, `0x` and 16 hexadecimal digits).
 */
import { parseAddress } from '../../ip/prefix.ts';
import { type LargeCommunity, parseCommunities } from '../attribute/communities.ts';
import type { ExtendedCommunity } from '../attribute/extended-communities.ts';
import { parseExtendedCommunity } from '../attribute/extended-community-text.ts';
import type { RouteAttributes } from '../rib/route.ts';

export type CommunityKind = 'standard' | 'extended' | 'large';

/** 32-bit words of a community, with ones in the mask where they count. */
interface Masked {
  readonly words: readonly number[];
  readonly masks: readonly number[];
}

export interface CommunityPattern {
  readonly kind: CommunityKind;
  /** One of these must match: an extended community writes the same numbers in several ways. */
  readonly alternatives: readonly Masked[];
}

const ALL = 0xffffffff;
const EXPECTED = 'expected "A:B", "A:B:C", "rt:A:B", "soo:A:B" or a well-known name';

/** @throws RangeError where the text is no community or pattern. */
export function parseCommunityPattern(text: string): CommunityPattern {
  const fields = text.split(':');
  if (fields[0] === 'rt' || fields[0] === 'soo') return extendedPattern(text, fields);
  if (!fields.includes('*')) return exactPattern(text);
  if (fields.length === 2) {
    const [a, b] = fields.map((field) => parseField(field, 0xffff, text));
    return {
      kind: 'standard',
      alternatives: [
        {
          words: [((a!.value << 16) | b!.value) >>> 0],
          masks: [((a!.mask << 16) | (b!.mask & 0xffff)) >>> 0],
        },
      ],
    };
  }
  if (fields.length !== 3) throw notACommunity(text);
  const parsed = fields.map((field) => parseField(field, ALL, text));
  return {
    kind: 'large',
    alternatives: [{ words: parsed.map(({ value }) => value), masks: parsed.map(({ mask }) => mask) }],
  };
}

function exactPattern(text: string): CommunityPattern {
  const plain = tryParse(() => parseCommunities([text]));
  const [large] = plain?.largeCommunities ?? [];
  if (large !== undefined) {
    return exact('large', [large.globalAdministrator, large.localData1, large.localData2]);
  }
  if (plain !== undefined) return exact('standard', [plain.communities[0]!]);
  const extended = tryParse(() => parseExtendedCommunity(text));
  if (extended === undefined) throw notACommunity(text);
  return exact('extended', [extended.high, extended.low]);
}

function tryParse<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

function exact(kind: CommunityKind, words: readonly number[]): CommunityPattern {
  return { kind, alternatives: [{ words, masks: words.map(() => ALL) }] };
}

/** Route targets and route origins: type 0 (2-octet AS), 1 (IPv4 address), 2 (4-octet AS). */
function extendedPattern(text: string, [name, administrator, local]: readonly string[]): CommunityPattern {
  if (administrator === undefined || local === undefined || text.split(':').length !== 3) {
    throw notACommunity(text);
  }
  const subtype = name === 'rt' ? 2 : 3;
  const address = administrator.includes('.') ? parseAddress(administrator) : undefined;
  if (administrator.includes('.')) {
    if (address?.length !== 4) throw notACommunity(text);
    const value = ((address[0]! << 24) | (address[1]! << 16) | (address[2]! << 8) | address[3]!) >>> 0;
    return {
      kind: 'extended',
      alternatives: [long(1, subtype, { value, mask: ALL }, parseField(local, 0xffff, text))],
    };
  }
  const asn = parseField(administrator, ALL, text);
  const number = parseField(local, ALL, text);
  const alternatives: Masked[] = [];
  const short = asn.value <= 0xffff;
  // A 2-octet AS may also come in the 4-octet form, with a number of two octets.
  if (short) alternatives.push(twoOctet(subtype, asn, number));
  if (number.value <= 0xffff) alternatives.push(long(2, subtype, asn, number));
  if (asn.mask === 0 && number.value <= 0xffff) alternatives.push(long(1, subtype, asn, number));
  if (alternatives.length === 0) {
    throw new RangeError(
      `the number of ${text} is ${local}, expected at most 65535 behind an AS number above 65535`,
    );
  }
  return { kind: 'extended', alternatives };
}

function twoOctet(subtype: number, asn: Field, number: Field): Masked {
  return {
    words: [((subtype << 16) | asn.value) >>> 0, number.value],
    masks: [(0xffff0000 | (asn.mask & 0xffff)) >>> 0, number.mask],
  };
}

function long(type: 1 | 2, subtype: number, administrator: Field, number: Field): Masked {
  return {
    words: [
      ((type << 24) | (subtype << 16) | (administrator.value >>> 16)) >>> 0,
      ((administrator.value << 16) | number.value) >>> 0,
    ],
    masks: [
      (0xffff0000 | (administrator.mask >>> 16)) >>> 0,
      ((administrator.mask << 16) | (number.mask & 0xffff)) >>> 0,
    ],
  };
}

interface Field {
  readonly value: number;
  readonly mask: number;
}

function parseField(text: string, max: number, whole: string): Field {
  if (text === '*') return { value: 0, mask: 0 };
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= max)) throw notACommunity(whole);
  return { value, mask: ALL };
}

function notACommunity(text: string): RangeError {
  return new RangeError(`not a community: ${JSON.stringify(text)}, ${EXPECTED}`);
}

/** As {@link parseCommunityPattern}, where only one kind can ever match. @throws RangeError on the others. */
export function parsePatternOf(kind: CommunityKind, text: string): CommunityPattern {
  const pattern = parseCommunityPattern(text);
  if (pattern.kind !== kind) throw wrongKind(text, pattern.kind, kind);
  return pattern;
}

/** The community that a pattern without `*` means, as words; the first of several ways to write it. */
function wordsOf(text: string, kind: CommunityKind): readonly number[] {
  const { words, masks } = parsePatternOf(kind, text).alternatives[0]!;
  if (masks.some((mask) => mask !== ALL)) {
    throw new RangeError(`${JSON.stringify(text)} is a pattern, expected one community`);
  }
  return words;
}

function wrongKind(text: string, is: CommunityKind, expected: CommunityKind): RangeError {
  return new RangeError(`${JSON.stringify(text)} is a ${is} community, expected a ${expected} one`);
}

/** @throws RangeError where the text is not one community of this kind. */
export function standardCommunity(text: string): number {
  return wordsOf(text, 'standard')[0]!;
}

/** @throws RangeError where the text is not one community of this kind. */
export function extendedCommunity(text: string): ExtendedCommunity {
  const [high, low] = wordsOf(text, 'extended');
  return { high: high!, low: low! };
}

/** @throws RangeError where the text is not one community of this kind. */
export function largeCommunity(text: string): LargeCommunity {
  const [globalAdministrator, localData1, localData2] = wordsOf(text, 'large');
  return { globalAdministrator: globalAdministrator!, localData1: localData1!, localData2: localData2! };
}

/** Some patterns, asked whether a community is one of theirs. */
export class CommunitySet {
  /** Standard communities without `*`, which long lists consist of. */
  readonly #standard = new Set<number>();
  readonly #masked: Readonly<Record<CommunityKind, Masked[]>> = { standard: [], extended: [], large: [] };

  constructor(patterns: Iterable<CommunityPattern>) {
    for (const { kind, alternatives } of patterns) {
      for (const alternative of alternatives) {
        if (kind === 'standard' && alternative.masks[0] === ALL) this.#standard.add(alternative.words[0]!);
        else this.#masked[kind].push(alternative);
      }
    }
  }

  hasStandard(value: number): boolean {
    return this.#standard.has(value) || this.#masked.standard.some((masked) => agrees(masked, 0, value));
  }

  hasExtended({ high, low }: ExtendedCommunity): boolean {
    return this.#masked.extended.some((masked) => agrees(masked, 0, high) && agrees(masked, 1, low));
  }

  hasLarge({ globalAdministrator, localData1, localData2 }: LargeCommunity): boolean {
    return this.#masked.large.some(
      (masked) =>
        agrees(masked, 0, globalAdministrator) &&
        agrees(masked, 1, localData1) &&
        agrees(masked, 2, localData2),
    );
  }

  /** Whether a route carries any of them. */
  matches({ communities, extendedCommunities, largeCommunities }: RouteAttributes): boolean {
    return (
      (communities?.some((value) => this.hasStandard(value)) ?? false) ||
      (extendedCommunities?.some((value) => this.hasExtended(value)) ?? false) ||
      (largeCommunities?.some((value) => this.hasLarge(value)) ?? false)
    );
  }
}

function agrees({ words, masks }: Masked, i: number, value: number): boolean {
  return ((value ^ words[i]!) & masks[i]!) === 0;
}
