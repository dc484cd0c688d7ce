import type { Family } from '../../protocol/bgp/family.ts';
import { SelectionDeferral } from '../../protocol/bgp/restart/deferral.ts';
import type { Rib } from '../../protocol/bgp/rib/rib.ts';
import type { Negotiated } from '../../protocol/bgp/session/negotiated.ts';
import type { Clock, Timer } from '../ports.ts';
import { familiesOf } from './session-config.ts';
import type { PeerConfig } from './types.ts';

/** Longest wait for the peers' routes, seconds (Selection_Deferral_Timer, RFC 4724 §4.1). */
const DEFAULT_DEFERRAL = 360;

/** Our own restart: routes are selected and announced only when the peers have told theirs (RFC 4724 §4.1). */
export class OwnRestart {
  readonly #rib: Rib;
  readonly #deferral: SelectionDeferral;
  readonly #timer: Timer;
  readonly #over: () => void;
  #done = false;

  /** @param over called once selection has begun in all families. */
  constructor(
    peers: readonly PeerConfig[],
    { deferral = DEFAULT_DEFERRAL }: { readonly deferral?: number },
    { rib, clock }: { readonly rib: Rib; readonly clock: Clock },
    over: () => void,
  ) {
    this.#rib = rib;
    this.#over = over;
    const awaited = peers.filter(
      ({ gracefulRestart, shutdown }) => gracefulRestart !== undefined && shutdown !== true,
    );
    this.#deferral = new SelectionDeferral(
      awaited.map((peer) => ({ name: peer.name, families: familiesOf(peer) })),
    );
    for (const family of this.#deferral.families) rib.hold(family, true);
    this.#timer = clock.setTimer(deferral * 1000, () => this.#release(this.#deferral.expired()));
    if (this.#deferral.over) this.#release([]);
  }

  established(name: string, negotiated: Negotiated): void {
    this.#release(this.#deferral.established(name, negotiated));
  }

  endOfRib(name: string, family: Family): void {
    this.#release(this.#deferral.endOfRib(name, family));
  }

  /** A peer was removed. */
  gone(name: string): void {
    this.#release(this.#deferral.gone(name));
  }

  stop(): void {
    this.#timer.cancel();
  }

  #release(families: readonly Family[]): void {
    for (const family of families) this.#rib.hold(family, false);
    if (!this.#deferral.over || this.#done) return;
    this.#done = true;
    this.#timer.cancel();
    this.#over();
  }
}
