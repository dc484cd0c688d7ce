import { describe, expect, test } from 'vitest';
import type { AsPath } from '../../../protocol/bgp/attribute/as-path.ts';
import { communityText, largeCommunityText } from '../../../protocol/bgp/attribute/communities.ts';
import { compilePolicies, policyErrors } from '../../../protocol/bgp/policy/compile.ts';
import { ACCEPT_ALL, choseNextHop, REJECT_ALL } from '../../../protocol/bgp/policy/policy.ts';
import type { RouteAttributes } from '../../../protocol/bgp/rib/route.ts';
import { formatAddress } from '../../../protocol/ip/prefix.ts';
import { definitions, matching, policy, type RouteText, route, setting } from './policy-support.ts';

const accepts = (match: string, text: RouteText = {}, sets = ''): boolean =>
  matching(match, sets).apply(route(text)) !== undefined;

const RT_65000_100 = { high: 0x0002fde8, low: 100 };
const RT_65000_100_LONG = { high: 0x02020000, low: 0xfde80064 };
const SOO_192_0_2_1_7 = { high: 0x0103c000, low: 0x02010007 };

describe('match', () => {
  test.each([
    ['10.1.0.0/16', '10.1.0.0/16', true],
    ['10.1.0.0/16', '10.1.0.0/17', false],
    ['10.0.0.0/8', '10.1.0.0/16', false],
    ['10.0.0.0/8 le 16', '10.1.0.0/16', true],
    ['10.0.0.0/8 le 16', '10.1.0.0/17', false],
    ['10.0.0.0/8 ge 16', '10.0.0.0/8', false],
    ['10.0.0.0/8 ge 16', '10.1.2.3/32', true],
    ['10.0.0.0/8 ge 16 le 24', '10.1.2.0/24', true],
    ['10.0.0.0/8 ge 16 le 24', '10.1.2.0/25', false],
    ['10.0.0.0/8 ge 16 le 24', '11.1.0.0/16', false],
    ['10.0.0.0/8+', '10.255.255.255/32', true],
    ['10.0.0.0/8{9,15}', '10.0.0.0/8', false],
    ['10.0.0.0/8{9,15}', '10.128.0.0/9', true],
    ['0.0.0.0/0', '0.0.0.0/0', true],
    ['0.0.0.0/0 le 32', '203.0.113.1/32', true],
    ['0.0.0.0/0 le 32', '2001:db8::/32', false],
    ['::/0 le 128', '0.0.0.0/0', false],
    ['2001:db8::/32 ge 48 le 64', '2001:db8:1::/48', true],
    ['2001:db8::/32 ge 48 le 64', '2001:db9:1::/48', false],
    ['2001:db8::1/128', '2001:db8::1/128', true],
  ])('prefix %s on %s: %s', (range, prefix, expected) => {
    expect(accepts(`{ prefix: "${range}" }`, { prefix })).toBe(expected);
  });

  test('prefixes as objects, in lists and in sets', () => {
    expect(accepts('{ prefix: { prefix: 10.0.0.0/8, le: 16 } }')).toBe(true);
    expect(accepts('{ prefix: { prefix: 10.0.0.0/8, ge: 24, le: 24 } }')).toBe(false);
    expect(accepts('{ prefix: [192.0.2.0/24, 10.1.0.0/16] }')).toBe(true);
    const sets = 'prefixSets: { a: [192.0.2.0/24], b: ["10.0.0.0/8 le 24"] }';
    expect(accepts('{ prefixSet: a }', {}, sets)).toBe(false);
    expect(accepts('{ prefixSet: b }', {}, sets)).toBe(true);
    expect(accepts('{ prefixSet: [a, b] }', {}, sets)).toBe(true);
  });

  test('a route that is no prefix matches no prefix', () => {
    const evpn: RouteText = { family: 'l2vpn-evpn', prefix: null };
    expect(accepts('{ prefix: ["0.0.0.0/0 le 32", "::/0 le 128"] }', evpn)).toBe(false);
    expect(accepts('{ family: l2vpn-evpn }', evpn)).toBe(true);
    expect(accepts('{ family: [ipv4-unicast, ipv6-unicast] }', evpn)).toBe(false);
  });

  test.each([
    ['65000:1', ['65000:1'], true],
    ['65000:1', ['65000:2'], false],
    ['65000:1', [], false],
    ['no-export', ['no-export'], true],
    ['65535:65281', ['no-export'], true],
    ['65000:*', ['65001:1', '65000:7'], true],
    ['65000:*', ['65001:65000'], false],
    ['*:7', ['65000:7'], true],
    ['*:7', ['65000:8'], false],
    ['*:*', ['1:1'], true],
    ['*:*', ['1:1:1'], false],
    ['65000:1:2', ['65000:1:2'], true],
    ['65000:1:2', ['65000:1:3'], false],
    ['4200000000:*:2', ['4200000000:9:2'], true],
    ['4200000000:*:2', ['4200000001:9:2'], false],
  ])('community %s on %j: %s', (pattern, communities, expected) => {
    expect(accepts(`{ community: "${pattern}" }`, { communities })).toBe(expected);
  });

  test.each([
    ['rt:65000:100', RT_65000_100, true],
    ['rt:65000:100', RT_65000_100_LONG, true],
    ['rt:65000:101', RT_65000_100, false],
    ['soo:65000:100', RT_65000_100, false],
    ['soo:192.0.2.1:7', SOO_192_0_2_1_7, true],
    ['soo:192.0.2.2:7', SOO_192_0_2_1_7, false],
    ['rt:65000:*', RT_65000_100, true],
    ['rt:65000:*', RT_65000_100_LONG, true],
    ['rt:65001:*', RT_65000_100_LONG, false],
    ['rt:*:100', RT_65000_100_LONG, true],
    ['soo:*:*', SOO_192_0_2_1_7, true],
    ['rt:*:*', SOO_192_0_2_1_7, false],
    ['0x0002fde800000064', RT_65000_100, true],
    ['0x0002fde800000065', RT_65000_100, false],
    ['encap:vxlan', { high: 0x030c0000, low: 8 }, true],
    ['encap:mpls', { high: 0x030c0000, low: 8 }, false],
  ])('community %s on an extended community %j: %s', (pattern, community, expected) => {
    const attributes = { extendedCommunities: [community] };
    expect(accepts(`{ community: "${pattern}" }`, { attributes })).toBe(expected);
  });

  test('several communities: one of them, all of them, sets of them', () => {
    const carried = { communities: ['65000:1', '65000:2', '65000:1:1'] };
    expect(accepts('{ community: ["65000:9", "65000:2"] }', carried)).toBe(true);
    expect(accepts('{ communityAll: ["65000:1", "65000:1:1"] }', carried)).toBe(true);
    expect(accepts('{ communityAll: ["65000:1", "65000:9"] }', carried)).toBe(false);
    const sets = 'communitySets: { good: ["65000:2", "65000:3"], bad: ["65000:9"] }';
    expect(accepts('{ communitySet: good }', carried, sets)).toBe(true);
    expect(accepts('{ communitySet: bad }', carried, sets)).toBe(false);
    expect(accepts('{ communitySet: [bad, good] }', carried, sets)).toBe(true);
  });

  const WITH_SET: AsPath = [
    { kind: 'sequence', asns: [65001, 650] },
    { kind: 'set', asns: [7, 8] },
  ];
  const CONFED: AsPath = [
    { kind: 'confed-sequence', asns: [64601, 64602] },
    { kind: 'sequence', asns: [65001] },
  ];
  test.each<[string, AsPath | readonly number[], boolean]>([
    ['^$', [], true],
    ['^$', [65001], false],
    ['_65002_', [65001, 65002, 65003], true],
    ['_65002_', [65002], true],
    ['_6500_', [65001], false],
    ['^65001_', [65001, 65002], true],
    ['^65001_', [650010], false],
    ['_65003$', [65001, 65003], true],
    ['^65001$', [65001, 65001], false],
    ['^65001(_65001)*$', [65001, 65001, 65001], true],
    ['^[0-9]+$', [65001], true],
    ['^[[:digit:]]+_[[:digit:]]+$', [65001, 2], true],
    ['_(64[5-9][0-9][0-9])_', [1, 64512, 2], true],
    ['_7_', WITH_SET, true],
    ['_8}$', WITH_SET, true],
    ['\\{7,8\\}', WITH_SET, true],
    ['_650_\\{7', WITH_SET, true],
    ['_650{7', WITH_SET, false],
    ['^\\(64601 64602\\) 65001$', CONFED, true],
    ['_64602_', CONFED, true],
    ['.*', [], true],
  ])('AS path %s on %j: %s', (expression, asPath, expected) => {
    expect(accepts(JSON.stringify({ asPath: expression }), { asPath })).toBe(expected);
  });

  test('AS path sets and lengths', () => {
    const sets = 'asPathSets: { customers: ["^65001_", "^65002_"], none: ["^$"] }';
    expect(accepts('{ asPathSet: customers }', { asPath: [65002] }, sets)).toBe(true);
    expect(accepts('{ asPathSet: none }', { asPath: [65002] }, sets)).toBe(false);
    expect(accepts('{ asPathLength: 3 }', { asPath: WITH_SET })).toBe(true);
    expect(accepts('{ asPathLength: 1 }', { asPath: CONFED })).toBe(true);
    expect(accepts('{ asPathLength: { min: 2 } }', { asPath: [1] })).toBe(false);
    expect(accepts('{ asPathLength: { max: 2 } }', { asPath: [1, 2] })).toBe(true);
  });

  test.each([
    ['192.0.2.9', '192.0.2.9', true],
    ['192.0.2.8', '192.0.2.9', false],
    ['192.0.2.0/24', '192.0.2.9', true],
    ['2001:db8::/32', '192.0.2.9', false],
    ['2001:db8::/32', '2001:db8::7', true],
  ])('next hop %s on %s: %s', (wanted, nextHop, expected) => {
    expect(accepts(`{ nextHop: "${wanted}" }`, { nextHop })).toBe(expected);
  });

  test('an own route without a next hop matches none', () => {
    expect(accepts('{ nextHop: 0.0.0.0/0 }', { nextHop: '' })).toBe(false);
  });

  test.each<[string, Partial<RouteAttributes>, boolean]>([
    ['{ med: 50 }', { med: 50 }, true],
    ['{ med: 0 }', {}, true],
    ['{ med: { min: 10, max: 20 } }', { med: 20 }, true],
    ['{ med: { min: 10, max: 20 } }', { med: 21 }, false],
    ['{ localPref: 100 }', {}, true],
    ['{ localPref: { min: 101 } }', { localPref: 200 }, true],
    ['{ localPref: { min: 101 } }', {}, false],
    ['{ origin: igp }', { origin: 0 }, true],
    ['{ origin: [egp, incomplete] }', { origin: 0 }, false],
    ['{ origin: [egp, incomplete] }', { origin: 2 }, true],
  ])('%s on %j: %s', (match, attributes, expected) => {
    expect(accepts(match, { attributes })).toBe(expected);
  });

  test.each<[string, RouteText['source'], boolean]>([
    ['{ source: external }', {}, true],
    ['{ source: [local, internal] }', {}, false],
    ['{ source: local }', { kind: 'local' }, true],
    ['{ neighbor: 192.0.2.9 }', {}, true],
    ['{ neighbor: 192.0.2.0/28 }', {}, true],
    ['{ neighbor: 192.0.2.16/28 }', {}, false],
    ['{ neighbor: edge }', {}, true],
    ['{ neighbor: [other, edge] }', {}, true],
    ['{ neighbor: other }', {}, false],
    ['{ neighbor: 0.0.0.0/0 }', { kind: 'local' }, false],
    ['{ neighborSet: edges }', {}, true],
    ['{ neighborAs: 65001 }', {}, true],
    ['{ neighborAs: [65002, 65003] }', {}, false],
    ['{ neighborAs: 65001 }', { kind: 'local' }, false],
  ])('%s on a route from %j: %s', (match, source = {}, expected) => {
    expect(accepts(match, { source }, 'neighborSets: { edges: [edge, 198.51.100.0/24] }')).toBe(expected);
  });

  test('all conditions of a statement must hold; `not` negates the whole', () => {
    expect(accepts('{ prefix: 10.1.0.0/16, origin: igp }')).toBe(true);
    expect(accepts('{ prefix: 10.1.0.0/16, origin: egp }')).toBe(false);
    expect(accepts('{ not: { prefix: 10.1.0.0/16, origin: egp } }')).toBe(true);
    expect(accepts('{ not: { prefix: 10.1.0.0/16, origin: igp } }')).toBe(false);
    expect(accepts('{ not: { not: { origin: igp } } }')).toBe(true);
  });

  test('a policy says whether it looks at the prefix', () => {
    expect(matching('{ prefix: 10.1.0.0/16 }').usesPrefix).toBe(true);
    expect(matching('{ not: { prefix: 10.1.0.0/16 } }').usesPrefix).toBe(true);
    expect(matching('{ community: "65000:1", family: ipv4-unicast }').usesPrefix).toBe(false);
    expect(setting('{ localPref: 5 }').usesPrefix).toBe(false);
  });
});

