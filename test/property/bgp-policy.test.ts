/** Compiled policies against evaluators that do the obvious thing, slowly. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { communityText } from '../../protocol/bgp/attribute/communities.ts';
import { compilePolicies } from '../../protocol/bgp/policy/compile.ts';
import type {
  PolicyDefinitions,
  PolicyMatch,
  PolicySet,
  PolicyStatement,
} from '../../protocol/bgp/policy/definition.ts';
import type { PolicyRoute } from '../../protocol/bgp/policy/policy.ts';
import type { RouteAttributes } from '../../protocol/bgp/rib/route.ts';
import { formatPrefix, type Prefix, parsePrefix } from '../../protocol/ip/prefix.ts';

/** Prefixes out of few bits, so that they contain each other often. */
const prefix: fc.Arbitrary<Prefix> = fc
  .tuple(fc.boolean(), fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(40), fc.boolean())
  .map(([ipv4, bytes, length, long]) => {
    const address = ipv4
      ? `10.${bytes[0]! & 3}.${bytes[1]! & 0xc1}.${bytes[2]!}`
      : `2001:db8:${(bytes[0]! & 3).toString(16)}::${bytes[1]!.toString(16)}`;
    const bits = ipv4 ? 32 : 128;
    return parsePrefix(`${address}/${Math.min(bits, long ? bits - (length % 8) : length)}`, 'mask');
  });

interface Range {
  readonly prefix: Prefix;
  readonly ge: number;
  readonly le: number;
}

const range: fc.Arbitrary<Range> = fc.tuple(prefix, fc.nat(128), fc.nat(128)).map(([of, a, b]) => {
  const bits = of.bytes.length * 8;
  const ge = of.length + (a % (bits - of.length + 1));
  return { prefix: of, ge, le: ge + (b % (bits - ge + 1)) };
});

/** Bit by bit, as text. */
function inRange(candidate: Prefix, { prefix: outer, ge, le }: Range): boolean {
  const bits = ({ bytes }: Prefix): string =>
    [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (
    candidate.version === outer.version &&
    candidate.length >= ge &&
    candidate.length <= le &&
    bits(candidate).slice(0, outer.length) === bits(outer).slice(0, outer.length)
  );
}

const community = fc
  .tuple(fc.constantFrom(65000, 65001), fc.integer({ min: 1, max: 3 }))
  .map(([a, b]) => `${a}:${b}`);
const number = (text: string): number => Number(text.split(':')[0]) * 65536 + Number(text.split(':')[1]);

const attributes: fc.Arbitrary<RouteAttributes> = fc
  .record({
    origin: fc.constantFrom(0 as const, 1 as const, 2 as const),
    asns: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }),
    med: fc.option(fc.nat(3), { nil: undefined }),
    localPref: fc.option(fc.integer({ min: 99, max: 102 }), { nil: undefined }),
    communities: fc.uniqueArray(community, { maxLength: 3 }),
  })
  .map(({ origin, asns, med, localPref, communities }) => ({
    origin,
    asPath: asns.length === 0 ? [] : [{ kind: 'sequence' as const, asns }],
    nextHop: Uint8Array.of(192, 0, 2, 1),
    ...(med === undefined ? {} : { med }),
    ...(localPref === undefined ? {} : { localPref }),
    ...(communities.length === 0 ? {} : { communities: communities.map(number) }),
  }));

const route: fc.Arbitrary<PolicyRoute> = fc.record({
  family: fc.constantFrom('ipv4-unicast' as const, 'ipv6-unicast' as const),
  prefix,
  attributes,
  source: fc.record({
    kind: fc.constantFrom('internal' as const, 'external' as const, 'local' as const),
    asn: fc.integer({ min: 1, max: 3 }),
    address: fc.constantFrom(Uint8Array.of(192, 0, 2, 1), Uint8Array.of(192, 0, 2, 2)),
    name: fc.constantFrom('a', 'b'),
  }),
});

const some = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const bounds = fc
  .tuple(fc.nat(103), fc.nat(103))
  .map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }));

