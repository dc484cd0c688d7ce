import { ARP_LENGTH, type Arp } from '../arp/arp.ts';
import { readUint32 } from '../bytes/uint.ts';
import { ETHERNET_HEADER_LENGTH } from '../ethernet/ethernet.ts';
import { formatMac, readMac } from '../ethernet/mac.ts';
import { icmpName } from '../icmp/icmp.ts';
import { formatIpv4 } from '../ip/ipv4.ts';
import { ipv4Destination, ipv4Source } from '../ipv4/header.ts';
import { VXLAN_HEADER_LENGTH } from '../vxlan/header.ts';
import type { Adjacency } from './adjacency.ts';
import { describePacket, dropStep, fdbStep, matchesFilter, neighborStep, routeStep } from './explain.ts';
import { ETHERNET_AT, IP_AT, type PacketBuffer } from './packet-buffer.ts';
import { bytesId, formatPacketId, packetId } from './packet-id.ts';
import type { PortState } from './port-table.ts';
import type { RouteEntry } from './route-table.ts';
import type { DropReason, ForwarderSink, PortId, TracedPacket, TraceFilter, TraceStep } from './types.ts';

/**
 * Says what the pipeline did with the packets that match one of the filters. The pipeline asks `buffer.trace !== undefined`
 * before it calls a step, so that untraced packets pay one comparison.
 */
export class Tracer {
  readonly #host: string;
  readonly #sink: ForwarderSink;
  readonly #ports: ReadonlyMap<PortId, PortState>;
  #filters: readonly TraceFilter[] = [];

  constructor(host: string, sink: ForwarderSink, ports: ReadonlyMap<PortId, PortState>) {
    this.#host = host;
    this.#sink = sink;
    this.#ports = ports;
  }

  setFilters(filters: readonly TraceFilter[]): void {
    this.#filters = this.#sink.traced === undefined ? [] : [...filters];
  }

  /** Whether a filter is set. */
  get active(): boolean {
    return this.#filters.length > 0;
  }

  /** First step: decides whether the packet is traced, and says where it came from. */
  begin(buffer: PacketBuffer, from: string): void {
    buffer.trace = undefined;
    const filters = this.#filters.filter((filter) => matchesFilter(filter, buffer.bytes, IP_AT));
    if (filters.length === 0) return;
    buffer.trace = tracedPacket(buffer, filters);
    const packet = describePacket(buffer.bytes, IP_AT);
    this.#step(buffer, 'port', `${packet}, ${from}`, { packet, from });
  }

  /** First step of a packet that the host itself makes. */
  beginOwn(buffer: PacketBuffer): void {
    this.begin(buffer, `from host ${this.#host} itself`);
  }

  /** An ARP request of a pod; traced where the pod is one end of a filter. */
  arp(buffer: PacketBuffer, frame: Uint8Array, arp: Arp, state: PortState, answer: string): void {
    const { senderIp: source, targetIp: destination } = arp;
    const filters = this.#filters.filter(({ a, b }) => a === source || b === source);
    if (filters.length === 0) return;
    const id = bytesId(frame, ETHERNET_HEADER_LENGTH, ETHERNET_HEADER_LENGTH + ARP_LENGTH);
    buffer.trace = { id, source, destination, filters };
    const target = formatIpv4(arp.targetIp);
    const text = `who has ${target}, asked by ${formatIpv4(arp.senderIp)} on ${state.port.name}: ${answer}`;
    this.#step(buffer, 'arp', text, { target, answer, dev: state.port.name });
  }

  decap(buffer: PacketBuffer, { port }: PortState, remote: number): void {
    if (port.kind !== 'vxlan') return;
    const macs = `${formatMac(readMac(buffer.bytes, ETHERNET_AT + 6))} > ${formatMac(port.mac)}`;
    const vtep = formatIpv4(remote);
    const text = `VXLAN VNI ${port.vni} from VTEP ${vtep}, inner Ethernet ${macs}: headers removed`;
    this.#step(buffer, 'decap', text, { vni: port.vni, vtep, dev: port.name });
  }

  route(buffer: PacketBuffer, { address, length, route }: RouteEntry): void {
    const port = 'port' in route ? this.#ports.get(route.port)?.port : undefined;
    this.#emit(buffer, routeStep(address, length, route, port));
  }

  ttl(buffer: PacketBuffer, before: number): void {
    this.#step(buffer, 'ttl', `TTL ${before} → ${before - 1}`, { ttl: before - 1 });
  }

