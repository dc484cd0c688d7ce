/** A BGP speaker: sessions and RIB joined to the world through ports. */
import {
  ADMINISTRATIVE_SHUTDOWN,
  OTHER_CONFIGURATION_CHANGE,
  PEER_DECONFIGURED,
} from '../../protocol/bgp/message/notification.ts';
import { Rib, type RibFlush } from '../../protocol/bgp/rib/rib.ts';
import type { RibConfig } from '../../protocol/bgp/rib/route.ts';
import type { SessionState } from '../../protocol/bgp/session/state.ts';
import { parseIpv4 } from '../../protocol/ip/ipv4.ts';
import type { DurationHistogram } from '../metrics/histogram.ts';
import type { Clock, TcpConnection, TcpHandler, TcpListener } from '../ports.ts';
import { plainAddress } from './address.ts';
import { DynamicPeers } from './dynamic-peers.ts';
import { Flusher } from './flusher.ts';
import { logMacMove } from './mac-log.ts';
import { ownMemberships } from './membership.ts';
import { type TapPeer, UpdateTap } from './mrt-updates.ts';
import { neighborStatus } from './neighbor-view.ts';
import { nextHopResolver } from './next-hops.ts';
import { OwnRestart } from './own-restart.ts';
import { type AnnounceOptions, ownNlri, ownRoute } from './own-route.ts';
import { pathView } from './path-view.ts';
import { Peer, type PeerOwner } from './peer.ts';
import { checkPeers, sameSession } from './peer-changes.ts';
import type { SpeakerPorts } from './peer-session.ts';
import type { SessionIdentity } from './session-config.ts';
import { SessionMonitors } from './session-monitors.ts';
import { listenKeys, listenOptions } from './tcp-options.ts';
import type {
  BestChange,
  FamilyName,
  NeighborStatus,
  NextHopConfig,
  PathView,
  PeerConfig,
  PeerRangeConfig,
  SpeakerConfig,
} from './types.ts';

export class BgpSpeaker {
  readonly config: SpeakerConfig;
  /** What sessions receive, for who listens. */
  readonly tap: UpdateTap;
  /** Tells who listens of sessions and routes. */
  readonly monitors: SessionMonitors = new SessionMonitors();
  readonly #ports: SpeakerPorts;
  readonly #rib: Rib;
  readonly #flusher: Flusher;
  readonly #peers = new Map<string, Peer>();
  readonly #byRibPeer = new Map<number, Peer>();
  readonly #dynamic = new DynamicPeers();
  readonly #owner: PeerOwner;
  /** Sessions of removed peers that still close their connections. */
  readonly #leaving = new Set<Promise<void>>();
  #identity: SessionIdentity;
  #ownRestart: OwnRestart | undefined;
  #listeners: TcpListener[] = [];
  #running = false;
  /** Route target memberships that are announced. */
  #memberships: readonly string[] = [];
  #endsOfRib: { name: string; family: FamilyName }[] = [];
  readonly #bestListeners: ((changes: readonly BestChange[]) => void)[] = [];
  readonly #sessionListeners: ((peerName: string, state: SessionState) => void)[] = [];
  readonly #endOfRibListeners: ((peerName: string, family: FamilyName) => void)[] = [];

