import { tunnelHandleId, vtepMac } from '../../protocol/calico/names.ts';
import type { BgpSpeaker } from '../bgp/speaker.ts';
import type { PathView } from '../bgp/types.ts';
import { Ipam } from '../calico/ipam.ts';
import { CaptureHub } from '../capture/hub.ts';
import { bgpFraming } from '../capture/stream-framing.ts';
import { tapTcp } from '../capture/tap-tcp.ts';
import { tapUdp } from '../capture/tap-udp.ts';
import { derivedMac, loopbackMac } from '../capture/underlay-recorder.ts';
import type { BgpControl } from '../control/bgp.ts';
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
import type { Labelled } from '../metrics/exposition.ts';
import type { Output, PodFactory, PodSpec } from '../pod/types.ts';
import type { Clock, Log, Random, TcpPort, UdpPort } from '../ports.ts';
import type { KvClient } from '../store/client.ts';
import { aborted } from '../wait.ts';
import { awaitedNodes, missingPods } from './awaited.ts';
import { bmpMonitor, type NodeBmp } from './bmp.ts';
import { ClusterView, type ViewChange } from './cluster-view.ts';
import type { NodeAgentConfig } from './config.ts';
import { DataPlane } from './data-plane.ts';
import { fdbRows, neighborRows, podRows, routeRows, storeRows } from './inspect.ts';
import { OwnNode } from './own-node.ts';
import { ownPrefixes } from './own-prefixes.ts';
import { ping } from './ping.ts';
import { Pods } from './pods.ts';
import { RouteProgrammer } from './route-programmer.ts';
import { Routing } from './routing.ts';
import { countSynced } from './session-sync.ts';
import { type SeverableTcp, severable } from './severable-tcp.ts';
import { Tracing } from './tracing.ts';

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
  /** Collector that is told of the speaker's sessions and routes. */
  readonly bmp?: NodeBmp;
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
  readonly #ipam: Ipam;
  readonly #ownNode: OwnNode;
  readonly #view: ClusterView;
  readonly #routing: Routing;
  readonly #host: HostParts | undefined;
  readonly #watchers = new Set<(status: AgentStatus) => void>();
  /** Aborts when the agent stops. */
  readonly #ended = new AbortController();
  #ready = false;
  #message = 'starting';
  #podsWanted: readonly PodSpec[] = [];
  #pendingChanges = new Set<ViewChange>();
  #statusQueued = false;
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
    this.#ipam = new Ipam(ports.kv, ports);
    this.#ownNode = new OwnNode(ports.kv, config);
    this.#view = new ClusterView(this.#log, (change) => this.#viewChanged(change));
    this.#host = config.kind === 'host' ? this.#hostParts(udp) : undefined;
    this.#routing = new Routing({
      config,
      view: this.#view,
      clock: ports.clock,
      random: ports.random,
      tcp,
      log: this.#log,
      onChange: () => this.#statusChanged(),
      onBestChange: (changes) => {
        this.#host?.routes?.bestChanged(changes);
        this.#statusChanged();
      },
      onReset: () => this.#host?.routes?.reset(),
      monitor:
        ports.bmp === undefined ? undefined : bmpMonitor(ports.bmp, config, { ...ports, log: this.#log }),
    });
  }

  /**
   * Brings the node up: resolves when it is in the store, listens for BGP and VXLAN, holds a block and runs its pods.
   * Sessions and routes follow by themselves. Rejects with one line naming the cause, also where it is stopped
   * meanwhile; call `stop` then.
   */
  async start(): Promise<void> {
    // Registered first, so that the view has the own node from the beginning.
    await this.#unlessStopped(this.#ownNode.register());
    await this.#unlessStopped(this.#view.open(this.#ports.kv, this.#ports.clock));
    await this.#unlessStopped(this.#routing.start());
    if (this.#host !== undefined) await this.#startHost(this.#host);
    this.#ready = true;
    this.#message = '';
    this.#log.info({ address: this.#config.address, asn: this.#routing.asn }, 'node up');
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

  /** The pods of this node, for a runtime whose pods come from other processes. @throws Error on a route reflector. */
  get podSet(): Pods {
    if (this.#host === undefined) throw new Error(`${this.node} is a route reflector: it runs no pods`);
    return this.#host.pods;
  }

  /** A pod was adopted from elsewhere, or released. */
  podsChanged(): void {
    this.#syncOwnRoutes();
    this.#statusChanged();
  }

  // -- AgentControl ---------------------------------------------------------------------------------------------

  async status(): Promise<AgentStatus> {
    return this.#status();
  }

  async watchStatus(listener: (status: AgentStatus) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#ended.signal.aborted) return;
    // A listener of its own, so that one function may watch twice.
    const watcher = (status: AgentStatus): void => listener(status);
    this.#watchers.add(watcher);
    try {
      listener(this.#status());
      await aborted(signal, this.#ended.signal);
    } finally {
      this.#watchers.delete(watcher);
    }
  }

  get speaker(): BgpControl {
    return this.#routing.control;
  }

  /** Its speaker as metrics are read from it; none while it runs none. */
  speakers(): readonly Labelled<BgpSpeaker>[] {
    const { current } = this.#routing;
    return current === undefined ? [] : [{ of: current, labels: { node: this.node } }];
  }

  async bgp(): Promise<NeighborRow[]> {
    return neighborRows(this.node, this.#routing.neighbors());
  }

  async rib(): Promise<PathView[]> {
    return this.#routing.rib();
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
    onBytes: (bytes: Uint8Array) => void | Promise<void>,
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
    // Loopback has no MACs; every other underlay is Ethernet.
    const options = { link: linkId, macOf: isLoopback(address) ? loopbackMac : derivedMac };
    return {
      tcp: tapTcp(this.#severed.tcp, this.#hub, underlay, { ...options, framing: bgpFraming }),
      udp: tapUdp(this.#ports.udp, this.#hub, underlay, options),
    };
  }

  #hostParts(udp: UdpPort): HostParts {
    const { lab, node, address, mtu } = this.#config;
    const { clock, kv } = this.#ports;
    const dataPlane = new DataPlane({ node, address, mtu, clock, udp });
    const tracing = new Tracing(dataPlane.forwarder, node, clock);
    dataPlane.onStep((step, packet) => tracing.step(step, packet));
    const shared = { lab, node, mtu, kv, dataPlane, ipam: this.#ipam, hub: this.#hub, log: this.#log };
    return { dataPlane, tracing, pods: new Pods(shared), routes: undefined };
  }

  async #startHost(host: HostParts): Promise<void> {
    const { node, pods, linuxPodsFrom } = this.#config;
    await this.#unlessStopped(host.dataPlane.open());
    await this.#unlessStopped(this.#ipam.ensureAffineBlock({ node }));
    const tunnel = { handleId: tunnelHandleId('vxlan', node), attributes: { type: 'vxlanTunnelAddress' } };
    const request = this.#ipam.reuseOrAssign({ node, ...tunnel, intendedUse: 'Tunnel' });
    const [tunnelAddress] = await this.#unlessStopped(request);
    const mac = vtepMac(node);
    const port = host.dataPlane.addVxlan(tunnelAddress!, mac);
    await this.#unlessStopped(this.#ownNode.setVtep(tunnelAddress!, mac));
    const { forwarder } = host.dataPlane;
    host.routes = new RouteProgrammer({ self: node, forwarder, port, view: this.#view, log: this.#log });
    host.routes.bestChanged(this.#routing.bestPaths());
    this.#podsWanted = pods;
    const own = pods.filter(({ kind }) => kind !== 'linux' || linuxPodsFrom === undefined);
    // IPAM answers one request of a node at a time, so the first pod is up while the last waits for its address.
    const started = own.map(async (spec) => {
      await host.pods.start(spec, this.#ports.pods[spec.kind]);
      this.#statusChanged();
    });
    await this.#unlessStopped(Promise.all(started));
    this.#syncOwnRoutes();
  }

  /** The result of a step of starting. Rejects where the agent was stopped meanwhile: nothing must follow then. */
  async #unlessStopped<T>(step: Promise<T>): Promise<T> {
    const [result] = await Promise.allSettled([step]);
    if (this.#ended.signal.aborted) throw new Error(`${this.node} was stopped while it started`);
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  }

  async #stop(how: 'stop' | 'kill'): Promise<void> {
    this.#ready = false;
    this.#message = 'stopped';
    this.#ended.abort();
    this.#host?.tracing.close();
    this.#hub.close();
    this.#view.close();
    if (how === 'kill') this.#severed.sever();
    try {
      await this.#routing.stop();
    } finally {
      this.#host?.pods.close();
      await this.#host?.dataPlane.close();
    }
    this.#log.info({ how }, 'node down');
  }

  // -- following the cluster, and telling of it ---------------------------------------------------------------

  /** A resync brings many changes in one turn of the loop: each kind is looked at once. */
  #viewChanged(change: ViewChange): void {
    if (this.#pendingChanges.size === 0) this.#ports.clock.setTimer(0, () => this.#applyChanges());
    this.#pendingChanges.add(change);
  }

  #applyChanges(): void {
    const changes = this.#pendingChanges;
    this.#pendingChanges = new Set();
    if (this.#ended.signal.aborted) return;
    if (changes.has('peering') || changes.has('nodes')) this.#routing.clusterChanged();
    if (changes.has('nodes')) this.#host?.routes?.refresh();
    if (changes.has('affinities') || changes.has('pools')) this.#syncOwnRoutes();
    this.#statusChanged();
  }

  /** Routes and announces what is this node's own. */
  #syncOwnRoutes(): void {
    if (this.#host === undefined) return;
    const { dataPlane, pods, routes } = this.#host;
    const blocks = this.#view.blocksOf(this.node);
    const addresses = pods.running.map(({ network }) => network.address);
    dataPlane.setBlocks(blocks);
    this.#routing.announce(ownPrefixes(blocks, addresses, this.#view));
    // What is this host's own now, or is not any more, is not or may be another host's.
    routes?.refresh();
  }

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
    const neighbors = this.#routing.neighbors();
    const established = neighbors.filter(({ state }) => state === 'Established');
    const synced = countSynced(neighbors, this.#ports.clock.wallNanos());
    const pods = this.#host?.pods.running ?? [];
    const missing = missingPods(this.#podsWanted, pods);
    const { asn, fault } = this.#routing;
    const lacking = fault ?? (missing.length > 0 ? `waiting for pods ${missing.join(', ')}` : undefined);
    return {
      node: this.node,
      kind: this.#config.kind,
      pid: process.pid,
      address: this.#config.address,
      asn,
      sessions: { total: neighbors.length, established: established.length, synced },
      blocks: this.#view.blocksOf(this.node),
      reachable: this.#host?.routes?.reachable() ?? [],
      remoteBlocks: this.#view.confirmedBlocks().filter(({ node }) => node !== this.node),
      ...(this.#config.labNodes === undefined
        ? {}
        : { awaited: awaitedNodes(this.#view, this.#config.labNodes) }),
      pods: { total: this.#podsWanted.length, ready: pods.length },
      ready: this.#ready && lacking === undefined,
      message: this.#ready && lacking !== undefined ? lacking : this.#message,
    };
  }
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.');
}
