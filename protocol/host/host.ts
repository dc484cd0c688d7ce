import { ARP_REPLY, ARP_REQUEST, decodeArp, isArpIpv4 } from '../arp/arp.ts';
import { DecodeError } from '../bytes/decode-error.ts';
import {
  decodeEthernet,
  ETHERNET_HEADER_LENGTH,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
} from '../ethernet/ethernet.ts';
import { BROADCAST_MAC } from '../ethernet/mac.ts';
import { mayReportIcmpError, readQuotedPacket, writeIcmpError } from '../icmp/error.ts';
import {
  decodeIcmp,
  EXCEEDED_REASSEMBLY,
  encodeIcmp,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  type Icmp,
  UNREACHABLE_FRAGMENTATION_NEEDED,
  UNREACHABLE_HOST,
  UNREACHABLE_PORT,
  UNREACHABLE_PROTOCOL,
} from '../icmp/icmp.ts';
import { TokenBucket } from '../icmp/token-bucket.ts';
import { parseIpv4 } from '../ip/ipv4.ts';
import { ipv4DataLength, writeFragment } from '../ipv4/fragment.ts';
import {
  decodeIpv4,
  IPV4_HEADER_LENGTH,
  IPV4_MAX_LENGTH,
  type Ipv4Packet,
  ipv4Destination,
  isIpv4Fragment,
  isMartianOctet,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  writeIpv4,
} from '../ipv4/header.ts';
import { Reassembler } from '../ipv4/reassembly.ts';
import { decodeTcp, encodeTcp } from '../tcp/header.ts';
import { resetFor } from '../tcp/reset.ts';
import { decodeUdp, encodeUdp } from '../udp/udp.ts';
import { arpFrame, type HostNeighbor, NeighborCache } from './neighbor-cache.ts';
import type { HostOutput } from './output.ts';
import { PathMtus } from './path-mtu.ts';
import { UDP_ECHO_PORT, UdpPorts } from './udp-ports.ts';

export interface HostOptions {
  readonly mac: number;
  /** The pod's address, a /32: everything else is behind the gateway. */
  readonly address: number;
  /** Default 169.254.1.1, Calico's. */
  readonly gateway?: number;
  readonly mtu: number;
}

export interface Ping {
  readonly destination: number;
  readonly identifier: number;
  readonly sequence: number;
  readonly data: Uint8Array;
  /** Default 64. */
  readonly timeToLive?: number;
  /** `ping -M do`: never fragment, say `too-big` instead. Default false: fragment what exceeds the path MTU. */
  readonly dontFragment?: boolean;
}

export interface Datagram {
  readonly destination: number;
  readonly destinationPort: number;
  /** A port from {@link EmulatedHost.openUdp}. */
  readonly sourcePort: number;
  readonly data: Uint8Array;
}

/** Frames and packets since the start; `ignored` are frames that were not for this host or not usable. */
export interface HostCounters {
  readonly framesReceived: number;
  readonly framesSent: number;
  readonly ignored: number;
}

/** How a packet is meant to be sent. */
interface Outgoing {
  readonly source: number;
  readonly destination: number;
  readonly protocol: number;
  readonly timeToLive: number;
  readonly typeOfService: number;
  /** `never`: DF clear; `path`: DF where it fits the path MTU, else fragments; `always`: DF or not at all. */
  readonly dontFragment: 'never' | 'path' | 'always';
}

const DEFAULT_TTL = 64;
const NO_OPTIONS = new Uint8Array(0);

/**
 * A pod's IP stack as a machine: ARP, ICMP, UDP (echo service on port 7) and TCP resets, on one interface with a /32
 * and a gateway. Give it frames, requests and the time in milliseconds; it returns what to send and what happened. Call
 * {@link handleTimeout} when {@link nextTimeout} says. No bytes that come in make it throw.
 */
export class EmulatedHost {
  readonly mac: number;
  readonly address: number;
  readonly gateway: number;
  readonly mtu: number;
  readonly #neighbors: NeighborCache;
  readonly #pathMtus: PathMtus;
  readonly #udp = new UdpPorts();
  readonly #reassembler = new Reassembler();
  readonly #errorRate = new TokenBucket();
  readonly #counters = { framesReceived: 0, framesSent: 0, ignored: 0 };
  #identification = 0;

