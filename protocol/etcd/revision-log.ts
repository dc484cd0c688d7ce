import type { Change } from './change.ts';

type Changes = Change | readonly Change[];

/** The changes of consecutive revisions, in sub-revision order. */
export interface Revisions extends Iterable<readonly Change[]> {
  readonly length: number;
}

/**
 * The changes of all revisions from a first one on. Most revisions are one change: that is kept without a list of its own around it,
 * as there are as many as there is history.
 */
export class RevisionLog {
  #items: Changes[] = [];
  #first: bigint;

  /** `first`: the revision of what is added first. */
  constructor(first: bigint) {
    this.#first = first;
  }

  push(changes: readonly Change[]): void {
    this.#items.push(changes.length === 1 ? changes[0]! : changes);
  }

  /** The changes of a revision; undefined where it is not in here. */
  at(revision: bigint): readonly Change[] | undefined {
    const changes = this.#items[Number(revision - this.#first)];
    return changes === undefined ? undefined : listOf(changes);
  }

  /** Those of all revisions up to `to`. */
  upTo(to: bigint): Revisions {
    return this.between(this.#first, to);
  }

  /** Those of the revisions from `from` to `to`, both included; what happens later does not change them. */
  between(from: bigint, to: bigint): Revisions {
    const items = this.#items.slice(Number(from - this.#first), Number(to - this.#first) + 1);
    return {
      length: items.length,
      *[Symbol.iterator]() {
        for (const changes of items) yield listOf(changes);
      },
    };
  }

  /** Forgets the revisions before `revision`. */
  dropBefore(revision: bigint): void {
    const dropped = Number(revision - this.#first);
    if (dropped <= 0) return;
    this.#items = this.#items.slice(dropped);
    this.#first = revision;
  }
}

function listOf(changes: Changes): readonly Change[] {
  return Array.isArray(changes) ? changes : [changes as Change];
}
