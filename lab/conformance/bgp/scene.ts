/** What a test has in hands: peers, prefixes of its own, steps and barriers. Called `t` in tests. */
import { openBlackHole } from './black-hole.ts';
import type { Commands } from './commands.ts';
import { Connection, Listener } from './connection.ts';
import type { Identity, Lease } from './identity.ts';
import { type OpenOptions, openOf } from './open.ts';
import { Peer } from './peer.ts';
import type { OwnPrefixes } from './prefixes.ts';
import { type CommandName, candidates, type Need, type PeerKind, type Profile } from './profile.ts';
import type { TestRecord } from './record.ts';
import { Failed, Inconclusive, NotApplicable, type Verdict, verdictOf } from './verdict.ts';
import { keepalive } from './wire/build.ts';

/** A kind of peer, a kind with features, or an identity that the test has already. */
export type Who = PeerKind | Need | Identity;

export interface EstablishOptions extends OpenOptions {
  /** Whether to send KEEPALIVEs on, every third of the negotiated hold time; default true. */
  readonly keepalives?: boolean;
}

export interface StepResult {
  readonly name: string;
  readonly verdict: Verdict;
  readonly reason?: string;
}

/** What a scene is made of. */
export interface SceneParts {
  readonly profile: Profile;
  readonly lease: Lease;
  readonly record: TestRecord;
  readonly prefixes: OwnPrefixes;
  readonly commands: Commands;
}

/** Longest wait for a session to come up: the target may hold a peer down for a while after an error. */
const SESSION_TIME = 30_000;

export class Scene {
  readonly profile: Profile;
  readonly steps: StepResult[] = [];
  /** Longest wait for a reaction, milliseconds. */
  readonly reactionTime: number;
  readonly #parts: SceneParts;
  #peers: Peer[] = [];
  #listeners: Listener[] = [];

  constructor(parts: SceneParts) {
    this.profile = parts.profile;
    this.reactionTime = parts.profile.reactionTime;
    this.#parts = parts;
  }

  // --- the course of a test

  /** One of several stimuli: its verdict counts for itself, its peers are closed at its end. */
  async step(name: string, run: () => Promise<void>): Promise<void> {
    this.#parts.record.add('event', '', `step: ${name}`);
    try {
      await run();
      this.steps.push({ name, verdict: 'pass' });
    } catch (error) {
      const { verdict, reason } = verdictOf(error);
      this.#parts.record.add('event', '', `${verdict}: ${reason}`);
      this.steps.push({ name, verdict, reason });
    } finally {
      await this.cleanUp();
    }
  }

  /** Writes a remark into the record. */
  note(text: string): void {
    this.#parts.record.add('event', '', text);
  }

  /** @throws Failed with the text unless the condition holds: "expected ..., got ...". */
  check(condition: boolean, text: string): void {
    if (!condition) throw new Failed(text);
  }

  fail(text: string): never {
    throw new Failed(text);
  }

  notApplicable(reason: string): never {
    throw new NotApplicable(reason);
  }

  inconclusive(reason: string): never {
    throw new Inconclusive(reason);
  }

