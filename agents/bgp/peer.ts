/** A neighbour of a speaker: its session, and what of the RIB is its. */
import type { Family } from '../../protocol/bgp/family.ts';
import { ADMINISTRATIVE_RESET, ADMINISTRATIVE_SHUTDOWN } from '../../protocol/bgp/message/notification.ts';
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

  /** Ends the session, which comes back by itself; or has one direction of routes judged or sent again. */
  clear(how: 'reset' | 'in' | 'out'): void {
    if (how === 'reset') {
      this.session.reset({ subcode: ADMINISTRATIVE_RESET });
      return;
    }
    const id = this.#established(`clear ${how}`);
    if (how === 'in') this.#owner.rib.policyChanged(id);
    else for (const family of this.session.machine.negotiated!.families) this.#owner.rib.refresh(id, family);
    this.#owner.schedule();
  }

  /** Asks for all routes of a family, or of every family, again. @throws RangeError where the peer does not answer. */
  requestRefresh(family?: Family): void {
    this.#established('refresh');
    const { routeRefresh, families } = this.session.machine.negotiated!;
    if (!routeRefresh) throw new RangeError(`peer ${this.config.name} knows no route refresh`);
    if (family !== undefined && !families.includes(family))
      throw new RangeError(`the session with ${this.config.name} does not carry ${family}`);
    for (const each of family === undefined ? families : [family]) this.session.requestRefresh(each);
  }

  /** Writes bytes as they are to the session. @throws RangeError where it is not up. */
  sendRaw(bytes: Uint8Array): void {
    this.#established('inject');
    this.session.sendRaw(bytes);
  }

  /** Ends the session until {@link enable}. */
  shutdown({ message, hard }: { readonly message?: string; readonly hard?: boolean }): void {
    this.shutDown = true;
    void this.session.stop({
      subcode: ADMINISTRATIVE_SHUTDOWN,
      ...(message === undefined ? {} : { text: message }),
      ...(hard === undefined ? {} : { hard }),
    });
  }

  /** Starts a session that was shut down. */
  enable(): void {
    this.shutDown = false;
    this.session.start();
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

  /** Number in the RIB. @throws RangeError where the session is not up. */
  #established(action: string): number {
    if (this.#ribPeer === undefined || this.session.machine.state !== 'Established')
      throw new RangeError(`${action}: the session with ${this.config.name} is not established`);
    return this.#ribPeer;
  }

  #setRibPeer(id: number | undefined): void {
    const before = this.#ribPeer;
    this.#ribPeer = id;
    this.#owner.ribPeer(this, before);
  }
}
