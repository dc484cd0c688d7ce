/** A routing table as somebody in the Internet has it, made up from a seed: the same seed, the same octets. */
import { AttributeGenerator } from './attribute-generator.ts';
import { PrefixGenerator } from './prefix-generator.ts';
import { SeededRandom, Weighted } from './random.ts';

/** What the table is to be like. */
export interface TableOptions {
  /** How many IPv4 and IPv6 prefixes; each is there once. */
  readonly ipv4: number;
  readonly ipv6: number;
  readonly seed: number;
  /** The AS that the table is seen from: first in every path. */
  readonly asn: number;
  /** With LOCAL_PREF, as within an AS. */
  readonly localPref?: number;
}

/** Routes with the same attributes. All views are valid until the next group. */
export interface RouteGroup {
  readonly family: 'ipv4-unicast' | 'ipv6-unicast';
  /** Prefixes one behind the other, as in an UPDATE. */
  readonly nlri: Uint8Array;
  readonly count: number;
  /** ORIGIN and AS_PATH, with AS numbers of 4 octets: what stands before NEXT_HOP (RFC 4271 §5). */
  readonly before: Uint8Array;
  /** All other attributes, without next hop. */
  readonly after: Uint8Array;
}

/**
 * How many routes have the same attributes: most sets have one or a few, while the largest networks announce thousands
 * alike. About 7 on average, as in full tables.
 */
const GROUP_SIZES = new Weighted<number>([
  [1, 40],
  [2, 17],
  [3, 9],
  [4, 8],
  [6, 8],
  [10, 7],
  [16, 5],
  [30, 3.5],
  [60, 1.5],
  [120, 0.7],
  [300, 0.25],
  [1000, 0.05],
]);
const LARGEST_GROUP = 1000;
/** Percent of prefixes that lie right behind another one of the same group. */
const NEAR = 55;

/** The table, group by group. */
export function* generateTable(options: TableOptions): Generator<RouteGroup> {
  yield* generateFamily('ipv4-unicast', options.ipv4, options);
  yield* generateFamily('ipv6-unicast', options.ipv6, options);
}

function* generateFamily(
  family: RouteGroup['family'],
  count: number,
  options: TableOptions,
): Generator<RouteGroup> {
  if (count === 0) return;
  const size = family === 'ipv4-unicast' ? 4 : 16;
  // Families do not influence each other: the IPv4 part is the same with and without IPv6.
  const random = new SeededRandom(options.seed * 2 + (size === 4 ? 0 : 1));
  const prefixes = new PrefixGenerator(random, size, count);
  const attributes = new AttributeGenerator(random, options);
  const nlri = new Uint8Array(LARGEST_GROUP * prefixes.longest);
  for (let left = count; left > 0; ) {
    const routes = Math.min(left, GROUP_SIZES.draw(random));
    const { before, after } = attributes.next();
    let end = 0;
    for (let i = 0; i < routes; i++) end = prefixes.write(nlri, end, i > 0 && random.percent(NEAR));
    yield { family, nlri: nlri.subarray(0, end), count: routes, before, after };
    left -= routes;
  }
}
