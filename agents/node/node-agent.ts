import { vtepMac } from '../../protocol/calico/names.ts';
import { computePeers } from '../../protocol/calico/peering.ts';
import { parsePrefix, prefixContains } from '../../protocol/ip/prefix.ts';
import { BgpSpeaker } from '../bgp/speaker.ts';
import type { PathView, PeerConfig } from '../bgp/types.ts';
import { Ipam } from '../calico/ipam.ts';
import { CaptureHub } from '../capture/hub.ts';
import { bgpFraming } from '../capture/stream-framing.ts';
import { tapTcp } from '../capture/tap-tcp.ts';
import { tapUdp } from '../capture/tap-udp.ts';
import type {
  AgentControl,
  AgentStatus,
  CaptureFilter,
  FdbRow,
  IpamRow,
  NeighborRow,
  PingRequest,
  PingResult,
  PodRow,
  RouteRow,
  StoreRow,
  TraceFilter,
  TraceStepRow,
} from '../control/types.ts';
import type { Output, PodFactory, PodSpec } from '../pod/types.ts';
import type { Clock, Log, Random, TcpPort, Timer, UdpPort } from '../ports.ts';
import type { KvClient } from '../store/client.ts';
import { awaitedNodes, missingPods } from './awaited.ts';
import { ClusterView, type ViewChange } from './cluster-view.ts';
import type { NodeAgentConfig } from './config.ts';
import { DataPlane } from './data-plane.ts';
import { fdbRows, neighborRows, podRows, routeRows, storeRows } from './inspect.ts';
import { OwnNode } from './own-node.ts';
import { ping } from './ping.ts';
import { Pods } from './pods.ts';
import { RouteProgrammer } from './route-programmer.ts';
import { countSynced, END_OF_RIB_PATIENCE } from './session-sync.ts';
import { type SeverableTcp, severable } from './severable-tcp.ts';
import { Tracing } from './tracing.ts';

/** AS number of a cluster whose BGPConfiguration names none (Calico `confd/pkg/backends/calico/client.go`). */
const DEFAULT_ASN = 64512;

/** Everything through which a node agent reaches the world. */
export interface NodeAgentPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly tcp: TcpPort;
  readonly udp: UdpPort;
  readonly kv: KvClient;
  /** Makers of pods by kind; pods of other processes come through {@link NodeAgent.podSet}. */
  readonly pods: Readonly<Record<PodSpec['kind'], PodFactory>>;
  readonly log: Log;
  /** `podwire 0.1.0`, for captures. */
  readonly application?: string;
}

/** What a host has that a route reflector has not. */
interface HostParts {
  readonly dataPlane: DataPlane;
  readonly pods: Pods;
  readonly tracing: Tracing;
  routes: RouteProgrammer | undefined;
}

/**
 * The agent of one node: what confd, BIRD, Felix and the CNI plugin do together on a Calico node. It reads the cluster
 * from the store, speaks BGP with the peers that follow from it, claims a block and announces it, and programs the
 * forwarder with what it learns. A route reflector is the same agent without pods and data plane.
 */
export class NodeAgent implements AgentControl {
  readonly node: string;
  readonly #config: NodeAgentConfig;
  readonly #ports: NodeAgentPorts;
  readonly #log: Log;
  readonly #hub: CaptureHub;
  readonly #severed: SeverableTcp;
  readonly #tcp: TcpPort;
  readonly #ipam: Ipam;
  readonly #ownNode: OwnNode;
  readonly #view: ClusterView;
  readonly #host: HostParts | undefined;
  readonly #announced = new Set<string>();
  readonly #watchers = new Set<(status: AgentStatus) => void>();
  #speaker: BgpSpeaker | undefined;
  #asn = DEFAULT_ASN;
  #ready = false;
  #message = 'starting';
  #podsWanted: readonly PodSpec[] = [];
  #pendingChanges = new Set<ViewChange>();
  #statusQueued = false;
  /** Runs while the last session that came up may lack an End-of-RIB marker. */
  #patience: Timer | undefined;
  #stopped: Promise<void> | undefined;

