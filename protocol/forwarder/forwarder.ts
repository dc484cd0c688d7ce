import { ARP_LENGTH, decodeArp, isArpIpv4, writeArp } from '../arp/arp.ts';
import { readUint32 } from '../bytes/uint.ts';
import {
  ETHERNET_HEADER_LENGTH,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  etherType,
  writeEthernet,
} from '../ethernet/ethernet.ts';
import { BROADCAST_MAC, formatMac, readMac } from '../ethernet/mac.ts';
import { mayReportIcmpError, writeIcmpError } from '../icmp/error.ts';
import {
  EXCEEDED_IN_TRANSIT,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  UNREACHABLE_FRAGMENTATION_NEEDED,
  UNREACHABLE_HOST,
  UNREACHABLE_NET,
} from '../icmp/icmp.ts';
import { TokenBucket } from '../icmp/token-bucket.ts';
import { formatIpv4 } from '../ip/ipv4.ts';
import { ipv4DataLength, writeFragment } from '../ipv4/fragment.ts';
import {
  decrementTtl,
  IPV4_MAX_LENGTH,
  ipv4DontFragment,
  ipv4Fault,
  ipv4TotalLength,
  isIpv4Fragment,
  isMartianOctet,
} from '../ipv4/header.ts';
import { Reassembler } from '../ipv4/reassembly.ts';
import { hasVni, VXLAN_HEADER_LENGTH, vxlanVni } from '../vxlan/header.ts';
import { vxlanSourcePort } from '../vxlan/source-port.ts';
import { type Adjacency, resolveAdjacency } from './adjacency.ts';
import { type ForwarderCounters, noDrops } from './counters.ts';
import { answerLocally } from './local.ts';
import {
  acquireBuffer,
  ETHERNET_AT,
  IP_AT,
  type PacketBuffer,
  releaseBuffer,
  VXLAN_AT,
} from './packet-buffer.ts';
import type { PortState } from './port-table.ts';
import { answerArp } from './proxy-arp.ts';
import type { RouteEntry } from './route-table.ts';
import { ForwarderTables } from './tables.ts';
import { Tracer } from './tracer.ts';
import type { DropReason, ForwarderSink, PortId, TraceFilter } from './types.ts';

/** MAC of the host side of every pod interface, the same everywhere (Calico's `cali*` interfaces). */
export const CALICO_GATEWAY_MAC = 0xeeeeeeeeeeee;

export interface ForwarderOptions {
  /** Name of the host, for traces. */
  readonly host: string;
  readonly sink: ForwarderSink;
  /** Source address of ICMP errors: the tunnel address. 0 while the host has none: no errors are sent then. */
  readonly icmpSource: number;
  /** Default ee:ee:ee:ee:ee:ee. */
  readonly gatewayMac?: number;
  /** Limit of ICMP errors; default 1000 a second in bursts of 50. */
  readonly icmpRate?: { readonly perSecond: number; readonly burst: number };
}

/** Why a packet ends here; `undefined` where it was passed on or answered. */
type Outcome = DropReason | undefined;

/**
 * The packet path of a host: a Linux router with pods on proxy-ARP interfaces, VXLAN and plain routes. Pure: frames
 * and packets come in through `from...`, leave through the sink before the call returns. Whatever bytes come in, it
 * does not throw; what it cannot use it drops and counts.
 */
export class Forwarder extends ForwarderTables {
  readonly #sink: ForwarderSink;
  readonly #gatewayMac: number;
  readonly #bucket: TokenBucket;
  readonly #tracer: Tracer;
  readonly #reassembler = new Reassembler();
  readonly #drops = noDrops();
  readonly #sent = { arpReplies: 0, echoReplies: 0, icmpErrors: 0, icmpErrorsSuppressed: 0 };
  #icmpSource: number;
  #sourcePorts: readonly number[] | undefined;
  #now = 0;
  #identification = 0;