  /** Closes every connection and listener of the step. */
  async cleanUp(): Promise<void> {
    const peers = this.#peers;
    this.#peers = [];
    for (const listener of this.#listeners.splice(0)) listener.close();
    await Promise.all(peers.map((peer) => peer.close()));
    this.#parts.lease.rewind();
  }

  // --- peers

  /** Who we are for a need. Where the profile has a range each call gives a fresh address. */
  identity(who: Who): Identity {
    if (typeof who === 'string') return this.#parts.lease.take({ kind: who });
    return 'address' in who ? who : this.#parts.lease.take(who);
  }

  /** Whether the profile has a peer for a need. */
  has(need: Need): boolean {
    return candidates(this.profile, need).length > 0;
  }

  /** A TCP connection to the target, on which nothing has been sent. @throws Inconclusive where it is refused. */
  async dial(who: Who): Promise<Peer> {
    const identity = this.identity(who);
    try {
      return this.#adopt(
        identity,
        await Connection.dial(identity.address, this.profile.target, this.#parts.record),
      );
    } catch (error) {
      throw new Inconclusive(`cannot connect from ${identity.address}: ${(error as Error).message}`);
    }
  }

  /**
   * A connection on which the target has sent its OPEN and we nothing: the target is in OpenSent. Where it refuses or
   * drops the connection, which it may do for a while after an error, it is dialled again.
   * @throws Inconclusive where that does not come about.
   */
  async connect(who: Who): Promise<Peer> {
    const identity = this.identity(who);
    const until = performance.now() + SESSION_TIME;
    for (;;) {
      try {
        const peer = await this.dial(identity);
        await peer.expectOpen();
        return peer;
      } catch (error) {
        if (performance.now() > until) {
          throw new Inconclusive(`the target sent no OPEN to ${identity.label}: ${(error as Error).message}`);
        }
        // The target told nothing of when it will listen again.
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    }
  }

  /** A session in which the target is Established (as far as we can see: KEEPALIVEs went both ways). @throws Inconclusive */
  async establish(who: Who, options: EstablishOptions = {}): Promise<Peer> {
    const peer = await this.connect(who);
    return await this.bringUp(peer, options);
  }

  /** Takes a connection on which the target has sent its OPEN to Established. @throws Inconclusive */
  async bringUp(peer: Peer, options: EstablishOptions = {}): Promise<Peer> {
    try {
      peer.send(this.openOf(peer.identity, options));
      await peer.expectKeepalive();
      peer.send(keepalive());
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      throw new Inconclusive(`the session of ${peer.identity.label} did not come up: ${error.message}`);
    }
    const holdTime = Math.min(peer.open!.holdTime, peer.sentOpen!.holdTime);
    if (options.keepalives ?? true) peer.startKeepalives(holdTime / 3);
    return peer;
  }

  /** Listens where the target dials an identity (feature `dials`). */
  async listen(who: Who): Promise<PeerListener> {
    const identity = this.identity(who);
    const listener = await Listener.open(
      { address: identity.address, port: identity.port },
      this.#parts.record,
    );
    this.#listeners.push(listener);
    return {
      identity,
      dials: listener.dials,
      accept: async (within = SESSION_TIME) => {
        const connection = await listener.next(within);
        if (connection !== undefined) return this.#adopt(identity, connection);
        throw new Failed(
          `expected the target to dial ${identity.label}, but it did not within ${within / 1000} s`,
        );
      },
      close: () => listener.close(),
    };
  }

  /** Leaves the SYNs of the target to an identity unanswered until the function that it returns is called. */
  async blackHole({ address, port }: Identity): Promise<() => Promise<void>> {
    this.note(`SYNs to ${address} port ${port} stay unanswered`);
    return await openBlackHole({ address, port });
  }

  /**
   * An established peer to which the target passes on what `source` announces.
   * @throws NotApplicable where the profile has none.
   */
  async observer(source: Peer | Identity, options: EstablishOptions = {}): Promise<Peer> {
    const identity = source instanceof Peer ? source.identity : source;
    const need = observerNeed(this.profile, identity.kind);
    if (need === undefined) {
      throw new NotApplicable(`needs another peer, to which the target passes on routes of ${identity.kind}`);
    }
    return await this.establish(need, options);
  }

  /** Whether the profile has a peer that sees what a kind announces. */
  hasObserver(kind: PeerKind): boolean {
    return observerNeed(this.profile, kind) !== undefined;
  }

  /** The octets of a plausible OPEN of an identity, changed as the options say. */
  openOf(identity: Identity, options: OpenOptions = {}): Uint8Array {
    return openOf(this.profile, identity, options);
  }

  // --- routes

  /** An IPv4 prefix that no other test uses. */
  prefix(): string {
    return this.#parts.prefixes.ipv4();
  }

  /** An IPv6 prefix that no other test uses. */
  prefix6(): string {
    return this.#parts.prefixes.ipv6();
  }

  /**
   * Returns when the target has handled all that `source` sent until now and has passed on to `observer` what comes of
   * it: two marker routes, the second announced when the first has come out.
   * @throws Failed where a marker does not come out, because the session of one of them ended, say.
   */
  async barrier(source: Peer, observer: Peer): Promise<void> {
    for (let i = 0; i < 2; i++) {
      const marker = this.prefix();
      source.announce(marker);
      await observer.expectRoute(marker);
      source.withdraw(marker);
    }
    if (source.closed !== undefined) throw new Failed(`the session of ${source.identity.label} ended`);
  }

  // --- orders to the target that no message can give

  /** Runs a command of the profile. @throws NotApplicable where it has none. @throws Inconclusive where it fails. */
  async command(name: CommandName, values: Readonly<Record<string, string>> = {}): Promise<string> {
    this.note(`command: ${name} ${Object.values(values).join(' ')}`.trim());
    return await this.#parts.commands.run(name, values);
  }

  #adopt(identity: Identity, connection: Connection): Peer {
    const peer = new Peer(identity, connection, this.#parts, this.reactionTime);
    this.#peers.push(peer);
    return peer;
  }
}

/** A place where the target dials us. */
export interface PeerListener {
  readonly identity: Identity;
  /** When the target dialled, by the monotonic clock in milliseconds. */
  readonly dials: readonly number[];
  /** The next connection. @throws Failed where none comes within so many milliseconds (default 30 s). */
  accept(within?: number): Promise<Peer>;
  close(): void;
}

/** Kinds that see routes of a kind, best first: external ones before internal ones, which need no reflection. */
const OBSERVERS: Readonly<Record<PeerKind, readonly PeerKind[]>> = {
  ebgp: ['ebgp2', 'ibgp-client', 'ibgp', 'confed'],
  ebgp2: ['ebgp', 'ibgp-client', 'ibgp', 'confed'],
  ibgp: ['ebgp2', 'ebgp', 'ibgp-client', 'confed'],
  'ibgp-client': ['ebgp2', 'ebgp', 'ibgp', 'confed'],
  confed: ['ebgp2', 'ebgp', 'ibgp-client', 'ibgp'],
};

/** Which peer of a profile can see what a kind announces. */
export function observerNeed(profile: Profile, source: PeerKind): Need | undefined {
  return OBSERVERS[source].map((kind) => ({ kind })).find((need) => candidates(profile, need).length > 0);
}
