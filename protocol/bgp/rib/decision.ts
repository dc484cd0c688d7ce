/**
 * Route selection, RFC 4271 §9.1 with RFC 4456 §9, RFC 5065 §5.3, RFC 7311 §4.1, RFC 7432 §15 and RFC 9494 §4.3, as a row
 * of steps, each of which says what it decided and by which values.
 */
import { HAS_LLGR_STALE } from './attribute-summary.ts';
import { type AttributeTable, hostAddress } from './attribute-table.ts';
import { compareAddresses, isStaticRank, type MacStep, sequenceOfRank } from './mac-mobility.ts';
import type { PathTable } from './path-table.ts';
import { LOCAL, type RibConfig, type RibPeer } from './route.ts';

/** What made one path better than another, in the order in which it is asked. */
export type DecisionStep =
  /** Without LLGR_STALE before with it (RFC 9494 §4.3). */
  | 'long-lived-stale'
  /** Of routes of EVPN for a MAC address only. */
  | MacStep
  /** Higher LOCAL_PREF, RFC 4271 §9.1.1. */
  | 'local-pref'
  /** Our own route before a learnt one. */
  | 'local-route'
  /** Lower AIGP with the cost of the next hop; a path that has AIGP before one without (RFC 7311 §4.1). Optional. */
  | 'aigp'
  /** RFC 4271 §9.1.2.2 a to g, confederation members counting as internal. */
  | 'as-path-length'
  | 'origin'
  | 'med'
  | 'external-over-internal'
  | 'igp-cost'
  | 'router-id'
  /** RFC 4456 §9. */
  | 'cluster-list-length'
  | 'peer-address'
  /** The lower identifier of two paths from one peer (RFC 7911). */
  | 'path-id';

/** What the steps look at. */
export interface DecisionContext {
  readonly paths: PathTable;
  readonly attributes: AttributeTable;
  readonly peers: ReadonlyMap<number, RibPeer>;
  readonly config: RibConfig;
  /** Whether a prefix is a MAC/IP route of EVPN; absent in other families. */
  readonly isMacRoute?: ((prefix: number) => boolean) | undefined;
}

/** Told of each path that falls out: at which step, its own value, and that of those that stayed. */
export type LostListener = (
  path: number,
  step: DecisionStep,
  value: number | Uint8Array,
  best: number | Uint8Array,
) => void;

/** A number of each path, of which the lowest stay. */
type Cost = (context: DecisionContext, path: number) => number;

/** A step that looks at all candidates together. */
interface Together {
  readonly keep: (context: DecisionContext, candidates: number[], lost: LostListener | undefined) => void;
}

type Step = readonly [DecisionStep, Cost | Together];

const LONG_LIVED_STALE: Step = [
  'long-lived-stale',
  (context, path) => context.attributes.flags(setOf(context, path)) & HAS_LLGR_STALE,
];

/** Paths that are equal up to here may be used together (ECMP). */
const BEFORE_TIES: readonly Step[] = [
  LONG_LIVED_STALE,
  ['local-pref', (context, path) => -context.attributes.localPref(setOf(context, path))],
  ['local-route', ({ paths }, path) => (paths.peer(path) === LOCAL ? 0 : 1)],
  ['aigp', aigp],
  ['as-path-length', (context, path) => context.attributes.pathLength(setOf(context, path))],
  ['origin', (context, path) => context.attributes.origin(setOf(context, path))],
  ['med', { keep: keepLowestMed }],
  ['external-over-internal', ({ paths, peers }, path) => (isExternal(peers, paths.peer(path)) ? 0 : 1)],
  ['igp-cost', (context, path) => context.attributes.cost(setOf(context, path)) ?? 0],
];

/** The same for MAC/IP routes of EVPN: who has the MAC address comes before all that says how good a path is. */
const MAC_BEFORE_TIES: readonly Step[] = [
  LONG_LIVED_STALE,
  ['mac-static', (context, path) => (isStaticRank(context.attributes.macRank(setOf(context, path))) ? 0 : 1)],
  ['mac-sequence', (context, path) => -sequenceOfRank(context.attributes.macRank(setOf(context, path)))],
  ['pe-address', { keep: keepLowestPe }],
  ...BEFORE_TIES.slice(1),
];

const TIES: readonly (readonly [DecisionStep, Cost])[] = [
  ['router-id', routerId],
  ['cluster-list-length', (context, path) => context.attributes.clusterLength(setOf(context, path))],
];

/** The steps for what a path leads to. */
function stepsFor({ isMacRoute, paths }: DecisionContext, path: number): readonly Step[] {
  return isMacRoute?.(paths.prefix(path)) ? MAC_BEFORE_TIES : BEFORE_TIES;
}

function setOf({ paths }: DecisionContext, path: number): number {
  return paths.selected(path);
}

function isExternal(peers: ReadonlyMap<number, RibPeer>, peer: number): boolean {
  return peers.get(peer)?.peerType === 'external';
}

/** RFC 7311 §4.1: the metric and what it costs to get to the next hop; absent is worst. All equal where not asked for. */
function aigp(context: DecisionContext, path: number): number {
  if (!context.config.compareAigp) return 0;
  const set = setOf(context, path);
  const metric = context.attributes.aigp(set);
  return metric === undefined ? Number.POSITIVE_INFINITY : metric + (context.attributes.cost(set) ?? 0);
}

