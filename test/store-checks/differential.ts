import type { WatchCreate, WatchStreamResponse } from '../../agents/store/store.ts';
import { perform, type Relative, resolve, type Step } from './steps.ts';
import type { StoreLike, StreamLike } from './store-like.ts';
import { line, outcome } from './text.ts';

/** A store that is compared with others, new and empty. */
export interface Subject {
  readonly name: string;
  readonly store: StoreLike;
  /** Resolves when no watch has history to be told any more. Absent where none is ever canceled for a compaction that came later. */
  watchesSynced?(): Promise<void>;
  stop(): Promise<void>;
}

/** Where two stores differ. */
export interface Difference {
  /** Position of the step. */
  readonly step: number;
  readonly text: string;
}

/** How long a store may take to tell its watchers what has happened. */
const PATIENCE = 10_000;
/** Steps between two looks at the hash and at the watches. */
const CHECKPOINT = 250;

/** What one store's stream of watches says. */
class Witness {
  readonly stream: StreamLike;
  /** Lines so far. */
  count = 0;
  /** What has not been compared yet, by watch; how events are put into responses is left to the store. */
  #told: Map<bigint, string[]> = new Map();
  #wake: () => void = () => {};

  constructor(store: StoreLike) {
    this.stream = store.watchStream({ onResponse: (response) => this.#take(response) });
  }

  #take(response: WatchStreamResponse): void {
    const { watchId, created, canceled, compactRevision, cancelReason, header } = response;
    for (const event of response.events) this.#tell(watchId, line(event));
    if (created || canceled) {
      this.#tell(
        watchId,
        line({ created, canceled, compactRevision, cancelReason, revision: header.revision }),
      );
    }
    this.#wake();
  }

  #tell(watchId: bigint, text: string): void {
    this.count++;
    const told = this.#told.get(watchId);
    if (told === undefined) this.#told.set(watchId, [text]);
    else told.push(text);
  }

  /** Resolves when so much has been told, or after a while without it. */
  async until(count: number): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    while (this.count < count && Date.now() < deadline) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** What was told since the last time. */
  take(): string {
    const told = [...this.#told].sort(([a], [b]) => (a < b ? -1 : 1));
    this.#told = new Map();
    return told.map(([watchId, lines]) => `watch ${watchId}:\n${lines.join('\n')}`).join('\n');
  }
}

/**
 * Does the same steps on all stores and compares every answer, what the watches say, and etcd's hash. The first difference, or undefined.
 */
export async function compare(
  subjects: readonly Subject[],
  steps: readonly Step[],
): Promise<Difference | undefined> {
  const witnesses = subjects.map(({ store }) => new Witness(store));
  const run = new Run(subjects, witnesses);
  try {
    for (const [i, step] of steps.entries()) {
      const text =
        (await run.step(step)) ?? (i % CHECKPOINT === CHECKPOINT - 1 ? await run.checkpoint() : undefined);
      if (text !== undefined) return { step: i, text: `${line(step)}\n${text}` };
    }
    const text = await run.checkpoint();
    return text === undefined ? undefined : { step: steps.length - 1, text };
  } finally {
    for (const { stream } of witnesses) stream.close();
  }
}

class Run {
  readonly #subjects: readonly Subject[];
  readonly #witnesses: readonly Witness[];
  #revision = 1n;
  /** Revisions that may have deleted something. */
  readonly #deletions: Set<bigint> = new Set();
  #compacted = 0n;
  /** Whether watches were created since the last compaction. */
  #newWatches = false;

  constructor(subjects: readonly Subject[], witnesses: readonly Witness[]) {
    this.#subjects = subjects;
    this.#witnesses = witnesses;
  }

