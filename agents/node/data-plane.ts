import { parseMac } from '../../protocol/ethernet/mac.ts';
import { Forwarder } from '../../protocol/forwarder/forwarder.ts';
import type { PortId, TracedPacket, TraceStep } from '../../protocol/forwarder/types.ts';
import { parseIpv4 } from '../../protocol/ip/ipv4.ts';
import { ipv4Prefix } from '../../protocol/ip/prefix.ts';
import type { Clock, FrameDevice, UdpPort } from '../ports.ts';
import { VXLAN_DEVICE } from './route-programmer.ts';
import { Vtep } from './vtep.ts';

/** Calico's VXLAN network identifier (Calico `felix/config/config_params.go`). */
export const VXLAN_VNI = 4096;
/** What VXLAN adds to a packet on an IPv4 underlay: IPv4 20, UDP 8, VXLAN 8, inner Ethernet 14. */
export const VXLAN_OVERHEAD = 50;

export interface DataPlaneOptions {
  readonly node: string;
  /** Underlay address. */
  readonly address: string;
  /** Underlay MTU. */
  readonly mtu: number;
  readonly clock: Clock;
  readonly udp: UdpPort;
}

type StepListener = (step: TraceStep, packet: TracedPacket) => void;

/** A pod's place in the forwarder. */
export interface PodPort {
  readonly id: PortId;
  readonly address: number;
}

/** The forwarder joined to its ports: pods' devices on one side, VXLAN over UDP on the other. */
export class DataPlane {
  readonly forwarder: Forwarder;
  readonly #options: DataPlaneOptions;
  readonly #vtep: Vtep;
  readonly #devices = new Map<PortId, FrameDevice>();
  /** Underlay addresses as integers: a handful of texts that come with every datagram. */
  readonly #addresses = new Map<string, number>();
  readonly #blackholes = new Set<string>();
  #onStep: StepListener | undefined;

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.#vtep = new Vtep(options.udp, options.address);
    this.forwarder = new Forwarder({
      host: options.node,
      icmpSource: 0,
      sink: {
        toWorkload: (port, frame) => this.#devices.get(port)?.write(frame),
        toVtep: (payload, remote, sourcePort) => this.#vtep.send(payload, remote, sourcePort),
        toUnderlay: () => {
          // There is no underlay port, so no route leads here.
        },
        traced: (_, step, packet) => this.#onStep?.(step, packet),
      },
    });
  }

  /** Who hears the steps of traced packets. */
  onStep(listener: StepListener): void {
    this.#onStep = listener;
  }

  /** Receives VXLAN from now on. Rejects with a PortError where the port is taken, and where it was closed. */
  async open(): Promise<void> {
    await this.#vtep.open((payload, remote) => {
      this.forwarder.setNow(this.#options.clock.now());
      this.forwarder.fromVtep(payload, this.#number(remote));
    });
    this.forwarder.setSourcePorts(this.#vtep.sourcePorts);
  }

  /** Makes the VXLAN device with the node's tunnel address. */
  addVxlan(tunnelAddress: string, mac: string): PortId {
    const address = parseIpv4(tunnelAddress);
    this.forwarder.setIcmpSource(address);
    return this.forwarder.addPort({
      kind: 'vxlan',
      name: VXLAN_DEVICE,
      vni: VXLAN_VNI,
      mac: parseMac(mac),
      address,
      mtu: this.#options.mtu - VXLAN_OVERHEAD,
    });
  }

  /**
   * Joins a pod's device: its frames are forwarded, and its address is routed to it. `mac` is that which `eth0` has or,
   * where the pod's own process configures it, is going to have.
   */
  addPod(
    device: FrameDevice,
    port: { name: string; workload: string; address: string; mac: string; mtu: number },
  ): PodPort {
    const address = parseIpv4(port.address);
    const id = this.forwarder.addPort({
      kind: 'workload',
      name: port.name,
      workload: port.workload,
      podMac: parseMac(port.mac),
      addresses: [address],
      mtu: port.mtu,
    });
    this.forwarder.setRoute(address, 32, {
      kind: 'workload',
      port: id,
      origin: { source: 'ipam', detail: `address of pod ${port.workload}` },
    });
    this.#devices.set(id, device);
    device.onFrame((frame) => {
      this.forwarder.setNow(this.#options.clock.now());
      this.forwarder.fromWorkload(id, frame);
    });
    return { id, address };
  }

  removePod(port: PodPort): void {
    this.#devices.delete(port.id);
    this.forwarder.removePort(port.id);
  }

  /** Drops what is sent to free addresses of own blocks, so that it does not loop (Calico `bird_aggr.cfg`). */
  setBlocks(blocks: readonly string[]): void {
    for (const block of this.#blackholes) {
      if (blocks.includes(block)) continue;
      this.#blackholes.delete(block);
      const { address, length } = ipv4Prefix(block);
      if (this.forwarder.route(address, length)?.kind === 'blackhole') {
        this.forwarder.removeRoute(address, length);
      }
    }
    for (const block of blocks) {
      const { address, length } = ipv4Prefix(block);
      // A block of one address is the pod's own route; one that is there already keeps what packets cached with it.
      if (length === 32 || this.forwarder.route(address, length)?.kind === 'blackhole') continue;
      this.#blackholes.add(block);
      const origin = { source: 'ipam', detail: 'block of this node' };
      this.forwarder.setRoute(address, length, { kind: 'blackhole', origin });
    }
  }

  close(): Promise<void> {
    return this.#vtep.close();
  }

  #number(address: string): number {
    let number = this.#addresses.get(address);
    if (number === undefined) {
      // Strangers could fill it without end, one spoofed source after the other.
      if (this.#addresses.size >= 4096) this.#addresses.clear();
      number = parseIpv4(address);
      this.#addresses.set(address, number);
    }
    return number;
  }
}
