/** Compiles the conditions of a statement. */
import { type Prefix, parsePrefix } from '../../ip/prefix.ts';
import { asPathLength } from '../attribute/as-path.ts';
import { FAMILIES } from '../family.ts';
import { DEFAULT_LOCAL_PREF, type RouteAttributes } from '../rib/route.ts';
import { asPathRegexText, compileAsPathRegex } from './as-path-regex.ts';
import { CommunitySet, parseCommunityPattern } from './community-pattern.ts';
import type { NumberRange, PolicyMatch } from './definition.ts';
import { PolicyError } from './error.ts';
import { PrefixSet, parsePrefixRange } from './prefix-set.ts';
import type { Matcher } from './statement.ts';

type Path = readonly (string | number)[];

/** The named sets that conditions refer to. */
export interface CompiledSets {
  readonly prefixSets: ReadonlyMap<string, PrefixSet>;
  readonly communitySets: ReadonlyMap<string, CommunitySet>;
  readonly asPathSets: ReadonlyMap<string, readonly RegExp[]>;
  readonly neighborSets: ReadonlyMap<string, NeighborSet>;
}

type Compiler<T> = (value: T, path: Path, sets: CompiledSets) => Matcher;
type Compilers = { readonly [K in keyof PolicyMatch]-?: Compiler<NonNullable<PolicyMatch[K]>> };

const ORIGINS: readonly string[] = ['igp', 'egp', 'incomplete'];
const SOURCES: readonly string[] = ['local', 'internal', 'external', 'confederation'];

const COMPILERS: Compilers = {
  prefix: (ranges, path) => onPrefix([new PrefixSet(each(ranges, path, parsePrefixRange))]),
  prefixSet: (names, path, { prefixSets }) => onPrefix(named(names, path, prefixSets)),
  family(families, path) {
    const wanted = new Set<string>(oneOf(families, path, Object.keys(FAMILIES)));
    return { usesPrefix: false, test: (route) => wanted.has(route.family) };
  },
  community: (texts, path) => onCommunities([new CommunitySet(each(texts, path, parseCommunityPattern))]),
  communityAll(texts, path) {
    const all = each(texts, path, (text) => new CommunitySet([parseCommunityPattern(text)]));
    return onAttributes((attributes) => all.every((one) => one.matches(attributes)));
  },
  communitySet: (names, path, { communitySets }) => onCommunities(named(names, path, communitySets)),
  asPath: (expressions, path) => onAsPath(each(expressions, path, compileAsPathRegex)),
  asPathSet: (names, path, { asPathSets }) => onAsPath(named(names, path, asPathSets).flat()),
  asPathLength: (range, path) => onNumber(range, path, ({ asPath }) => asPathLength(asPath)),
  nextHop(texts, path) {
    const addresses = new PrefixSet(each(texts, path, (text) => addressRange(parsePrefix(text))));
    // A link-local address that came along is not the one that counts.
    return onAttributes(({ nextHop }) => nextHop.length > 0 && addresses.hasAddress(nextHop.subarray(0, 16)));
  },
  med: (range, path) => onNumber(range, path, ({ med }) => med ?? 0),
  localPref: (range, path) => onNumber(range, path, ({ localPref }) => localPref ?? DEFAULT_LOCAL_PREF),
  origin(names, path) {
    const wanted = new Set(oneOf(names, path, ORIGINS).map((name) => ORIGINS.indexOf(name)));
    return onAttributes(({ origin }) => wanted.has(origin));
  },
  source(kinds, path) {
    const wanted = new Set<string>(oneOf(kinds, path, SOURCES));
    return { usesPrefix: false, test: (route) => wanted.has(route.source.kind) };
  },
  neighbor: (texts, path) => onNeighbor([new NeighborSet(each(texts, path, String))]),
  neighborSet: (names, path, { neighborSets }) => onNeighbor(named(names, path, neighborSets)),
  neighborAs(asns, path) {
    const wanted = new Set(each(asns, path, asNumber));
    return {
      usesPrefix: false,
      test: ({ source }) => source.kind !== 'local' && wanted.has(source.asn),
    };
  },
  not(match, path, sets) {
    const inner = compileMatch(match, path, sets);
    return {
      usesPrefix: inner.some((matcher) => matcher.usesPrefix),
      test: (route, attributes) => !inner.every((matcher) => matcher.test(route, attributes)),
    };
  },
};

