import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { PeerConfigs } from '../../../agents/node/peer-config.ts';
import { communityText, largeCommunityText } from '../../../protocol/bgp/attribute/communities.ts';
import type { Policy } from '../../../protocol/bgp/policy/policy.ts';
import { type FilteredSession, filterPolicy } from '../../../protocol/calico/peering/filter-policy.ts';
import { computePeers } from '../../../protocol/calico/peering.ts';
import type { BgpFilter } from '../../../protocol/calico/resources/bgp-filter.ts';
import { parseResourceOf } from '../../../protocol/calico/resources/parse.ts';
import { type RouteText, route } from '../bgp/policy-support.ts';

function filter(spec: string, name = 'f'): BgpFilter {
  return parseResourceOf('BGPFilter', {
    apiVersion: 'projectcalico.org/v3',
    kind: 'BGPFilter',
    metadata: { name },
    spec: parse(spec),
  });
}

const SESSION: FilteredSession = {
  direction: 'export',
  peerType: 'eBGP',
  interfaceOf: ({ source }) => (source.kind === 'local' ? undefined : 'eth0'),
};

function exporting(rules: string, session: Partial<FilteredSession> = {}): Policy {
  return filterPolicy([filter(`{ exportV4: ${rules} }`)], { ...SESSION, ...session })!;
}

const accepts = (policy: Policy, text: RouteText = {}): boolean => policy.apply(route(text)) !== undefined;
const LOCAL: RouteText = { source: { kind: 'local' } };