/** ORIGINATOR_ID stands in for the peer's identifier (RFC 4456 §9). */
function routerId(context: DecisionContext, path: number): number {
  const originator = context.attributes.originatorId(setOf(context, path));
  return originator !== 0 ? originator : (context.peers.get(context.paths.peer(path))?.routerId ?? 0);
}

/** The best of `candidates` (path numbers, one or more), which is used up. */
export function decide(context: DecisionContext, candidates: number[], lost?: LostListener): number {
  keepEqual(context, candidates, lost);
  for (const [step, cost] of TIES) {
    if (candidates.length === 1) return candidates[0]!;
    keepLowest(context, candidates, cost, step, lost);
  }
  return lowestAddress(context, candidates, lost);
}

/** Leaves those of `candidates` that only tie-breakers could tell apart. */
export function keepEqual(context: DecisionContext, candidates: number[], lost?: LostListener): void {
  for (const [step, cost] of stepsFor(context, candidates[0]!)) {
    if (candidates.length === 1) return;
    if (typeof cost === 'function') keepLowest(context, candidates, cost, step, lost);
    else cost.keep(context, candidates, lost);
  }
}

function keepLowest(
  context: DecisionContext,
  candidates: number[],
  cost: Cost,
  step: DecisionStep,
  lost: LostListener | undefined,
): void {
  let lowest = Number.POSITIVE_INFINITY;
  for (const path of candidates) lowest = Math.min(lowest, cost(context, path));
  let count = 0;
  for (const path of candidates) {
    const value = cost(context, path);
    if (value === lowest) candidates[count++] = path;
    else lost?.(path, step, Math.abs(value), Math.abs(lowest));
  }
  candidates.length = count;
}

/**
 * MED counts only among paths from the same neighbouring AS, whatever the order of arrival (§9.1.2.2 c), unless it is
 * to be compared always.
 */
function keepLowestMed(
  { paths, attributes, config }: DecisionContext,
  candidates: number[],
  lost: LostListener | undefined,
): void {
  const group = (set: number): number => (config.alwaysCompareMed ? 0 : attributes.neighbourAs(set));
  const lowest = new Map<number, number>();
  for (const path of candidates) {
    const set = paths.selected(path);
    lowest.set(group(set), Math.min(lowest.get(group(set)) ?? Number.POSITIVE_INFINITY, attributes.med(set)));
  }
  let count = 0;
  for (const path of candidates) {
    const set = paths.selected(path);
    const best = lowest.get(group(set))!;
    if (attributes.med(set) === best) candidates[count++] = path;
    else lost?.(path, 'med', attributes.med(set), best);
  }
  candidates.length = count;
}

/** The lowest address of a PE; a path of our own that carries no next hop has our address on the session of the lowest. */
function keepLowestPe(context: DecisionContext, candidates: number[], lost: LostListener | undefined): void {
  const { paths, attributes, peers } = context;
  const nextHop = (path: number): Uint8Array => hostAddress(attributes.nextHop(setOf(context, path)));
  let lowest: number | undefined;
  for (const path of candidates) {
    if (nextHop(path).length === 0) continue;
    if (lowest === undefined || compareAddresses(nextHop(path), nextHop(lowest)) < 0) lowest = path;
  }
  if (lowest === undefined) return;
  const own = peers.get(paths.peer(lowest))?.localAddress ?? NO_ADDRESS;
  const pe = (path: number): Uint8Array => (nextHop(path).length === 0 ? own : nextHop(path));
  const best = candidates.map(pe).reduce((a, b) => (compareAddresses(b, a) < 0 ? b : a));
  let count = 0;
  for (const path of candidates) {
    if (compareAddresses(pe(path), best) === 0) candidates[count++] = path;
    else lost?.(path, 'pe-address', pe(path).slice(), best.slice());
  }
  candidates.length = count;
}

function lowestAddress(
  { paths, peers }: DecisionContext,
  candidates: readonly number[],
  lost: LostListener | undefined,
): number {
  const address = (path: number): Uint8Array => peers.get(paths.peer(path))?.address ?? NO_ADDRESS;
  let best = candidates[0]!;
  for (const path of candidates.slice(1)) {
    const byAddress = compareAddresses(address(path), address(best)) || paths.peer(path) - paths.peer(best);
    const [winner, loser] =
      (byAddress || paths.pathId(path) - paths.pathId(best)) < 0 ? [path, best] : [best, path];
    if (byAddress !== 0) lost?.(loser, 'peer-address', address(loser), address(winner));
    else lost?.(loser, 'path-id', paths.pathId(loser), paths.pathId(winner));
    best = winner;
  }
  return best;
}

const NO_ADDRESS = new Uint8Array(0);

/**
 * How a path stands to another by the steps that do not depend on third paths, as far as the first that does: negative where `a` is
 * better, positive where `b` is, 0 where they are equal so far.
 */
export function compareBeforeMed(context: DecisionContext, a: number, b: number): number {
  for (const [, cost] of stepsFor(context, a)) {
    if (typeof cost !== 'function') return 0;
    const difference = cost(context, a) - cost(context, b);
    if (difference !== 0 && !Number.isNaN(difference)) return difference;
  }
  return 0;
}
