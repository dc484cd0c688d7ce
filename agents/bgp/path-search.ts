/** Shows the paths of a table that somebody asks for, without keeping the speaker from its sessions. */
import type { PathScan, PathSelection } from '../../protocol/bgp/rib/path-scan.ts';
import type { Rib } from '../../protocol/bgp/rib/rib.ts';
import type { Clock } from '../ports.ts';
import { byFamily, merged, mostSorted, orderOf, sortRuns } from './path-order.ts';
import { attributeTest, Destination, type PathFilter } from './path-query.ts';
import { pathView } from './path-view.ts';
import { TimeSlice } from './time-slice.ts';
import type { PathView } from './types.ts';

/** Where paths go; a promise is that of a reader who is slower. */
export type PathListener = (path: PathView) => void | Promise<void>;

export interface PathSearch {
  readonly rib: Rib;
  readonly clock: Clock;
  readonly table: PathSelection['table'];
  readonly filter: PathFilter;
  /** Most paths to show; default all. */
  readonly limit?: number | undefined;
}

/**
 * Calls for each path, by family and prefix as far as {@link mostSorted} allows, until `signal` aborts. What changes
 * meanwhile is there as it is when its turn comes.
 * @throws RangeError naming what is no prefix or regular expression.
 */
export async function showPaths(
  search: PathSearch,
  onPath: PathListener,
  signal: AbortSignal,
): Promise<void> {
  const { rib, table, filter } = search;
  const to = filter.prefix === undefined ? undefined : new Destination(filter.prefix, filter.longer === true);
  const selection = {
    table,
    within: to?.within,
    best: filter.best,
    attributes: attributeTest(filter),
  };
  const run = new Run(search, onPath, signal);
  for (const scan of byFamily(rib.scan(selection, filter.family))) {
    try {
      if (!run.done) await run.family(scan, to);
    } finally {
      scan.close();
    }
  }
}

/** One question, as far as it has been answered. */
class Run {
  readonly #slice: TimeSlice;
  readonly #onPath: PathListener;
  readonly #signal: AbortSignal;
  #left: number;

  constructor({ clock, limit }: PathSearch, onPath: PathListener, signal: AbortSignal) {
    this.#slice = new TimeSlice(clock);
    this.#onPath = onPath;
    this.#signal = signal;
    this.#left = limit ?? Number.POSITIVE_INFINITY;
  }

  /** Nobody wants more. */
  get done(): boolean {
    return this.#left <= 0 || this.#signal.aborted;
  }

  async family(scan: PathScan, to: Destination | undefined): Promise<void> {
    if (to !== undefined) {
      const nlri = to.nlri(scan.family);
      const found = nlri === undefined ? [] : scan.find(nlri);
      if (found.length > 0) return this.#each(scan, found, undefined);
      // A plain prefix that is not in the table is nowhere; other routes may be meant by their text.
      if (scan.plain && to.within === undefined) return;
    }
    const texts = scan.plain ? undefined : to;
    const most = mostSorted(scan);
    // Without a prefix nearly all are wanted: those that are too many need not be gathered first.
    if (scan.count > most && to === undefined) return this.#each(scan, range(0, scan.top), texts);
    const { entries, next } = await this.#gather(scan, most);
    await this.#each(scan, next < scan.top ? entries : await this.#inOrder(scan, entries), texts);
    await this.#each(scan, range(next, scan.top), texts);
  }

  /** The first entries that lead to where they are to, and where to go on behind them. */
  async #gather(scan: PathScan, most: number): Promise<{ entries: Uint32Array; next: number }> {
    let entries = new Uint32Array(1024);
    let count = 0;
    let next = 0;
    for (; next < scan.top && count < most && !this.done; next++) {
      if (this.#slice.step()) await this.#slice.pause();
      if (!scan.has(next)) continue;
      if (count === entries.length) {
        const larger = new Uint32Array(2 * count);
        larger.set(entries);
        entries = larger;
      }
      entries[count++] = next;
    }
    return { entries: entries.subarray(0, count), next };
  }

  async #inOrder(scan: PathScan, entries: Uint32Array): Promise<Iterable<number>> {
    const order = orderOf(scan, entries);
    const runs: Uint32Array[] = [];
    for (const run of sortRuns(entries, order)) {
      runs.push(run);
      await this.#slice.pauseIfOver();
    }
    return merged(runs, order);
  }

  /** Shows entries. @param texts routes are those that this names. */
  async #each(scan: PathScan, entries: Iterable<number>, texts: Destination | undefined): Promise<void> {
    const found: PathView[] = [];
    for (const entry of entries) {
      if (this.done) return;
      // Made text at once: attributes may be views on what changes while somebody waits.
      scan.at(entry, (path) => {
        if (texts === undefined || texts.matches(path.prefix)) found.push(pathView(path));
      });
      for (const path of found.splice(0)) {
        if (this.done) return;
        this.#left -= 1;
        const busy = this.#onPath(path);
        if (busy !== undefined) await busy;
      }
      if (this.#slice.step()) await this.#slice.pause();
    }
  }
}

function* range(from: number, to: number): Generator<number> {
  for (let number = from; number < to; number++) yield number;
}
