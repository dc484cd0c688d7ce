import type { KeyValue, WatchEvent } from '../../protocol/etcd/types.ts';

/** What clients did to a store while things went wrong, and what it has to say for itself afterwards. */

/** A request as it was made. Values of writes are unique, so that each can be found again. */
export type Operation =
  | { readonly kind: 'put'; readonly writes: readonly Write[] }
  | { readonly kind: 'delete'; readonly key: string }
  /** Puts if the key has that revision (0n: does not exist). */
  | { readonly kind: 'cas'; readonly writes: readonly [Write]; readonly expected: bigint }
  /** All keys, at a revision (0n: the newest). */
  | { readonly kind: 'list'; readonly revision: bigint };

export interface Write {
  readonly key: string;
  readonly value: string;
}

/** An operation with its answer. Times are milliseconds of the one process that made all of them. */
export interface Done {
  readonly operation: Operation;
  readonly called: number;
  readonly returned: number;
  /** Undefined: no answer, or one that does not say whether it was done. */
  readonly answer: Answer | undefined;
}

export interface Answer {
  /** Of the response's header. */
  readonly revision: bigint;
  /** Of a CAS; true for everything else. */
  readonly succeeded: boolean;
  /** What a list gave. */
  readonly kvs: readonly KeyValue[];
  /** What was replaced or deleted. */
  readonly previous: readonly (KeyValue | undefined)[];
  readonly deleted: bigint;
}

export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** The store's history as a watch from its beginning tells it: events by revision, and the states between. */
export class Truth {
  /** Events of each revision. */
  readonly events: ReadonlyMap<bigint, readonly WatchEvent[]>;
  /** Revision of each written value. */
  readonly written: ReadonlyMap<string, bigint>;
  readonly last: bigint;
  readonly #states: Map<bigint, ReadonlyMap<string, KeyValue>> = new Map();

  constructor(events: readonly WatchEvent[]) {
    const byRevision = new Map<bigint, WatchEvent[]>();
    const written = new Map<string, bigint>();
    let state: ReadonlyMap<string, KeyValue> = new Map();
    let last = 1n;
    for (const event of events) {
      const revision = event.kv.modRevision;
      byRevision.set(revision, [...(byRevision.get(revision) ?? []), event]);
      if (event.type === 'PUT') {
        const value = text(event.kv.value);
        if (written.has(value)) throw new Error(`${value} was written twice`);
        written.set(value, revision);
      }
    }
    for (const [revision, changes] of byRevision) {
      for (let between = last; between < revision; between++) this.#states.set(between, state);
      const next = new Map(state);
      for (const { type, kv } of changes) {
        if (type === 'PUT') next.set(text(kv.key), kv);
        else next.delete(text(kv.key));
      }
      state = next;
      last = revision;
    }
    this.#states.set(last, state);
    this.events = byRevision;
    this.written = written;
    this.last = last;
  }

  /** What the store held at a revision. */
  at(revision: bigint): ReadonlyMap<string, KeyValue> {
    const state = this.#states.get(revision);
    if (state === undefined) throw new Error(`nothing is known of revision ${revision}`);
    return state;
  }
}