describe('set', () => {
  const outcome = (set: string, text: RouteText = {}): RouteAttributes => setting(set).apply(route(text))!;

  test.each<[string, Partial<RouteAttributes>, Partial<RouteAttributes>]>([
    ['{ localPref: 200 }', {}, { localPref: 200 }],
    ['{ localPref: "+10" }', {}, { localPref: 110 }],
    ['{ localPref: "-200" }', {}, { localPref: 0 }],
    ['{ med: 7 }', {}, { med: 7 }],
    ['{ med: "+7" }', { med: 1 }, { med: 8 }],
    ['{ med: "+4294967295" }', { med: 1 }, { med: 4294967295 }],
    ['{ origin: incomplete }', {}, { origin: 2 }],
  ])('%s on %j gives %j', (set, before, expected) => {
    expect(outcome(set, { attributes: before })).toMatchObject(expected);
  });

  test('MED is taken away', () => {
    expect(outcome('{ med: none }', { attributes: { med: 5 } })).not.toHaveProperty('med');
  });

  test.each([
    ['{ add: ["65000:2"] }', ['65000:1', '65000:2']],
    ['{ add: ["65000:1"] }', ['65000:1']],
    ['{ remove: ["65000:*"], add: [no-export] }', ['no-export']],
    ['{ remove: ["65001:*"] }', ['65000:1']],
    ['{ replace: ["65000:3", "65000:4"] }', ['65000:3', '65000:4']],
    ['{ remove: ["*:*"] }', undefined],
    ['{ replace: [] }', undefined],
  ])('communities %s', (change, expected) => {
    const { communities } = outcome(`{ communities: ${change} }`, { communities: ['65000:1'] });
    expect(communities?.map(communityText)).toEqual(expected);
  });

  test('large and extended communities', () => {
    const text: RouteText = {
      communities: ['65000:1:1', '65000:1:2'],
      attributes: { extendedCommunities: [RT_65000_100, RT_65000_100_LONG, SOO_192_0_2_1_7] },
    };
    const changed = outcome(
      `{ largeCommunities: { remove: ["65000:*:1"], add: ["65000:7:7"] },
         extendedCommunities: { remove: ["rt:65000:*"], add: ["rt:4200000000:5", "rt:192.0.2.1:6"] } }`,
      text,
    );
    expect(changed.largeCommunities?.map(largeCommunityText)).toEqual(['65000:1:2', '65000:7:7']);
    expect(changed.extendedCommunities).toEqual([
      SOO_192_0_2_1_7,
      { high: 0x0202fa56, low: 0xea000005 },
      { high: 0x0102c000, low: 0x02010006 },
    ]);
  });

  test('AS path prepending', () => {
    const path = (set: string, asPath: readonly number[]): unknown =>
      outcome(`{ asPathPrepend: ${set} }`, { asPath }).asPath;
    expect(path('{ asn: 65000, count: 2 }', [65001])).toEqual([
      { kind: 'sequence', asns: [65000, 65000, 65001] },
    ]);
    expect(path('{ asn: last, count: 2 }', [65001, 65002])).toEqual([
      { kind: 'sequence', asns: [65001, 65001, 65001, 65002] },
    ]);
    expect(path('{ asn: last }', [])).toEqual([]);
    expect(path('{ asn: 65000 }', [])).toEqual([{ kind: 'sequence', asns: [65000] }]);
  });

  test('next hops, and that export can tell who chose them', () => {
    const chosen = (set: string, text: RouteText = {}): string | undefined => {
      const before = route(text);
      const result = setting(set).apply(before)!;
      if (!choseNextHop(before.attributes, result)) return undefined;
      return result.nextHop.length === 0 ? 'own' : formatAddress(result.nextHop);
    };
    expect(chosen('{ nextHop: 198.51.100.1 }')).toBe('198.51.100.1');
    expect(chosen('{ nextHop: "2001:db8::1" }')).toBe('2001:db8::1');
    expect(chosen('{ nextHop: self }')).toBe('own');
    expect(chosen('{ nextHop: unchanged }')).toBe('192.0.2.9');
    expect(chosen('{ nextHop: peer }', { nextHop: '203.0.113.1' })).toBe('192.0.2.9');
    expect(chosen('{ nextHop: unchanged }', { nextHop: '' })).toBeUndefined();
    expect(chosen('{ nextHop: peer }', { source: { kind: 'local' } })).toBeUndefined();
    expect(chosen('{ med: 5 }')).toBeUndefined();
  });

  test('a route that has everything already stays the same object', () => {
    const before = route({
      communities: ['65000:1'],
      attributes: { localPref: 200, med: 5 },
    });
    const set = '{ localPref: 200, med: 5, origin: igp, communities: { add: ["65000:1"], remove: ["1:*"] } }';
    expect(setting(set).apply(before)).toBe(before.attributes);
  });
});

