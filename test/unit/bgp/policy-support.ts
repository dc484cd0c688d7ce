import { parse } from 'yaml';
import type { AsPath } from '../../../protocol/bgp/attribute/as-path.ts';
import { parseCommunities } from '../../../protocol/bgp/attribute/communities.ts';
import type { Family } from '../../../protocol/bgp/family.ts';
import { compilePolicies } from '../../../protocol/bgp/policy/compile.ts';
import type { PolicyDefinitions } from '../../../protocol/bgp/policy/definition.ts';
import type { Policy, PolicyRoute, PolicySource } from '../../../protocol/bgp/policy/policy.ts';
import type { RouteAttributes } from '../../../protocol/bgp/rib/route.ts';
import { parseAddress, parsePrefix } from '../../../protocol/ip/prefix.ts';

/** Definitions as people write them. */
export function definitions(yaml: string): PolicyDefinitions {
  return parse(yaml) as PolicyDefinitions;
}

/** The policies of the definitions in the order written, as one. */
export function policy(yaml: string): Policy {
  const book = compilePolicies(definitions(yaml));
  return book.policy(book.names);
}

/** A policy of one statement that accepts what matches `match` (YAML, flow style) and rejects the rest. */
export function matching(match: string, sets = ''): Policy {
  return policy(`${sets}\npolicies: { p: [{ match: ${match}, then: accept }] }`);
}

/** A policy that sets something on every route and accepts it. */
export function setting(set: string): Policy {
  return policy(`policies: { p: [{ set: ${set}, then: accept }] }`);
}

export interface RouteText {
  readonly family?: Family;
  /** `null` for a route that is no prefix. */
  readonly prefix?: string | null;
  readonly nextHop?: string;
  readonly asPath?: AsPath | readonly number[];
  readonly communities?: readonly string[];
  readonly attributes?: Partial<RouteAttributes>;
  readonly source?: Partial<Omit<PolicySource, 'address'>> & { readonly address?: string };
}

/** A route for a policy: `10.1.0.0/16` from the external peer `edge` (192.0.2.9, AS 65001), unless said otherwise. */
export function route(text: RouteText = {}): PolicyRoute {
  const { prefix = '10.1.0.0/16', nextHop = '192.0.2.9', asPath = [65001], source = {} } = text;
  const parsed = prefix === null ? undefined : parsePrefix(prefix);
  const { communities, largeCommunities } = parseCommunities(text.communities ?? []);
  const { address, ...rest } = source;
  const local = source.kind === 'local';
  return {
    family: text.family ?? (parsed?.version === 6 ? 'ipv6-unicast' : 'ipv4-unicast'),
    prefix: parsed,
    attributes: {
      origin: 0,
      asPath: isSegments(asPath) ? asPath : asPath.length === 0 ? [] : [{ kind: 'sequence', asns: asPath }],
      nextHop: nextHop === '' ? new Uint8Array(0) : parseAddress(nextHop)!,
      ...(communities.length === 0 ? {} : { communities }),
      ...(largeCommunities.length === 0 ? {} : { largeCommunities }),
      ...text.attributes,
    },
    source: {
      kind: 'external',
      asn: 65001,
      address: local ? undefined : parseAddress(address ?? '192.0.2.9'),
      name: local ? '' : 'edge',
      ...rest,
    },
  };
}

function isSegments(path: AsPath | readonly number[]): path is AsPath {
  return typeof path[0] === 'object';
}
