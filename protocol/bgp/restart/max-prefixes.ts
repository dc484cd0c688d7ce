import type { Family } from '../family.ts';

/** How many prefixes of a family a peer may announce (RFC 4271 §6.7). */
export interface PrefixLimit {
  readonly family: Family;
  readonly limit: number;
  /** Number from which on people are warned. */
  readonly warnAt: number;
}

/** What became of a count: once reported, a level is not again until the count was below it. */
export type LimitEvent = {
  readonly kind: 'near' | 'exceeded';
  readonly family: Family;
  readonly limit: number;
};

type Level = 'below' | 'near' | 'exceeded';

const RANK: Readonly<Record<Level, number>> = { below: 0, near: 1, exceeded: 2 };

/** Watches how many prefixes a peer announces. Pure. */
export class PrefixLimits {
  readonly #limits: readonly PrefixLimit[];
  readonly #levels = new Map<Family, Level>();

  constructor(limits: readonly PrefixLimit[]) {
    this.#limits = limits;
  }

  /** Whether there is a limit at all. */
  get some(): boolean {
    return this.#limits.length > 0;
  }

  /** Judges the counts after a change. @param count prefixes that the peer has announced in a family. */
  check(count: (family: Family) => number): readonly LimitEvent[] {
    const events: LimitEvent[] = [];
    for (const { family, limit, warnAt } of this.#limits) {
      const now = count(family);
      const level: Level = now > limit ? 'exceeded' : now >= warnAt ? 'near' : 'below';
      const before = this.#levels.get(family) ?? 'below';
      this.#levels.set(family, level);
      if (level !== 'below' && RANK[level] > RANK[before]) events.push({ kind: level, family, limit });
    }
    return events;
  }

  /** The session is gone, and its prefixes with it. */
  reset(): void {
    this.#levels.clear();
  }
}