/** The conditions of a statement; all of them must hold. @throws PolicyError with the path of the bad value. */
export function compileMatch(match: PolicyMatch, path: Path, sets: CompiledSets): readonly Matcher[] {
  return Object.entries(match).flatMap(([key, value]) => {
    if (value === undefined) return [];
    if (!Object.hasOwn(COMPILERS, key)) {
      throw new PolicyError(
        [...path, key],
        `unknown condition, expected one of ${Object.keys(COMPILERS).join(', ')}`,
      );
    }
    const compile = COMPILERS[key as keyof PolicyMatch] as Compiler<unknown>;
    return [compile(value, [...path, key], sets)];
  });
}

/** Peers by address, prefix and name. */
export class NeighborSet {
  readonly #addresses: PrefixSet;
  readonly #names: ReadonlySet<string>;

  constructor(texts: readonly string[]) {
    const prefixes = texts.map(tryPrefix);
    this.#addresses = new PrefixSet(
      prefixes.flatMap((prefix) => (prefix === undefined ? [] : [addressRange(prefix)])),
    );
    this.#names = new Set(texts.filter((_, i) => prefixes[i] === undefined));
  }

  has(address: Uint8Array | undefined, name: string): boolean {
    return this.#names.has(name) || (address !== undefined && this.#addresses.hasAddress(address));
  }
}

function tryPrefix(text: string): Prefix | undefined {
  try {
    return parsePrefix(text);
  } catch {
    return undefined;
  }
}

function addressRange(prefix: Prefix): { prefix: Prefix; min: number; max: number } {
  const bits = prefix.bytes.length * 8;
  return { prefix, min: bits, max: bits };
}

function onPrefix(sets: readonly PrefixSet[]): Matcher {
  return {
    usesPrefix: true,
    test: ({ prefix }) => prefix !== undefined && sets.some((set) => set.has(prefix)),
  };
}

function onAttributes(test: (attributes: RouteAttributes) => boolean): Matcher {
  return { usesPrefix: false, test: (_, attributes) => test(attributes) };
}

function onCommunities(sets: readonly CommunitySet[]): Matcher {
  return onAttributes((attributes) => sets.some((set) => set.matches(attributes)));
}

function onAsPath(expressions: readonly RegExp[]): Matcher {
  return onAttributes(({ asPath }) => {
    const text = asPathRegexText(asPath);
    return expressions.some((expression) => expression.test(text));
  });
}

function onNeighbor(sets: readonly NeighborSet[]): Matcher {
  return {
    usesPrefix: false,
    test: ({ source }) => source.kind !== 'local' && sets.some((set) => set.has(source.address, source.name)),
  };
}

function onNumber(range: NumberRange, path: Path, read: (attributes: RouteAttributes) => number): Matcher {
  const { min = 0, max = 0xffffffff } = typeof range === 'number' ? { min: range, max: range } : range;
  for (const bound of [min, max]) {
    if (!Number.isInteger(bound) || bound < 0 || bound > 0xffffffff) {
      throw new PolicyError(path, `${bound} is no bound, expected a whole number from 0 to 4294967295`);
    }
  }
  if (min > max) throw new PolicyError(path, `min ${min} is above max ${max}, expected min <= max`);
  return onAttributes((attributes) => {
    const value = read(attributes);
    return value >= min && value <= max;
  });
}

function asNumber(value: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= 0xffffffff) return value;
  throw new RangeError(`${JSON.stringify(value)} is no AS number, expected 1 to 4294967295`);
}

/**
 * Reads each of one or more values; a fault is reported at its own place.
 * @throws PolicyError
 */
export function each<T, R>(values: T | readonly T[], path: Path, read: (value: T) => R): R[] {
  const many = Array.isArray(values);
  const list = (many ? values : [values]) as readonly T[];
  if (list.length === 0) throw new PolicyError(path, 'empty list, expected at least one value');
  return list.map((value, i) => {
    try {
      return read(value);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new PolicyError(many ? [...path, i] : path, error.message);
    }
  });
}

function oneOf<T extends string>(values: T | readonly T[], path: Path, known: readonly string[]): T[] {
  return each(values, path, (value) => {
    if (known.includes(value)) return value;
    throw new RangeError(`${JSON.stringify(value)} is not known, expected one of ${known.join(', ')}`);
  });
}

function named<T>(names: string | readonly string[], path: Path, sets: ReadonlyMap<string, T>): T[] {
  return each(names, path, (name) => {
    const set = sets.get(name);
    if (set !== undefined) return set;
    const known = sets.size === 0 ? 'none is defined' : `expected one of ${[...sets.keys()].join(', ')}`;
    throw new RangeError(`no set of this kind is named ${JSON.stringify(name)}, ${known}`);
  });
}
