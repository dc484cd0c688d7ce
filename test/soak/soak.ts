// Days of changing routes in minutes: a speaker with its sessions in virtual time, and a naive model of its tables.
import { BgpSpeaker } from '../../agents/bgp/speaker.ts';
import { FuzzRandom } from '../fuzz/random.ts';
import { silentLog } from '../support/bgp.ts';
import type { Change } from '../support/med-table.ts';
import { SimClock, SimNet, seededRandom } from '../support/sim-net.ts';
import { SoakPeer, type SoakRoute } from './soak-peer.ts';

const ASN = 65000;
const SPEAKER = '10.0.0.1';
/** Peers that announce, and peers that only read. */
const SOURCES = 3;
const READERS = 2;
/** Seconds between events that are no changes of routes: sessions that end, readers that stop, refreshes. */
const TROUBLE = 300;
/** The same while it warms up, and for how long that is, seconds. */
const WARM_UP_TROUBLE = 10;
const WARM_UP = 1200;
/** Seconds for which a session stays away, or a reader takes nothing. */
const LONGEST_TROUBLE = 120;
/** Of so many changes one is a withdrawal, so that most prefixes have most of their paths. */
const WITHDRAWALS = 5;

export interface SoakOptions {
  readonly seed: number;
  /** Prefixes that there are. */
  readonly routes: number;
  /** Changes of routes a second, of all sources together. */
  readonly rate: number;
}

/** What was done so far. */
export interface SoakCounts {
  changes: number;
  sessions: number;
  stops: number;
  refreshes: number;
}

export class Soak {
  readonly speaker: BgpSpeaker;
  readonly counts: SoakCounts = { changes: 0, sessions: 0, stops: 0, refreshes: 0 };
  readonly #options: SoakOptions;
  readonly #random: FuzzRandom;
  readonly #clock = new SimClock();
  readonly #sources: readonly SoakPeer[];
  readonly #peers: readonly SoakPeer[];
  /** What ends troubles, by the second in which it is due. */
  readonly #mends = new Map<number, (() => void)[]>();
  #troubled = new Set<SoakPeer>();
  #second = 0;
  #lastMed = 0;

