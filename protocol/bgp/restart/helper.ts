/**
 * What we do for a peer that restarts, so that its routes stay in use meanwhile: the receiving speaker of RFC 4724 §4.2
 * (with RFC 8538, whose part is in the session), followed by the helper of RFC 9494 §4. Pure: methods say what is to be
 * done with the peer's routes and with timers.
 */
import type { Family } from '../family.ts';
import type { Negotiated } from '../session/negotiated.ts';

/**
 * `restart`: how long the peer may stay away. `stale`: how long it may take to send its routes after it came back. A
 * family: its long-lived stale time.
 */
export type RestartTimer = 'restart' | 'stale' | Family;

/** What is to be done, in order. */
export type RestartAction =
  /** The session is down: keep the peer's routes in these families as stale, drop all others. */
  | { readonly kind: 'suspend'; readonly families: readonly Family[] }
  /** Nothing of the peer is kept any more while it is away. */
  | { readonly kind: 'drop' }
  /** Take out the routes of a family that are still stale. */
  | { readonly kind: 'purge'; readonly family: Family }
  /** Stale routes of a family become long-lived stale ones (RFC 9494 §4.2). */
  | { readonly kind: 'long-lived'; readonly family: Family }
  /** ms */
  | { readonly kind: 'arm'; readonly timer: RestartTimer; readonly delay: number }
  | { readonly kind: 'cancel'; readonly timer: RestartTimer };

/** Whether a family's routes are in the ordinary phase or in the long-lived one. */
type Phase = 'stale' | 'long-lived';

export class RestartHelper {
  /** How long a peer that came back may take to its End-of-RIB, ms. */
  readonly #staleTime: number;
  readonly #kept = new Map<Family, Phase>();
  /** Long-lived stale times that the peer advertised, ms. */
  #longLived: ReadonlyMap<Family, number> = new Map();
  #away = false;

  /** @param staleTime upper bound on how long stale routes stay once the peer is back, ms (RFC 4724 §4.2). */
  constructor(staleTime: number) {
    this.#staleTime = staleTime;
  }

  /** The peer is away and routes of it are kept. */
  get waiting(): boolean {
    return this.#away;
  }

  /** Families with stale routes. */
  get families(): readonly Family[] {
    return [...this.#kept.keys()];
  }

  /** The session ended. @param graceful whether what was agreed about restarts applies. */
  down(negotiated: Negotiated, graceful: boolean): readonly RestartAction[] {
    const { gracefulRestart, longLived } = negotiated;
    if (!graceful || gracefulRestart === undefined) return this.abandon();
    // Of a second restart before the first was over, what is stale already is no good any more (RFC 4724 §4.2).
    const actions = this.#purgeAll();
    this.#longLived = new Map(
      (longLived?.families ?? [])
        .filter(({ staleTime }) => staleTime > 0)
        .map(({ family, staleTime }) => [family, staleTime * 1000]),
    );
    const restartable = gracefulRestart.families.map(({ family }) => family);
    for (const family of [...restartable, ...this.#longLived.keys()]) this.#kept.set(family, 'stale');
    if (this.#kept.size === 0) return [...actions, { kind: 'drop' }];
    this.#away = true;
    actions.push({ kind: 'suspend', families: this.families });
    // RFC 9494 §4.2: without a restart time the long-lived phase begins at once.
    const delay = gracefulRestart.restartTime * 1000;
    if (delay === 0) return [...actions, ...this.#restartTimeOver(this.families)];
    actions.push({ kind: 'arm', timer: 'restart', delay });
    const only = this.families.filter((family) => !restartable.includes(family));
    return [...actions, ...this.#restartTimeOver(only)];
  }

  /**
   * The peer is back: what it says now decides which stale routes may wait for its End-of-RIB (RFC 4724 §4.2, RFC 9494
   * §4.2).
   */
  established({ gracefulRestart, longLived }: Negotiated): readonly RestartAction[] {
    if (!this.#away) return [];
    this.#away = false;
    const actions: RestartAction[] = [{ kind: 'cancel', timer: 'restart' }];
    for (const [family, phase] of this.#kept) {
      const said = phase === 'stale' ? gracefulRestart?.families : longLived?.families;
      const preserved = said?.some((each) => each.family === family && each.forwarding) ?? false;
      if (gracefulRestart === undefined || !preserved) actions.push(...this.#purge(family));
    }
    if (this.#kept.size > 0) actions.push({ kind: 'arm', timer: 'stale', delay: this.#staleTime });
    return actions;
  }

  /** The peer has sent all its routes of a family. */
  endOfRib(family: Family): readonly RestartAction[] {
    if (this.#away || !this.#kept.has(family)) return [];
    const actions = this.#purge(family);
    if (this.#kept.size === 0) actions.push({ kind: 'cancel', timer: 'stale' });
    return actions;
  }

  /** A timer that was armed ran out. */
  expired(timer: RestartTimer): readonly RestartAction[] {
    if (timer === 'restart') return this.#restartTimeOver(this.#inPhase('stale'));
    if (timer === 'stale') return this.#inPhase('stale').flatMap((family) => this.#purge(family));
    return this.#withdrawn(this.#purge(timer));
  }

  /** Nothing of the peer is wanted any more. */
  abandon(): readonly RestartAction[] {
    const actions = this.#timersOff();
    this.#kept.clear();
    this.#away = false;
    return [...actions, { kind: 'drop' }];
  }

  #inPhase(phase: Phase): Family[] {
    return this.families.filter((family) => this.#kept.get(family) === phase);
  }

  /** The peer stayed away for too long: its stale routes go, or last longer as the less preferred ones. */
  #restartTimeOver(families: readonly Family[]): RestartAction[] {
    const actions: RestartAction[] = [];
    for (const family of families) {
      const staleTime = this.#longLived.get(family);
      if (staleTime === undefined) {
        actions.push(...this.#purge(family));
      } else {
        this.#kept.set(family, 'long-lived');
        actions.push({ kind: 'long-lived', family }, { kind: 'arm', timer: family, delay: staleTime });
      }
    }
    return this.#withdrawn(actions);
  }

  /** Where nothing is kept any more of a peer that is away, it is not there at all. */
  #withdrawn(actions: RestartAction[]): RestartAction[] {
    if (!this.#away || this.#kept.size > 0) return actions;
    this.#away = false;
    return [...actions, { kind: 'cancel', timer: 'restart' }, { kind: 'drop' }];
  }

  #purge(family: Family): RestartAction[] {
    const phase = this.#kept.get(family);
    this.#kept.delete(family);
    const purge: RestartAction = { kind: 'purge', family };
    return phase === 'long-lived' ? [{ kind: 'cancel', timer: family }, purge] : [purge];
  }

  #purgeAll(): RestartAction[] {
    const timers = this.#timersOff();
    return [...timers, ...this.families.flatMap((family) => this.#purge(family))];
  }

  #timersOff(): RestartAction[] {
    if (this.#kept.size === 0) return [];
    const timers: RestartTimer[] = ['restart', 'stale', ...this.#inPhase('long-lived')];
    return timers.map((timer) => ({ kind: 'cancel', timer }));
  }
}