  async step(step: Step): Promise<string | undefined> {
    const resolved = resolve(step, this.#revision);
    if (resolved.do === 'watch' || resolved.do === 'cancelWatch') return this.#watch(resolved);
    if (resolved.do === 'compact') {
      // etcd looks for what a new watch has missed within 100 ms, and cancels it where that is compacted first, though it be nothing.
      if (this.#newWatches) await Promise.all(this.#subjects.map((subject) => subject.watchesSynced?.()));
      this.#newWatches = false;
      const before = await this.#settled();
      if (before !== undefined) return before;
    }
    const answers = await Promise.all(this.#subjects.map(({ store }) => outcome(perform(store, resolved))));
    const revision = /\bheader:\{revision:(\d+)\}/.exec(answers[0]!)?.[1];
    // The header of a hash or of a lease may be of another kind, but never ahead.
    if (revision !== undefined && BigInt(revision) > this.#revision) {
      this.#revision = BigInt(revision);
      if (mayDelete(resolved)) this.#deletions.add(this.#revision);
    }
    if (resolved.do === 'compact' && !/^\d/.test(answers[0]!)) this.#compacted = resolved.revision as bigint;
    return this.#different(answers);
  }

  /**
   * etcd 3.4.23 forgets a deletion that lies exactly at the revision of a compaction, so that a watch from there misses it (etcd
   * issue 18089; podwire's store tells it, as etcd does since): such a watch begins behind it. And a watch from a negative revision,
   * which etcd refuses from 3.6 on, never tells anything there: it begins with the first.
   */
  #beginning(request: WatchCreate): WatchCreate {
    const { startRevision = 0n } = request;
    if (startRevision < 0n) return { ...request, startRevision: 1n };
    const forgotten = startRevision === this.#compacted && this.#deletions.has(this.#compacted);
    return forgotten ? { ...request, startRevision: this.#compacted + 1n } : request;
  }

  /** Watches are opened and ended when nothing is on its way, for the order to be the same everywhere. */
  async #watch(step: Step & { readonly do: 'watch' | 'cancelWatch' }): Promise<string | undefined> {
    const before = await this.#settled();
    if (before !== undefined) return before;
    const counts = this.#witnesses.map(({ count }) => count);
    for (const { stream } of this.#witnesses) {
      if (step.do === 'watch') stream.create(this.#beginning(step.request as WatchCreate));
      else stream.cancel(step.watchId);
    }
    if (step.do === 'watch') {
      this.#newWatches = true;
      await Promise.all(this.#witnesses.map((witness, i) => witness.until(counts[i]! + 1)));
    }
    return this.#settled();
  }

  /** Waits until all have told as much as the one that has told most. */
  async #settled(): Promise<string | undefined> {
    // Whoever answers a request behind the events has them on the way, at least.
    await Promise.all(this.#subjects.map(({ store }) => store.range({ key: Uint8Array.of(1) })));
    await new Promise(setImmediate);
    const most = Math.max(...this.#witnesses.map(({ count }) => count));
    await Promise.all(this.#witnesses.map((witness) => witness.until(most)));
    return this.#different(this.#witnesses.map((witness) => witness.take()));
  }

  async checkpoint(): Promise<string | undefined> {
    const revisions: (bigint | Relative)[] = [0n, this.#revision - 7n, this.#revision];
    for (const revision of revisions) {
      const hashed = await this.step({ do: 'hashKv', revision });
      if (hashed !== undefined) return `hash at ${revision}:\n${hashed}`;
    }
    return this.#settled();
  }

  #different(texts: readonly string[]): string | undefined {
    const other = texts.findIndex((text) => text !== texts[0]);
    if (other < 0) return undefined;
    const [one, two] = firstDifference(texts[0]!.split('\n'), texts[other]!.split('\n'));
    return `${this.#subjects[0]!.name}: ${one}\n${this.#subjects[other]!.name}: ${two}`;
  }
}

/** Whether a step can delete keys, if only in a branch of a transaction that may not be taken. */
function mayDelete(step: Step): boolean {
  return step.do === 'deleteRange' || step.do === 'revoke' || line(step).includes('kind:deleteRange');
}

/** The first line of each that the other does not have at that place. */
function firstDifference(one: readonly string[], two: readonly string[]): readonly [string, string] {
  const at = one.findIndex((text, i) => text !== two[i]);
  const i = at < 0 ? one.length : at;
  return [one[i] ?? '(nothing more)', two[i] ?? '(nothing more)'];
}

/**
 * Looks for a short list of steps that still makes a difference, by leaving out ever smaller parts. `start` gives new stores each
 * time; at most `attempts` times.
 */
export async function shrink(
  start: () => Promise<readonly Subject[]>,
  steps: readonly Step[],
  attempts: number,
): Promise<readonly Step[]> {
  let shortest = steps;
  let left = attempts;
  for (
    let size = Math.ceil(shortest.length / 2);
    size >= 1 && left > 0;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = 0; from < shortest.length && left > 0; left--) {
      const candidate = shortest.toSpliced(from, size);
      const difference = await compareOnce(start, candidate);
      if (difference === undefined) from += size;
      else shortest = candidate.slice(0, difference.step + 1);
    }
  }
  return shortest;
}

async function compareOnce(
  start: () => Promise<readonly Subject[]>,
  steps: readonly Step[],
): Promise<Difference | undefined> {
  const subjects = await start();
  try {
    return await compare(subjects, steps);
  } finally {
    await Promise.all(subjects.map((subject) => subject.stop()));
  }
}