const plainMatch: fc.Arbitrary<PolicyMatch> = fc.record({
  prefix: some(
    fc.array(
      range.map(({ prefix: of, ge, le }) => ({ prefix: formatPrefix(of), ge, le })),
      { minLength: 1, maxLength: 3 },
    ),
  ),
  community: some(fc.array(community, { minLength: 1, maxLength: 2 })),
  communityAll: some(fc.array(community, { minLength: 1, maxLength: 2 })),
  asPathLength: some(fc.nat(4)),
  med: some(fc.nat(3)),
  localPref: some(bounds),
  origin: some(fc.constantFrom('igp', 'egp', 'incomplete')),
  source: some(fc.constantFrom('local', 'internal', 'external')),
  neighbor: some(fc.constantFrom('a', '192.0.2.1', '192.0.2.2/32', '192.0.2.0/24')),
  neighborAs: some(fc.integer({ min: 1, max: 3 })),
});
const match: fc.Arbitrary<PolicyMatch> = fc
  .tuple(plainMatch, some(plainMatch))
  .map(([outer, not]) => ({ ...outer, not }));

const set: fc.Arbitrary<PolicySet> = fc.record({
  localPref: some(fc.oneof(fc.nat(102), fc.constantFrom('+1', '-1', '+4294967295', '-4294967295'))),
  med: some(fc.oneof(fc.nat(3), fc.constantFrom('+1', '-1', 'none'))),
  origin: some(fc.constantFrom('igp', 'egp', 'incomplete')),
  communities: some(
    fc.record({
      add: some(fc.array(community, { maxLength: 2 })),
      remove: some(fc.array(fc.oneof(community, fc.constantFrom('65000:*', '*:2')), { maxLength: 2 })),
    }),
  ),
  asPathPrepend: some(
    fc.record({ asn: fc.integer({ min: 1, max: 4 }), count: fc.integer({ min: 1, max: 2 }) }),
  ),
});

/** `then` is the file format's word, which the linter takes for a promise's. */
const decided = <T extends object, R extends string>(what: T, then: R): T & { readonly then: R } =>
  Object.assign(what, Object.fromEntries([['then', then]]) as { readonly then: R });

const statement: fc.Arbitrary<PolicyStatement> = fc.oneof(
  fc
    .tuple(match, set, fc.constantFrom('accept' as const, 'next' as const))
    .map(([condition, to, end]) => decided({ match: condition, set: to }, end)),
  fc
    .tuple(match, fc.constantFrom('accept' as const, 'reject' as const, 'next' as const))
    .map(([condition, end]) => decided({ match: condition }, end)),
  fc.record({ match, set }),
);

function holds(condition: PolicyMatch, of: PolicyRoute, at: RouteAttributes): boolean {
  const carried = (at.communities ?? []).map(communityText);
  const { localPref = 100, med = 0 } = at;
  const list = <T>(values: T | readonly T[]): readonly T[] => [values].flat() as readonly T[];
  const tests: { readonly [K in keyof PolicyMatch]: () => boolean } = {
    prefix: () =>
      list(condition.prefix!).some((wanted) => {
        const { prefix: text, ge, le } = wanted as { prefix: string; ge: number; le: number };
        return inRange(of.prefix as Prefix, { prefix: parsePrefix(text), ge, le });
      }),
    community: () => list(condition.community!).some((one) => carried.includes(one)),
    communityAll: () => condition.communityAll!.every((one) => carried.includes(one)),
    asPathLength: () => at.asPath.flatMap(({ asns }) => asns).length === condition.asPathLength,
    med: () => med === condition.med,
    localPref: () => {
      const { min, max } = condition.localPref as { min: number; max: number };
      return localPref >= min && localPref <= max;
    },
    origin: () => ['igp', 'egp', 'incomplete'][at.origin] === condition.origin,
    source: () => of.source.kind === condition.source,
    neighbor: () => {
      const own = ['192.0.2.0/24', of.source.name, of.source.address!.join('.')];
      return (
        of.source.kind !== 'local' &&
        [...own, `${of.source.address!.join('.')}/32`].includes(condition.neighbor as string)
      );
    },
    neighborAs: () => of.source.kind !== 'local' && of.source.asn === condition.neighborAs,
    not: () => !holds(condition.not!, of, at),
  };
  return (Object.keys(condition) as (keyof PolicyMatch)[]).every(
    (key) => condition[key] === undefined || tests[key]!(),
  );
}

