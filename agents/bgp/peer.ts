/** A neighbour of a speaker: its session, what of the RIB is its, and what is kept of it while it restarts. */
import type { Family } from '../../protocol/bgp/family.ts';
import {
  ADMINISTRATIVE_RESET,
  ADMINISTRATIVE_SHUTDOWN,
  MAXIMUM_PREFIXES,
} from '../../protocol/bgp/message/notification.ts';
import { endOfRib, type UpdateMessage } from '../../protocol/bgp/message/update.ts';
import { type RestartAction, RestartHelper } from '../../protocol/bgp/restart/helper.ts';
import { type LimitEvent, PrefixLimits } from '../../protocol/bgp/restart/max-prefixes.ts';
import type { Rib } from '../../protocol/bgp/rib/rib.ts';
import type { RibPeerConfig } from '../../protocol/bgp/rib/route.ts';
import type { Negotiated } from '../../protocol/bgp/session/negotiated.ts';
import type { SessionState } from '../../protocol/bgp/session/state.ts';
import { logFault } from './fault-log.ts';
import { type Ending, PeerSession, type PeerSessionOwner, type SpeakerPorts } from './peer-session.ts';
import { DEFAULT_STALE_TIME, limitsOf, maxPrefixesOf } from './peer-settings.ts';
import { ribPeerConfig } from './rib-peer.ts';
import type { SessionIdentity } from './session-config.ts';
import type { SessionMonitors } from './session-monitors.ts';
import { TimerSet } from './timer-set.ts';
import type { FamilyName, PeerConfig, PeerRangeConfig } from './types.ts';

/** What a peer needs of its speaker. */
export interface PeerOwner {
  readonly rib: Rib;
  readonly ports: SpeakerPorts;
  readonly monitors: SessionMonitors;
  /** Peers are sent only routes with targets that they asked for, where they can ask (RFC 4684). */
  readonly rtConstraint: boolean;
  /** The RIB has something to send or to tell. */
  schedule(): void;
  state(peer: Peer, state: SessionState): void;
  established(peer: Peer, negotiated: Negotiated): void;
  /** It has sent its initial routes of a family. */
  endOfRib(peer: Peer, family: FamilyName): void;
  /** It has a new number in the RIB, or none any more. */
  ribPeer(peer: Peer, before: number | undefined): void;
}

/** How an operator ends a session. */
export interface ShutdownOptions {
  /** For the peer's operator (RFC 9003). */
  readonly message?: string;
  /** Seconds before which the peer is told to find other ways (RFC 8326). */
  readonly graceful?: number;
  /** The peer shall not keep our routes (RFC 8538). */
  readonly hard?: boolean;
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
  readonly #restart: RestartHelper;
  readonly #limits: PrefixLimits;
  readonly #timers: TimerSet<string>;
  #ribPeer: number | undefined;
  #leaving = false;
  #limited: FamilyName | undefined;

