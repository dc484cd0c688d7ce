import type { Draft, Outcome } from '../../protocol/etcd/draft.ts';
import type { EtcdStore } from '../../protocol/etcd/store.ts';
import type { Clock, Log, Millis, Timer } from '../ports.ts';

/**
 * Compaction by itself (etcd's --auto-compaction-mode and -retention): keep so many revisions, looked after every five minutes, or
 * the history of so many milliseconds.
 */
export type AutoCompaction =
  | { readonly mode: 'revision'; readonly retention: bigint }
  | { readonly mode: 'periodic'; readonly retention: Millis };

/** etcd `v3compactor/revision.go`: time between two looks at the revision. */
const REVISION_PERIOD: Millis = 300_000;
/** etcd `v3compactor/periodic.go`: the history is measured so many times per retention. */
const SAMPLES = 10;

interface Compactable {
  readonly machine: EtcdStore;
  readonly clock: Clock;
  request<T>(evaluate: (draft: Draft) => Outcome<T>): Promise<T>;
}

/** Compacts a store every now and then. */
export class AutoCompactor {
  readonly #store: Compactable;
  readonly #log: Log | undefined;
  readonly #options: AutoCompaction;
  /** Revisions at the last looks, the oldest first. */
  readonly #revisions: bigint[] = [];
  #timer: Timer | undefined;

  /** Does nothing without options. */
  constructor(options: AutoCompaction | undefined, store: Compactable, log: Log | undefined) {
    this.#options = options ?? { mode: 'revision', retention: 0n };
    this.#store = store;
    this.#log = log;
    if (options !== undefined) this.#arm();
  }

  #arm(): void {
    const { mode, retention } = this.#options;
    const period = mode === 'revision' ? REVISION_PERIOD : retention / SAMPLES;
    this.#timer = this.#store.clock.setTimer(period, () => {
      this.#compact();
      this.#arm();
    });
  }

  #compact(): void {
    const revision = this.#wanted();
    if (revision <= this.#store.machine.compactRevision || revision <= 0n) return;
    this.#store
      .request((draft) => draft.compact(revision))
      .then(
        () => this.#log?.info({ revision: revision.toString() }, 'compacted the store'),
        // Another process was faster, or the store is away: the next time is soon enough.
        (error: unknown) => this.#log?.debug({ err: error }, 'compacting the store failed'),
      );
  }

  /** Up to where the history may go by now. */
  #wanted(): bigint {
    const { revision } = this.#store.machine;
    if (this.#options.mode === 'revision') return revision - this.#options.retention;
    this.#revisions.push(revision);
    return this.#revisions.length > SAMPLES ? this.#revisions.shift()! : 0n;
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