function change(to: PolicySet, at: RouteAttributes): RouteAttributes {
  const step = (before: number, by: number | string): number =>
    typeof by === 'number' ? by : Math.min(4294967295, Math.max(0, before + Number(by)));
  const result: { -readonly [K in keyof RouteAttributes]: RouteAttributes[K] } = structuredClone(at);
  if (to.localPref !== undefined) result.localPref = step(at.localPref ?? 100, to.localPref);
  if (to.med === 'none') delete result.med;
  else if (to.med !== undefined) result.med = step(at.med ?? 0, to.med);
  if (to.origin !== undefined) result.origin = ['igp', 'egp', 'incomplete'].indexOf(to.origin) as 0 | 1 | 2;
  if (to.communities !== undefined) {
    const { add = [], remove = [] } = to.communities;
    const kept = (at.communities ?? []).map(communityText).filter((text) => {
      const [a, b] = text.split(':');
      return ![text, `${a}:*`, `*:${b}`].some((pattern) => remove.includes(pattern));
    });
    const now = [...new Set([...kept, ...add])];
    if (now.length === 0) delete result.communities;
    else result.communities = now.map(number);
  }
  if (to.asPathPrepend !== undefined) {
    const { asn, count = 1 } = to.asPathPrepend;
    const before = at.asPath.flatMap(({ asns }) => asns);
    result.asPath = [
      { kind: 'sequence', asns: [...new Array<number>(count).fill(asn as number), ...before] },
    ];
  }
  return result;
}

/** @returns what became of the route, `undefined` where it is rejected. */
function evaluate(statements: readonly PolicyStatement[], of: PolicyRoute): RouteAttributes | undefined {
  let at = of.attributes;
  for (const { match: condition = {}, set: to = {}, then: end } of statements) {
    if (!holds(condition, of, at)) continue;
    at = change(to, at);
    if (end === 'accept') return at;
    if (end === 'reject') return undefined;
  }
  return undefined;
}

describe('policies', () => {
  test('a prefix is in a set exactly where it is in one of its ranges', () => {
    const sample = fc.tuple(
      fc.array(range, { minLength: 1, maxLength: 30 }),
      fc.array(prefix, { maxLength: 20 }),
    );
    fc.assert(
      fc.property(sample, ([ranges, prefixes]) => {
        const definitions: PolicyDefinitions = {
          prefixSets: { s: ranges.map(({ prefix: of, ge, le }) => `${formatPrefix(of)} ge ${ge} le ${le}`) },
          policies: {
            p: { statements: [decided({ match: { not: { prefixSet: 's' } } }, 'reject')], default: 'accept' },
          },
        };
        const policy = compilePolicies(definitions).policy('p');
        for (const candidate of [...prefixes, ...ranges.map(({ prefix: of }) => of)]) {
          const accepted = policy.apply({ ...PLAIN, prefix: candidate }) !== undefined;
          expect(accepted).toBe(ranges.some((one) => inRange(candidate, one)));
        }
      }),
    );
  });

  test('compiled statements do what they say, and explain says what they do', () => {
    fc.assert(
      fc.property(
        fc.array(statement, { minLength: 1, maxLength: 5 }),
        fc.array(route),
        (statements, routes) => {
          const meaningful = statements.filter(hasEffect);
          const policy = compilePolicies({ policies: { p: meaningful } }).policy('p');
          for (const one of routes) {
            const expected = evaluate(meaningful, one);
            const actual = policy.apply(one);
            expect(actual).toEqual(expected);
            const steps = policy.explain(one);
            expect(steps.at(-1)?.result).toBe(expected === undefined ? 'reject' : 'accept');
            const changed = steps.some(({ set: changes }) => changes.length > 0);
            if (!changed && actual !== undefined) expect(actual).toBe(one.attributes);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test('a policy that does not use the prefix answers the same for every prefix', () => {
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 4 }), route, prefix, (statements, one, other) => {
        const policy = compilePolicies({ policies: { p: statements.filter(hasEffect) } }).policy('p');
        fc.pre(!policy.usesPrefix);
        expect(policy.apply({ ...one, prefix: other })).toEqual(policy.apply(one));
      }),
    );
  });
});

const PLAIN: Omit<PolicyRoute, 'prefix'> = {
  family: 'ipv4-unicast',
  attributes: { origin: 0, asPath: [], nextHop: Uint8Array.of(192, 0, 2, 1) },
  source: { kind: 'local', asn: 65000, address: undefined, name: '' },
};

/** Statements without any are refused. */
function hasEffect({ set: to = {}, then: end }: PolicyStatement): boolean {
  return end !== undefined || Object.values(to).some((value) => value !== undefined);
}
