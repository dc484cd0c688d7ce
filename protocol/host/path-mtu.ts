import { IPV4_MINIMUM_MTU } from '../ipv4/fragment.ts';

/** A learnt path MTU is forgotten after this, and larger packets are tried again (RFC 1191 §6.3). */
const LIFETIME = 600_000;

/** Destinations remembered; the oldest goes first. */
const LIMIT = 256;

/** Sizes to try where a router does not say its MTU (RFC 1191 §7.1). */
const PLATEAUS = [32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68];

/** What paths carry, learnt from "fragmentation needed" (RFC 1191). */
export class PathMtus {
  readonly #linkMtu: number;
  readonly #learnt = new Map<number, { readonly mtu: number; readonly until: number }>();

  constructor(linkMtu: number) {
    this.#linkMtu = linkMtu;
  }

  /** Largest packet to send to `destination` in one piece. */
  get(destination: number, now: number): number {
    const learnt = this.#learnt.get(destination);
    if (learnt === undefined) return this.#linkMtu;
    if (learnt.until > now) return learnt.mtu;
    this.#learnt.delete(destination);
    return this.#linkMtu;
  }

  /**
   * Takes a "fragmentation needed" about a packet of `length` bytes. `mtu` 0 is that of routers that do not say it. An
   * error never raises the estimate (RFC 1191 §3).
   */
  learn(destination: number, mtu: number, length: number, now: number): void {
    const said = mtu === 0 ? (PLATEAUS.find((plateau) => plateau < length) ?? IPV4_MINIMUM_MTU) : mtu;
    if (said < IPV4_MINIMUM_MTU || said >= this.get(destination, now)) return;
    if (this.#learnt.size >= LIMIT) this.#learnt.delete(this.#learnt.keys().next().value!);
    this.#learnt.set(destination, { mtu: said, until: now + LIFETIME });
  }
}
