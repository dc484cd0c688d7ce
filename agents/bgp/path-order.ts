/** In which order paths are shown: as routers do, by address family and prefix. */
import { FAMILIES, type Family } from '../../protocol/bgp/family.ts';
import type { PathScan } from '../../protocol/bgp/rib/path-scan.ts';
import { parsePrefix } from '../../protocol/ip/prefix.ts';

/** Up to so many routes are put in order; more are shown as they are kept, since that takes no time and no memory. */
const MAX_SORTED = 100_000;
/** The same for routes that are more than prefixes, whose order is that of their texts. */
const MAX_SORTED_TEXTS = 10_000;

/** How many routes of a family are put in order. */
export function mostSorted(scan: Pick<PathScan, 'plain'>): number {
  return scan.plain ? MAX_SORTED : MAX_SORTED_TEXTS;
}

const RANK: ReadonlyMap<Family, number> = new Map(
  (Object.keys(FAMILIES) as Family[]).map((family, i) => [family, i]),
);

/** Families in the order in which they are shown. */
export function byFamily(scans: readonly PathScan[]): PathScan[] {
  return scans.toSorted((a, b) => RANK.get(a.family)! - RANK.get(b.family)!);
}

/** Entries that are sorted at once: a millisecond or two. */
const RUN = 4096;

/** Order of two entries; below 0 where the first one comes first. */
type Order = (a: number, b: number) => number;

/** The order of entries: by address and length, or by what else routes are told by. */
export function orderOf(scan: Pick<PathScan, 'plain' | 'compare' | 'key'>, entries: Uint32Array): Order {
  if (scan.plain) return (a, b) => scan.compare(a, b);
  const keys = new Map(Array.from(entries, (entry) => [entry, sortKey(scan.key(entry))]));
  return (a, b) => {
    const [one, other] = [keys.get(a)!, keys.get(b)!];
    return one < other ? -1 : one > other ? 1 : 0;
  };
}

/** Puts runs of entries in order, in place, with the caller's pauses between; {@link merged} makes one of them. */
export function* sortRuns(entries: Uint32Array, order: Order): Generator<Uint32Array> {
  for (let at = 0; at < entries.length; at += RUN) yield entries.subarray(at, at + RUN).sort(order);
}

/** Ordered runs as one. */
export function* merged(runs: readonly Uint32Array[], order: Order): Generator<number> {
  const left = runs.map((run) => ({ run, at: 0 }));
  while (left.length > 0) {
    let first = 0;
    for (let i = 1; i < left.length; i++) {
      if (order(headOf(left[i]!), headOf(left[first]!)) < 0) first = i;
    }
    const next = left[first]!;
    yield headOf(next);
    next.at += 1;
    if (next.at === next.run.length) left.splice(first, 1);
  }
}

function headOf({ run, at }: { readonly run: Uint32Array; readonly at: number }): number {
  return run[at]!;
}

/** Text that sorts as the address and length that a route begins with do, then as the rest of its text. */
export function sortKey(text: string): string {
  // What a route says beside its key may differ between the paths to it.
  const [destination = ''] = text.split(BESIDE_KEY);
  const [word = ''] = destination.split(' ', 1);
  if (word.startsWith('[')) return destination;
  try {
    const { bytes, length } = parsePrefix(word, 'mask');
    return `${String.fromCharCode(bytes.length, ...bytes, length)}${destination.slice(word.length)}`;
  } catch {
    return destination;
  }
}

const BESIDE_KEY = / (?:labels?|esi|gateway) /;