  constructor(options: SoakOptions) {
    this.#options = options;
    this.#random = new FuzzRandom(options.seed, 0);
    const net = new SimNet(this.#clock);
    this.speaker = new BgpSpeaker(
      { asn: ASN, routerId: SPEAKER, listen: [{ address: SPEAKER, port: 179 }] },
      { clock: this.#clock, random: seededRandom(options.seed), tcp: net.tcp(SPEAKER), log: silentLog },
    );
    this.#peers = Array.from(
      { length: SOURCES + READERS },
      (_, i) => new SoakPeer(ASN, `10.0.1.${i + 1}`, net),
    );
    this.#sources = this.#peers.slice(0, SOURCES);
    this.speaker.setPeers(
      this.#peers.map(({ address }) => ({
        name: address,
        address,
        asn: ASN,
        passive: true,
        holdTime: 90,
        routeReflectorClient: true,
      })),
    );
  }

  /** Brings the sessions up, with all routes of all sources. */
  async start(): Promise<void> {
    await this.speaker.start();
    for (const peer of this.#peers) this.#call(peer);
    this.#settle();
  }

  /** Has everything happen that will, so that each table has the size that it will ever need, and all code is compiled. */
  warmUp(): void {
    for (let second = 0; second < WARM_UP; second++) this.tick(WARM_UP_TROUBLE);
    this.rest();
  }

  /** One second of virtual time. @param trouble seconds between troubles. */
  tick(trouble: number = TROUBLE): void {
    this.#second += 1;
    for (const mend of this.#mends.get(this.#second) ?? []) mend();
    this.#mends.delete(this.#second);
    if (this.#random.oneIn(trouble)) this.#trouble();
    const changes = new Map<SoakPeer, Change[]>();
    for (let i = 0; i < this.#options.rate; i++) {
      const source = this.#random.pick(this.#sources);
      if (!source.established) continue;
      const change = this.#change(source, this.#random.below(this.#options.routes));
      const list = changes.get(source);
      if (list === undefined) changes.set(source, [change]);
      else list.push(change);
    }
    for (const [source, list] of changes) source.announce(list);
    this.#clock.run(1000);
  }

  /** Ends all troubles, and lets everything come to rest. */
  rest(): void {
    for (const mends of this.#mends.values()) for (const mend of mends) mend();
    this.#mends.clear();
    this.#settle();
  }

  /** What is not as the model has it, a line each. */
  faults(): string[] {
    const faults: string[] = [];
    for (const peer of this.#peers) {
      const expected = this.#expected(peer);
      const has = peer.table.routes;
      if (has.size !== expected.size)
        faults.push(`${peer.address} has ${has.size} routes, not ${expected.size}`);
      let wrong = 0;
      for (const [prefix, med] of expected) if (has.get(prefix) !== med) wrong += 1;
      if (wrong > 0) faults.push(`${peer.address} has ${wrong} routes that are wrong or missing`);
      const status = this.speaker.neighbors().find(({ name }) => name === peer.address)!;
      if (status.prefixesReceived !== peer.announced.size || status.prefixesSent !== expected.size)
        faults.push(
          `${peer.address} counts ${status.prefixesReceived} received, ${status.prefixesSent} sent`,
        );
    }
    return faults;
  }

  /** Ends all sessions; what is left then is a leak. */
  async end(): Promise<string[]> {
    for (const peer of this.#peers) peer.hangUp();
    this.#settle();
    const { table } = this.speaker;
    const faults = table.counts().map(({ family, paths }) => `${paths} paths of ${family} are left`);
    if (table.attributeSets > 0) faults.push(`${table.attributeSets} attribute sets are left`);
    const stopped = this.speaker.stop();
    await this.#clock.outcome(stopped);
    return faults;
  }

  /** The naive model: of all that sources announced the best, but not to the source that it is from. */
  #expected(reader: SoakPeer): Map<number, number> {
    const best = new Map<number, { readonly route: SoakRoute; readonly source: SoakPeer }>();
    for (const source of this.#sources) {
      for (const [prefix, route] of source.announced) {
        const other = best.get(prefix)?.route;
        const wins =
          other === undefined ||
          route.localPref > other.localPref ||
          (route.localPref === other.localPref && route.med < other.med);
        if (wins) best.set(prefix, { route, source });
      }
    }
    const expected = new Map<number, number>();
    for (const [prefix, { route, source }] of best) if (source !== reader) expected.set(prefix, route.med);
    return expected;
  }

  #change(source: SoakPeer, index: number): Change {
    this.counts.changes += 1;
    const prefix = 0x1000_0000 + index * 256;
    if (this.#random.oneIn(WITHDRAWALS)) {
      source.announced.delete(prefix);
      return { prefix, med: undefined };
    }
    const route = { localPref: 100 + this.#random.below(3), med: ++this.#lastMed };
    source.announced.set(prefix, route);
    return { prefix, ...route };
  }

  #trouble(): void {
    const peer = this.#random.pick(this.#peers);
    if (this.#troubled.has(peer)) return;
    const what = this.#random.below(3);
    if (what === 0) {
      this.counts.refreshes += 1;
      this.speaker.peer(peer.address).refresh('ipv4-unicast');
      return;
    }
    this.#troubled.add(peer);
    const mend = what === 1 ? this.#endSession(peer) : this.#stopReading(peer);
    const due = this.#second + 1 + this.#random.below(LONGEST_TROUBLE);
    const others = this.#mends.get(due) ?? [];
    this.#mends.set(due, [
      ...others,
      () => {
        this.#troubled.delete(peer);
        mend();
      },
    ]);
  }

  #endSession(peer: SoakPeer): () => void {
    this.counts.sessions += 1;
    peer.hangUp();
    return () => this.#call(peer);
  }

  /** The connections in memory are never full: it is said that this one is. */
  #stopReading(peer: SoakPeer): () => void {
    this.counts.stops += 1;
    this.speaker.peer(peer.address).writable(false);
    return () => this.speaker.peer(peer.address).writable(true);
  }

  /** Has a session come up, and a source announce everything. */
  #call(peer: SoakPeer): void {
    peer.dial(SPEAKER);
    this.#clock.runUntil(() => peer.established);
    if (!this.#sources.includes(peer)) return;
    const all = Array.from({ length: this.#options.routes }, (_, i) => this.#change(peer, i));
    peer.announce(all);
  }

  #settle(): void {
    this.#clock.run(5000);
  }
}
