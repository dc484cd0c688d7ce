/** A session while it is Established: what can be asked of it, and how its end is reported. */
import { FAMILIES, type Family } from '../family.ts';
import { encodeRouteRefresh } from '../message/route-refresh.ts';
import { isGraceful, isOrderly, recordOf } from './ending.ts';
import type { SessionInput, SessionOutput } from './event.ts';
import type { Fsm } from './fsm.ts';
import { withoutFamily } from './negotiate.ts';
import type { Negotiated } from './negotiated.ts';

/** A session that lasted this long was sound: the next dials need not wait longer and longer. ms */
const SOUND_AFTER = 10_000;

export class Establishment {
  readonly fsm: Fsm;
  readonly #negotiated: Negotiated;
  readonly #since: number;

  /** @param fsm a machine in Established, since `now` (ms). */
  constructor(fsm: Fsm, negotiated: Negotiated, now: number) {
    this.fsm = fsm;
    this.#negotiated = negotiated;
    this.#since = now;
  }

  /** The machine has left Established. */
  get isOver(): boolean {
    return this.fsm.state !== 'Established';
  }

  /** The peer may restart gracefully, and come back before we notice that it was gone (RFC 4724 §4.2). */
  get mayComeBack(): boolean {
    return isGraceful(this.#negotiated, { cause: 'transport' });
  }

  /** Nothing was wrong with it, so that the next dials need not wait for longer. */
  wasSound(now: number): boolean {
    return now - this.#since >= SOUND_AFTER || isOrderly(this.fsm.ending);
  }

  /** The report of its end. */
  down(reason: string): SessionOutput {
    const { ending } = this.fsm;
    const notification = recordOf(ending);
    return {
      kind: 'down',
      reason: reason === '' ? 'stopped' : reason,
      graceful: isGraceful(this.#negotiated, ending),
      negotiated: this.#negotiated,
      ...(notification === undefined ? {} : { notification }),
    };
  }

  /** Sends a ROUTE-REFRESH, if the family and its subtype were agreed on. */
  requestRefresh({ family, subtype = 0 }: SessionInput & { readonly kind: 'request-refresh' }): void {
    const negotiated = this.fsm.negotiated!;
    if (!negotiated.families.includes(family)) return;
    if (subtype === 0 ? !negotiated.routeRefresh : !negotiated.enhancedRouteRefresh) return;
    const { afi, safi } = FAMILIES[family];
    this.fsm.send(encodeRouteRefresh({ afi, safi, subtype }));
  }

  /** Ignores a family from now on (RFC 4760 §7). */
  disableFamily(family: Family): void {
    this.fsm.negotiated = withoutFamily(this.fsm.negotiated!, family);
  }
}