  constructor(options: ForwarderOptions) {
    super();
    this.#sink = options.sink;
    this.#icmpSource = options.icmpSource;
    this.#gatewayMac = options.gatewayMac ?? CALICO_GATEWAY_MAC;
    this.#bucket = new TokenBucket(options.icmpRate?.perSecond, options.icmpRate?.burst);
    this.#tracer = new Tracer(options.host, options.sink, this.portTable);
  }

  /** Tells the time in milliseconds of one monotonic clock, for the rate of ICMP errors; once per batch is enough. */
  setNow(now: number): void {
    this.#now = now;
  }

  /** Changes the source address of ICMP errors, when the host gets its tunnel address. */
  setIcmpSource(address: number): void {
    this.#icmpSource = address;
  }

  /** Limits the outer UDP source ports of VXLAN to those that the sink can send from (at least one). */
  setSourcePorts(ports: readonly number[]): void {
    if (ports.length === 0) throw new RangeError('VXLAN needs at least one UDP source port');
    this.#sourcePorts = ports;
  }

  /** Traces packets that match any of the filters from now on, to the sink's `traced`; none ends it. */
  setTraceFilters(filters: readonly TraceFilter[]): void {
    this.#tracer.setFilters(filters);
  }

  /** A snapshot of the counters. */
  counters(): ForwarderCounters {
    const ports = [...this.portTable.values()].map(({ id, port, rxPackets, rxBytes, txPackets, txBytes }) => {
      return { id, name: port.name, rxPackets, rxBytes, txPackets, txBytes };
    });
    return { drops: { ...this.#drops }, ports, ...this.#sent };
  }

  /** A frame that a pod sent. Frames of removed ports are dropped. */
  fromWorkload(port: PortId, frame: Uint8Array): void {
    const buffer = acquireBuffer();
    try {
      this.#end(buffer, this.#receiveFrame(buffer, this.portTable.get(port), frame));
    } finally {
      releaseBuffer();
    }
  }

  /** A VXLAN payload, header on, that came by UDP from `remote`. */
  fromVtep(payload: Uint8Array, remote: number): void {
    const buffer = acquireBuffer();
    try {
      this.#end(buffer, this.#decapsulate(buffer, payload, remote));
    } finally {
      releaseBuffer();
    }
  }

  /** An IPv4 packet that came unencapsulated to the host's own interface. */
  fromUnderlay(packet: Uint8Array): void {
    const buffer = acquireBuffer();
    try {
      this.#end(buffer, this.#receivePacket(buffer, packet));
    } finally {
      releaseBuffer();
    }
  }

  #end(buffer: PacketBuffer, outcome: Outcome): void {
    if (outcome === undefined) return;
    this.#drops[outcome]++;
    if (buffer.trace !== undefined) this.#tracer.drop(buffer, outcome);
  }

  #receiveFrame(buffer: PacketBuffer, state: PortState | undefined, frame: Uint8Array): Outcome {
    if (state === undefined || state.port.kind !== 'workload') return 'no-such-port';
    state.rxPackets++;
    state.rxBytes += frame.length;
    const { length } = frame;
    if (length < ETHERNET_HEADER_LENGTH || length > ETHERNET_HEADER_LENGTH + IPV4_MAX_LENGTH)
      return 'malformed';
    const type = etherType(frame, 0);
    if (type === ETHERTYPE_ARP) return this.#answerArp(buffer, state, state.port.addresses, frame);
    if (type !== ETHERTYPE_IPV4) return 'not-supported';
    if (readMac(frame, 0) !== this.#gatewayMac) return 'wrong-mac';
    const { bytes } = buffer;
    bytes.set(frame, ETHERNET_AT);
    const fault = this.#check(buffer, length - ETHERNET_HEADER_LENGTH);
    if (this.#tracer.active && fault !== 'malformed') {
      this.#tracer.begin(buffer, `from ${state.port.workload} on ${state.port.name}`);
    }
    if (fault !== undefined) return fault;
    if (!state.port.addresses.includes(readUint32(bytes, IP_AT + 12))) return 'spoofed-source';
    return this.#forward(buffer);
  }

  #receivePacket(buffer: PacketBuffer, packet: Uint8Array): Outcome {
    if (packet.length > IPV4_MAX_LENGTH) return 'malformed';
    buffer.bytes.set(packet, IP_AT);
    const fault = this.#check(buffer, packet.length);
    if (this.#tracer.active && fault !== 'malformed') this.#tracer.begin(buffer, 'from the underlay');
    if (fault !== undefined) return fault;
    return isMartianOctet(buffer.bytes[IP_AT + 12]!) ? 'martian' : this.#forward(buffer);
  }

  /** RFC 7348 §4.1: the VNI and the VTEP must be known, the inner frame must be to this VTEP. */
  #decapsulate(buffer: PacketBuffer, payload: Uint8Array, remote: number): Outcome {
    const headers = VXLAN_HEADER_LENGTH + ETHERNET_HEADER_LENGTH;
    if (payload.length < headers || payload.length > headers + IPV4_MAX_LENGTH) return 'malformed';
    if (!hasVni(payload, 0)) return 'malformed';
    const state = this.vnis.get(vxlanVni(payload, 0));
    if (state === undefined || state.port.kind !== 'vxlan') return 'unknown-vni';
    if (!state.vteps.has(remote)) return 'unknown-vtep';
    state.rxPackets++;
    state.rxBytes += payload.length;
    if (readMac(payload, VXLAN_HEADER_LENGTH) !== state.port.mac) return 'wrong-vtep-mac';
    if (etherType(payload, VXLAN_HEADER_LENGTH) !== ETHERTYPE_IPV4) return 'not-supported';
    const { bytes } = buffer;
    bytes.set(payload, VXLAN_AT);
    const fault = this.#check(buffer, payload.length - headers);
    if (this.#tracer.active && fault !== 'malformed') {
      this.#tracer.begin(buffer, `from VTEP ${formatIpv4(remote)} on ${state.port.name}`);
      if (buffer.trace !== undefined) this.#tracer.decap(buffer, state, remote);
    }
    if (fault !== undefined) return fault;
    return isMartianOctet(bytes[IP_AT + 12]!) ? 'martian' : this.#forward(buffer);
  }