describe('rules', () => {
  test.each([
    ['Equal', '10.1.0.0/16', true],
    ['Equal', '10.1.0.0/17', false],
    ['NotEqual', '10.1.0.0/16', false],
    ['NotEqual', '10.1.0.0/17', true],
    ['In', '10.1.0.0/16', true],
    ['In', '10.1.2.0/24', true],
    ['In', '10.0.0.0/8', false],
    ['In', '10.2.0.0/16', false],
    ['NotIn', '10.1.2.0/24', false],
    ['NotIn', '10.2.0.0/16', true],
  ])('%s 10.1.0.0/16 on %s: %s', (operator, prefix, expected) => {
    const policy = exporting(`[{ action: Reject, matchOperator: ${operator}, cidr: 10.1.0.0/16 }]`);
    expect(accepts(policy, { prefix })).toBe(!expected);
  });

  test.each([
    ['In', '{ min: 24 }', '10.1.0.0/24', true],
    ['In', '{ min: 24 }', '10.1.0.0/23', false],
    ['In', '{ max: 24 }', '10.1.0.0/16', true],
    ['In', '{ max: 24 }', '10.1.0.0/25', false],
    ['In', '{ min: 8, max: 20 }', '10.0.0.0/8', false],
    ['In', '{ min: 20, max: 18 }', '10.1.0.0/19', false],
    ['NotIn', '{ min: 24, max: 26 }', '10.1.0.0/26', false],
    ['NotIn', '{ min: 24, max: 26 }', '10.1.0.0/27', true],
    ['Equal', '{ min: 24 }', '10.1.0.0/16', false],
    ['Equal', '{ max: 24 }', '10.1.0.0/16', true],
  ])('%s 10.1.0.0/16 with prefixLength %s on %s: %s', (operator, prefixLength, prefix, expected) => {
    const rule = `{ action: Reject, matchOperator: ${operator}, cidr: 10.1.0.0/16, prefixLength: ${prefixLength} }`;
    expect(accepts(exporting(`[${rule}]`), { prefix })).toBe(!expected);
  });

  test('bits beyond the length of a CIDR mean nothing', () => {
    const policy = exporting('[{ action: Reject, matchOperator: In, cidr: 10.1.2.3/16 }]');
    expect(accepts(policy, { prefix: '10.1.200.0/24' })).toBe(false);
  });

  test('the first that matches decides; what none matches is accepted', () => {
    const policy = exporting(
      `[{ action: Accept, matchOperator: In, cidr: 10.1.0.0/16 },
        { action: Reject, matchOperator: In, cidr: 10.0.0.0/8 }]`,
    );
    expect(accepts(policy, { prefix: '10.1.2.0/24' })).toBe(true);
    expect(accepts(policy, { prefix: '10.2.0.0/16' })).toBe(false);
    expect(accepts(policy, { prefix: '11.0.0.0/8' })).toBe(true);
  });

  test('rules are for one IP version; other families pass', () => {
    const policy = filterPolicy([filter('{ exportV4: [{ action: Reject }] }')], SESSION)!;
    expect(accepts(policy)).toBe(false);
    expect(accepts(policy, { prefix: '2001:db8::/32' })).toBe(true);
    expect(accepts(policy, { family: 'l2vpn-evpn', prefix: null })).toBe(true);
    const ipv6 = filterPolicy(
      [filter('{ exportV6: [{ action: Reject, matchOperator: Equal, cidr: "5000::/64" }] }')],
      {
        ...SESSION,
      },
    )!;
    expect(accepts(ipv6, { prefix: '5000::/64' })).toBe(false);
    expect(accepts(ipv6, { prefix: '5001::/64' })).toBe(true);
    expect(accepts(ipv6)).toBe(true);
  });

  test('directions have rules of their own', () => {
    const one = filter('{ importV4: [{ action: Reject }] }');
    expect(filterPolicy([one], SESSION)).toBeUndefined();
    expect(accepts(filterPolicy([one], { ...SESSION, direction: 'import' })!)).toBe(false);
    expect(filterPolicy([], SESSION)).toBeUndefined();
  });

  test('source and interface', () => {
    const remote = exporting('[{ action: Reject, source: RemotePeers }]');
    expect(accepts(remote)).toBe(false);
    expect(accepts(remote, LOCAL)).toBe(true);
    expect(accepts(exporting('[{ action: Reject, interface: eth0 }]'))).toBe(false);
    expect(accepts(exporting('[{ action: Reject, interface: "et*" }]'))).toBe(false);
    expect(accepts(exporting('[{ action: Reject, interface: "*.calico" }]'))).toBe(true);
    expect(accepts(exporting('[{ action: Reject, interface: "eth." }]'))).toBe(true);
    expect(accepts(exporting('[{ action: Reject, interface: eth0 }]'), LOCAL)).toBe(true);
  });

  test('rules for one kind of session', () => {
    const rules =
      '[{ action: Reject, peerType: iBGP }, { action: Accept, peerType: eBGP }, { action: Reject }]';
    expect(accepts(exporting(rules, { peerType: 'eBGP' }))).toBe(true);
    expect(accepts(exporting(rules, { peerType: 'iBGP' }))).toBe(false);
  });

  test('communities, AS paths and priorities', () => {
    const standard = exporting('[{ action: Reject, communities: { values: ["65000:1"] } }]');
    expect(accepts(standard, { communities: ['65000:1'] })).toBe(false);
    expect(accepts(standard, { communities: ['65000:2'] })).toBe(true);
    const large = exporting('[{ action: Reject, communities: { values: ["65000:1:2"] } }]');
    expect(accepts(large, { communities: ['65000:1:2'] })).toBe(false);
    const path = exporting('[{ action: Reject, asPathPrefix: [65001, "65002"] }]');
    expect(accepts(path, { asPath: [65001, 65002, 65003] })).toBe(false);
    expect(accepts(path, { asPath: [65001] })).toBe(true);
    expect(accepts(path, { asPath: [65002, 65001] })).toBe(true);
    expect(accepts(path, { asPath: [{ kind: 'set', asns: [65001, 65002] }] })).toBe(true);
    expect(accepts(exporting('[{ action: Reject, priority: 512 }]'))).toBe(true);
  });

  test('operations', () => {
    const policy = exporting(
      `[{ action: Accept, operations: [
        { addCommunity: { value: "65000:1" } },
        { addCommunity: { value: "65000:1:2" } },
        { prependASPath: { prefix: [65010, "1.1"] } },
        { setPriority: { value: 512 } }] }]`,
    );
    const result = policy.apply(route({ asPath: [65001] }))!;
    expect(result.communities?.map(communityText)).toEqual(['65000:1']);
    expect(result.largeCommunities?.map(largeCommunityText)).toEqual(['65000:1:2']);
    expect(result.asPath).toEqual([{ kind: 'sequence', asns: [65010, 65537, 65001] }]);
    expect(policy.explain(route())).toEqual([
      {
        policy: 'f',
        statement: 'exportV4[0]',
        matched: true,
        set: [
          'communities add 65000:1',
          'largeCommunities add 65000:1:2',
          'asPathPrepend 65537',
          'asPathPrepend 65010',
        ],
        result: 'accept',
      },
    ]);
  });

  test('several filters are asked in order', () => {
    const policy = filterPolicy(
      [
        filter('{ exportV4: [{ action: Accept, matchOperator: In, cidr: 10.1.0.0/16 }] }', 'a'),
        filter('{ exportV4: [{ action: Reject }] }', 'b'),
      ],
      SESSION,
    )!;
    expect(policy.name).toBe('a, b');
    expect(accepts(policy, { prefix: '10.1.2.0/24' })).toBe(true);
    expect(accepts(policy, { prefix: '10.2.0.0/16' })).toBe(false);
  });
});

test('Go leaves unset text empty', () => {
  const rule = '{ action: Accept, cidr: "", matchOperator: "", source: "", interface: "", peerType: "" }';
  expect(filter(`{ importV4: [${rule}] }`).spec).toEqual({ importV4: [{ action: 'Accept' }] });
});