  constructor(config: PeerConfig, identity: SessionIdentity, owner: PeerOwner, range?: PeerRangeConfig) {
    this.#owner = owner;
    this.#log = owner.ports.log.child({ peer: config.name });
    this.range = range;
    this.shutDown = config.shutdown ?? false;
    this.#restart = new RestartHelper((config.gracefulRestart?.staleTime ?? DEFAULT_STALE_TIME) * 1000);
    this.#limits = new PrefixLimits(limitsOf(config));
    this.#timers = new TimerSet(owner.ports.clock);
    this.session = new PeerSession(config, identity, { ...owner.ports, log: this.#log }, this);
  }

  get config(): PeerConfig {
    return this.session.config;
  }

  /** Number in the RIB while it has anything to do there. */
  get ribPeer(): number | undefined {
    return this.#ribPeer;
  }

  /** Families of which stale routes are kept. */
  get staleFamilies(): readonly FamilyName[] {
    return this.#restart.families;
  }

  /** The family of which it sent too many prefixes, until its session may start again. */
  get limited(): FamilyName | undefined {
    return this.#limited;
  }

  start(): void {
    this.#limited = undefined;
    if (!this.shutDown) this.session.start();
  }

  /** Ends the session for good, and forgets what is kept of the peer. */
  stop(ending: Ending): Promise<void> {
    const stopped = this.session.stop(ending);
    this.#act(this.#restart.abandon());
    this.#timers.clear();
    return stopped;
  }

  /** Takes over settings with which the session can go on. */
  reconfigure(config: PeerConfig): void {
    const before = this.config;
    this.session.config = config;
    if (before.shutdown !== config.shutdown) {
      if (config.shutdown) this.shutdown({});
      else this.enable();
    }
    const same = (['importPolicy', 'exportPolicy', 'gracefulShutdown'] as const).every(
      (key) => before[key] === config[key],
    );
    if (!same) this.#policyChanged();
  }

  /** Ends the session, which comes back by itself; or has one direction of routes judged or sent again. */
  clear(how: 'reset' | 'in' | 'out'): void {
    if (how === 'reset') {
      this.#timers.cancel('prefix-limit');
      this.session.reset({ subcode: ADMINISTRATIVE_RESET, hard: true });
      this.start();
      return;
    }
    const id = this.#established(`clear ${how}`);
    if (how === 'in') {
      this.#owner.rib.policyChanged(id);
      this.#owner.monitors.judged(this);
    } else {
      for (const family of this.session.machine.negotiated!.families) this.#owner.rib.refresh(id, family);
    }
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

  /** Ends the session until {@link enable}; after a while in which other ways are found, if that is asked for. */
  shutdown({ graceful, message, hard }: ShutdownOptions): void {
    this.shutDown = true;
    const stop = (): void => {
      this.#leaving = false;
      void this.stop({
        subcode: ADMINISTRATIVE_SHUTDOWN,
        ...(message === undefined ? {} : { text: message }),
        ...(hard === undefined ? {} : { hard }),
      });
    };
    if (graceful === undefined || this.session.machine.state !== 'Established') {
      stop();
      return;
    }
    this.#leaving = true;
    this.#policyChanged();
    this.#timers.set('leave', graceful * 1000, stop);
  }

  /** Starts a session that was shut down. */
  enable(): void {
    this.shutDown = false;
    this.#limited = undefined;
    this.#timers.cancel('leave');
    if (this.#leaving) {
      this.#leaving = false;
      this.#policyChanged();
    }
    this.session.start();
  }

  // -- PeerSessionOwner -----------------------------------------------------------------------------------------

  state(state: SessionState): void {
    this.#owner.state(this, state);
  }

  established(negotiated: Negotiated, localAddress: string): void {
    const config = this.#ribConfig(negotiated, localAddress);
    if (this.#ribPeer === undefined) this.#setRibPeer(this.#owner.rib.addPeer(config));
    else this.#owner.rib.resumePeer(this.#ribPeer, config);
    this.#act(this.#restart.established(negotiated));
    this.#owner.established(this, negotiated);
    this.#monitor(negotiated);
    this.#owner.schedule();
  }

  down({ graceful, negotiated, notification, reason }: Parameters<PeerSessionOwner['down']>[0]): void {
    this.#owner.monitors.down(this, { notification, silent: reason === 'stopped' });
    this.endOfRibReceived.clear();
    this.endOfRibSent.clear();
    this.#limits.reset();
    for (const family of negotiated.families) this.#timers.cancel(`refresh ${family}`);
    this.#act(this.#restart.down(negotiated, graceful));
    this.#owner.schedule();
  }

  update(message: UpdateMessage): void {
    // A peer that was just removed may have said more in the same segment.
    if (this.#ribPeer === undefined) return;
    this.#owner.rib.update(this.#ribPeer, message);
    const family = endOfRib(message);
    this.#owner.monitors.update(this, message, family);
    if (family !== undefined) {
      this.endOfRibReceived.add(family);
      this.#act(this.#restart.endOfRib(family));
      this.#owner.endOfRib(this, family);
    }
    if (this.#limits.some) this.#checkLimits(this.#ribPeer);
    this.#owner.schedule();
  }

  refresh(family: Family): void {
    if (this.#ribPeer === undefined) return;
    this.#owner.rib.refresh(this.#ribPeer, family);
    this.#owner.schedule();
  }

  refreshing(family: Family, phase: 'begin' | 'end'): void {
    const id = this.#ribPeer;
    if (id === undefined) return;
    const end = (): void => {
      if (this.#owner.rib.endRefresh(id, family) > 0) this.#owner.monitors.purged(this);
      this.#owner.schedule();
    };
    const timer = `refresh ${family}`;
    this.#timers.cancel(timer);
    if (phase === 'end') {
      end();
      return;
    }
    this.#owner.rib.beginRefresh(id, family);
    // RFC 7313 §4: a peer that never ends does not keep its stale routes for ever.
    this.#timers.set(timer, DEFAULT_STALE_TIME * 1000, end);
  }

  writable(writable: boolean): void {
    if (this.#ribPeer === undefined) return;
    this.#owner.rib.setWritable(this.#ribPeer, writable);
    if (writable) this.#owner.schedule();
  }

  fault(fault: Parameters<PeerSessionOwner['fault']>[0]): void {
    logFault(this.#log, fault);
  }

  // -- Inside ---------------------------------------------------------------------------------------------------

  #ribConfig(negotiated: Negotiated, localAddress: string): RibPeerConfig {
    const config = ribPeerConfig(this.config, negotiated, localAddress, this.#owner.rtConstraint);
    return this.#leaving ? { ...config, gracefulShutdown: true } : config;
  }

  /** Applies the settings of routes again to what came in and what goes out. */
  #policyChanged(): void {
    const { negotiated } = this.session.machine;
    const { localAddress } = this.session;
    if (this.#ribPeer === undefined || negotiated === undefined || localAddress === undefined) return;
    this.#owner.rib.policyChanged(this.#ribPeer, this.#ribConfig(negotiated, localAddress));
    this.#owner.monitors.judged(this);
    this.#owner.schedule();
  }

  /** Tells who follows the sessions that this one is up. */
  #monitor(negotiated: Negotiated): void {
    const { transport, since, machine } = this.session;
    if (transport === undefined || this.#ribPeer === undefined) return;
    const { counters } = machine;
    const { name } = this.config;
    this.#owner.monitors.up(this, {
      name,
      ribPeer: this.#ribPeer,
      negotiated,
      since,
      counters,
      ...transport,
    });
  }

  #act(actions: readonly RestartAction[]): void {
    const { rib } = this.#owner;
    for (const action of actions) {
      const id = this.#ribPeer;
      if (action.kind === 'arm') {
        this.#timers.set(`restart ${action.timer}`, action.delay, () => {
          this.#act(this.#restart.expired(action.timer));
          this.#owner.schedule();
        });
      } else if (action.kind === 'cancel') {
        this.#timers.cancel(`restart ${action.timer}`);
      } else if (id !== undefined) {
        if (action.kind === 'suspend') rib.suspendPeer(id, action.families);
        else if (action.kind === 'purge') rib.purgeStale(id, action.family);
        else if (action.kind === 'long-lived') rib.startLongLived(id, action.family);
        else this.#drop(id);
      }
    }
  }

  #drop(id: number): void {
    this.#owner.rib.removePeer(id);
    this.#setRibPeer(undefined);
    this.#owner.schedule();
  }

  #checkLimits(id: number): void {
    for (const event of this.#limits.check((family) => this.#owner.rib.receivedCount(id, family))) {
      this.#limitReached(event);
    }
  }

  #limitReached({ kind, family, limit }: LimitEvent): void {
    const { action = 'teardown', restartAfter } = maxPrefixesOf(this.config, family) ?? {};
    this.#log.warn(
      { family, limit },
      kind === 'near' ? 'BGP prefix limit is near' : 'BGP prefix limit exceeded',
    );
    if (kind === 'near' || action === 'warn') return;
    this.#limited = family;
    void this.session.stop({ subcode: MAXIMUM_PREFIXES, prefixLimit: { family, limit }, hard: true });
    // Without a time it waits for somebody to clear it.
    if (restartAfter !== undefined) {
      this.#timers.set('prefix-limit', restartAfter * 1000, () => this.start());
    }
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