  constructor(options: HostOptions) {
    this.mac = options.mac;
    this.address = options.address;
    this.gateway = options.gateway ?? parseIpv4('169.254.1.1');
    this.mtu = options.mtu;
    this.#neighbors = new NeighborCache(this.mac, this.address);
    this.#pathMtus = new PathMtus(this.mtu);
  }

  counters(): HostCounters {
    return { ...this.#counters };
  }

  /** The ARP cache, as `ip neigh` shows it. */
  neighbors(now: number): HostNeighbor[] {
    return this.#neighbors.list(now);
  }

  /** Largest packet that the host sends to `destination` in one piece. */
  pathMtu(destination: number, now: number): number {
    return this.#pathMtus.get(destination, now);
  }

  /** An Ethernet frame came in. */
  handle(frame: Uint8Array, now: number): HostOutput[] {
    this.#counters.framesReceived++;
    return this.#run((out) => {
      if (!this.#receiveFrame(frame, now, out)) this.#counters.ignored++;
    });
  }

  /** When {@link handleTimeout} is next due, or `undefined` while nothing waits. */
  nextTimeout(): number | undefined {
    const times = [this.#neighbors.nextTimeout(), this.#reassembler.nextTimeout()];
    return times.reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a));
  }

  /** Does what is due: ARP retries, giving up, reassembly that took too long. */
  handleTimeout(now: number): HostOutput[] {
    return this.#run((out) => {
      for (const packet of this.#neighbors.handleTimeout(now, out)) this.#reportLost(packet, out);
      for (const first of this.#reassembler.expire(now)) {
        this.#sendError(first, ICMP_TIME_EXCEEDED, EXCEEDED_REASSEMBLY, now, out);
      }
    });
  }

  /** Sends an ICMP echo request. */
  ping(ping: Ping, now: number): HostOutput[] {
    const { identifier, sequence, data } = ping;
    const message = encodeIcmp({ kind: 'echo-request', identifier, sequence, data });
    const dontFragment = ping.dontFragment === true ? 'always' : 'path';
    const outgoing = this.#outgoing(ping.destination, PROTOCOL_ICMP, dontFragment, ping.timeToLive);
    return this.#run((out) => this.#send(outgoing, message, now, out));
  }

  /**
   * Opens a UDP port to send from and receive on; without `port`, an ephemeral one.
   * @returns the port. @throws RangeError where it is taken or out of range.
   */
  openUdp(port?: number): number {
    return this.#udp.open(port);
  }

  closeUdp(port: number): void {
    this.#udp.close(port);
  }

  /** Sends a UDP datagram. @throws RangeError where the source port is not open. */
  sendUdp(datagram: Datagram, now: number): HostOutput[] {
    const { destination } = datagram;
    if (!this.#udp.isOpen(datagram.sourcePort)) {
      throw new RangeError(`UDP port ${datagram.sourcePort} is not open`);
    }
    const outgoing = this.#outgoing(destination, PROTOCOL_UDP, 'path');
    const bytes = encodeUdp(datagram, outgoing);
    return this.#run((out) => this.#send(outgoing, bytes, now, out));
  }

  #run(work: (out: HostOutput[]) => void): HostOutput[] {
    const out: HostOutput[] = [];
    work(out);
    for (const { kind } of out) if (kind === 'frame') this.#counters.framesSent++;
    return out;
  }

  #receiveFrame(frame: Uint8Array, now: number, out: HostOutput[]): boolean {
    if (frame.length < ETHERNET_HEADER_LENGTH) return false;
    const { destination, type } = decodeEthernet(frame);
    if (type === ETHERTYPE_ARP && (destination === this.mac || destination === BROADCAST_MAC)) {
      return this.#receiveArp(frame, now, out);
    }
    if (type !== ETHERTYPE_IPV4 || destination !== this.mac) return false;
    return this.#receivePacket(frame.subarray(ETHERNET_HEADER_LENGTH), now, out);
  }

  #receiveArp(frame: Uint8Array, now: number, out: HostOutput[]): boolean {
    if (!isArpIpv4(frame, ETHERNET_HEADER_LENGTH)) return false;
    const arp = decodeArp(frame, ETHERNET_HEADER_LENGTH);
    const forMe = arp.targetIp === this.address && arp.senderIp !== this.address;
    const asked = forMe && arp.operation === ARP_REQUEST;
    if (arp.senderIp !== 0) {
      this.#neighbors.learn(arp.senderIp, arp.senderMac, asked, now, out);
    }
    if (asked) {
      const sender = { senderMac: this.mac, senderIp: this.address };
      const target = { targetMac: arp.senderMac, targetIp: arp.senderIp };
      out.push(arpFrame({ operation: ARP_REPLY, ...sender, ...target }, arp.senderMac));
    }
    return forMe;
  }

  /** A packet from the wire or, sent to itself, from this host. */
  #receivePacket(bytes: Uint8Array, now: number, out: HostOutput[], fromSelf = false): boolean {
    try {
      let packet = decodeIpv4(bytes);
      const mine = packet.destination === this.address || fromSelf;
      if (!mine || (!fromSelf && isMartianOctet(packet.source >>> 24))) return false;
      let whole = bytes.subarray(0, packet.totalLength);
      if (isIpv4Fragment(bytes, 0)) {
        const assembled = this.#reassembler.add(bytes, 0, now);
        if (assembled === undefined) return true;
        whole = assembled;
        packet = decodeIpv4(whole);
      }
      this.#deliver(whole, packet, now, out);
      return true;
    } catch (error) {
      if (error instanceof DecodeError) return false;
      throw error;
    }
  }

  #deliver(bytes: Uint8Array, packet: Ipv4Packet, now: number, out: HostOutput[]): void {
    const length = packet.totalLength - packet.headerLength;
    switch (packet.protocol) {
      case PROTOCOL_ICMP:
        this.#receiveIcmp(decodeIcmp(bytes, packet.headerLength, length), packet, length, now, out);
        return;
      case PROTOCOL_UDP:
        this.#receiveUdp(bytes, packet, now, out);
        return;
      case PROTOCOL_TCP:
        this.#receiveTcp(bytes, packet, now, out);
        return;
      default:
        this.#sendError(bytes, ICMP_UNREACHABLE, UNREACHABLE_PROTOCOL, now, out);
    }
  }

  #receiveIcmp(icmp: Icmp, packet: Ipv4Packet, length: number, now: number, out: HostOutput[]): void {
    if (icmp.kind === 'echo-request') {
      const reply = this.#reply(packet, PROTOCOL_ICMP, 'never');
      this.#send(reply, encodeIcmp({ ...icmp, kind: 'echo-reply' }), now, out);
    } else if (icmp.kind === 'echo-reply') {
      const { identifier, sequence, data } = icmp;
      const reply = { identifier, sequence, data: data.slice(), bytes: length };
      out.push({ kind: 'echo-reply', from: packet.source, timeToLive: packet.timeToLive, ...reply });
    } else if (icmp.kind === 'unreachable' || icmp.kind === 'time-exceeded') {
      const quoted = readQuotedPacket(icmp.quoted);
      if (quoted === undefined || quoted.source !== this.address) return;
      const type = icmp.kind === 'unreachable' ? ICMP_UNREACHABLE : ICMP_TIME_EXCEEDED;
      const tooBig = icmp.kind === 'unreachable' && icmp.code === UNREACHABLE_FRAGMENTATION_NEEDED;
      const mtu = tooBig ? icmp.mtu : 0;
      if (tooBig) this.#pathMtus.learn(quoted.destination, mtu, quoted.totalLength, now);
      out.push({ kind: 'icmp-error', from: packet.source, type, code: icmp.code, mtu, quoted });
    }
  }

  #receiveUdp(bytes: Uint8Array, packet: Ipv4Packet, now: number, out: HostOutput[]): void {
    const { headerLength, totalLength, source: from } = packet;
    const udp = decodeUdp(bytes, headerLength, totalLength - headerLength, packet);
    if (this.#udp.isOpen(udp.destinationPort)) {
      const { sourcePort: fromPort, destinationPort: port } = udp;
      out.push({ kind: 'datagram', from, fromPort, port, data: udp.data.slice() });
    } else if (udp.destinationPort !== UDP_ECHO_PORT) {
      this.#sendError(bytes, ICMP_UNREACHABLE, UNREACHABLE_PORT, now, out);
    } else if (udp.sourcePort !== UDP_ECHO_PORT) {
      // Two echo services would answer each other for ever.
      const reply = this.#reply(packet, PROTOCOL_UDP, 'path');
      const ports = { sourcePort: UDP_ECHO_PORT, destinationPort: udp.sourcePort };
      this.#send(reply, encodeUdp({ ...ports, data: udp.data }, reply), now, out);
    }
  }

  #receiveTcp(bytes: Uint8Array, packet: Ipv4Packet, now: number, out: HostOutput[]): void {
    const { headerLength, totalLength } = packet;
    const reset = resetFor(decodeTcp(bytes, headerLength, totalLength - headerLength, packet));
    if (reset === undefined) return;
    const reply = this.#reply(packet, PROTOCOL_TCP, 'path');
    this.#send(reply, encodeTcp(reset, reply), now, out);
  }

  #outgoing(
    destination: number,
    protocol: number,
    dontFragment: Outgoing['dontFragment'],
    timeToLive: number = DEFAULT_TTL,
  ): Outgoing {
    const source = destination >>> 24 === 127 ? destination : this.address;
    return { source, destination, protocol, timeToLive, typeOfService: 0, dontFragment };
  }

  #reply(packet: Ipv4Packet, protocol: number, dontFragment: Outgoing['dontFragment']): Outgoing {
    const { destination: source, source: destination, typeOfService } = packet;
    return { source, destination, protocol, timeToLive: DEFAULT_TTL, typeOfService, dontFragment };
  }

  #send(outgoing: Outgoing, payload: Uint8Array, now: number, out: HostOutput[]): void {
    const { destination } = outgoing;
    const length = IPV4_HEADER_LENGTH + payload.length;
    const mtu = this.#isSelf(destination) ? IPV4_MAX_LENGTH : this.#pathMtus.get(destination, now);
    if (length > IPV4_MAX_LENGTH || (length > mtu && outgoing.dontFragment === 'always')) {
      out.push({ kind: 'too-big', destination, length, mtu });
      return;
    }
    const packet = new Uint8Array(length);
    const header = {
      ...outgoing,
      identification: this.#nextIdentification(),
      dontFragment: outgoing.dontFragment !== 'never' && length <= mtu,
      moreFragments: false,
      fragmentOffset: 0,
      options: NO_OPTIONS,
    };
    packet.set(payload, writeIpv4(packet, 0, header, payload.length));
    this.#sendPacket(packet, mtu, now, out);
  }

  #sendPacket(packet: Uint8Array, mtu: number, now: number, out: HostOutput[]): void {
    if (this.#isSelf(ipv4Destination(packet, 0))) {
      this.#receivePacket(packet, now, out, true);
      return;
    }
    if (packet.length <= mtu) {
      this.#neighbors.send(packet, this.gateway, now, out);
      return;
    }
    const total = ipv4DataLength(packet, 0);
    for (let start = 0; start < total; ) {
      const part = new Uint8Array(mtu);
      const length = writeFragment(packet, 0, start, mtu, part, 0);
      start += length - IPV4_HEADER_LENGTH;
      this.#neighbors.send(part.subarray(0, length), this.gateway, now, out);
    }
  }

  #sendError(about: Uint8Array, type: number, code: number, now: number, out: HostOutput[]): void {
    if (!mayReportIcmpError(about, 0) || !this.#errorRate.take(now)) return;
    const packet = new Uint8Array(576);
    const fields = { type, code, mtu: 0, source: this.address };
    const identification = this.#nextIdentification();
    const length = writeIcmpError(about, 0, { ...fields, identification }, packet, 0);
    this.#sendPacket(packet.subarray(0, length), this.mtu, now, out);
  }

  /** What an application hears when ARP gets no answer: host unreachable, from its own host. */
  #reportLost(packet: Uint8Array, out: HostOutput[]): void {
    const quoted = readQuotedPacket(packet);
    if (quoted === undefined || !mayReportIcmpError(packet, 0)) return;
    const error = { type: ICMP_UNREACHABLE, code: UNREACHABLE_HOST, mtu: 0 };
    out.push({ kind: 'icmp-error', from: this.address, ...error, quoted });
  }

  #isSelf(address: number): boolean {
    return address === this.address || address >>> 24 === 127;
  }

  #nextIdentification(): number {
    this.#identification = (this.#identification + 1) & 0xffff;
    return this.#identification;
  }
}
