/**
 * A set of policies as people write it: plain data, as it comes out of YAML or JSON. Wherever a value may be a list,
 * one of its elements has to match.
 */
import type { Family } from '../family.ts';

export interface PolicyDefinitions {
  readonly prefixSets?: Readonly<Record<string, readonly PrefixRange[]>>;
  /** Community patterns by name of the set; see {@link PolicyMatch.community}. */
  readonly communitySets?: Readonly<Record<string, readonly string[]>>;
  /** Regular expressions by name of the set; see {@link PolicyMatch.asPath}. */
  readonly asPathSets?: Readonly<Record<string, readonly string[]>>;
  /** Addresses, prefixes and names of peers by name of the set. */
  readonly neighborSets?: Readonly<Record<string, readonly string[]>>;
  readonly policies: Readonly<Record<string, PolicyDefinition>>;
}

/** The statements alone, or with what happens where none of them decides. */
export type PolicyDefinition = readonly PolicyStatement[] | PolicyBody;

export interface PolicyBody {
  readonly description?: string | undefined;
  readonly statements?: readonly PolicyStatement[] | undefined;
  /**
   * Where no statement decided; absent: the next policy of the list that the peer has, and behind the last of them
   * `reject`, as the end of a route map.
   */
  readonly default?: 'accept' | 'reject' | undefined;
}

export interface PolicyStatement {
  /** For `explain`; absent: its place. */
  readonly name?: string | undefined;
  /** All of its conditions must hold; absent: every route. */
  readonly match?: PolicyMatch | undefined;
  readonly set?: PolicySet | undefined;
  /** Absent: `next`, which goes on to the following statement with the changed route. */
  readonly then?: 'accept' | 'reject' | 'next' | undefined;
}

/** One value or several. */
export type OneOrMore<T> = T | readonly T[];

/**
 * A range of prefixes: `"10.0.0.0/8"` is that prefix alone, `"10.0.0.0/8 ge 16 le 24"` those within it of 16 to 24
 * bits, as in a prefix list of FRR: `ge` alone goes up to host routes, `le` alone starts at the prefix itself.
 */
export type PrefixRange =
  | string
  | { readonly prefix: string; readonly ge?: number | undefined; readonly le?: number | undefined };

/** A number, or bounds that count as inside. */
export type NumberRange = number | { readonly min?: number | undefined; readonly max?: number | undefined };

export type PolicyOrigin = 'igp' | 'egp' | 'incomplete';
export type SourceKind = 'local' | 'internal' | 'external' | 'confederation';

export interface PolicyMatch {
  /** Never holds for a route that is no prefix. */
  readonly prefix?: OneOrMore<PrefixRange> | undefined;
  readonly prefixSet?: OneOrMore<string> | undefined;
  readonly family?: OneOrMore<Family> | undefined;
  /**
   * Carried by the route: `"65000:1"` or a well-known name, `"65000:1:2"` (large), `"rt:65000:1"` (extended). A field
   * may be `*`: `"65000:*"`.
   */
  readonly community?: OneOrMore<string> | undefined;
  /** All of these are carried by the route. */
  readonly communityAll?: readonly string[] | undefined;
  readonly communitySet?: OneOrMore<string> | undefined;
  /**
   * Regular expression on the path as FRR prints it (`"65001 65002 {65003,65004}"`), where `_` stands for a
   * boundary: start, end, blank, comma, parenthesis or brace.
   */
  readonly asPath?: OneOrMore<string> | undefined;
  readonly asPathSet?: OneOrMore<string> | undefined;
  /** As route selection counts: a set counts 1, confederation segments 0. */
  readonly asPathLength?: NumberRange | undefined;
  /** Address or prefix that holds it. */
  readonly nextHop?: OneOrMore<string> | undefined;
  /** Absent MED counts as 0, absent LOCAL_PREF as 100, as in route selection. */
  readonly med?: NumberRange | undefined;
  readonly localPref?: NumberRange | undefined;
  readonly origin?: OneOrMore<PolicyOrigin> | undefined;
  readonly source?: OneOrMore<SourceKind> | undefined;
  /** The peer that sent the route: address, prefix that holds it, or name. Never holds for an own route. */
  readonly neighbor?: OneOrMore<string> | undefined;
  readonly neighborSet?: OneOrMore<string> | undefined;
  /** AS of that peer. */
  readonly neighborAs?: OneOrMore<number> | undefined;
  /** None of this may hold at once: the negation of the whole. */
  readonly not?: PolicyMatch | undefined;
}

/** `add` comes last, so that `remove: ["*:*"], add: [...]` does what it says; `replace` stands alone. */
export interface CommunityChange {
  readonly add?: readonly string[] | undefined;
  /** Patterns as in {@link PolicyMatch.community}. */
  readonly remove?: readonly string[] | undefined;
  readonly replace?: readonly string[] | undefined;
}

/** A value, or what to add to it: `"+10"`, `"-10"`. Results stay within 0 and 4294967295. */
export type NumberChange = number | string;

export interface PolicySet {
  readonly localPref?: NumberChange | undefined;
  /** `"none"` removes it. */
  readonly med?: NumberChange | undefined;
  /**
   * An address; `self`: that of the session the route goes out on; `unchanged`: kept even towards another AS;
   * `peer`: the address of the peer that sent the route.
   */
  readonly nextHop?: string | undefined;
  readonly origin?: PolicyOrigin | undefined;
  readonly communities?: CommunityChange | undefined;
  readonly largeCommunities?: CommunityChange | undefined;
  readonly extendedCommunities?: CommunityChange | undefined;
  /** `last`: the leftmost AS once more. `count` is 1 where absent. */
  readonly asPathPrepend?: { readonly asn: number | 'last'; readonly count?: number | undefined } | undefined;
}
