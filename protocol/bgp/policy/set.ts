/** Compiles what a statement sets. */
import { parseAddress } from '../../ip/prefix.ts';
import { firstAs, prependAs } from '../attribute/as-path.ts';
import { DEFAULT_LOCAL_PREF, type RouteAttributes } from '../rib/route.ts';
import {
  type CommunityKind,
  CommunitySet,
  extendedCommunity,
  largeCommunity,
  parsePatternOf,
  standardCommunity,
} from './community-pattern.ts';
import type { CommunityChange, NumberChange, PolicySet } from './definition.ts';
import { PolicyError } from './error.ts';
import { each } from './match.ts';
import type { Setter } from './statement.ts';

type Path = readonly (string | number)[];
type Compiler<T> = (value: T, path: Path) => Setter;
type Compilers = { readonly [K in keyof PolicySet]-?: Compiler<NonNullable<PolicySet[K]>> };

const MAX_UINT32 = 0xffffffff;
const MAX_PREPEND = 255;
const ORIGINS = ['igp', 'egp', 'incomplete'] as const;
const NO_NEXT_HOP = new Uint8Array(0);

const COMPILERS: Compilers = {
  localPref(change, path) {
    const next = numberChange(change, path);
    return {
      text: `localPref ${change}`,
      apply(_, attributes) {
        const localPref = next(attributes.localPref ?? DEFAULT_LOCAL_PREF);
        return localPref === attributes.localPref ? attributes : { ...attributes, localPref };
      },
    };
  },
  med(change, path) {
    if (change === 'none') return { text: 'med none', apply: (_, attributes) => withoutMed(attributes) };
    const next = numberChange(change, path, ' or none');
    return {
      text: `med ${change}`,
      apply(_, attributes) {
        const med = next(attributes.med ?? 0);
        return med === attributes.med ? attributes : { ...attributes, med };
      },
    };
  },
  nextHop(text, path) {
    return { text: `nextHop ${text}`, apply: nextHopChange(text, path) };
  },
  origin(name, path) {
    const origin = ORIGINS.indexOf(name) as 0 | 1 | 2 | -1;
    if (origin < 0) {
      throw new PolicyError(path, `${JSON.stringify(name)} is no origin, expected igp, egp or incomplete`);
    }
    return {
      text: `origin ${name}`,
      apply: (_, attributes) =>
        attributes.origin === origin ? attributes : { ...attributes, origin: origin as 0 | 1 | 2 },
    };
  },
  communities: (change, path) =>
    communityChange('communities', 'standard', change, path, {
      parse: standardCommunity,
      has: (set, value) => set.hasStandard(value),
      equal: (a, b) => a === b,
    }),
  largeCommunities: (change, path) =>
    communityChange('largeCommunities', 'large', change, path, {
      parse: largeCommunity,
      has: (set, value) => set.hasLarge(value),
      equal: (a, b) =>
        a.globalAdministrator === b.globalAdministrator &&
        a.localData1 === b.localData1 &&
        a.localData2 === b.localData2,
    }),
  extendedCommunities: (change, path) =>
    communityChange('extendedCommunities', 'extended', change, path, {
      parse: extendedCommunity,
      has: (set, value) => set.hasExtended(value),
      equal: (a, b) => a.high === b.high && a.low === b.low,
    }),
  asPathPrepend({ asn, count = 1 }, path) {
    if (asn !== 'last' && !(Number.isInteger(asn) && asn >= 1 && asn <= MAX_UINT32)) {
      throw new PolicyError(
        [...path, 'asn'],
        `${JSON.stringify(asn)} is no AS number, expected 1 to 4294967295 or last`,
      );
    }
    if (!Number.isInteger(count) || count < 1 || count > MAX_PREPEND) {
      throw new PolicyError([...path, 'count'], `${count} is no count, expected 1 to ${MAX_PREPEND}`);
    }
    return {
      text: `asPathPrepend ${asn}${count === 1 ? '' : ` ${count} times`}`,
      apply: (_, attributes) => prepend(attributes, asn, count),
    };
  },
};

/** What a statement changes, in the order in which it is written. @throws PolicyError with the path of the bad value. */
export function compileSet(set: PolicySet, path: Path): readonly Setter[] {
  return Object.entries(set).flatMap(([key, value]) => {
    if (value === undefined) return [];
    if (!Object.hasOwn(COMPILERS, key)) {
      throw new PolicyError(
        [...path, key],
        `unknown change, expected one of ${Object.keys(COMPILERS).join(', ')}`,
      );
    }
    return [(COMPILERS[key as keyof PolicySet] as Compiler<unknown>)(value, [...path, key])];
  });
}

