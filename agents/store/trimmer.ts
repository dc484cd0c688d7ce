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

  /** Resolves when nothing is left to be freed. */
  run(): Promise<void> {
    this.#running ??= inSlices(this.#steps(), this.#clock).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  *#steps(): Generator<void, void> {
    while (this.#machine().trim(STRIDE)) yield;
  }
}
