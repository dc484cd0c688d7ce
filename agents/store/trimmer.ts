import type { EtcdStore } from '../../protocol/etcd/store.ts';
import type { Clock } from '../ports.ts';
import { inSlices } from './slices.ts';

/** Changes that are looked at in one go. */
const STRIDE = 16;

/** Frees what compactions left behind, without holding up anything for long. */
export class Trimmer {
  readonly #machine: () => EtcdStore;
  readonly #clock: Clock;
  #running: Promise<void> | undefined;

  /** `machine` gives the store as of now. */
  constructor(machine: () => EtcdStore, clock: Clock) {
    this.#machine = machine;
    this.#clock = clock;
  }

  /** Resolves when nothing was left to be freed. */
  run(): Promise<void> {
    this.#running ??= this.#all();
    return this.#running;
  }

  async #all(): Promise<void> {
    try {
      // Once more for a compaction that came when the one before was just done.
      do await inSlices(this.#steps(), this.#clock);
      while (this.#machine().trimming);
    } finally {
      this.#running = undefined;
    }
  }

  /** Begins `work` at a moment at which nothing is left to be freed, and gives what comes of it. */
  async whenDone<T>(work: () => T | Promise<T>): Promise<T> {
    do await this.run();
    while (this.#machine().trimming);
    return work();
  }

  *#steps(): Generator<void, void> {
    while (this.#machine().trim(STRIDE)) yield;
  }
}
