/** The numbers of Statistics Reports (RFC 7854 §4.8, RFC 8671 §6.2). */
import { FAMILIES } from '../../protocol/bgp/family.ts';
import {
  OWN_AS_IN_PATH,
  OWN_CLUSTER_ID,
  OWN_ORIGINATOR_ID,
  REJECTED_BY_POLICY,
} from '../../protocol/bgp/rib/import.ts';
import type { Rib } from '../../protocol/bgp/rib/rib.ts';
import {
  ADJ_RIB_IN_FAMILY_ROUTES,
  ADJ_RIB_IN_ROUTES,
  ADJ_RIB_OUT_POST_FAMILY_ROUTES,
  ADJ_RIB_OUT_POST_ROUTES,
  AS_PATH_LOOPS,
  CLUSTER_LIST_LOOPS,
  LOC_RIB_FAMILY_ROUTES,
  LOC_RIB_ROUTES,
  ORIGINATOR_ID_LOOPS,
  REJECTED_PREFIXES,
  type Statistic,
  TREAT_AS_WITHDRAW_UPDATES,
} from '../../protocol/bmp/statistics.ts';
import type { MonitoredSession } from '../bgp/session-monitors.ts';

/** Counters of refused routes, and what is counted in each. */
const REFUSALS: readonly (readonly [type: number, reason: number])[] = [
  [REJECTED_PREFIXES, REJECTED_BY_POLICY],
  [CLUSTER_LIST_LOOPS, OWN_CLUSTER_ID],
  [AS_PATH_LOOPS, OWN_AS_IN_PATH],
  [ORIGINATOR_ID_LOOPS, OWN_ORIGINATOR_ID],
];

/**
 * What is counted of a session.
 * @param refused routes that import refused, by reason (import.ts), since the collector was told that the peer is up.
 */
export function sessionStatistics(
  { ribPeer, negotiated, counters }: MonitoredSession,
  rib: Rib,
  refused: ReadonlyMap<number, number>,
): Statistic[] {
  const byFamily = (type: number, count: (family: keyof typeof FAMILIES) => number): Statistic[] =>
    negotiated.families.map((family) => {
      const { afi, safi } = FAMILIES[family];
      return { kind: 'family-gauge', type, family: { afi, safi }, value: BigInt(count(family)) };
    });
  return [
    ...REFUSALS.map(
      ([type, reason]) => ({ kind: 'counter', type, value: (refused.get(reason) ?? 0) >>> 0 }) as const,
    ),
    { kind: 'gauge', type: ADJ_RIB_IN_ROUTES, value: BigInt(rib.receivedCount(ribPeer)) },
    ...byFamily(ADJ_RIB_IN_FAMILY_ROUTES, (family) => rib.receivedCount(ribPeer, family)),
    {
      kind: 'counter',
      type: TREAT_AS_WITHDRAW_UPDATES,
      value: counters.faults['treat-as-withdraw'] >>> 0,
    },
    { kind: 'gauge', type: ADJ_RIB_OUT_POST_ROUTES, value: BigInt(rib.sentCount(ribPeer)) },
    ...byFamily(ADJ_RIB_OUT_POST_FAMILY_ROUTES, (family) => rib.sentCount(ribPeer, family)),
  ];
}

/** What is counted of the best routes (RFC 9069 §6.1). */
export function locRibStatistics(rib: Rib): Statistic[] {
  const counts = rib.counts();
  const all = counts.reduce((sum, { prefixes }) => sum + prefixes, 0);
  return [
    { kind: 'gauge', type: LOC_RIB_ROUTES, value: BigInt(all) },
    ...counts.map(({ family, prefixes }): Statistic => {
      const { afi, safi } = FAMILIES[family];
      return {
        kind: 'family-gauge',
        type: LOC_RIB_FAMILY_ROUTES,
        family: { afi, safi },
        value: BigInt(prefixes),
      };
    }),
  ];
}
