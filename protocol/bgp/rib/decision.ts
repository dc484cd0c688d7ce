/** Route selection, RFC 4271 §9.1 with RFC 4456 §9, as a row of steps, each of which says what it decided. */
import type { AttributeTable } from './attribute-table.ts';
import type { PathTable } from './path-table.ts';
import { LOCAL, type RibPeer } from './route.ts';

/** What made one path better than another, in the order in which it is asked. */
export type DecisionStep =
  /** Higher LOCAL_PREF, RFC 4271 §9.1.1. */
  | 'local-pref'
  /** Our own route before a learnt one. */
  | 'local-route'
  /** RFC 4271 §9.1.2.2 a to g. */
  | 'as-path-length'
  | 'origin'
  | 'med'
  | 'external-over-internal'
  | 'router-id'
  /** RFC 4456 §9. */
  | 'cluster-list-length'
  | 'peer-address';

/** What the steps look at. */
export interface DecisionContext {
  readonly paths: PathTable;
  readonly attributes: AttributeTable;
  readonly peers: ReadonlyMap<number, RibPeer>;
}

/** A step as a number of each path, of which the lowest stay. */
const COSTS: readonly (readonly [
  DecisionStep,
  ((context: DecisionContext, path: number) => number) | undefined,
])[] = [
  ['local-pref', ({ paths, attributes }, path) => -attributes.localPref(paths.attributes[path]!)],
  ['local-route', ({ paths }, path) => (paths.peer[path] === LOCAL ? 0 : 1)],
  ['as-path-length', ({ paths, attributes }, path) => attributes.pathLength(paths.attributes[path]!)],
  ['origin', ({ paths, attributes }, path) => attributes.origin(paths.attributes[path]!)],
  ['med', undefined],
  [
    'external-over-internal',
    ({ paths, peers }, path) => (peers.get(paths.peer[path]!)?.peerType === 'external' ? 0 : 1),
  ],
  ['router-id', routerId],
  ['cluster-list-length', ({ paths, attributes }, path) => attributes.clusterLength(paths.attributes[path]!)],
];

/** ORIGINATOR_ID stands in for the peer's identifier (RFC 4456 §9). */
function routerId({ paths, attributes, peers }: DecisionContext, path: number): number {
  const originator = attributes.originatorId(paths.attributes[path]!);
  return originator !== 0 ? originator : (peers.get(paths.peer[path]!)?.routerId ?? 0);
}

/**
 * The best of `candidates` (path numbers, one or more), which is used up.
 * @param lost told of each path that falls out, and at which step.
 */
export function decide(
  context: DecisionContext,
  candidates: number[],
  lost?: (path: number, step: DecisionStep) => void,
): number {
  for (const [step, cost] of COSTS) {
    if (candidates.length === 1) return candidates[0]!;
    if (cost === undefined) keepLowestMed(context, candidates, lost);
    else keepLowest(candidates, (path) => cost(context, path), step, lost);
  }
  return lowestAddress(context, candidates, lost);
}

function keepLowest(
  candidates: number[],
  cost: (path: number) => number,
  step: DecisionStep,
  lost: ((path: number, step: DecisionStep) => void) | undefined,
): void {
  let lowest = Number.POSITIVE_INFINITY;
  for (const path of candidates) lowest = Math.min(lowest, cost(path));
  keep(candidates, (path) => cost(path) === lowest, step, lost);
}

/** MED counts only among paths from the same neighbouring AS, whatever the order of arrival (§9.1.2.2 c). */
function keepLowestMed(
  { paths, attributes }: DecisionContext,
  candidates: number[],
  lost: ((path: number, step: DecisionStep) => void) | undefined,
): void {
  const lowest = new Map<number, number>();
  for (const path of candidates) {
    const set = paths.attributes[path]!;
    const neighbour = attributes.neighbourAs(set);
    lowest.set(neighbour, Math.min(lowest.get(neighbour) ?? Number.POSITIVE_INFINITY, attributes.med(set)));
  }
  const isLowest = (path: number): boolean => {
    const set = paths.attributes[path]!;
    return attributes.med(set) === lowest.get(attributes.neighbourAs(set));
  };
  keep(candidates, isLowest, 'med', lost);
}

function keep(
  candidates: number[],
  stays: (path: number) => boolean,
  step: DecisionStep,
  lost: ((path: number, step: DecisionStep) => void) | undefined,
): void {
  let count = 0;
  for (const path of candidates) {
    if (stays(path)) candidates[count++] = path;
    else lost?.(path, step);
  }
  candidates.length = count;
}

function lowestAddress(
  { paths, peers }: DecisionContext,
  candidates: readonly number[],
  lost: ((path: number, step: DecisionStep) => void) | undefined,
): number {
  let best = candidates[0]!;
  for (const path of candidates.slice(1)) {
    const [a, b] = [peers.get(paths.peer[path]!), peers.get(paths.peer[best]!)];
    const lower =
      (a === undefined || b === undefined ? 0 : compareAddresses(a.address, b.address)) || a!.id - b!.id;
    lost?.(lower < 0 ? best : path, 'peer-address');
    if (lower < 0) best = path;
  }
  return best;
}

/** IPv4 before IPv6, then by octets. */
function compareAddresses(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return a.length - b.length;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}
