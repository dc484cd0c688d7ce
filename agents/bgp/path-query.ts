/** What somebody asks of paths, in the terms of {@link PathScan}. */
import { asPathText } from '../../protocol/bgp/attribute/as-path.ts';
import {
  communityText,
  largeCommunityText,
  parseCommunities,
} from '../../protocol/bgp/attribute/communities.ts';
import {
  extendedCommunityText,
  parseExtendedCommunity,
} from '../../protocol/bgp/attribute/extended-community-text.ts';
import { FAMILIES, type Family } from '../../protocol/bgp/family.ts';
import { NLRI_CODECS } from '../../protocol/bgp/nlri/table.ts';
import { compileAsPathRegex } from '../../protocol/bgp/policy/as-path-regex.ts';
import type { PathSelection } from '../../protocol/bgp/rib/path-scan.ts';
import type { RouteAttributes } from '../../protocol/bgp/rib/route.ts';
import { type Prefix, parsePrefix, prefixContains } from '../../protocol/ip/prefix.ts';
import { communityTexts } from './path-view.ts';
import type { FamilyName } from './types.ts';

/** What a path has to be like; everything that is said must hold. */
export interface PathFilter {
  readonly family?: FamilyName;
  /** This prefix, or route in text. */
  readonly prefix?: string;
  /** What is inside the prefix as well. */
  readonly longer?: boolean;
  /** Of any kind, as it is printed or by its numbers. */
  readonly community?: string;
  /** Regular expression on AS_PATH as it is printed, with `_` for a boundary as in routers. */
  readonly asPath?: string;
  readonly best?: boolean;
}

/** Where the paths that are asked for lead to. */
export class Destination {
  readonly #text: string;
  readonly #prefix: Prefix | undefined;
  readonly #longer: boolean;

  /** @throws RangeError where `longer` goes with what is no prefix. */
  constructor(text: string, longer: boolean) {
    this.#text = text;
    this.#prefix = tryPrefix(text);
    this.#longer = longer;
    if (longer && this.#prefix === undefined)
      throw new RangeError(`not an IP prefix: ${JSON.stringify(text)}`);
  }

  /** The prefix that plain prefixes are to be inside of; `undefined` where one alone is meant. */
  get within(): Prefix | undefined {
    return this.#longer ? this.#prefix : undefined;
  }

  /**
   * NLRI of the one route that is meant, in a family: `undefined` where the text cannot be read as one of it.
   */
  nlri(family: Family): Uint8Array | undefined {
    if (this.#longer) return undefined;
    if (FAMILIES[family].prefixes) return plainNlri(this.#prefix, FAMILIES[family].bytes);
    try {
      return NLRI_CODECS[family].parse?.(this.#text);
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  /** Whether a route of a family with more than prefixes is meant, by its text. */
  matches(text: string): boolean {
    if (text === this.#text) return true;
    if (!this.#longer) return false;
    const [word = ''] = text.split(' ', 1);
    const inner = tryPrefix(word);
    return inner !== undefined && prefixContains(this.#prefix!, inner);
  }
}

/** Octets of NLRI; `undefined` where the prefix is of the other IP version. */
function plainNlri(prefix: Prefix | undefined, octets: number): Uint8Array | undefined {
  if (prefix === undefined || prefix.bytes.length !== octets) return undefined;
  return Uint8Array.of(prefix.length, ...prefix.bytes.subarray(0, (prefix.length + 7) >> 3));
}

/** @throws RangeError naming what is no community or regular expression. */
export function attributeTest({ community, asPath }: PathFilter): PathSelection['attributes'] {
  if (community === undefined && asPath === undefined) return undefined;
  const printed = community === undefined ? undefined : asPrinted(community);
  const pattern = asPath === undefined ? undefined : compileAsPathRegex(asPath);
  return (attributes: RouteAttributes) =>
    (printed === undefined || communityTexts(attributes).includes(printed)) &&
    (pattern === undefined || pattern.test(asPathText(attributes.asPath)));
}

/** What {@link communityTexts} has for a community: `"65535:65281"` is `"no-export"`. */
function asPrinted(community: string): string {
  // RFC 5701: with an IPv6 address in brackets, which has one text only.
  if (/^(?:rt|soo|0x[0-9a-f]{4}):\[[^\]]+\]:\d+$/.test(community)) return community;
  try {
    const { communities, largeCommunities } = parseCommunities([community]);
    return communities.map(communityText)[0] ?? largeCommunityText(largeCommunities[0]!);
  } catch {
    return extendedCommunityText(parseExtended(community));
  }
}

function parseExtended(text: string): ReturnType<typeof parseExtendedCommunity> {
  try {
    return parseExtendedCommunity(text);
  } catch {
    const expected = 'expected "A:B", "A:B:C", a well-known name, or an extended one such as "rt:A:B"';
    throw new RangeError(`not a community: ${JSON.stringify(text)}, ${expected}`);
  }
}

function tryPrefix(text: string): Prefix | undefined {
  try {
    return parsePrefix(text, 'mask');
  } catch {
    return undefined;
  }
}