describe('statements', () => {
  const CHAIN = `
    policies:
      mark:
        - { name: tag, match: { prefix: 10.0.0.0/8+ }, set: { communities: { add: ["65000:1"] } } }
        - { match: { community: "65000:1" }, set: { localPref: 150 }, then: next }
        - { match: { prefix: 10.9.0.0/16+ }, then: reject }
      rest:
        description: what the mark does not decide
        statements: [{ match: { localPref: 150 }, set: { med: 1 }, then: accept }]
        default: accept`;

  test('later ones see what earlier ones set; the next policy goes on', () => {
    const chain = policy(CHAIN);
    expect(chain.name).toBe('mark, rest');
    expect(chain.apply(route())).toMatchObject({ localPref: 150, med: 1, communities: [65000 * 65536 + 1] });
    expect(chain.apply(route({ prefix: '10.9.1.0/24' }))).toBeUndefined();
    const other = route({ prefix: '192.0.2.0/24' });
    expect(chain.apply(other)).toBe(other.attributes);
  });

  test('explain names every statement that was tried', () => {
    const chain = policy(CHAIN);
    expect(chain.explain(route())).toEqual([
      { policy: 'mark', statement: 'tag', matched: true, set: ['communities add 65000:1'], result: 'next' },
      { policy: 'mark', statement: 'statement 2', matched: true, set: ['localPref 150'], result: 'next' },
      { policy: 'mark', statement: 'statement 3', matched: false, set: [], result: 'next' },
      { policy: 'rest', statement: 'statement 1', matched: true, set: ['med 1'], result: 'accept' },
    ]);
    expect(chain.explain(route({ prefix: '192.0.2.0/24' })).at(-1)).toEqual({
      policy: 'rest',
      statement: 'default',
      matched: true,
      set: [],
      result: 'accept',
    });
  });

  test('without a decision a route is rejected', () => {
    const silent = policy('policies: { p: [{ set: { med: 1 } }] }');
    expect(silent.apply(route())).toBeUndefined();
    expect(silent.explain(route()).at(-1)).toEqual({
      policy: 'p',
      statement: 'default',
      matched: true,
      set: [],
      result: 'reject',
    });
  });

  test('the two policies that need no definition', () => {
    const one = route();
    expect(ACCEPT_ALL.apply(one)).toBe(one.attributes);
    expect(REJECT_ALL.apply(one)).toBeUndefined();
    expect(REJECT_ALL.explain(one)).toMatchObject([{ result: 'reject' }]);
  });
});

