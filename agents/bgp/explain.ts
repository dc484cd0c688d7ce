/** Why a path won: every path of a prefix with the step at which it fell out, and what was compared there. */
import { asPathLength } from '../../protocol/bgp/attribute/as-path.ts';
import { LLGR_STALE } from '../../protocol/bgp/attribute/communities.ts';
import { ORIGIN_NAMES } from '../../protocol/bgp/attribute/origin.ts';
import { FAMILIES } from '../../protocol/bgp/family.ts';
import type { DecisionStep } from '../../protocol/bgp/rib/decision.ts';
import { isStaticRank, macRankOf, sequenceOfRank } from '../../protocol/bgp/rib/mac-mobility.ts';
import type { PathInfo, Rib } from '../../protocol/bgp/rib/rib.ts';
import { DEFAULT_LOCAL_PREF } from '../../protocol/bgp/rib/route.ts';
import { formatIpv4 } from '../../protocol/ip/ipv4.ts';
import { formatAddress } from '../../protocol/ip/prefix.ts';
import type { BgpExplanation, ExplainedStep } from '../control/bgp.ts';
import { Destination } from './path-query.ts';
import { pathView } from './path-view.ts';
import type { ExplainedPath, FamilyName } from './types.ts';

/** The paths of a prefix, the best first. @throws RangeError where nothing is known of it. */
export function explain(
  rib: Rib,
  query: { readonly prefix: string; readonly family?: FamilyName },
): BgpExplanation {
  const paths = pathsTo(rib, query);
  const best = paths.find((path) => path.best);
  const [first] = paths;
  if (first === undefined) throw new RangeError(`no path to ${query.prefix} is known`);
  return {
    prefix: first.prefix,
    family: first.family,
    paths: paths.map((path) => explained(path, best)),
    steps: best === undefined ? [] : stepsOf(paths, best),
  };
}

/** The paths to a destination, found in the tables where its text can be read, otherwise by its text. */
function pathsTo(rib: Rib, query: { readonly prefix: string; readonly family?: FamilyName }): PathInfo[] {
  const to = new Destination(query.prefix, false);
  const families = query.family === undefined ? (Object.keys(FAMILIES) as FamilyName[]) : [query.family];
  for (const family of families) {
    const bytes = to.nlri(family);
    const found = bytes === undefined ? [] : rib.explain({ family, bytes });
    if (found.length > 0) return found;
  }
  for (const family of families) {
    if (FAMILIES[family].prefixes) continue;
    const found = [...rib.paths(family)].filter(({ prefix }) => to.matches(prefix));
    if (found.length > 0) return found;
  }
  return [];
}

/** The steps in order, as long as more than one path was in. */
function stepsOf(paths: readonly PathInfo[], best: PathInfo): ExplainedStep[] {
  const steps: ExplainedStep[] = [];
  let left = paths.filter((path) => path === best || path.lost !== undefined).length;
  for (const step of Object.keys(STEPS) as DecisionStep[]) {
    if (left <= 1) break;
    if (STEPS[step].family !== undefined && STEPS[step].family !== best.family) continue;
    const out = paths.flatMap((path, i) => (path.lost === step ? [{ path, number: i + 1 }] : []));
    left -= out.length;
    const lost = out.map(({ path, number }) => ({ path: number, value: valuesOf(path, best, step).value }));
    // Where nobody lost, what the best path has stands for all; it is not known of steps that only compare numbers.
    const [first] = out;
    const value =
      first === undefined ? (STEPS[step].value?.(best) ?? '') : valuesOf(first.path, best, step).best;
    steps.push({ step, rule: STEPS[step].rule, best: value, lost, left });
  }
  return steps;
}

/** What a path had at the step where it lost, and what won there. */
function valuesOf(path: PathInfo, best: PathInfo, step: DecisionStep): { value: string; best: string } {
  const { value } = STEPS[step];
  return {
    value: value?.(path) ?? comparedText(path.compared?.value),
    best: value?.(best) ?? comparedText(path.compared?.best),
  };
}

function comparedText(value: number | Uint8Array | undefined): string {
  return typeof value === 'object' ? formatAddress(value) : String(value ?? '');
}

function explained(path: PathInfo, best: PathInfo | undefined): ExplainedPath {
  if (path.lost === undefined || best === undefined) return pathView(path);
  const step = path.lost;
  return { ...pathView(path), lost: { step, rule: STEPS[step].rule, ...valuesOf(path, best, step) } };
}

/** Each step in words, and what it compares, where that is not just the numbers; in the order in which they are asked. */
const STEPS: Readonly<
  Record<
    DecisionStep,
    {
      readonly rule: string;
      readonly value?: (path: PathInfo) => string;
      /** Only routes of this family are asked. */
      readonly family?: FamilyName;
    }
  >
> = {
  'long-lived-stale': {
    rule: 'a path that is not long-lived stale wins (RFC 9494 §4.3)',
    value: ({ attributes }) => (attributes.communities?.includes(LLGR_STALE) ? 'stale' : 'fresh'),
  },
  'mac-static': {
    family: 'l2vpn-evpn',
    rule: 'a static MAC address wins (RFC 7432 §15.2)',
    value: ({ attributes }) => (isStaticRank(macRankOf(attributes)) ? 'static' : 'mobile'),
  },
  'mac-sequence': {
    family: 'l2vpn-evpn',
    rule: 'higher MAC mobility sequence number wins (RFC 7432 §15)',
    value: ({ attributes }) => String(sequenceOfRank(macRankOf(attributes))),
  },
  'pe-address': { family: 'l2vpn-evpn', rule: 'lower address of the PE wins (RFC 7432 §15)' },
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