  constructor(config: NodeAgentConfig, ports: NodeAgentPorts) {
    this.node = config.node;
    this.#config = config;
    this.#ports = ports;
    this.#log = ports.log.child({ node: config.node });
    this.#hub = new CaptureHub({
      clock: ports.clock,
      comments: [`lab ${config.lab}`, `node ${config.node}`],
      ...(ports.application === undefined ? {} : { application: ports.application }),
    });
    this.#severed = severable(ports.tcp);
    const { tcp, udp } = this.#tapUnderlay();
    this.#tcp = tcp;
    this.#ipam = new Ipam(ports.kv, ports);
    this.#ownNode = new OwnNode(ports.kv, config);
    this.#view = new ClusterView(this.#log, (change) => this.#viewChanged(change));
    this.#host = config.kind === 'host' ? this.#hostParts(udp) : undefined;
  }

  /**
   * Brings the node up: resolves when it is in the store, listens for BGP and VXLAN, holds a block and runs its pods.
   * Sessions and routes follow by themselves. Rejects with one line naming the cause; call `stop` then.
   */
  async start(): Promise<void> {
    await this.#view.open(this.#ports.kv, this.#ports.clock);
    await this.#ownNode.register();
    await this.#startSpeaker();
    if (this.#host !== undefined) await this.#startHost(this.#host);
    this.#ready = true;
    this.#message = '';
    this.#log.info({ address: this.#config.address, asn: this.#asn }, 'node up');
    this.#statusChanged();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop('stop');
    return this.#stopped;
  }

  /** Ends without a word to anybody, as a killed process would: connections are reset. */
  kill(): Promise<void> {
    this.#stopped ??= this.#stop('kill');
    return this.#stopped;
  }

  /** Runs one more pod, made by the factory of its kind. */
  async addPod(spec: PodSpec): Promise<void> {
    if (this.#host === undefined) throw new Error(`${this.node} is a route reflector: it runs no pods`);
    await this.#host.pods.start(spec, this.#ports.pods[spec.kind]);
    this.#syncAnnouncements();
    this.#statusChanged();
  }

  /** The pods of this node, for a runtime whose pods come from other processes. */
  get podSet(): Pods {
    if (this.#host === undefined) throw new Error(`${this.node} is a route reflector: it runs no pods`);
    return this.#host.pods;
  }

  /** A pod that came from elsewhere was adopted or lost. */
  podsChanged(): void {
    this.#syncAnnouncements();
    this.#statusChanged();
  }

  // -- AgentControl ---------------------------------------------------------------------------------------------

  async status(): Promise<AgentStatus> {
    return this.#status();
  }

  async watchStatus(listener: (status: AgentStatus) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#watchers.add(listener);
    listener(this.#status());
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    this.#watchers.delete(listener);
  }

  async bgp(): Promise<NeighborRow[]> {
    return neighborRows(this.node, this.#speaker?.neighbors() ?? []);
  }

  async rib(): Promise<PathView[]> {
    return this.#speaker?.rib() ?? [];
  }

  async routes(): Promise<RouteRow[]> {
    return this.#host === undefined ? [] : routeRows(this.node, this.#host.dataPlane.forwarder);
  }

  async fdb(): Promise<FdbRow[]> {
    return this.#host === undefined ? [] : fdbRows(this.node, this.#host.dataPlane.forwarder);
  }

  ipam(): Promise<IpamRow[]> {
    return this.#ipam.utilization();
  }

  async pods(): Promise<PodRow[]> {
    return this.#host === undefined ? [] : podRows(this.node, this.#host.pods.running);
  }

  store(): Promise<StoreRow[]> {
    return storeRows(this.#ports.kv);
  }

  async ping(
    request: PingRequest,
    onResult: (result: PingResult) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { pod } = this.podSet.get(request.pod);
    await ping(pod.echo, request, this.#ports, onResult, signal);
  }

  async trace(
    filter: TraceFilter,
    onStep: (step: TraceStepRow) => void,
    signal: AbortSignal,
    onReady?: () => void,
  ): Promise<void> {
    if (this.#host !== undefined) return this.#host.tracing.trace(filter, onStep, signal, onReady);
    onReady?.();
  }

  capture(
    filter: CaptureFilter,
    onBytes: (bytes: Uint8Array) => void,
    signal: AbortSignal,
    onReady?: () => void,
  ): Promise<void> {
    return this.#hub.capture(filter, onBytes, signal, onReady);
  }

  async exec(
    name: string,
    command: readonly string[],
    output: Output,
    signal: AbortSignal,
    input?: Uint8Array,
  ): Promise<number> {
    const { pod } = this.podSet.get(name);
    if (pod.exec === undefined) throw new Error(`pod ${name} is a network namespace: run the command in it`);
    return pod.exec(command, output, signal, input);
  }

  // -- starting and stopping ------------------------------------------------------------------------------------

  #tapUnderlay(): { readonly tcp: TcpPort; readonly udp: UdpPort } {
    const { node, address, prefixLength, link } = this.#config;
    const underlay = this.#hub.addInterface({
      name: `${node}:eth0`,
      description: `underlay of ${node}`,
      scope: { kind: 'underlay' },
      addresses: [`${address}/${prefixLength}`],
      hostName: node,
    });
    const linkId = this.#hub.addInterface({
      name: link,
      description: `network ${link}: each frame once, as sent`,
      scope: { kind: 'link', link },
    });
    const options = { link: linkId };
    return {
      tcp: tapTcp(this.#severed.tcp, this.#hub, underlay, { ...options, framing: bgpFraming }),
      udp: tapUdp(this.#ports.udp, this.#hub, underlay, options),
    };
  }

  #hostParts(udp: UdpPort): HostParts {
    const { lab, node, address, mtu } = this.#config;
    const { clock, kv } = this.#ports;
    const dataPlane = new DataPlane({ node, address, mtu, clock, udp, log: this.#log });
    const tracing = new Tracing(dataPlane.forwarder, node, clock);
    dataPlane.onStep((packetId, step) => tracing.step(packetId, step));
    const shared = { lab, node, mtu, kv, dataPlane, ipam: this.#ipam, hub: this.#hub, log: this.#log };
    return { dataPlane, tracing, pods: new Pods(shared), routes: undefined };
  }

  async #startSpeaker(): Promise<void> {
    const { address, bgpPort, clusterId } = this.#config;
    const { clock, random } = this.#ports;
    this.#asn = this.#wantedAsn();
    const speaker = new BgpSpeaker(
      {
        asn: this.#asn,
        routerId: address,
        listen: [{ address, port: bgpPort }],
        ...(clusterId === undefined ? {} : { clusterId }),
      },
      { clock, random, tcp: this.#tcp, log: this.#log },
    );
    speaker.onSessionChange((_peer, state) => {
      this.#statusChanged();
      if (state !== 'Established') return;
      this.#patience?.cancel();
      // A little later, since clock and timer round differently.
      this.#patience = clock.setTimer(END_OF_RIB_PATIENCE + 20, () => this.#statusChanged());
    });
    speaker.onEndOfRib(() => this.#statusChanged());
    speaker.onBestChange((changes) => {
      this.#host?.routes?.bestChanged(changes);
      this.#statusChanged();
    });
    this.#speaker = speaker;
    await speaker.start();
    this.#announced.clear();
    this.#syncAnnouncements();
    this.#syncPeers();
  }

  async #startHost(host: HostParts): Promise<void> {
    const { node, pods, linuxPodsFrom } = this.#config;
    await host.dataPlane.open();
    await this.#ipam.ensureAffineBlock({ node });
    const tunnel = {
      node,
      handleId: `vxlan-tunnel-addr-${node}`,
      attributes: { type: 'vxlanTunnelAddress' },
    };
    const [tunnelAddress] = await this.#ipam.reuseOrAssign({ ...tunnel, intendedUse: 'Tunnel' });
    const mac = vtepMac(node);
    const port = host.dataPlane.addVxlan(tunnelAddress!, mac);
    await this.#ownNode.setVtep(tunnelAddress!, mac);
    const { forwarder } = host.dataPlane;
    host.routes = new RouteProgrammer({ self: node, forwarder, port, view: this.#view, log: this.#log });
    host.routes.bestChanged(this.#bestPaths());
    this.#podsWanted = pods;
    const own = pods.filter(({ kind }) => kind !== 'linux' || linuxPodsFrom === undefined);
    // IPAM answers one request of a node at a time, so the first pod is up while the last waits for its address.
    await Promise.all(
      own.map(async (spec) => {
        await host.pods.start(spec, this.#ports.pods[spec.kind]);
        this.#statusChanged();
      }),
    );
    this.#syncAnnouncements();
  }

  async #stop(how: 'stop' | 'kill'): Promise<void> {
    this.#ready = false;
    this.#message = 'stopped';
    this.#patience?.cancel();
    this.#hub.close();
    this.#view.close();
    if (how === 'kill') this.#severed.sever();
    await this.#speaker?.stop();
    this.#host?.pods.close();
    await this.#host?.dataPlane.close();
    this.#log.info({ how }, 'node down');
  }

  // -- following the cluster ------------------------------------------------------------------------------------

  /** A resync brings many changes in one turn of the loop: each kind is looked at once. */
  #viewChanged(change: ViewChange): void {
    if (this.#pendingChanges.size === 0) this.#ports.clock.setTimer(0, () => this.#applyChanges());
    this.#pendingChanges.add(change);
  }

  #applyChanges(): void {
    const changes = this.#pendingChanges;
    this.#pendingChanges = new Set();
    if (this.#stopped !== undefined || this.#speaker === undefined) return;
    if (changes.has('peering') && this.#wantedAsn() !== this.#asn) {
      void this.#restartSpeaker();
      return;
    }
    if (changes.has('peering') || changes.has('nodes')) this.#syncPeers();
    if (changes.has('nodes')) this.#host?.routes?.nodesChanged();
    if (changes.has('affinities') || changes.has('pools')) this.#syncAnnouncements();
    this.#statusChanged();
  }

  /** The AS number is part of every session: a new one means new sessions. */
  async #restartSpeaker(): Promise<void> {
    await this.#speaker?.stop();
    await this.#startSpeaker();
  }

  #wantedAsn(): number {
    return this.#config.asn ?? this.#view.bgpConfigurations.get('default')?.spec.asNumber ?? DEFAULT_ASN;
  }

  #syncPeers(): void {
    const peers = computePeers({
      self: this.node,
      nodes: [...this.#view.nodes.values()],
      bgpConfiguration: [...this.#view.bgpConfigurations.values()],
      bgpPeers: [...this.#view.bgpPeers.values()],
    });
    const { holdTime } = this.#config;
    this.#speaker?.setPeers(
      peers.map((peer): PeerConfig => (holdTime === undefined ? peer : { holdTime, ...peer })),
    );
    this.#statusChanged();
  }

  /** Announces the node's confirmed blocks, and each address that it uses of somebody else's (Calico `bird_aggr`). */
  #syncAnnouncements(): void {
    if (this.#speaker === undefined || this.#host === undefined) return;
    const { dataPlane } = this.#host;
    const blocks = this.#view.blocksOf(this.node);
    const exported = blocks.filter((block) => this.#view.poolOf(block)?.spec.disableBGPExport !== true);
    const borrowed = this.#host.pods.running
      .map(({ network }) => `${network.address}/32`)
      .filter((address) => !blocks.some((block) => prefixContains(parsePrefix(block), parsePrefix(address))));
    const wanted = new Set([...exported, ...borrowed]);
    for (const prefix of this.#announced) {
      if (wanted.has(prefix)) continue;
      this.#speaker.withdraw(prefix);
      this.#announced.delete(prefix);
      dataPlane.removeBlackhole(prefix);
    }
    for (const prefix of wanted) {
      if (this.#announced.has(prefix)) continue;
      this.#speaker.announce(prefix);
      this.#announced.add(prefix);
    }
    for (const block of blocks) dataPlane.setBlackhole(block);
  }

  #bestPaths(): { readonly prefix: string; readonly best: PathView }[] {
    const best = this.#speaker?.rib().filter((path) => path.best) ?? [];
    return best.map((path) => ({ prefix: path.prefix, best: path }));
  }

  // -- status ---------------------------------------------------------------------------------------------------

  #statusChanged(): void {
    if (this.#statusQueued || this.#watchers.size === 0) return;
    this.#statusQueued = true;
    this.#ports.clock.setTimer(0, () => {
      this.#statusQueued = false;
      const status = this.#status();
      for (const watcher of this.#watchers) watcher(status);
    });
  }

  #status(): AgentStatus {
    const neighbors = this.#speaker?.neighbors() ?? [];
    const established = neighbors.filter(({ state }) => state === 'Established');
    const synced = countSynced(neighbors, this.#ports.clock.wallNanos());
    const pods = this.#host?.pods.running ?? [];
    const missing = missingPods(this.#podsWanted, pods);
    return {
      node: this.node,
      kind: this.#config.kind,
      pid: process.pid,
      address: this.#config.address,
      asn: this.#asn,
      sessions: { total: neighbors.length, established: established.length, synced },
      blocks: this.#view.blocksOf(this.node),
      reachable: this.#host?.routes?.reachable() ?? [],
      remoteBlocks: this.#view.confirmedBlocks().filter(({ node }) => node !== this.node),
      ...(this.#config.labNodes === undefined
        ? {}
        : { awaited: awaitedNodes(this.#view, this.#config.labNodes) }),
      pods: { total: this.#podsWanted.length, ready: pods.length },
      ready: this.#ready && missing.length === 0,
      message: this.#ready && missing.length > 0 ? `waiting for pods ${missing.join(', ')}` : this.#message,
    };
  }
}
