/** A neighbour of a speaker: its session, and what of the RIB is its. */
import type { Family } from '../../protocol/bgp/family.ts';
import { endOfRib, type UpdateMessage } from '../../protocol/bgp/message/update.ts';
import type { Rib } from '../../protocol/bgp/rib/rib.ts';
import type { Negotiated } from '../../protocol/bgp/session/negotiated.ts';
import type { SessionState } from '../../protocol/bgp/session/state.ts';
import { type Ending, PeerSession, type PeerSessionOwner, type SpeakerPorts } from './peer-session.ts';
import { ribPeerConfig } from './rib-peer.ts';
import type { SessionIdentity } from './session-config.ts';
import type { FamilyName, PeerConfig, PeerRangeConfig } from './types.ts';

/** What a peer needs of its speaker. */
export interface PeerOwner {
  readonly rib: Rib;
  readonly ports: SpeakerPorts;
  /** The RIB has something to send or to tell. */
  schedule(): void;
  state(peer: Peer, state: SessionState): void;
  /** It has sent its initial routes of a family. */
  endOfRib(peer: Peer, family: FamilyName): void;
  /** It has a new number in the RIB, or none any more. */
  ribPeer(peer: Peer, before: number | undefined): void;
}

export class Peer implements PeerSessionOwner {
  readonly session: PeerSession;
  /** The range that it called from, of a dynamic neighbour. */
  readonly range: PeerRangeConfig | undefined;
  readonly endOfRibReceived: Set<FamilyName> = new Set();
  readonly endOfRibSent: Set<FamilyName> = new Set();
  /** Ended by an operator, until one starts it again. */
  shutDown: boolean;
  /** Of a dynamic neighbour: its connection has been taken. */
  called = false;
  readonly #owner: PeerOwner;
  readonly #log: SpeakerPorts['log'];
  #ribPeer: number | undefined;

  constructor(config: PeerConfig, identity: SessionIdentity, owner: PeerOwner, range?: PeerRangeConfig) {
    this.#owner = owner;
    this.#log = owner.ports.log.child({ peer: config.name });
    this.range = range;
    this.shutDown = config.shutdown ?? false;
    this.session = new PeerSession(config, identity, { ...owner.ports, log: this.#log }, this);
  }

  get config(): PeerConfig {
    return this.session.config;
  }

  /** Number in the RIB while it has anything to do there. */
  get ribPeer(): number | undefined {
    return this.#ribPeer;
  }

  start(): void {
    if (!this.shutDown) this.session.start();
  }

  stop(ending: Ending): Promise<void> {
    return this.session.stop(ending);
  }

  state(state: SessionState): void {
    this.#owner.state(this, state);
  }

  established(negotiated: Negotiated, localAddress: string): void {
    this.#setRibPeer(this.#owner.rib.addPeer(ribPeerConfig(this.config, negotiated, localAddress)));
    this.#owner.schedule();
  }

  down(): void {
    if (this.#ribPeer === undefined) return;
    this.#owner.rib.removePeer(this.#ribPeer);
    this.#setRibPeer(undefined);
    this.endOfRibReceived.clear();
    this.endOfRibSent.clear();
    this.#owner.schedule();
  }

  update(message: UpdateMessage): void {
    this.#owner.rib.update(this.#ribPeer!, message);
    const family = endOfRib(message);
    if (family !== undefined) {
      this.endOfRibReceived.add(family);
      this.#owner.endOfRib(this, family);
    }
    this.#owner.schedule();
  }

  refresh(family: Family): void {
    this.#owner.rib.refresh(this.#ribPeer!, family);
    this.#owner.schedule();
  }

  refreshing(_family: Family, _phase: 'begin' | 'end'): void {}

  writable(_writable: boolean): void {}

  fault(fault: Parameters<PeerSessionOwner['fault']>[0]): void {
    const { outcome, reasons, bytes } = fault;
    this.#log.warn({ outcome, reasons, message: Buffer.from(bytes).toString('hex') }, 'BGP message fault');
  }

  #setRibPeer(id: number | undefined): void {
    const before = this.#ribPeer;
    this.#ribPeer = id;
    this.#owner.ribPeer(this, before);
  }
}
