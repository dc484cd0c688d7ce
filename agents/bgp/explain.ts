/** Why a path won: every path of a prefix with the step at which it fell out, and what was compared there. */
import { asPathLength } from '../../protocol/bgp/attribute/as-path.ts';
import { LLGR_STALE } from '../../protocol/bgp/attribute/communities.ts';
import { ORIGIN_NAMES } from '../../protocol/bgp/attribute/origin.ts';
import type { DecisionStep } from '../../protocol/bgp/rib/decision.ts';
import type { PathInfo, Rib } from '../../protocol/bgp/rib/rib.ts';
import { DEFAULT_LOCAL_PREF } from '../../protocol/bgp/rib/route.ts';
import { formatIpv4 } from '../../protocol/ip/ipv4.ts';
import { formatAddress } from '../../protocol/ip/prefix.ts';
import type { BgpExplanation } from '../control/bgp.ts';
import { pathMatcher } from './path-query.ts';
import { pathView } from './path-view.ts';
import type { ExplainedPath, FamilyName } from './types.ts';

/** The paths of a prefix, the best first. @throws RangeError where nothing is known of it. */
export function explain(
  rib: Rib,
  query: { readonly prefix: string; readonly family?: FamilyName },
): BgpExplanation {
  const wanted = pathMatcher(query);
  const paths = [...rib.paths()].filter(wanted);
  const best = paths.find((path) => path.best);
  const [first] = paths;
  if (first === undefined) throw new RangeError(`no path to ${query.prefix} is known`);
  return { prefix: first.prefix, family: first.family, paths: paths.map((path) => explained(path, best)) };
}

function explained(path: PathInfo, best: PathInfo | undefined): ExplainedPath {
  if (path.lost === undefined || best === undefined) return pathView(path);
  const { rule, value } = STEPS[path.lost];
  const numbers = path.compared!;
  return {
    ...pathView(path),
    lost: {
      step: path.lost,
      rule,
      value: value?.(path) ?? String(numbers.value),
      best: value?.(best) ?? String(numbers.best),
    },
  };
}

/** Each step in words, and what it compares, where that is not just the numbers that it compared. */
const STEPS: Readonly<
  Record<DecisionStep, { readonly rule: string; readonly value?: (path: PathInfo) => string }>
> = {
  'long-lived-stale': {
    rule: 'a path that is not long-lived stale wins (RFC 9494 §4.3)',
    value: ({ attributes }) => (attributes.communities?.includes(LLGR_STALE) ? 'stale' : 'fresh'),
  },
  'local-pref': {
    rule: 'higher local preference wins (RFC 4271 §9.1.1)',
    value: ({ attributes }) => String(attributes.localPref ?? DEFAULT_LOCAL_PREF),
  },
  'local-route': {
    rule: 'an own route wins',
    value: ({ peer }) => (peer === undefined ? 'own' : 'learnt'),
  },
  aigp: { rule: 'lower accumulated IGP metric wins (RFC 7311 §4.1)' },
  'as-path-length': {
    rule: 'shorter AS_PATH wins (RFC 4271 §9.1.2.2 a)',
    value: ({ attributes }) => String(asPathLength(attributes.asPath)),
  },
  origin: {
    rule: 'lower ORIGIN wins (RFC 4271 §9.1.2.2 b)',
    value: ({ attributes }) => ORIGIN_NAMES[attributes.origin],
  },
  med: {
    rule: 'lower MULTI_EXIT_DISC of one neighbouring AS wins (RFC 4271 §9.1.2.2 c)',
    value: ({ attributes }) => String(attributes.med ?? 0),
  },
  'external-over-internal': {
    rule: 'a path from another AS wins (RFC 4271 §9.1.2.2 d)',
    value: ({ peer }) => peer?.peerType ?? 'local',
  },
  'igp-cost': { rule: 'lower cost of the next hop wins (RFC 4271 §9.1.2.2 e)' },
  'router-id': {
    rule: 'lower BGP identifier, or ORIGINATOR_ID, wins (RFC 4271 §9.1.2.2 f, RFC 4456 §9)',
    value: ({ attributes, peer }) => formatIpv4(attributes.originatorId ?? peer?.routerId ?? 0),
  },
  'cluster-list-length': {
    rule: 'shorter CLUSTER_LIST wins (RFC 4456 §9)',
    value: ({ attributes }) => String(attributes.clusterList?.length ?? 0),
  },
  'peer-address': {
    rule: 'lower peer address wins (RFC 4271 §9.1.2.2 g)',
    value: ({ peer }) => (peer === undefined ? '' : formatAddress(peer.address)),
  },
  'path-id': {
    rule: 'of two paths of one peer, the lower path identifier wins',
    value: ({ pathId }) => String(pathId),
  },
};
