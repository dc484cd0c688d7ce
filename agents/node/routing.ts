import { DEFAULT_AS_NUMBER, nodeAsNumber } from '../../protocol/calico/peering/as-number.ts';
import { computePeers } from '../../protocol/calico/peering.ts';
import { GLOBAL_BGP_CONFIGURATION } from '../../protocol/calico/resources/bgp-configuration.ts';
import { BgpSpeaker } from '../bgp/speaker.ts';
import { controlSpeaker } from '../bgp/speaker-control.ts';
import type { BestChange, NeighborStatus, PathView } from '../bgp/types.ts';
import type { BgpControl } from '../control/bgp.ts';
import type { Clock, Log, Millis, Random, TcpPort, Timer } from '../ports.ts';
import type { ClusterView } from './cluster-view.ts';
import type { NodeAgentConfig } from './config.ts';
import { PeerConfigs } from './peer-config.ts';
import { END_OF_RIB_PATIENCE } from './session-sync.ts';

/** Pause before a speaker that could not listen tries again. */
const RETRY: Millis = 1000;

export interface RoutingOptions {
  readonly config: NodeAgentConfig;
  readonly view: ClusterView;
  readonly clock: Clock;
  readonly random: Random;
  readonly tcp: TcpPort;
  readonly log: Log;
  /** Sessions came, went, changed their state or may count as synced now. */
  readonly onChange: () => void;
  readonly onBestChange: (changes: readonly BestChange[]) => void;
  /** The paths that were best so far are gone with the speaker that had them. */
  readonly onReset: () => void;
  /** Begins to tell others of a speaker; what it returns is called once that speaker has ended. */
  readonly monitor?: ((speaker: BgpSpeaker, tcp: TcpPort) => () => Promise<void>) | undefined;
}

/** What of the cluster is part of every session, so that a change means other sessions. */
interface Identity {
  readonly asn: number;
  readonly clusterId: string | undefined;
}

/** The BGP side of a node: a speaker whose peers follow from the cluster's resources, and what it announces. */
export class Routing {
  readonly #options: RoutingOptions;
  readonly #announced = new Set<string>();
  readonly #peerConfigs: PeerConfigs;
  #identity: Identity;
  #speaker: BgpSpeaker | undefined;
  /** Ends the monitoring of the speaker. */
  #unmonitor: (() => Promise<void>) | undefined;
  /** The speaker being started or replaced. */
  #replacing: Promise<void> | undefined;
  #retry: Timer | undefined;
  /** Runs while a session may still bring an End-of-RIB. */
  #patience: Timer | undefined;
  #started = false;
  #stopped = false;
  #fault: string | undefined;

  constructor(options: RoutingOptions) {
    this.#options = options;
    this.#peerConfigs = new PeerConfigs(options.view.bgpFilters);
    this.#identity = { asn: options.config.asn ?? DEFAULT_AS_NUMBER, clusterId: options.config.clusterId };
  }

  /** Own AS number. */
  get asn(): number {
    return this.#identity.asn;
  }

  /** Why there is no speaker, one line; undefined where there is one. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Control of the speaker, whichever it is at the time. */
  get control(): BgpControl {
    return controlSpeaker(this.#options.config.node, () => {
      if (this.#speaker === undefined) throw new Error(this.#fault ?? 'BGP does not run yet');
      return this.#speaker;
    });
  }

  /** The speaker that runs now, for those who only look at it. */
  get current(): BgpSpeaker | undefined {
    return this.#speaker;
  }

  neighbors(): NeighborStatus[] {
    return this.#speaker?.neighbors() ?? [];
  }

  rib(): PathView[] {
    return this.#speaker?.rib() ?? [];
  }

  /** The best path of every prefix. */
  bestPaths(): BestChange[] {
    return this.rib().flatMap((path) => (path.best ? [{ prefix: path.prefix, best: path }] : []));
  }

  /** Listens and starts the sessions. Rejects with a PortError where the port is taken. */
  async start(): Promise<void> {
    this.#started = true;
    this.#replacing = this.#startSpeaker();
    try {
      await this.#replacing;
    } finally {
      this.#replacing = undefined;
    }
    // What changed meanwhile was not looked at.
    this.clusterChanged();
  }

