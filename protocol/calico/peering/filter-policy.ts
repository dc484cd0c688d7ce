/** BGPFilters as policies of a session (Calico `confd/pkg/resource/template/template_funcs.go`). */
import type { AsPath } from '../../bgp/attribute/as-path.ts';
import { isConfed } from '../../bgp/attribute/as-path.ts';
import { CommunitySet, parseCommunityPattern } from '../../bgp/policy/community-pattern.ts';
import type { Policy, PolicyRoute } from '../../bgp/policy/policy.ts';
import { PrefixSet } from '../../bgp/policy/prefix-set.ts';
import { compileSet } from '../../bgp/policy/set.ts';
import {
  type CompiledStatement,
  type Matcher,
  type Setter,
  StatementPolicy,
} from '../../bgp/policy/statement.ts';
import { parsePrefix } from '../../ip/prefix.ts';
import type { BgpFilter, BgpFilterOperation, BgpFilterRule } from '../resources/bgp-filter.ts';

/** The session that filters are for. */
export interface FilteredSession {
  readonly direction: 'import' | 'export';
  readonly peerType: 'eBGP' | 'iBGP';
  /** Interface that a route leads out of; `undefined` where it leads nowhere, as a block on its own node. */
  readonly interfaceOf: (route: PolicyRoute) => string | undefined;
}

/**
 * The filters of a BGPPeer, asked in order: the first rule that matches decides, and a route that none matches is
 * accepted. `undefined` where no filter has rules for this direction.
 */
export function filterPolicy(filters: readonly BgpFilter[], session: FilteredSession): Policy | undefined {
  const statements = filters.flatMap(({ metadata, spec }) =>
    (['V4', 'V6'] as const).flatMap((version) =>
      (spec[`${session.direction}${version}`] ?? []).flatMap((rule, i) =>
        compileRule(rule, version, session).map((compiled) => ({
          policy: metadata.name,
          name: `${session.direction}${version}[${i}]`,
          ...compiled,
        })),
      ),
    ),
  );
  if (statements.length === 0) return undefined;
  return new StatementPolicy(filters.map(({ metadata }) => metadata.name).join(', '), statements, 'accept');
}

type CompiledRule = Pick<CompiledStatement, 'matchers' | 'setters' | 'result'>;

/** None where the rule is for sessions of the other kind. */
function compileRule(rule: BgpFilterRule, version: 'V4' | 'V6', session: FilteredSession): CompiledRule[] {
  if (rule.peerType !== undefined && rule.peerType !== session.peerType) return [];
  const family = version === 'V4' ? 'ipv4-unicast' : 'ipv6-unicast';
  const matchers: Matcher[] = [condition((route) => route.family === family)];
  if (rule.cidr !== undefined) matchers.push(cidrMatcher(rule, rule.cidr));
  if (rule.source !== undefined) matchers.push(condition((route) => route.source.kind !== 'local'));
  if (rule.interface !== undefined) matchers.push(interfaceMatcher(rule.interface, session));
  if (rule.communities !== undefined) {
    const set = new CommunitySet(rule.communities.values.map(parseCommunityPattern));
    matchers.push({ usesPrefix: false, test: (_, attributes) => set.matches(attributes) });
  }
  const { asPathPrefix = [], priority } = rule;
  if (asPathPrefix.length > 0) {
    matchers.push({ usesPrefix: false, test: (_, { asPath }) => beginsWith(asPath, asPathPrefix) });
  }
  // A metric in the kernel: BGP routes have none, nor have the blocks that a node announces.
  if (priority !== undefined) matchers.push(condition(() => false));
  return [
    {
      matchers,
      setters: (rule.operations ?? []).flatMap(operationSetters),
      result: rule.action === 'Accept' ? 'accept' : 'reject',
    },
  ];
}

function condition(test: (route: PolicyRoute) => boolean): Matcher {
  return { usesPrefix: false, test };
}

function cidrMatcher({ matchOperator, prefixLength = {} }: BgpFilterRule, cidr: string): Matcher {
  const prefix = parsePrefix(cidr, 'mask');
  const equal = matchOperator === 'Equal' || matchOperator === 'NotEqual';
  const longest = equal ? prefix.length : prefix.bytes.length * 8;
  const min = Math.max(prefix.length, prefixLength.min ?? 0);
  const max = Math.min(longest, prefixLength.max ?? longest);
  const set = new PrefixSet([{ prefix, min, max }]);
  const wanted = matchOperator === 'Equal' || matchOperator === 'In';
  return {
    usesPrefix: true,
    test: (route) => route.prefix !== undefined && set.has(route.prefix) === wanted,
  };
}

/** Interface names as BIRD's `~` compares them: `*` stands for any text. */
function interfaceMatcher(pattern: string, { interfaceOf }: FilteredSession): Matcher {
  const source = pattern.split('*').map((part) => part.replaceAll('.', '\\.'));
  const expression = new RegExp(`^${source.join('.*')}$`);
  return condition((route) => expression.test(interfaceOf(route) ?? ''));
}

function beginsWith(path: AsPath, wanted: readonly number[]): boolean {
  const asns: number[] = [];
  for (const segment of path) {
    if (isConfed(segment)) continue;
    if (segment.kind === 'set' || asns.length >= wanted.length) break;
    asns.push(...segment.asns);
  }
  return wanted.every((asn, i) => asns[i] === asn);
}

function operationSetters({
  addCommunity,
  prependASPath,
  setPriority,
}: BgpFilterOperation): readonly Setter[] {
  if (addCommunity !== undefined) {
    const large = addCommunity.value.split(':').length === 3;
    const change = { add: [addCommunity.value] };
    return compileSet(large ? { largeCommunities: change } : { communities: change }, []);
  }
  if (prependASPath !== undefined) {
    return prependASPath.prefix.toReversed().flatMap((asn) => compileSet({ asPathPrepend: { asn } }, []));
  }
  // The metric of a kernel route is nothing that BGP says, and the data plane has one route per prefix.
  const text = `priority ${setPriority?.value}`;
  return [{ text, apply: (_, attributes) => attributes }];
}
