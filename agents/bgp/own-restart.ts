import type { Family } from '../../protocol/bgp/family.ts';
import { SelectionDeferral } from '../../protocol/bgp/restart/deferral.ts';
import type { Rib } from '../../protocol/bgp/rib/rib.ts';
import type { Negotiated } from '../../protocol/bgp/session/negotiated.ts';
import type { Clock, Timer } from '../ports.ts';
import { DEFAULT_RESTART_TIME, familiesOf } from './session-config.ts';
import type { PeerConfig, PeerRangeConfig } from './types.ts';

/** Longest wait for the peers' routes, seconds (Selection_Deferral_Timer, RFC 4724 §4.1). */
const DEFAULT_DEFERRAL = 360;

/** Who may have kept our routes. */
export interface RestartPeers {
  readonly peers: readonly PeerConfig[];
  readonly ranges: readonly PeerRangeConfig[];
}

/**
 * Our own restart: routes are selected and announced only when the peers have told theirs (RFC 4724 §4.1). Which dynamic
 * neighbours there were nobody knows; those that do not come within the restart time of their range have given our
 * routes up, so that then only those that came are waited for.
 */
export class OwnRestart {
  readonly #rib: Rib;
  readonly #deferral: SelectionDeferral;
  readonly #timers: readonly Timer[];
  readonly #over: () => void;
  #done = false;

  /** @param over called once selection has begun in all families. */
  constructor(
    { peers, ranges }: RestartPeers,
    { deferral = DEFAULT_DEFERRAL }: { readonly deferral?: number },
    { rib, clock }: { readonly rib: Rib; readonly clock: Clock },
    over: () => void,
  ) {
    this.#rib = rib;
    this.#over = over;
    const awaited = peers.filter(({ gracefulRestart, shutdown }) => gracefulRestart && shutdown !== true);
    const open = ranges.filter(({ gracefulRestart, shutdown }) => gracefulRestart && shutdown !== true);
    this.#deferral = new SelectionDeferral([
      ...awaited.map((peer) => ({ name: peer.name, families: familiesOf(peer) })),
      ...open.map((range) => ({ name: callersOf(range), families: familiesOf(range) })),
    ]);
    for (const family of this.#deferral.families) rib.hold(family, true);
    this.#timers = [
      clock.setTimer(deferral * 1000, () => this.#release(this.#deferral.expired())),
      ...open.map((range) =>
        clock.setTimer((range.gracefulRestart?.restartTime ?? DEFAULT_RESTART_TIME) * 1000, () =>
          this.#release(this.#deferral.gone(callersOf(range))),
        ),
      ),
    ];
    if (this.#deferral.over) this.#release([]);
  }

  established({ name, gracefulRestart }: PeerConfig, negotiated: Negotiated): void {
    if (gracefulRestart !== undefined) this.#release(this.#deferral.established(name, negotiated));
  }

  endOfRib(name: string, family: Family): void {
    this.#release(this.#deferral.endOfRib(name, family));
  }

  /** A peer was removed. */
  gone(name: string): void {
    this.#release(this.#deferral.gone(name));
  }

  stop(): void {
    for (const timer of this.#timers) timer.cancel();
  }

  #release(families: readonly Family[]): void {
    for (const family of families) this.#rib.hold(family, false);
    if (!this.#deferral.over || this.#done) return;
    this.#done = true;
    this.stop();
    this.#over();
  }
}

/** Stands for the neighbours of a range that have not called yet; no peer has such a name, which would be an address. */
function callersOf({ name }: PeerRangeConfig): string {
  return `callers from ${name}`;
}
