/**
 * The shape of the policies in a speaker's file: which keys there are, and what kind of value each has. What the texts
 * say is judged where policies are compiled (protocol/bgp/policy/).
 */
import { z } from 'zod';
import type {
  CommunityChange,
  NumberRange,
  PolicyDefinition,
  PolicyMatch,
  PolicySet,
  PolicyStatement,
  PrefixRange,
} from '../../protocol/bgp/policy/definition.ts';
import { asn, family, integer, oneOf, text } from './values.ts';

const count32 = integer(0, 4294967295);

/** One value or a list of them, told apart by what is there, so that errors speak about the right one. */
function oneOrMore<T>(item: z.ZodType<T>, expected: string): z.ZodType<T | T[]> {
  const list = z.array(item, { error: expected }).min(1, { error: 'at least one value' });
  return z.union([list, item], {
    error: (issue) => (Array.isArray(issue.input) ? undefined : `${expected}, or a list of them`),
  });
}

const prefixRange: z.ZodType<PrefixRange> = z
  .union(
    [
      text,
      z.strictObject({
        prefix: text.describe('Prefix such as 10.0.0.0/8.'),
        ge: integer(0, 128).describe('Shortest length of a prefix within it. Default: its own.').optional(),
        le: integer(0, 128)
          .describe('Longest length. Default: its own; with ge, that of a host route.')
          .optional(),
      }),
    ],
    {
      error: (issue) =>
        typeof issue.input === 'object' && issue.input !== null
          ? undefined
          : 'a prefix such as "10.0.0.0/8 ge 16 le 24", or a mapping with prefix, ge, le',
    },
  )
  .describe('"10.0.0.0/8": that prefix alone; "10.0.0.0/8 ge 16 le 24": those within it of 16 to 24 bits.');

const numberRange: z.ZodType<NumberRange> = z.union(
  [
    count32,
    z.strictObject({ min: count32.optional(), max: count32.optional() }).describe('Bounds count as inside.'),
  ],
  {
    error: (issue) =>
      typeof issue.input === 'object' && issue.input !== null
        ? undefined
        : 'a number from 0 to 4294967295, or a mapping with min and max',
  },
);

const community = 'a community such as "65000:1", "65000:1:2", "rt:65000:1" or no-export';
const neighbor = 'an address, a prefix or the name of a peer';
const setName = 'the name of a set';

const match: z.ZodType<PolicyMatch> = z
  .strictObject({
    prefix: oneOrMore(prefixRange, 'a prefix such as "10.0.0.0/8 ge 16 le 24"')
      .describe('Prefix of the route; never holds in families whose routes are no prefixes.')
      .optional(),
    prefixSet: oneOrMore(text, setName).describe('One of prefixSets.').optional(),
    family: oneOrMore(family, 'an address family').describe('Address family.').optional(),
    community: oneOrMore(text, community)
      .describe('Carried by the route; a field may be *, as in "65000:*".')
      .optional(),
    communityAll: z
      .array(text, { error: 'a list of communities' })
      .describe('All carried by the route.')
      .optional(),
    communitySet: oneOrMore(text, setName).describe('One of communitySets.').optional(),
    asPath: oneOrMore(text, 'a regular expression such as "^65001_"')
      .describe('Regular expression on AS_PATH; _ is a boundary between AS numbers.')
      .optional(),
    asPathSet: oneOrMore(text, setName).describe('One of asPathSets.').optional(),
    asPathLength: numberRange.describe('As route selection counts: a set 1, confederations 0.').optional(),
    nextHop: oneOrMore(text, 'an address or prefix').describe('Address, or prefix that holds it.').optional(),
    med: numberRange.describe('MULTI_EXIT_DISC; absent counts as 0.').optional(),
    localPref: numberRange.describe('LOCAL_PREF; absent counts as 100.').optional(),
    origin: oneOrMore(oneOf('igp', 'egp', 'incomplete'), 'one of igp, egp, incomplete')
      .describe('ORIGIN.')
      .optional(),
    source: oneOrMore(
      oneOf('local', 'internal', 'external', 'confederation'),
      'one of local, internal, external, confederation',
    )
      .describe('Where the route comes from: ourselves, or which kind of peer.')
      .optional(),
    neighbor: oneOrMore(text, neighbor)
      .describe('Peer that sent the route: address, prefix, or name.')
      .optional(),
    neighborSet: oneOrMore(text, setName).describe('One of neighborSets.').optional(),
    neighborAs: oneOrMore(asn, 'an AS number').describe('AS of the peer that sent the route.').optional(),
    not: z
      .lazy(() => match)
      .describe('Holds where these conditions together do not.')
      .optional(),
  })
  .describe('Conditions, all of which must hold; in a list, one must.');

