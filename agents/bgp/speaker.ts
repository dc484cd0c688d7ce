/** A BGP speaker: sessions and RIB joined to the world through ports. */
import type { Family } from '../../protocol/bgp/family.ts';
import { MAX_MESSAGE_LENGTH } from '../../protocol/bgp/message/header.ts';
import {
  ADMINISTRATIVE_SHUTDOWN,
  OTHER_CONFIGURATION_CHANGE,
  PEER_DECONFIGURED,
} from '../../protocol/bgp/message/notification.ts';
import { endOfRib, type UpdateMessage } from '../../protocol/bgp/message/update.ts';
import { nlriOf } from '../../protocol/bgp/nlri/prefixes.ts';
import { Rib } from '../../protocol/bgp/rib/rib.ts';
import type { Negotiated } from '../../protocol/bgp/session/config.ts';
import type { SessionState } from '../../protocol/bgp/session/state.ts';
import { formatIpv4, parseIpv4 } from '../../protocol/ip/ipv4.ts';
import { formatAddress, parseAddress } from '../../protocol/ip/prefix.ts';
import type { TcpConnection, TcpHandler, TcpListener, Timer } from '../ports.ts';
import { type AnnounceOptions, ownRoute } from './own-route.ts';
import { pathView } from './path-view.ts';
import { BGP_PORT, PeerSession, type SpeakerPorts } from './peer-session.ts';
import type { BestChange, FamilyName, NeighborStatus, PathView, PeerConfig, SpeakerConfig } from './types.ts';

/** What a speaker keeps for a peer beside its session. */
interface Peer {
  readonly session: PeerSession;
  /** Number in the RIB while Established. */
  ribPeer: number | undefined;
  readonly endOfRibReceived: Set<FamilyName>;
  readonly endOfRibSent: Set<FamilyName>;
}

export class BgpSpeaker {
  readonly config: SpeakerConfig;
  readonly #ports: SpeakerPorts;
  readonly #rib: Rib;
  readonly #routerId: number;
  readonly #peers = new Map<string, Peer>();
  readonly #byRibPeer = new Map<number, Peer>();
  /** Sessions of removed peers that still close their connections. */
  readonly #leaving = new Set<Promise<void>>();
  #listeners: TcpListener[] = [];
  #running = false;
  #flushTimer: Timer | undefined;
  #endsOfRib: { name: string; family: FamilyName }[] = [];
  readonly #bestListeners: ((changes: readonly BestChange[]) => void)[] = [];
  readonly #sessionListeners: ((peerName: string, state: SessionState) => void)[] = [];
  readonly #endOfRibListeners: ((peerName: string, family: FamilyName) => void)[] = [];

  /** @throws RangeError where router or cluster id is no dotted quad. */
  constructor(config: SpeakerConfig, ports: SpeakerPorts) {
    this.config = config;
    this.#ports = ports;
    this.#routerId = parseIpv4(config.routerId);
    const clusterId = config.clusterId === undefined ? undefined : parseIpv4(config.clusterId);
    this.#rib = new Rib({ asn: config.asn, routerId: this.#routerId, clusterId });
  }