  /** @throws RangeError where router or cluster id is no dotted quad. */
  constructor(config: SpeakerConfig, ports: SpeakerPorts) {
    this.config = config;
    this.#ports = ports;
    this.tap = new UpdateTap(config.asn, () => ports.clock.wallNanos());
    const { asn, confederation } = config;
    const routerId = parseIpv4(config.routerId);
    this.#identity = {
      asn,
      routerId,
      restarting: config.restarting !== undefined,
      ...(confederation === undefined ? {} : { confederation }),
    };
    this.#rib = new Rib(ribConfig(config));
    this.#flusher = new Flusher(this.#rib, ports.clock, (flush) => this.#flushed(flush));
    this.#owner = {
      rib: this.#rib,
      ports: { ...ports, tap: this.tap },
      monitors: this.monitors,
      rtConstraint: config.rtConstraint !== false,
      schedule: () => this.#flusher.schedule(),
      state: (peer, state) => this.#state(peer, state),
      established: (peer, negotiated) => this.#ownRestart?.established(peer.config, negotiated),
      endOfRib: (peer, family) => this.#endOfRib(peer.config.name, family),
      ribPeer: (peer, before) => {
        if (before !== undefined) this.#byRibPeer.delete(before);
        if (peer.ribPeer !== undefined) this.#byRibPeer.set(peer.ribPeer, peer);
        this.#dismiss(peer);
      },
    };
  }

  /**
   * Listens and starts the sessions.
   * @throws PortError (one line: address, port, cause) where it cannot listen; nothing is left open then.
   */
  async start(): Promise<void> {
    try {
      for (const local of this.config.listen) {
        const accept = (connection: TcpConnection): TcpHandler | undefined => this.#accept(connection);
        this.#listeners.push(await this.#ports.tcp.listen(local, accept, listenOptions(...this.#callers())));
      }
    } catch (error) {
      await this.#closeListeners();
      throw error;
    }
    this.#running = true;
    this.#deferSelection();
    for (const peer of this.#peers.values()) peer.start();
    this.#flusher.start();
  }

  /**
   * Ends all sessions with Cease, Administrative Shutdown; resolves when connections and listeners are closed.
   * @param options `restart`: closes them without a word, so that peers with graceful restart keep our routes until we
   * are back (RFC 4724 §4).
   */
  async stop({ restart = false }: { readonly restart?: boolean } = {}): Promise<void> {
    this.#running = false;
    this.#ownRestart?.stop();
    const ending = { subcode: ADMINISTRATIVE_SHUTDOWN, silent: restart };
    const stopped = [...this.#peers.values()].map((peer) => peer.stop(ending));
    await this.#closeListeners();
    await Promise.all([...stopped, ...this.#leaving]);
    this.#flusher.stop();
  }

  /** Where it listens, with the ports that the system chose. */
  get listening(): readonly { readonly address: string; readonly port: number }[] {
    return this.#listeners.map((listener) => listener.local);
  }

  /**
   * Makes the peers these: new ones start, missing ones are sent Cease (Peer De-configured), changed ones start anew,
   * and the sessions of all others go on. Whoever calls from one of the ranges and is no peer becomes one.
   * @throws RangeError on two peers of one name, or of one address and port, or a range that is no prefix; nothing
   * has changed then.
   */
  setPeers(peers: readonly PeerConfig[], ranges: readonly PeerRangeConfig[] = []): void {
    checkPeers(peers);
    this.#dynamic.set(ranges);
    this.#askFor(ownMemberships(this.config, [...peers, ...ranges]));
    const wanted = new Map(peers.map((peer) => [peer.name, peer]));
    for (const peer of [...this.#peers.values()]) {
      const { config } = peer;
      const next = peer.range === undefined ? wanted.get(config.name) : this.#dynamic.again(peer.config);
      if (next === undefined) this.#remove(peer, PEER_DECONFIGURED);
      else if (sameSession(next, config)) peer.reconfigure(next);
      else this.#remove(peer, OTHER_CONFIGURATION_CHANGE);
    }
    for (const config of peers) if (!this.#peers.has(config.name)) this.#add(config);
    for (const listener of this.#listeners) listener.setKeys?.(listenKeys(...this.#callers()));
  }

  /** Says which next hops can be reached, and at what cost; `undefined`: all. @throws RangeError on what is no prefix. */
  setNextHops(prefixes: readonly NextHopConfig[] | undefined): void {
    this.#rib.nextHopChanged(prefixes === undefined ? () => 0 : nextHopResolver(prefixes));
    this.#flusher.schedule();
  }

  /**
   * Announces an own route to all peers, or changes its attributes.
   * @throws RangeError naming what is no prefix, community or next hop.
   */
  announce(prefix: string, options: AnnounceOptions = {}): void {
    const { nlri, attributes } = ownRoute(prefix, options);
    this.#rib.announce(nlri, attributes);
    this.#flusher.schedule();
  }

  /** Withdraws an own route. @throws RangeError where the text is no prefix. */
  withdraw(prefix: string, family?: FamilyName): void {
    this.#rib.withdraw(ownNlri(prefix, family));
    this.#flusher.schedule();
  }

  /** Changes of best routes from now on, own ones included, gathered per turn of the event loop. */
  onBestChange(listener: (changes: readonly BestChange[]) => void): void {
    this.#bestListeners.push(listener);
    this.#rib.reportChanges = true;
  }

  onSessionChange(listener: (peerName: string, state: SessionState) => void): void {
    this.#sessionListeners.push(listener);
  }

  /** A peer finished its initial feed of a family; called after the best changes that the feed made. */
  onEndOfRib(listener: (peerName: string, family: FamilyName) => void): void {
    this.#endOfRibListeners.push(listener);
  }

  /** The RIB, to be looked at. */
  get table(): Rib {
    return this.#rib;
  }

  /** Has what somebody changed in {@link table} selected, sent and told. */
  tableChanged(): void {
    this.#flusher.schedule();
  }

  /** The clock that it goes by. */
  get clock(): Clock {
    return this.#ports.clock;
  }

  /** Peers as they are now, dynamic ones too. */
  get peers(): Iterable<Peer> {
    return this.#peers.values();
  }

  /** How long each turn of selecting, sending and telling took. */
  get flushTimes(): DurationHistogram {
    return this.#flusher.times;
  }

  /** The peer of a name, an address or a node of the lab. @throws RangeError where there is none, or several are. */
  peer(nameOrAddress: string): Peer {
    const named = this.#peers.get(nameOrAddress);
    if (named !== undefined) return named;
    const address = plainAddress(nameOrAddress);
    const found = [...this.#peers.values()].filter(
      ({ config }) => plainAddress(config.address) === address || config.node === nameOrAddress,
    );
    const [peer] = found;
    if (peer === undefined) throw new RangeError(`no BGP peer is named ${JSON.stringify(nameOrAddress)}`);
    if (found.length === 1) return peer;
    const names = found.map(({ config }) => config.name).join(', ');
    throw new RangeError(`several BGP peers are ${address}, choose one by its name: ${names}`);
  }

  neighbors(): NeighborStatus[] {
    return [...this.#peers.values()].map((peer) => neighborStatus(peer, this.#rib));
  }

  /** Every path known, the best of each prefix first. */
  rib(): PathView[] {
    return Array.from(this.#rib.paths(), pathView);
  }

  /** Paths that a peer announced. @throws RangeError where there is no such peer. */
  adjRibIn(peerName: string): PathView[] {
    const { ribPeer } = this.peer(peerName);
    return ribPeer === undefined ? [] : Array.from(this.#rib.adjRibIn(ribPeer), pathView);
  }

  /** Paths that a peer was sent, as it sees them. @throws RangeError where there is no such peer. */
  adjRibOut(peerName: string): PathView[] {
    const { ribPeer } = this.peer(peerName);
    if (ribPeer === undefined) return [];
    return [...this.#rib.adjRibOut(ribPeer)].map((sent) =>
      pathView({ ...sent, peer: undefined, best: true }),
    );
  }

  /** Makes the announced route target memberships these (RFC 4684). */
  #askFor(memberships: readonly string[]): void {
    const before = this.#memberships;
    this.#memberships = memberships;
    for (const text of before) if (!memberships.includes(text)) this.withdraw(text, 'rt-constraint');
    for (const text of memberships) {
      if (!before.includes(text)) this.announce(text, { family: 'rt-constraint' });
    }
  }

  /** Everybody who may call: configured peers, and ranges of others. */
  #callers(): [PeerConfig[], readonly PeerRangeConfig[]] {
    const peers = [...this.#peers.values()].flatMap(({ range, config }) =>
      range === undefined ? [config] : [],
    );
    return [peers, this.#dynamic.configs];
  }

  #add(config: PeerConfig, range?: PeerRangeConfig): Peer {
    const peer = new Peer(config, this.#identity, this.#owner, range);
    this.#peers.set(config.name, peer);
    if (this.#running) peer.start();
    return peer;
  }

  #remove(peer: Peer, subcode: number): void {
    this.#peers.delete(peer.config.name);
    this.#ownRestart?.gone(peer.config.name);
    const stopped = peer.stop({ subcode }).finally(() => this.#leaving.delete(stopped));
    this.#leaving.add(stopped);
  }

  /** Inbound connections belong to the peer with that address that takes them on this local address. */
  #accept(connection: TcpConnection): TcpHandler | undefined {
    const remote = plainAddress(connection.remote.address);
    const local = plainAddress(connection.local.address);
    for (const { session } of this.#peers.values()) {
      const { address, localAddress } = session.config;
      if (plainAddress(address) !== remote) continue;
      if (localAddress === undefined || plainAddress(localAddress) === local) {
        return session.accept(connection);
      }
    }
    return this.#admit(connection, remote, local);
  }

  /** Takes a connection from somebody who is no peer yet, where a range has room for them. */
  #admit(connection: TcpConnection, remote: string, local: string): TcpHandler | undefined {
    const members = ({ name }: PeerRangeConfig): number =>
      [...this.#peers.values()].filter(({ range }) => range?.name === name).length;
    const admission = this.#dynamic.admit(remote, local, members);
    if (admission?.kind === 'peer') {
      return this.#add(admission.config, admission.range).session.accept(connection);
    }
    const reason = admission === undefined ? 'unknown peer' : `range ${admission.range.name} is full`;
    this.#ports.log.debug({ remote, local, reason }, 'BGP connection refused');
    return undefined;
  }

  #state(peer: Peer, state: SessionState): void {
    this.tap.state(tapPeer(peer), state);
    for (const listener of this.#sessionListeners) listener(peer.config.name, state);
    if (isOpening(state)) peer.called = true;
    this.#dismiss(peer);
  }

  /** A dynamic neighbour is a peer only for its session, while routes of it are kept, and while it is to stay away. */
  #dismiss(peer: Peer): void {
    if (peer.shutDown || peer.limited !== undefined) return;
    if (peer.range === undefined || !peer.called || peer.ribPeer !== undefined) return;
    if (isOpening(peer.session.machine.state) || this.#peers.get(peer.config.name) !== peer) return;
    this.#remove(peer, PEER_DECONFIGURED);
  }

  #endOfRib(name: string, family: FamilyName): void {
    this.#ownRestart?.endOfRib(name, family);
    this.#endsOfRib.push({ name, family });
  }

  /** After a restart: waits for the peers' routes (RFC 4724 §4.1). */
  #deferSelection(): void {
    const { restarting } = this.config;
    if (restarting === undefined) return;
    const peers = {
      peers: [...this.#peers.values()].map(({ config }) => config),
      ranges: this.#dynamic.configs,
    };
    const world = { rib: this.#rib, clock: this.#ports.clock };
    this.#ownRestart = new OwnRestart(peers, restarting, world, () => {
      this.#ownRestart = undefined;
      this.#identity = { ...this.#identity, restarting: false };
      for (const { session } of this.#peers.values()) session.setRestarting(false);
      this.#flusher.schedule();
    });
  }

  #flushed({ deliveries, changes, macMoves }: RibFlush): void {
    for (const { peer: ribPeer, chunks, messages, family, endOfRib: ended } of deliveries) {
      const peer = this.#byRibPeer.get(ribPeer);
      peer?.session.send(chunks, messages);
      if (peer !== undefined) this.monitors.sent(peer, chunks);
      if (ended) peer?.endOfRibSent.add(family);
    }
    this.monitors.selected(changes);
    for (const move of macMoves) logMacMove(this.#ports.log, move);
    const ends = this.#endsOfRib;
    this.#endsOfRib = [];
    if (changes.length > 0 && this.#bestListeners.length > 0) {
      const views = changes.map(({ prefix, best }) => ({
        prefix,
        best: best === undefined ? undefined : pathView(best),
      }));
      for (const listener of this.#bestListeners) listener(views);
    }
    for (const { name, family } of ends)
      for (const listener of this.#endOfRibListeners) listener(name, family);
  }

  async #closeListeners(): Promise<void> {
    const listeners = this.#listeners;
    this.#listeners = [];
    await Promise.all(listeners.map((listener) => listener.close()));
  }
}

function tapPeer({ config, session }: Peer): TapPeer {
  const { address, asn } = config;
  const peerAs = session.machine.negotiated?.peerAs ?? (typeof asn === 'number' ? asn : 0);
  return { address, asn: peerAs, localAddress: session.localAddress ?? config.localAddress };
}

/** Whether a connection of the peer has come so far that it is sent an OPEN. */
function isOpening(state: SessionState): boolean {
  return state === 'OpenSent' || state === 'OpenConfirm' || state === 'Established';
}

/** @throws RangeError where an id is no dotted quad, or a next hop's prefix none. */
function ribConfig(config: SpeakerConfig): RibConfig {
  const { asn, clusterId, confederation, multipath, nextHops, ebgpRequiresPolicy } = config;
  return {
    asn,
    routerId: parseIpv4(config.routerId),
    clusterId: clusterId === undefined ? undefined : parseIpv4(clusterId),
    confederation,
    multipath,
    ebgpRequiresPolicy,
    // Telling every change costs more than making it: not before somebody listens.
    reportChanges: false,
    resolve: nextHops === undefined ? undefined : nextHopResolver(nextHops),
  };
}