describe('faults', () => {
  test.each([
    [
      'prefixSets: { s: [10.0.0.0/8, 10.0.0.1/8] }\npolicies: {}',
      'prefixSets.s[1]: 10.0.0.1/8 has host bits set; did you mean 10.0.0.0/8?',
    ],
    [
      'prefixSets: { s: ["10.0.0.0/8 le 4"] }\npolicies: {}',
      'prefixSets.s[0]: prefix lengths 8 to 4 of 10.0.0.0/8, expected 8 <= ge <= le <= 32',
    ],
    [
      'policies: { p: [{ match: { prefix: 10.0.0.0 }, then: accept }] }',
      'policies.p[0].match.prefix: "10.0.0.0" has no prefix length, expected for example 10.0.0.0/8',
    ],
    [
      'policies: { p: [{ match: { prefix: 10.0.0.0/8 up to 9 }, then: accept }] }',
      'policies.p[0].match.prefix: not a range of prefixes: "10.0.0.0/8 up to 9", expected "P/LEN", "P/LEN ge N le M", "P/LEN+" or "P/LEN{N,M}"',
    ],
    [
      'policies: { p: [{ match: { prefixSet: x }, then: accept }] }',
      'policies.p[0].match.prefixSet: no set of this kind is named "x", none is defined',
    ],
    [
      'communitySets: { a: ["1:1"] }\npolicies: { p: { statements: [{ match: { communitySet: [a, b] }, then: accept }] } }',
      'policies.p.statements[0].match.communitySet[1]: no set of this kind is named "b", expected one of a',
    ],
    [
      'policies: { p: [{ match: { community: ["1:1", "1:70000"] }, then: accept }] }',
      'policies.p[0].match.community[1]: not a community: "1:70000", expected "A:B", "A:B:C", "rt:A:B", "soo:A:B" or a well-known name',
    ],
    [
      'policies: { p: [{ match: { community: "rt:70000:70000" }, then: accept }] }',
      'policies.p[0].match.community: the number of rt:70000:70000 is 70000, expected at most 65535 behind an AS number above 65535',
    ],
    [
      'policies: { p: [{ match: { asPath: "(1" }, then: accept }] }',
      'policies.p[0].match.asPath: not an AS path expression: "(1" (Unterminated group)',
    ],
    [
      'policies: { p: [{ match: { asPath: "[[:upper:]]" }, then: accept }] }',
      'policies.p[0].match.asPath: character class [:upper:] is not known, expected [:digit:] or [:space:]',
    ],
    [
      'policies: { p: [{ match: { med: { min: 2, max: 1 } }, then: accept }] }',
      'policies.p[0].match.med: min 2 is above max 1, expected min <= max',
    ],
    [
      'policies: { p: [{ match: { not: { origin: ebgp } }, then: accept }] }',
      'policies.p[0].match.not.origin: "ebgp" is not known, expected one of igp, egp, incomplete',
    ],
    [
      'policies: { p: [{ match: { prefixes: 10.0.0.0/8 }, then: accept }] }',
      'policies.p[0].match.prefixes: unknown condition, expected one of prefix, prefixSet, family, community, communityAll, communitySet, asPath, asPathSet, asPathLength, nextHop, med, localPref, origin, source, neighbor, neighborSet, neighborAs, not',
    ],
    [
      'policies: { p: [{ set: { localPref: "10%" } }] }',
      'policies.p[0].set.localPref: "10%" is no value, expected a number from 0 to 4294967295, "+N", "-N"',
    ],
    [
      'policies: { p: [{ set: { nextHop: me } }] }',
      'policies.p[0].set.nextHop: "me" is no next hop, expected an address, self, unchanged or peer',
    ],
    [
      'policies: { p: [{ set: { communities: { add: ["65000:*"] } } }] }',
      'policies.p[0].set.communities.add[0]: "65000:*" is a pattern, expected one community',
    ],
    [
      'policies: { p: [{ set: { communities: { remove: ["1:2:3"] } } }] }',
      'policies.p[0].set.communities.remove[0]: "1:2:3" is a large community, expected a standard one',
    ],
    [
      'policies: { p: [{ set: { communities: { replace: ["1:2"], add: ["1:3"] } } }] }',
      'policies.p[0].set.communities.replace: replace stands alone, expected neither add nor remove',
    ],
    [
      'policies: { p: [{ set: { asPathPrepend: { asn: 1, count: 300 } } }] }',
      'policies.p[0].set.asPathPrepend.count: 300 is no count, expected 1 to 255',
    ],
    [
      'policies: { p: [{ match: { origin: igp } }] }',
      'policies.p[0]: statement without effect, expected set, then or both',
    ],
    [
      'policies: { p: [{ set: { med: 1 }, then: reject }] }',
      'policies.p[0].set: sets something on a route that is rejected, expected then: accept or next',
    ],
  ])('%s', (yaml, message) => {
    expect(() => compilePolicies(definitions(yaml))).toThrow(expect.objectContaining({ message }));
    expect(policyErrors(definitions(yaml)).map((error) => error.message)).toEqual([message]);
  });

  test('all of them at once, each at its place', () => {
    const errors = policyErrors(
      definitions(`
        prefixSets: { s: [nonsense] }
        policies:
          a: [{ match: { prefixSet: s }, then: accept }, { set: { med: x } }]
          b: { statements: [{ match: { origin: x }, then: accept }] }`),
    );
    expect(errors.map(({ path }) => path)).toEqual([
      ['prefixSets', 's', 0],
      ['policies', 'a', 1, 'set', 'med'],
      ['policies', 'b', 'statements', 0, 'match', 'origin'],
    ]);
  });

  test('the same names give the same policy', () => {
    const book = compilePolicies(definitions('policies: { a: [{ then: accept }], b: [{ then: reject }] }'));
    expect(book.policy(['a', 'b'])).toBe(book.policy(['a', 'b']));
    expect(book.policy('a')).not.toBe(book.policy(['a', 'b']));
  });

  test('a policy that does not exist', () => {
    const book = compilePolicies(definitions('policies: { a: [{ then: accept }] }'));
    expect(() => book.policy('b')).toThrow('no policy is named "b", expected a');
    expect(() => book.policy(['a', 'c'])).toThrow(expect.objectContaining({ path: [1] }));
  });
});