  /**
   * Listens and starts the sessions.
   * @throws PortError (one line: address, port, cause) where it cannot listen; nothing is left open then.
   */
  async start(): Promise<void> {
    try {
      for (const local of this.config.listen) {
        this.#listeners.push(await this.#ports.tcp.listen(local, (connection) => this.#accept(connection)));
      }
    } catch (error) {
      await this.#closeListeners();
      throw error;
    }
    this.#running = true;
    for (const { session } of this.#peers.values()) session.start();
    this.#schedule();
  }

  /** Ends all sessions with Cease, Administrative Shutdown; resolves when connections and listeners are closed. */
  async stop(): Promise<void> {
    this.#running = false;
    const stopped = [...this.#peers.values()].map(({ session }) => session.stop(ADMINISTRATIVE_SHUTDOWN));
    await this.#closeListeners();
    await Promise.all([...stopped, ...this.#leaving]);
    this.#flushTimer?.cancel();
    this.#flushTimer = undefined;
  }

  /** Where it listens, with the ports that the system chose. */
  get listening(): readonly { readonly address: string; readonly port: number }[] {
    return this.#listeners.map((listener) => listener.local);
  }

  /**
   * Makes the peers these: new ones start, missing ones are sent Cease (Peer De-configured), changed ones start anew,
   * and the sessions of all others go on.
   * @throws RangeError on two peers of one name, or of one address and port; nothing has changed then.
   */
  setPeers(peers: readonly PeerConfig[]): void {
    checkPeers(peers);
    const wanted = new Map(peers.map((peer) => [peer.name, peer]));
    for (const [name, peer] of this.#peers) {
      const config = wanted.get(name);
      if (config === undefined) this.#remove(name, peer, PEER_DECONFIGURED);
      else if (sameSession(config, peer.session.config)) peer.session.config = config;
      else this.#remove(name, peer, OTHER_CONFIGURATION_CHANGE);
    }
    for (const config of peers) if (!this.#peers.has(config.name)) this.#add(config);
  }

  /**
   * Announces an own route to all peers, or changes its attributes.
   * @throws RangeError naming what is no prefix, community or next hop.
   */
  announce(prefix: string, options: AnnounceOptions = {}): void {
    const { nlri, attributes } = ownRoute(prefix, options);
    this.#rib.announce(nlri, attributes);
    this.#schedule();
  }

  /** Withdraws an own route. @throws RangeError where the text is no prefix. */
  withdraw(prefix: string): void {
    this.#rib.withdraw(nlriOf(prefix));
    this.#schedule();
  }

  /** Changes of best routes, own ones included, gathered per turn of the event loop. */
  onBestChange(listener: (changes: readonly BestChange[]) => void): void {
    this.#bestListeners.push(listener);
  }

  onSessionChange(listener: (peerName: string, state: SessionState) => void): void {
    this.#sessionListeners.push(listener);
  }

  /** A peer finished its initial feed of a family; called after the best changes that the feed made. */
  onEndOfRib(listener: (peerName: string, family: FamilyName) => void): void {
    this.#endOfRibListeners.push(listener);
  }

  neighbors(): NeighborStatus[] {
    return [...this.#peers.values()].map((peer) => this.#status(peer));
  }

  /** Every path known, the best of each prefix first. */
  rib(): PathView[] {
    return this.#rib.paths().map(pathView);
  }

  /** Paths that a peer announced. @throws RangeError where there is no such peer. */
  adjRibIn(peerName: string): PathView[] {
    const { ribPeer } = this.#peer(peerName);
    return ribPeer === undefined ? [] : this.#rib.adjRibIn(ribPeer).map(pathView);
  }

  /** Paths that a peer was sent, as it sees them. @throws RangeError where there is no such peer. */
  adjRibOut(peerName: string): PathView[] {
    const { ribPeer } = this.#peer(peerName);
    if (ribPeer === undefined) return [];
    return this.#rib.adjRibOut(ribPeer).map((sent) => pathView({ ...sent, peer: undefined, best: true }));
  }

  #peer(name: string): Peer {
    const peer = this.#peers.get(name);
    if (peer === undefined) throw new RangeError(`no BGP peer is named ${JSON.stringify(name)}`);
    return peer;
  }

  #add(config: PeerConfig): void {
    const local = { asn: this.config.asn, routerId: this.#routerId };
    const ports = { ...this.#ports, log: this.#ports.log.child({ peer: config.name }) };
    const session = new PeerSession(config, local, ports, {
      state: (_session, state) => this.#state(config.name, state),
      established: (_session, negotiated, localAddress) => this.#established(peer, negotiated, localAddress),
      down: () => this.#down(peer),
      update: (_session, message) => this.#update(peer, message),
      refresh: (_session, family) => this.#refresh(peer, family),
    });
    const peer: Peer = { session, ribPeer: undefined, endOfRibReceived: new Set(), endOfRibSent: new Set() };
    this.#peers.set(config.name, peer);
    if (this.#running) session.start();
  }

  #remove(name: string, peer: Peer, subcode: number): void {
    this.#peers.delete(name);
    const stopped = peer.session.stop(subcode).finally(() => this.#leaving.delete(stopped));
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
    this.#ports.log.debug({ remote, local }, 'BGP connection from an unknown peer refused');
    return undefined;
  }

  #state(name: string, state: SessionState): void {
    for (const listener of this.#sessionListeners) listener(name, state);
  }

  #established(peer: Peer, negotiated: Negotiated, localAddress: string): void {
    const { config } = peer.session;
    peer.ribPeer = this.#rib.addPeer({
      name: config.name,
      peerType: negotiated.context.peerType,
      routerId: negotiated.peerId,
      address: parseAddress(plainAddress(config.address))!,
      localAddress: parseAddress(plainAddress(localAddress))!,
      client: config.routeReflectorClient ?? false,
      nextHopSelf: config.nextHopSelf ?? false,
      families: negotiated.families,
      fourOctetAs: negotiated.context.fourOctetAs,
      maxMessageLength: MAX_MESSAGE_LENGTH,
    });
    this.#byRibPeer.set(peer.ribPeer, peer);
    this.#schedule();
  }

  #down(peer: Peer): void {
    if (peer.ribPeer === undefined) return;
    this.#rib.removePeer(peer.ribPeer);
    this.#byRibPeer.delete(peer.ribPeer);
    peer.ribPeer = undefined;
    peer.endOfRibReceived.clear();
    peer.endOfRibSent.clear();
    this.#schedule();
  }

  #update(peer: Peer, message: UpdateMessage): void {
    this.#rib.update(peer.ribPeer!, message);
    const family = endOfRib(message);
    if (family !== undefined) {
      peer.endOfRibReceived.add(family);
      this.#endsOfRib.push({ name: peer.session.config.name, family });
    }
    this.#schedule();
  }

  #refresh(peer: Peer, family: Family): void {
    this.#rib.refresh(peer.ribPeer!, family);
    this.#schedule();
  }

  /** Everything that happens in this turn is worked off together in the next. */
  #schedule(): void {
    if (!this.#running || this.#flushTimer !== undefined) return;
    this.#flushTimer = this.#ports.clock.setTimer(0, () => this.#flush());
  }

  #flush(): void {
    this.#flushTimer = undefined;
    const { deliveries, changes, pending } = this.#rib.flush();
    for (const { peer: ribPeer, chunks, messages, family, endOfRib: ended } of deliveries) {
      const peer = this.#byRibPeer.get(ribPeer);
      peer?.session.send(chunks, messages);
      if (ended) peer?.endOfRibSent.add(family);
    }
    const ends = this.#endsOfRib;
    this.#endsOfRib = [];
    if (pending) this.#schedule();
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

  #status(peer: Peer): NeighborStatus {
    const { session, ribPeer } = peer;
    const { config, machine } = session;
    const { negotiated } = machine;
    return {
      name: config.name,
      address: config.address,
      port: config.port ?? BGP_PORT,
      localAddress: session.localAddress ?? config.localAddress,
      asn: config.asn,
      type: config.type,
      node: config.node,
      routeReflectorClient: config.routeReflectorClient ?? false,
      state: machine.state,
      since: session.since,
      routerId: negotiated === undefined ? undefined : formatIpv4(negotiated.peerId),
      holdTime: negotiated?.holdTime,
      families: negotiated?.families ?? machine.config.families,
      endOfRibReceived: [...peer.endOfRibReceived],
      endOfRibSent: [...peer.endOfRibSent],
      prefixesReceived: ribPeer === undefined ? 0 : this.#rib.receivedCount(ribPeer),
      prefixesSent: ribPeer === undefined ? 0 : this.#rib.sentCount(ribPeer),
      messagesReceived: machine.messagesReceived,
      messagesSent: machine.messagesSent,
      lastError: session.lastError,
    };
  }

