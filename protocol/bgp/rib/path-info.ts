/** Paths as objects, for people and for the node agent; tables keep numbers. */
import type { Family } from '../family.ts';
import type { AttributeTable } from './attribute-table.ts';
import type { DecisionStep } from './decision.ts';
import type { FamilyRib } from './family-rib.ts';
import { ELIGIBLE, UNREACHABLE_NEXT_HOP } from './import.ts';
import { LONG_LIVED, REASON, STALE } from './path-table.ts';
import type { RibPeer, RouteAttributes } from './route.ts';
import { pathIdOf } from './update-writer.ts';

const NONE = -1;

/** A path in a RIB. */
export interface PathInfo {
  readonly family: Family;
  /** The prefix, or another route's NLRI in words. */
  readonly prefix: string;
  readonly attributes: RouteAttributes;
  /** `undefined` for an own route. */
  readonly peer: RibPeer | undefined;
  /** Path identifier that the peer gave it, 0 without ADD-PATH (RFC 7911). */
  readonly pathId: number;
  readonly best: boolean;
  /** It is used: as the best, or beside the best (ECMP). */
  readonly multipath: boolean;
  /** Why it may not be selected (constants of import.ts, {@link INELIGIBLE_TEXT}); 0: it may. */
  readonly ineligible: number;
  /** Kept for a peer whose session is down (RFC 4724), or in the long-lived phase of that (RFC 9494). */
  readonly stale: boolean;
  readonly longLived: boolean;
  /** Step of route selection at which it lost. */
  readonly lost: DecisionStep | undefined;
  /** What was compared there: its own value, and the one that won. */
  readonly compared: { readonly value: number | Uint8Array; readonly best: number | Uint8Array } | undefined;
}

/** What a peer was sent. */
export interface SentInfo {
  readonly family: Family;
  readonly prefix: string;
  readonly attributes: RouteAttributes;
  /** Path identifier that we gave it; 0 without ADD-PATH. */
  readonly pathId: number;
}

/** A prefix whose best path changed; no path means that none is left. */
export interface RibChange {
  readonly family: Family;
  readonly prefix: string;
  /** Its number (RibMonitor), valid until the next flush. */
  readonly route: number;
  readonly best: PathInfo | undefined;
  /** All paths to use, the best first; more than one only where multipath is on. */
  readonly multipath: readonly PathInfo[];
}

type Loss = Pick<PathInfo, 'lost' | 'compared'>;
const NO_LOSS: Loss = { lost: undefined, compared: undefined };

/** What reading paths takes. */
export interface ViewContext {
  readonly attributes: AttributeTable;
  readonly peers: ReadonlyMap<number, RibPeer>;
}

/** All paths of a prefix, the best first, then those used beside it, each other one with the step at which it lost. */
export function pathsAt(context: ViewContext, family: FamilyRib, prefix: number): PathInfo[] {
  const { rib } = family;
  const losses = new Map<number, Loss>();
  rib.explain(prefix, (path, lost, value, best) => losses.set(path, { lost, compared: { value, best } }));
  const used = rib.multipath(prefix);
  const order: number[] = [...used];
  rib.eachAt(prefix, (path) => {
    if (!used.includes(path)) order.push(path);
  });
  return order.map((path) => pathInfo(context, family, path, used, losses.get(path)));
}

/** One path. @param received shows the attributes as the peer sent them, before import. */
export function pathInfo(
  { attributes, peers }: ViewContext,
  { family, rib }: FamilyRib,
  path: number,
  used: readonly number[],
  loss: Loss = NO_LOSS,
  received = false,
): PathInfo {
  const { paths, prefixes } = rib;
  const flags = paths.flags(path);
  const reason = flags & REASON;
  const set = received ? paths.received(path) : paths.selected(path);
  const prefix = paths.prefix(path);
  return {
    family,
    prefix: prefixes.text(prefix, attributes.data(set)),
    attributes: attributes.get(set),
    peer: peers.get(paths.peer(path)),
    pathId: paths.pathId(path),
    best: rib.best(prefix) === path,
    multipath: used.includes(path),
    ineligible: reason === ELIGIBLE && !rib.eligible(path) ? UNREACHABLE_NEXT_HOP : reason,
    stale: (flags & STALE) !== 0,
    longLived: (flags & LONG_LIVED) !== 0,
    ...loss,
  };
}

/** What became of a prefix. */
export function changeOf(context: ViewContext, family: FamilyRib, prefix: number): RibChange {
  const { rib } = family;
  const used = rib.multipath(prefix);
  const multipath = used.map((path) => pathInfo(context, family, path, used));
  const [best] = multipath;
  return {
    family: family.family,
    prefix: best?.prefix ?? rib.prefixes.text(prefix, undefined),
    route: prefix,
    best,
    multipath,
  };
}

/** Calls for every path of every prefix, prefix by prefix. */
export function* allPaths(context: ViewContext, family: FamilyRib): Generator<PathInfo> {
  const { prefixes, paths } = family.rib;
  for (let prefix = 0; prefix < prefixes.top; prefix++) {
    if (paths.first(prefix) !== NONE) yield* pathsAt(context, family, prefix);
  }
}

/** What a peer announced and did not withdraw, as it sent it. */
export function* pathsOf(context: ViewContext, family: FamilyRib, peer: number): Generator<PathInfo> {
  const { paths } = family.rib;
  for (let path = paths.nextOf(peer, 0); path !== NONE; path = paths.nextOf(peer, path + 1)) {
    const used = family.rib.multipath(paths.prefix(path));
    yield pathInfo(context, family, path, used, NO_LOSS, true);
  }
}

/** What a peer was sent and is still to believe. */
export function* sentTo(context: ViewContext, family: FamilyRib, peer: number): Generator<SentInfo> {
  const group = family.groupOf(peer);
  if (group === undefined) return;
  const { prefixes, paths } = family.rib;
  for (let entry = 0; entry < group.topFor(peer); entry++) {
    const set = group.sentTo(peer, entry);
    if (set === 0) continue;
    const attributes = context.attributes.get(set);
    const prefix = group.addPath ? paths.prefix(entry) : entry;
    yield {
      family: family.family,
      prefix: prefixes.text(prefix, attributes.nlriData),
      attributes,
      pathId: group.addPath ? pathIdOf(entry) : 0,
    };
  }
}