/** Value after a change; results stop at 0 and at 4294967295. */
function numberChange(change: NumberChange, path: Path, more = ''): (before: number) => number {
  const relative = typeof change === 'string' ? /^([+-])(\d{1,10})$/.exec(change) : null;
  const amount = Number(relative?.[2] ?? change);
  if ((typeof change === 'string' && relative === null) || !isUint32(amount)) {
    throw new PolicyError(
      path,
      `${JSON.stringify(change)} is no value, expected a number from 0 to 4294967295, "+N", "-N"${more}`,
    );
  }
  if (relative === null) return () => amount;
  const step = relative[1] === '+' ? amount : -amount;
  return (before) => Math.min(MAX_UINT32, Math.max(0, before + step));
}

function isUint32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= MAX_UINT32;
}

function withoutMed(attributes: RouteAttributes): RouteAttributes {
  if (attributes.med === undefined) return attributes;
  const { med, ...rest } = attributes;
  return rest;
}

/** A next hop that a policy chose is another array than before, which is how export can tell (see `choseNextHop`). */
function nextHopChange(text: string, path: Path): Setter['apply'] {
  if (text === 'self') return (_, attributes) => ({ ...attributes, nextHop: NO_NEXT_HOP.slice() });
  if (text === 'unchanged') {
    return (_, attributes) =>
      attributes.nextHop.length === 0 ? attributes : { ...attributes, nextHop: attributes.nextHop.slice() };
  }
  if (text === 'peer') {
    return ({ source }, attributes) =>
      source.address === undefined ? attributes : { ...attributes, nextHop: source.address.slice() };
  }
  const address = parseAddress(text);
  if (address === undefined) {
    throw new PolicyError(
      path,
      `${JSON.stringify(text)} is no next hop, expected an address, self, unchanged or peer`,
    );
  }
  return (_, attributes) => ({ ...attributes, nextHop: address.slice() });
}

function prepend(attributes: RouteAttributes, asn: number | 'last', count: number): RouteAttributes {
  const added = asn === 'last' ? firstAs(attributes.asPath) : asn;
  if (added === undefined) return attributes;
  let { asPath } = attributes;
  for (let i = 0; i < count; i++) asPath = prependAs(asPath, added);
  return { ...attributes, asPath };
}

interface CommunityMethods<T> {
  parse(text: string): T;
  has(set: CommunitySet, value: T): boolean;
  equal(a: T, b: T): boolean;
}

type CommunityAttribute = 'communities' | 'largeCommunities' | 'extendedCommunities';

function communityChange<T>(
  attribute: CommunityAttribute,
  kind: CommunityKind,
  change: CommunityChange,
  path: Path,
  { parse, has, equal }: CommunityMethods<T>,
): Setter {
  const { add, remove, replace } = change;
  if (replace !== undefined && (add ?? remove) !== undefined) {
    throw new PolicyError([...path, 'replace'], 'replace stands alone, expected neither add nor remove');
  }
  const added = readList(replace ?? add, [...path, replace === undefined ? 'add' : 'replace'], parse);
  const removed = new CommunitySet(
    readList(remove, [...path, 'remove'], (text) => parsePatternOf(kind, text)),
  );
  const kept = (before: readonly T[]): readonly T[] =>
    replace === undefined ? before.filter((value) => !has(removed, value)) : [];
  return {
    text: `${attribute} ${changeText(change)}`,
    apply(_, attributes) {
      const before = (attributes[attribute] ?? []) as readonly T[];
      const after = [...kept(before)];
      for (const value of added) if (!after.some((present) => equal(present, value))) after.push(value);
      const same = after.length === before.length && after.every((value, i) => equal(value, before[i]!));
      return same ? attributes : withList(attributes, attribute, after);
    },
  };
}

function readList<T>(texts: readonly string[] | undefined, path: Path, read: (text: string) => T): T[] {
  return texts === undefined || texts.length === 0 ? [] : each<string, T>(texts, path, read);
}

/** An attribute without values is left out: it must not be sent empty (RFC 7606 §7.8). */
function withList(
  attributes: RouteAttributes,
  attribute: CommunityAttribute,
  values: readonly unknown[],
): RouteAttributes {
  const { [attribute]: _, ...rest } = attributes;
  return (values.length === 0 ? rest : { ...rest, [attribute]: values }) as RouteAttributes;
}

function changeText({ add, remove, replace }: CommunityChange): string {
  if (replace !== undefined) return `replace ${replace.length === 0 ? 'by none' : replace.join(' ')}`;
  return [
    ...(remove === undefined ? [] : [`remove ${remove.join(' ')}`]),
    ...(add === undefined ? [] : [`add ${add.join(' ')}`]),
  ].join(', ');
}