  /** The neighbour and FDB entries of a VXLAN route, as far as they exist. */
  neighbor(buffer: PacketBuffer, { route }: RouteEntry): void {
    if (route.kind !== 'vxlan') return;
    const out = this.#ports.get(route.port);
    const neighbor = out?.neighbors.get(route.gateway);
    if (out === undefined || neighbor === undefined) return;
    this.#emit(buffer, neighborStep(route.gateway, neighbor, out.port));
    const fdb = out.fdb.get(neighbor.mac);
    if (fdb !== undefined) this.#emit(buffer, fdbStep(neighbor.mac, fdb, out.port));
  }

  /**
   * Last step: the header added, and where the packet goes.
   * @param sourcePort outer UDP source port, where the packet goes out by VXLAN.
   */
  sent(buffer: PacketBuffer, entry: RouteEntry, adjacency: Adjacency, sourcePort: number): void {
    if (adjacency.kind === 'fault') return;
    const { port } = adjacency.out;
    if (adjacency.kind === 'underlay') {
      const nextHop = formatIpv4(adjacency.nextHop);
      const text = `unencapsulated to ${nextHop} on ${port.name}`;
      this.#step(buffer, 'deliver', text, { dev: port.name, nextHop });
    } else if (port.kind === 'workload') {
      const mac = formatMac(port.podMac);
      const macs = `${formatMac(readMac(adjacency.header, 6))} > ${mac}`;
      const text = `delivered to ${port.workload} on ${port.name}, Ethernet ${macs}`;
      this.#step(buffer, 'deliver', text, { workload: port.workload, dev: port.name, mac });
    } else if (adjacency.kind === 'vxlan' && port.kind === 'vxlan') {
      this.neighbor(buffer, entry);
      const vtep = formatIpv4(adjacency.vtep);
      const innerMac = formatMac(readMac(adjacency.header, VXLAN_HEADER_LENGTH));
      const macs = `${formatMac(port.mac)} > ${innerMac}`;
      const text = `VXLAN VNI ${port.vni} to VTEP ${vtep}, UDP source port ${sourcePort}, inner Ethernet ${macs}`;
      this.#step(buffer, 'encap', text, { vni: port.vni, vtep, sourcePort, innerMac });
    }
  }

  /** A packet is sent in parts; the part is traced from here on. */
  fragment(buffer: PacketBuffer, part: PacketBuffer, mtu: number): void {
    part.trace = tracedPacket(part, buffer.trace!.filters);
    const id = formatPacketId(part.trace.id);
    const text = `fragment of ${part.length} bytes for MTU ${mtu}: packet ${id}`;
    this.#step(buffer, 'fragment', text, { mtu, length: part.length, packetId: id });
  }

  /** The host answers the packet with one of its own. */
  answered(buffer: PacketBuffer, what: string): void {
    this.#step(buffer, 'icmp', `the host answers: ${what}`, { answer: what });
  }

  /** An ICMP error about the packet. */
  error(buffer: PacketBuffer, error: PacketBuffer, type: number, code: number, mtu: number): void {
    const from = formatIpv4(ipv4Source(error.bytes, IP_AT));
    const to = formatIpv4(ipv4Destination(error.bytes, IP_AT));
    const id = formatPacketId(packetId(error.bytes, IP_AT, error.length));
    const text = `ICMP ${icmpName(type, code)}${mtu === 0 ? '' : ` (MTU ${mtu})`} to ${to} from ${from}`;
    this.#step(buffer, 'icmp', text, { type, code, mtu, from, to, packetId: id });
  }

  drop(buffer: PacketBuffer, reason: DropReason): void {
    this.#emit(buffer, dropStep(reason));
  }

  #step(buffer: PacketBuffer, at: TraceStep['at'], text: string, fields: TraceStep['fields']): void {
    this.#emit(buffer, { at, text, fields });
  }

  #emit(buffer: PacketBuffer, step: TraceStep): void {
    const packet = buffer.trace!;
    this.#sink.traced?.(packet.id, { ...step, fields: { host: this.#host, ...step.fields } }, packet);
  }
}

/** What identifies the packet in `buffer` to those whose filters select it. */
function tracedPacket(buffer: PacketBuffer, filters: readonly TraceFilter[]): TracedPacket {
  const { bytes, length } = buffer;
  return {
    id: packetId(bytes, IP_AT, length),
    source: readUint32(bytes, IP_AT + 12),
    destination: readUint32(bytes, IP_AT + 16),
    filters,
  };
}
