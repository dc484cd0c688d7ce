/**
 * Own EVPN routes whose MAC address another PE has: those are taken out of selection, which withdraws them, and come back
 * when the other one goes (RFC 7432 §15). Only routes with other keys are looked at here; of those with the same key
 * (route distinguisher) route selection takes one anyway.
 */
import { MAC_IP } from '../nlri/evpn/layout.ts';
import { type AttributeTable, hostAddress } from './attribute-table.ts';
import { ELIGIBLE, MAC_MOVED } from './import.ts';
import type { LocRib } from './loc-rib.ts';
import { MacIndex } from './mac-index.ts';
import { conflicts, lostTo, type MacRoute, type MacStep } from './mac-mobility.ts';
import { MarkQueue } from './mark-queue.ts';
import { REASON } from './path-table.ts';
import { LOCAL, type RibPeer } from './route.ts';

const NONE = -1;
/** Ethernet tag, 48, and MAC address in the key of a MAC/IP route: behind its type and route distinguisher. */
const MAC_START = 9;
const MAC_END = 20;

/** Something happened to the MAC address of an own route. */
export interface MacMove {
  /** The own route in text. */
  readonly prefix: string;
  /** Whose route is the cause; `undefined` where there is none any more. */
  readonly peer: RibPeer | undefined;
  /** Why the own route is withdrawn; `undefined`: it is not, or no more. */
  readonly lost: MacStep | undefined;
  /** Another PE says that the address is static there: the operator is to be told (§15.2). */
  readonly conflict: boolean;
}

type Verdict = Omit<MacMove, 'prefix'>;
const OURS: Verdict = { peer: undefined, lost: undefined, conflict: false };

export class MacMoves {
  readonly #rib: LocRib;
  readonly #attributes: AttributeTable;
  readonly #peers: ReadonlyMap<number, RibPeer>;
  readonly #index = new MacIndex();
  /** Prefixes whose best path changed. */
  readonly #changed = new MarkQueue();
  /** What was last said of own routes, by prefix; absent: that they are ours. */
  readonly #said = new Map<number, Verdict>();
  #moves: MacMove[] = [];

  /** Begins with all that `rib` has. */
  constructor(rib: LocRib, attributes: AttributeTable, peers: ReadonlyMap<number, RibPeer>) {
    this.#rib = rib;
    this.#attributes = attributes;
    this.#peers = peers;
    for (let prefix = 0; prefix < rib.prefixes.top; prefix++) {
      if (rib.paths.first(prefix) !== NONE) this.#changed.mark(prefix);
    }
  }

  /** Whether there are changes to look at. */
  get pending(): boolean {
    return this.#changed.length > 0;
  }

  /** The best path of a prefix changed. */
  mark(prefix: number): void {
    this.#changed.mark(prefix);
  }

  /** The number of a prefix is given back. */
  forget(prefix: number): void {
    this.#index.remove(prefix);
    this.#said.delete(prefix);
  }

  /** What happened since the last call. */
  take(): readonly MacMove[] {
    const moves = this.#moves;
    this.#moves = [];
    return moves;
  }

  /** Looks at up to `limit` changed prefixes; returns how many it was. */
  settle(limit: number): number {
    let work = 0;
    for (; work < limit && this.pending; work++) {
      const prefix = this.#changed.take();
      const key = this.#rib.prefixes.key(prefix);
      // All paths may be gone, and with them the number.
      if (key === undefined || key[0] !== MAC_IP) continue;
      this.#judge(this.#index.of(this.#index.add(prefix, key.subarray(MAC_START, MAC_END))));
    }
    return work;
  }

  /** Judges the own ones among the routes for one MAC address. */
  #judge(prefixes: readonly number[]): void {
    const { paths } = this.#rib;
    for (const prefix of prefixes) {
      const own = paths.find(prefix, LOCAL, 0);
      if (own === NONE || this.#rib.isGone(own)) {
        this.#said.delete(prefix);
        continue;
      }
      const verdict = this.#verdict(prefix, own, prefixes);
      const reason = verdict.lost === undefined ? ELIGIBLE : MAC_MOVED;
      if ((paths.flags(own) & REASON) !== reason) this.#rib.reselect(own, paths.selected(own), reason);
      this.#say(prefix, own, verdict);
    }
  }

  #verdict(prefix: number, own: number, prefixes: readonly number[]): Verdict {
    let verdict = OURS;
    for (const other of prefixes) {
      const best = other === prefix ? NONE : this.#rib.best(other);
      if (best === NONE) continue;
      const peer = this.#peers.get(this.#rib.paths.peer(best));
      if (peer === undefined) continue;
      const theirs = this.#route(best, peer);
      const ours = this.#route(own, peer);
      const lost = lostTo(ours, theirs);
      const conflict = conflicts(ours, theirs);
      if (lost !== undefined) return { peer, lost, conflict };
      if (conflict) verdict = { peer, lost, conflict };
    }
    return verdict;
  }

  /** A route as a PE behind a session sees it: an own one may carry our address on that session. */
  #route(path: number, { localAddress }: RibPeer): MacRoute {
    const attributes = this.#attributes.get(this.#rib.paths.selected(path));
    const { nextHop } = attributes;
    return { attributes, pe: nextHop.length === 0 ? localAddress : hostAddress(nextHop) };
  }

  #say(prefix: number, own: number, verdict: Verdict): void {
    const before = this.#said.get(prefix) ?? OURS;
    if (before.lost === verdict.lost && before.conflict === verdict.conflict) return;
    if (verdict === OURS) this.#said.delete(prefix);
    else this.#said.set(prefix, verdict);
    const data = this.#attributes.data(this.#rib.paths.selected(own));
    this.#moves.push({ prefix: this.#rib.prefixes.text(prefix, data), ...verdict });
  }
}
