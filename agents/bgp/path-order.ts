/** In which order paths are shown: as routers do, by address family and prefix. */
import { FAMILIES, type Family } from '../../protocol/bgp/family.ts';
import { parsePrefix } from '../../protocol/ip/prefix.ts';
import type { ShownPath } from './path-view.ts';

/** Up to so many paths are put in order; a bigger table is shown as it is kept, since that takes no memory. */
export const MAX_SORTED = 100_000;

const RANK: ReadonlyMap<Family, number> = new Map(
  (Object.keys(FAMILIES) as Family[]).map((family, i) => [family, i]),
);

/**
 * The paths by family and destination, those to one destination as they come. Beyond `most` they all come as they come.
 * @param most default {@link MAX_SORTED}.
 */
export function* inOrder(paths: Iterable<ShownPath>, most: number = MAX_SORTED): Generator<ShownPath> {
  const kept: { readonly path: ShownPath; readonly key: string }[] = [];
  const iterator = paths[Symbol.iterator]();
  for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
    kept.push({ path: next.value, key: sortKey(next.value) });
    if (kept.length <= most) continue;
    for (const { path } of kept) yield path;
    yield* rest(iterator);
    return;
  }
  kept.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  for (const { path } of kept) yield path;
}

function* rest(iterator: Iterator<ShownPath>): Generator<ShownPath> {
  for (let next = iterator.next(); next.done !== true; next = iterator.next()) yield next.value;
}

/** Text that sorts as family, address and length do; in other families than those of prefixes as the route's text. */
function sortKey({ family, prefix }: ShownPath): string {
  const rank = String.fromCharCode(RANK.get(family)!);
  // What a route says beside its key may differ between the paths to it.
  const [destination = ''] = FAMILIES[family].prefixes ? [prefix] : prefix.split(BESIDE_KEY);
  const [word = ''] = destination.split(' ', 1);
  if (word.startsWith('[')) return `${rank}${destination}`;
  try {
    const { bytes, length } = parsePrefix(word, 'mask');
    return `${rank}${String.fromCharCode(bytes.length, ...bytes, length)}${destination.slice(word.length)}`;
  } catch {
    return `${rank}${destination}`;
  }
}

const BESIDE_KEY = / (?:labels?|esi|gateway) /;