  /** Ends all sessions with Cease; resolves when they are closed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#retry?.cancel();
    this.#patience?.cancel();
    await this.#replacing?.catch(() => undefined);
    await this.#stopSpeaker(this.#speaker);
  }

  async #stopSpeaker(speaker: BgpSpeaker | undefined): Promise<void> {
    try {
      await speaker?.stop();
    } finally {
      await this.#unmonitor?.();
      this.#unmonitor = undefined;
    }
  }

  /** Makes the sessions those that the cluster's resources ask for now. */
  clusterChanged(): void {
    // Who starts or replaces the speaker looks again at the end.
    if (!this.#started || this.#stopped || this.#replacing !== undefined) return;
    const { asn, clusterId } = this.#wantedIdentity();
    if (this.#speaker !== undefined && asn === this.#identity.asn && clusterId === this.#identity.clusterId) {
      this.#syncPeers(this.#speaker);
      return;
    }
    this.#replacing = this.#replaceSpeaker().finally(() => {
      this.#replacing = undefined;
      if (this.#fault === undefined) this.clusterChanged();
    });
  }

  /** Makes these the prefixes that the node announces. */
  announce(prefixes: Iterable<string>): void {
    const wanted = new Set(prefixes);
    for (const prefix of this.#announced) {
      if (wanted.has(prefix)) continue;
      this.#announced.delete(prefix);
      this.#speaker?.withdraw(prefix);
    }
    for (const prefix of wanted) {
      if (this.#announced.has(prefix)) continue;
      this.#announced.add(prefix);
      this.#speaker?.announce(prefix);
    }
  }

  /** Never rejects: a speaker that cannot listen is a fault for people to see, and tried again. */
  async #replaceSpeaker(): Promise<void> {
    const { log, clock, onReset, onChange } = this.#options;
    const before = this.#speaker;
    this.#speaker = undefined;
    this.#retry?.cancel();
    try {
      await this.#stopSpeaker(before);
      onReset();
      if (!this.#stopped) await this.#startSpeaker();
    } catch (error) {
      this.#fault = (error as Error).message;
      log.error({ error: this.#fault }, 'BGP does not run');
      if (!this.#stopped) this.#retry = clock.setTimer(RETRY, () => this.clusterChanged());
    }
    onChange();
  }

  async #startSpeaker(): Promise<void> {
    const { config, clock, random, tcp, log, onChange, onBestChange } = this.#options;
    const { address, bgpPort } = config;
    const identity = this.#wantedIdentity();
    const { asn, clusterId } = identity;
    const cluster = clusterId === undefined ? {} : { clusterId };
    const speaker = new BgpSpeaker(
      { asn, routerId: address, listen: [{ address, port: bgpPort }], ...cluster },
      { clock, random, tcp, log },
    );
    speaker.onSessionChange((_, state) => {
      onChange();
      if (state !== 'Established') return;
      this.#patience?.cancel();
      // A little later, since clock and timer round differently.
      this.#patience = clock.setTimer(END_OF_RIB_PATIENCE + 20, onChange);
    });
    speaker.onEndOfRib(onChange);
    speaker.onBestChange(onBestChange);
    for (const prefix of this.#announced) speaker.announce(prefix);
    this.#identity = identity;
    this.#speaker = speaker;
    this.#syncPeers(speaker);
    try {
      await speaker.start();
      this.#unmonitor = this.#options.monitor?.(speaker, tcp);
      this.#fault = undefined;
    } catch (error) {
      this.#speaker = undefined;
      throw error;
    }
  }

  #wantedIdentity(): Identity {
    const { config, view } = this.#options;
    const own = view.nodes.get(config.node);
    const global = view.bgpConfigurations.get(GLOBAL_BGP_CONFIGURATION);
    if (own === undefined) return this.#identity;
    const clusterId = own.spec.bgp?.routeReflectorClusterID;
    return { asn: nodeAsNumber(own, global), clusterId: clusterId === '' ? undefined : clusterId };
  }

  #syncPeers(speaker: BgpSpeaker): void {
    const { config, view, log, onChange } = this.#options;
    const { holdTime } = config;
    try {
      const peers = computePeers({
        self: config.node,
        nodes: [...view.nodes.values()],
        bgpConfiguration: [...view.bgpConfigurations.values()],
        bgpPeers: [...view.bgpPeers.values()],
      });
      const { asn } = this.#identity;
      speaker.setPeers(peers.map((peer) => this.#peerConfigs.configOf(peer, asn, holdTime)));
    } catch (error) {
      // Whatever somebody wrote into the store, the sessions that there are go on.
      log.error({ error: (error as Error).message }, 'the BGP resources in the store cannot be used');
    }
    onChange();
  }
}