describe('faults', () => {
  test.each([
    ['{}', 'action: expected one of Accept, Reject, got nothing'],
    ['{ action: accept }', 'action: expected one of Accept, Reject, got "accept"'],
    ['{ action: Accept, cidr: 10.0.0.0/8 }', 'matchOperator: cidr and matchOperator need each other'],
    ['{ action: Accept, matchOperator: In }', 'cidr: cidr and matchOperator need each other'],
    [
      '{ action: Accept, matchOperator: In, cidr: "fd00::/8" }',
      'cidr: expected an IPv4 CIDR, got "fd00::/8"',
    ],
    ['{ action: Accept, matchOperator: In, cidr: 10.0.0.0 }', 'cidr: expected an IPv4 CIDR, got "10.0.0.0"'],
    [
      '{ action: Accept, matchOperator: Is, cidr: 10.0.0.0/8 }',
      'matchOperator: expected one of Equal, NotEqual, In, NotIn, got "Is"',
    ],
    ['{ action: Accept, prefixLength: { min: 1 } }', 'prefixLength: needs cidr'],
    [
      '{ action: Accept, cidr: 10.0.0.0/8, matchOperator: In, prefixLength: { max: 33 } }',
      'prefixLength.max: expected an integer from 0 to 32, got 33',
    ],
    ['{ action: Accept, source: Local }', 'source: expected one of RemotePeers, got "Local"'],
    [
      '{ action: Accept, interface: "a b" }',
      'interface: expected an interface name of at most 15 characters, * for any text, got "a b"',
    ],
    [
      '{ action: Accept, communities: { values: ["1:1", "1:2"] } }',
      'communities.values: expected 1 entries, got 2',
    ],
    [
      '{ action: Accept, communities: { values: ["1:70000"] } }',
      'communities.values[0]: expected a community a:b of 16 bits each or a:b:c of 32 bits each, got "1:70000"',
    ],
    [
      '{ action: Accept, asPathPrefix: [0] }',
      'asPathPrefix[0]: expected an AS number from 1 to 4294967295, got 0',
    ],
    [
      '{ action: Reject, operations: [{ setPriority: { value: 1 } }] }',
      'operations: only with action Accept',
    ],
    [
      '{ action: Accept, operations: [{}] }',
      'operations[0]: expected exactly one of addCommunity, prependASPath, setPriority, got 0',
    ],
    ['{ action: Accept, operations: [] }', 'operations: expected 1 to 10 entries, got 0'],
    ['{ action: Accept, cidrs: x }', 'cidrs: unknown field'],
  ])('%s', (rule, problem) => {
    expect(() => filter(`{ exportV4: [${rule}] }`)).toThrow(`BGPFilter f: spec.exportV4[0].${problem}`);
  });
});

describe('a BGPPeer that names filters', () => {
  const node = (name: string, ipv4Address: string, asNumber: number) =>
    parseResourceOf('Node', {
      apiVersion: 'projectcalico.org/v3',
      kind: 'Node',
      metadata: { name },
      spec: { bgp: { ipv4Address, asNumber } },
    });
  const bgpPeer = (spec: object) =>
    parseResourceOf('BGPPeer', {
      apiVersion: 'projectcalico.org/v3',
      kind: 'BGPPeer',
      metadata: { name: 'p' },
      spec: { peerIP: '192.0.2.9', asNumber: 65001, ...spec },
    });
  const peer = (spec: object) =>
    computePeers({ self: 'a', nodes: [node('a', '192.0.2.1/24', 64512)], bgpPeers: [bgpPeer(spec)] })[0]!;

  test('has them applied in both directions', () => {
    const filters = new Map([
      ['in', filter('{ importV4: [{ action: Reject, peerType: eBGP }] }', 'in')],
      ['out', filter('{ exportV4: [{ action: Reject, peerType: iBGP }, { action: Accept }] }', 'out')],
    ]);
    const config = new PeerConfigs(filters).configOf(peer({ filters: ['in', 'gone', 'out'] }), 64512, 90);
    expect(config).toMatchObject({ name: 'Global_192_0_2_9', holdTime: 90, asn: 65001 });
    expect(config).not.toHaveProperty('filters');
    expect(config.importPolicy?.apply(route())).toBeUndefined();
    expect(config.exportPolicy?.apply(route())).toBeDefined();
  });

  test('keeps its policies while its filters stay', () => {
    const filters = new Map([['in', filter('{ importV4: [{ action: Reject }] }', 'in')]]);
    const configs = new PeerConfigs(filters);
    const before = configs.configOf(peer({ filters: ['in'] }), 64512, undefined);
    expect(before.exportPolicy).toBeUndefined();
    filters.set('other', filter('{ importV4: [{ action: Accept }] }', 'other'));
    expect(configs.configOf(peer({ filters: ['in'] }), 64512, undefined).importPolicy).toBe(
      before.importPolicy,
    );
    filters.set('in', filter('{ importV4: [{ action: Accept }] }', 'in'));
    const after = configs.configOf(peer({ filters: ['in'] }), 64512, undefined);
    expect(after.importPolicy).not.toBe(before.importPolicy);
    expect(after.importPolicy?.apply(route())).toBeDefined();
    expect(configs.configOf(peer({}), 64512, undefined)).not.toHaveProperty('importPolicy');
  });

  test('says what else it asks for', () => {
    const config = new PeerConfigs(new Map()).configOf(
      peer({ nextHopMode: 'Keep', numAllowedLocalASNumbers: 2, ttlSecurity: 3 }),
      64512,
      undefined,
    );
    expect(config).toMatchObject({ nextHopUnchanged: true, allowAsIn: 2, ttlSecurity: 3 });
  });
});
