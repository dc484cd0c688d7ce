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

/** Puts entries in order, in place: by address and length, or by what else routes are told by. */
export function sortEntries(scan: Pick<PathScan, 'plain' | 'compare' | 'key'>, entries: Uint32Array): void {
  if (scan.plain) {
    entries.sort((a, b) => scan.compare(a, b));
    return;
  }
  const keys = new Map(Array.from(entries, (entry) => [entry, sortKey(scan.key(entry))]));
  entries.sort((a, b) => {
    const [one, other] = [keys.get(a)!, keys.get(b)!];
    return one < other ? -1 : one > other ? 1 : 0;
  });
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
