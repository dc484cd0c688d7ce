import { parseMac } from '../../../protocol/ethernet/mac.ts';
import { Forwarder } from '../../../protocol/forwarder/forwarder.ts';
import type { ForwarderSink, PortId, TracedPacket, TraceStep } from '../../../protocol/forwarder/types.ts';
import { EmulatedHost } from '../../../protocol/host/host.ts';
import type { HostOutput } from '../../../protocol/host/output.ts';
import { parseIpv4 } from '../../../protocol/ip/ipv4.ts';
import { ipv4Prefix } from '../../../protocol/ip/prefix.ts';

/** A VXLAN datagram as it went from one VTEP to the other. */
export interface Sent {
  readonly from: number;
  readonly to: number;
  readonly sourcePort: number;
  readonly payload: Uint8Array;
}

/** One emulated host of the test network: a forwarder with a VXLAN device and one pod. */
export class Node {
  readonly index: number;
  readonly forwarder: Forwarder;
  readonly pod: EmulatedHost;
  readonly workload: PortId;
  readonly vxlan: PortId;
  readonly vtep: number;
  readonly vtepMac: number;
  readonly tunnel: number;
  readonly block: string;
  /** Frames that the forwarder sent to the pod, and the pod to it. */
  readonly toPod: Uint8Array[] = [];
  readonly fromPod: Uint8Array[] = [];
  /** What the pod reported. */
  readonly events: HostOutput[] = [];
  readonly steps: { readonly id: bigint; readonly step: TraceStep }[] = [];
  /** Hears the steps of traced packets too. */
  onStep: ((step: TraceStep, packet: TracedPacket) => void) | undefined;
  readonly underlay: { readonly packet: Uint8Array; readonly nextHop: number }[] = [];

  private readonly net: TwoHosts;

  constructor(net: TwoHosts, index: number, mtu: number, podMtu: number) {
    this.net = net;
    this.index = index;
    this.vtep = parseIpv4(`127.1.0.${index}`);
    this.vtepMac = parseMac(`66:00:00:00:00:0${index}`);
    this.tunnel = parseIpv4(`10.65.${index}.0`);
    this.block = `10.65.${index}.0/26`;
    const address = parseIpv4(`10.65.${index}.1`);
    this.pod = new EmulatedHost({ mac: parseMac(`02:00:00:00:0${index}:01`), address, mtu: podMtu });
    const sink: ForwarderSink = {
      toWorkload: (_port, frame) => {
        this.toPod.push(frame.slice());
        this.take(this.pod.handle(frame, net.now));
      },
      toVtep: (payload, remote, sourcePort) => {
        net.wire.push({ from: this.vtep, to: remote, sourcePort, payload: payload.slice() });
        if (net.up) net.nodes.find(({ vtep }) => vtep === remote)?.forwarder.fromVtep(payload, this.vtep);
      },
      toUnderlay: (packet, nextHop) => {
        this.underlay.push({ packet: packet.slice(), nextHop });
      },
      traced: (id, step, packet) => {
        this.steps.push({ id, step });
        this.onStep?.(step, packet);
      },
    };
    this.forwarder = new Forwarder({ host: `host${index}`, sink, icmpSource: this.tunnel });
    const device = { name: 'vxlan.calico', vni: 4096, mac: this.vtepMac, address: this.tunnel, mtu };
    this.vxlan = this.forwarder.addPort({ kind: 'vxlan', ...device });
    this.workload = this.forwarder.addPort({
      kind: 'workload',
      name: `cali0000000000${index}`,
      workload: `default/pod${index}`,
      podMac: this.pod.mac,
      addresses: [address],
      mtu: podMtu,
    });
    const origin = { source: 'ipam', detail: `block of host${index}` };
    this.route(this.block, { kind: 'blackhole', origin });
    this.route(`10.65.${index}.1/32`, { kind: 'workload', port: this.workload, origin });
  }

  route(prefix: string, route: Parameters<Forwarder['setRoute']>[2]): void {
    const { address, length } = ipv4Prefix(prefix);
    this.forwarder.setRoute(address, length, route);
  }

  /** Programs what is known of a remote node. */
  learn(remote: Node): void {
    const origin = { source: 'bgp', detail: `BGP from 127.1.0.11 (rr1), next hop 127.1.0.${remote.index}` };
    this.forwarder.setNeighbor(this.vxlan, remote.tunnel, remote.vtepMac, origin);
    this.forwarder.setFdb(this.vxlan, remote.vtepMac, remote.vtep, origin);
    this.route(remote.block, { kind: 'vxlan', port: this.vxlan, gateway: remote.tunnel, origin });
  }

  /** Carries out what the pod said. */
  take(outputs: readonly HostOutput[]): void {
    for (const output of outputs) {
      if (output.kind === 'frame') {
        this.fromPod.push(output.frame.slice());
        this.forwarder.fromWorkload(this.workload, output.frame);
      } else {
        this.events.push(output);
      }
    }
  }

  ping(
    destination: number | string,
    options: {
      readonly size?: number;
      readonly sequence?: number;
      readonly ttl?: number;
      readonly df?: boolean;
    } = {},
  ): HostOutput[] {
    this.events.length = 0;
    const data = new Uint8Array(options.size ?? 56).map((_, i) => i);
    const request = {
      destination: typeof destination === 'string' ? parseIpv4(destination) : destination,
      identifier: 7,
      sequence: options.sequence ?? 1,
      data,
      timeToLive: options.ttl ?? 64,
      dontFragment: options.df ?? false,
    };
    this.take(this.pod.ping(request, this.net.now));
    return [...this.events];
  }

  drops(): Record<string, number> {
    return Object.fromEntries(
      Object.entries(this.forwarder.counters().drops).filter(([, count]) => count > 0),
    );
  }
}

/** Two nodes whose VTEPs reach each other directly. */
export class TwoHosts {
  readonly wire: Sent[] = [];
  readonly nodes: readonly [Node, Node];
  now = 0;
  /** Whether datagrams arrive. */
  up = true;

  constructor(mtu = 1450, podMtu = 1450) {
    this.nodes = [new Node(this, 1, mtu, podMtu), new Node(this, 2, mtu, podMtu)];
    this.nodes[0].learn(this.nodes[1]);
    this.nodes[1].learn(this.nodes[0]);
  }
}