  /** Checks the header of the packet in `buffer`, of which `available` bytes are there, and sets its length. */
  #check(buffer: PacketBuffer, available: number): 'malformed' | 'bad-checksum' | undefined {
    const fault = ipv4Fault(buffer.bytes, IP_AT, available);
    if (fault !== 'malformed') buffer.length = ipv4TotalLength(buffer.bytes, IP_AT);
    return fault;
  }

  /** Routes a packet that came from elsewhere (RFC 1812 §5.2.1). */
  #forward(buffer: PacketBuffer): Outcome {
    const { bytes } = buffer;
    if (isMartianOctet(bytes[IP_AT + 16]!)) return 'martian';
    const entry = this.routeTable.lookup(readUint32(bytes, IP_AT + 16));
    if (entry === undefined) return this.#reject(buffer, 'no-route', ICMP_UNREACHABLE, UNREACHABLE_NET);
    if (buffer.trace !== undefined) this.#tracer.route(buffer, entry);
    if (entry.route.kind === 'local') return this.#deliverLocally(buffer);
    if (entry.route.kind === 'blackhole') return 'blackhole';
    const ttl = bytes[IP_AT + 8]!;
    if (ttl <= 1) return this.#reject(buffer, 'ttl-exceeded', ICMP_TIME_EXCEEDED, EXCEEDED_IN_TRANSIT);
    const adjacency = this.#adjacency(entry, bytes);
    if (buffer.length > adjacency.mtu && ipv4DontFragment(bytes, IP_AT)) {
      const code = UNREACHABLE_FRAGMENTATION_NEEDED;
      return this.#reject(buffer, 'fragmentation-needed', ICMP_UNREACHABLE, code, adjacency.mtu);
    }
    decrementTtl(bytes, IP_AT);
    if (buffer.trace !== undefined) this.#tracer.ttl(buffer, ttl);
    const outcome = this.#transmit(buffer, entry, adjacency);
    return outcome && this.#reject(buffer, outcome, ICMP_UNREACHABLE, UNREACHABLE_HOST);
  }

  /** Sends a packet that the host itself made. */
  #output(buffer: PacketBuffer): void {
    const entry = this.routeTable.lookup(readUint32(buffer.bytes, IP_AT + 16));
    if (entry !== undefined && buffer.trace !== undefined) this.#tracer.route(buffer, entry);
    const kind = entry?.route.kind;
    if (entry === undefined) this.#end(buffer, 'no-route');
    else if (kind === 'local') this.#end(buffer, 'not-supported');
    else if (kind === 'blackhole') this.#end(buffer, 'blackhole');
    else this.#end(buffer, this.#transmit(buffer, entry, this.#adjacency(entry, buffer.bytes)));
  }

  #adjacency(entry: RouteEntry, bytes: Uint8Array): Adjacency {
    if (entry.generation === this.generation) return entry.adjacency!;
    const { route } = entry;
    const adjacency = resolveAdjacency(
      route,
      this.portTable,
      this.#gatewayMac,
      readUint32(bytes, IP_AT + 16),
    );
    if (route.kind === 'underlay' && route.gateway === 0) return adjacency;
    entry.adjacency = adjacency;
    entry.generation = this.generation;
    return adjacency;
  }

  #transmit(buffer: PacketBuffer, entry: RouteEntry, adjacency: Adjacency): Outcome {
    if (adjacency.kind === 'fault') {
      if (buffer.trace !== undefined) this.#tracer.neighbor(buffer, entry);
      return adjacency.reason;
    }
    if (buffer.length <= adjacency.mtu) this.#emit(buffer, entry, adjacency);
    else this.#fragment(buffer, entry, adjacency);
    return undefined;
  }

  #fragment(buffer: PacketBuffer, entry: RouteEntry, adjacency: Exclude<Adjacency, { kind: 'fault' }>): void {
    const total = ipv4DataLength(buffer.bytes, IP_AT);
    const part = acquireBuffer();
    try {
      for (let start = 0; start < total; start += ipv4DataLength(part.bytes, IP_AT)) {
        part.length = writeFragment(buffer.bytes, IP_AT, start, adjacency.mtu, part.bytes, IP_AT);
        if (buffer.trace !== undefined) this.#tracer.fragment(buffer, part, adjacency.mtu);
        this.#emit(part, entry, adjacency);
      }
    } finally {
      releaseBuffer();
    }
  }

  #emit(buffer: PacketBuffer, entry: RouteEntry, adjacency: Exclude<Adjacency, { kind: 'fault' }>): void {
    const { out } = adjacency;
    const sourcePort = adjacency.kind === 'vxlan' ? this.#sourcePort(buffer) : 0;
    if (buffer.trace !== undefined) this.#tracer.sent(buffer, entry, adjacency, sourcePort);
    out.txPackets++;
    if (adjacency.kind === 'underlay') {
      out.txBytes += buffer.length;
      this.#sink.toUnderlay(buffer.packet(), adjacency.nextHop);
      return;
    }
    putBefore(buffer, adjacency.header);
    out.txBytes += adjacency.header.length + buffer.length;
    if (adjacency.kind === 'workload') this.#sink.toWorkload(out.id, buffer.frame());
    else this.#sink.toVtep(buffer.vxlanPayload(), adjacency.vtep, sourcePort);
  }

  /** The outer UDP source port of a packet's flow: of the dynamic ports, or of those that the sink can send from. */
  #sourcePort(buffer: PacketBuffer): number {
    const port = vxlanSourcePort(buffer.bytes, IP_AT);
    return this.#sourcePorts === undefined ? port : this.#sourcePorts[port % this.#sourcePorts.length]!;
  }

  #deliverLocally(buffer: PacketBuffer): Outcome {
    if (isIpv4Fragment(buffer.bytes, IP_AT)) {
      this.#reassembler.expire(this.#now);
      const whole = this.#reassembler.add(buffer.bytes, IP_AT, this.#now);
      if (whole === undefined) return undefined;
      buffer.bytes.set(whole, IP_AT);
      buffer.length = whole.length;
    }
    const answer = answerLocally(buffer.bytes, IP_AT, this.#nextIdentification());
    if (answer.kind === 'none') return answer.reason;
    if (answer.kind === 'unreachable')
      return this.#reject(buffer, 'not-supported', ICMP_UNREACHABLE, answer.code);
    if (buffer.trace !== undefined) this.#tracer.answered(buffer, answer.what);
    if (answer.what === 'echo reply') this.#sent.echoReplies++;
    buffer.length = answer.length;
    if (this.#tracer.active) this.#tracer.beginOwn(buffer);
    this.#output(buffer);
    return undefined;
  }

  #answerArp(
    buffer: PacketBuffer,
    state: PortState,
    podAddresses: readonly number[],
    frame: Uint8Array,
  ): Outcome {
    const at = ETHERNET_HEADER_LENGTH;
    const destination = readMac(frame, 0);
    if (destination !== BROADCAST_MAC && destination !== this.#gatewayMac) return 'wrong-mac';
    if (!isArpIpv4(frame, at)) return 'malformed';
    const arp = decodeArp(frame, at);
    const isLocal = (address: number) => this.routeTable.get(address, 32)?.route.kind === 'local';
    const verdict = answerArp(arp, podAddresses, this.#gatewayMac, isLocal);
    if (this.#tracer.active) {
      const answer =
        verdict.kind === 'reply' ? `is at ${formatMac(this.#gatewayMac)} (proxy ARP)` : verdict.why;
      this.#tracer.arp(buffer, frame, arp, state, answer);
    }
    if (verdict.kind !== 'reply') return verdict.kind === 'spoofed' ? 'spoofed-source' : undefined;
    writeArp(buffer.bytes, IP_AT, verdict.reply);
    writeEthernet(buffer.bytes, ETHERNET_AT, arp.senderMac, this.#gatewayMac, ETHERTYPE_ARP);
    buffer.length = ARP_LENGTH;
    this.#sent.arpReplies++;
    state.txPackets++;
    state.txBytes += ETHERNET_HEADER_LENGTH + ARP_LENGTH;
    this.#sink.toWorkload(state.id, buffer.frame());
    return undefined;
  }

  /** Tells the sender of a packet that is about to be dropped, where that is allowed. @returns `reason`. */
  #reject(buffer: PacketBuffer, reason: DropReason, type: number, code: number, mtu = 0): DropReason {
    if (this.#icmpSource === 0 || !mayReportIcmpError(buffer.bytes, IP_AT)) return reason;
    // Path MTU discovery would stall for want of its answer, so it is not limited (nor is it in Linux).
    if (mtu === 0 && !this.#bucket.take(this.#now)) {
      this.#sent.icmpErrorsSuppressed++;
      return reason;
    }
    const error = acquireBuffer();
    try {
      const fields = {
        type,
        code,
        mtu,
        source: this.#icmpSource,
        identification: this.#nextIdentification(),
      };
      error.length = writeIcmpError(buffer.bytes, IP_AT, fields, error.bytes, IP_AT);
      this.#sent.icmpErrors++;
      if (buffer.trace !== undefined) this.#tracer.error(buffer, error, type, code, mtu);
      if (this.#tracer.active) this.#tracer.beginOwn(error);
      this.#output(error);
    } finally {
      releaseBuffer();
    }
    return reason;
  }

  #nextIdentification(): number {
    this.#identification = (this.#identification + 1) & 0xffff;
    return this.#identification;
  }
}

/** Puts an Ethernet or VXLAN + Ethernet header in front of the packet; by index, since it is too short for `set`. */
function putBefore(buffer: PacketBuffer, header: Uint8Array): void {
  const { bytes } = buffer;
  const at = IP_AT - header.length;
  for (let i = 0; i < header.length; i++) bytes[at + i] = header[i]!;
}
