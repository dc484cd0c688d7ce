import type { Family } from '../family.ts';
import type { Negotiated } from '../session/negotiated.ts';

/**
 * Selection deferral of a speaker that comes back from a restart (RFC 4724 §4.1): routes are selected only when every
 * peer has sent its End-of-RIB, so that none is withdrawn that is only late. Peers that are restarting themselves, or
 * know nothing of restarts, are not waited for. Pure: the methods return the families whose selection may begin.
 */
export class SelectionDeferral {
  /** Peers that are waited for, by family. */
  readonly #awaited: Map<Family, Set<string>>;

  /** @param peers every peer that may come up, with the families that it may carry. */
  constructor(peers: readonly { readonly name: string; readonly families: readonly Family[] }[]) {
    this.#awaited = new Map();
    for (const { name, families } of peers) {
      for (const family of families) {
        const names = this.#awaited.get(family) ?? new Set();
        this.#awaited.set(family, names.add(name));
      }
    }
  }

  /** Families that wait. */
  get families(): readonly Family[] {
    return [...this.#awaited.keys()];
  }

  /** Whether nothing waits any more. */
  get over(): boolean {
    return this.#awaited.size === 0;
  }

  /** A session came up; a peer that was not known before is waited for as well from now on. */
  established(name: string, { gracefulRestart, families }: Negotiated): readonly Family[] {
    if (gracefulRestart === undefined || gracefulRestart.restarting) return this.gone(name);
    for (const family of families) this.#awaited.get(family)?.add(name);
    return this.#release(
      name,
      this.families.filter((family) => !families.includes(family)),
    );
  }

  /** A peer has sent all its routes of a family. */
  endOfRib(name: string, family: Family): readonly Family[] {
    return this.#release(name, [family]);
  }

  /** A peer is no more to be waited for. */
  gone(name: string): readonly Family[] {
    return this.#release(name, this.families);
  }

  /** The Selection_Deferral_Timer ran out. */
  expired(): readonly Family[] {
    const families = this.families;
    this.#awaited.clear();
    return families;
  }

  #release(name: string, families: readonly Family[]): readonly Family[] {
    return families.filter((family) => {
      const names = this.#awaited.get(family);
      names?.delete(name);
      return names?.size === 0 && this.#awaited.delete(family);
    });
  }
}