  async #closeListeners(): Promise<void> {
    const listeners = this.#listeners;
    this.#listeners = [];
    await Promise.all(listeners.map((listener) => listener.close()));
  }
}

/** Text of an address in its one canonical form, IPv4-mapped ones (of dual-stack sockets) as IPv4. */
function plainAddress(address: string): string {
  const bytes = parseAddress(address);
  if (bytes === undefined) return address;
  const mapped =
    bytes.length === 16 && bytes[10] === 0xff && bytes[11] === 0xff && !bytes.subarray(0, 10).some(Boolean);
  return formatAddress(mapped ? bytes.subarray(12) : bytes);
}

/** @throws RangeError on peers that could not be told apart or reached. */
function checkPeers(peers: readonly PeerConfig[]): void {
  const names = new Set<string>();
  const endpoints = new Map<string, string>();
  for (const { name, address, port = BGP_PORT } of peers) {
    if (names.has(name)) throw new RangeError(`two BGP peers are named ${JSON.stringify(name)}`);
    names.add(name);
    if (parseAddress(address) === undefined) {
      throw new RangeError(`BGP peer ${JSON.stringify(name)}: ${JSON.stringify(address)} is no IP address`);
    }
    const other = endpoints.get(`${address} ${port}`);
    if (other !== undefined) {
      throw new RangeError(
        `BGP peers ${JSON.stringify(other)} and ${JSON.stringify(name)} are both ${address} port ${port}`,
      );
    }
    endpoints.set(`${address} ${port}`, name);
  }
}

/** Whether a session can go on under a new configuration: only what is shown may differ. */
function sameSession(a: PeerConfig, b: PeerConfig): boolean {
  return JSON.stringify(essence(a)) === JSON.stringify(essence(b));
}

function essence(peer: PeerConfig): unknown[] {
  const { address, port, asn, localAddress, passive, routeReflectorClient, holdTime, families, nextHopSelf } =
    peer;
  return [
    address,
    port ?? BGP_PORT,
    asn,
    localAddress ?? '',
    passive ?? false,
    routeReflectorClient ?? false,
    holdTime ?? '',
    families ?? ['ipv4-unicast'],
    nextHopSelf ?? false,
  ];
}