const communityChange: z.ZodType<CommunityChange> = z.strictObject({
  add: z.array(text, { error: 'a list of communities' }).describe('Added behind what is there.').optional(),
  remove: z
    .array(text, { error: 'a list of communities' })
    .describe('Taken away before any is added; a field may be *.')
    .optional(),
  replace: z.array(text, { error: 'a list of communities' }).describe('All there are afterwards.').optional(),
});

function numberChange(more: string): z.ZodType<number | string> {
  return z.union([count32, text], { error: `a number from 0 to 4294967295, "+N", "-N"${more}` });
}

const set: z.ZodType<PolicySet> = z
  .strictObject({
    localPref: numberChange('').describe('LOCAL_PREF: a value, or "+10" or "-10".').optional(),
    med: numberChange(' or none').describe('MULTI_EXIT_DISC: a value, "+10", "-10", or none.').optional(),
    nextHop: text
      .describe(
        'An address; self: ours on the session; unchanged: kept even towards another AS; peer: the sender.',
      )
      .optional(),
    origin: oneOf('igp', 'egp', 'incomplete').describe('ORIGIN.').optional(),
    communities: communityChange.describe('Standard communities, "65000:1".').optional(),
    largeCommunities: communityChange.describe('Large communities, "65000:1:2".').optional(),
    extendedCommunities: communityChange.describe('Extended communities, "rt:65000:1".').optional(),
    asPathPrepend: z
      .strictObject({
        asn: z
          .union([asn, z.literal('last')], { error: 'an AS number, or last' })
          .describe('AS number; last: the leftmost one once more.'),
        count: integer(1, 255).describe('How often. Default: 1.').optional(),
      })
      .describe('Puts AS numbers in front of AS_PATH.')
      .optional(),
  })
  .describe('What changes on a route that matches.');

const statement: z.ZodType<PolicyStatement> = z.strictObject({
  name: text.describe('Shown by podwire bgp explain.').optional(),
  match: match.optional(),
  set: set.optional(),
  // biome-ignore lint/suspicious/noThenProperty: the word of the file format, and nothing that anybody awaits
  then: oneOf('accept', 'reject', 'next')
    .describe('What happens to a route that matches. Default: next, the following statement.')
    .optional(),
});

const statements = z.array(statement, { error: 'a list of statements' });

/** One policy: its statements, or a mapping with them. */
export const policySchema: z.ZodType<PolicyDefinition> = z.union(
  [
    statements,
    z.strictObject({
      description: text.describe('For people.').optional(),
      statements: statements.optional(),
      default: oneOf('accept', 'reject')
        .describe('Where no statement decides. Default: the next policy of the peer, after the last reject.')
        .optional(),
    }),
  ],
  {
    error: (issue) =>
      typeof issue.input === 'object' && issue.input !== null
        ? undefined
        : 'a list of statements, or a mapping with statements and default',
  },
);

/** The entries of a set of prefixes. */
export const prefixSetSchema: z.ZodType<PrefixRange[]> = z.array(prefixRange, {
  error: 'a list of prefixes',
});

/** The entries of any other set. */
export const textSetSchema: z.ZodType<string[]> = z.array(text, { error: 'a list of texts' });
