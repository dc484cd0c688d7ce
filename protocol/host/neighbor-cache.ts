import { ARP_LENGTH, ARP_REQUEST, type Arp, writeArp } from '../arp/arp.ts';
import {
  ETHERNET_HEADER_LENGTH,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  encodeEthernet,
  writeEthernet,
} from '../ethernet/ethernet.ts';
import { BROADCAST_MAC } from '../ethernet/mac.ts';
import type { HostOutput } from './output.ts';

/** Times and limits as Linux has them (net.ipv4.neigh.default): retrans_time, mcast_solicit, base_reachable_time. */
const RETRY = 1000;
const ATTEMPTS = 3;
const FRESH = 30_000;
/** Packets that wait for one address; the oldest goes first. */
const QUEUE = 16;

interface Entry {
  mac: number | undefined;
  /** While later than now, the MAC is used without asking again. */
  freshUntil: number;
  /** Requests sent since the last answer, and when the next is due. */
  attempts: number;
  retryAt: number | undefined;
  queue: Uint8Array[];
}

/** Whether ARP knows an address, as `ip neigh` says it. */
export interface HostNeighbor {
  readonly ip: number;
  readonly mac: number | undefined;
  readonly state: 'INCOMPLETE' | 'REACHABLE' | 'STALE' | 'PROBE';
}

/**
 * The ARP side of a host (RFC 826, RFC 1122 §2.3.2): packets wait while their next hop is asked for, by broadcast up to
 * three times a second apart; a MAC not confirmed for 30 s is used on while its owner is asked again.
 */
export class NeighborCache {
  readonly #mac: number;
  readonly #address: number;
  readonly #entries = new Map<number, Entry>();

  constructor(mac: number, address: number) {
    this.#mac = mac;
    this.#address = address;
  }

  /** Sends an IPv4 packet to a next hop, or queues it and asks. */
  send(packet: Uint8Array, nextHop: number, now: number, out: HostOutput[]): void {
    let entry = this.#entries.get(nextHop);
    if (entry === undefined) {
      entry = { mac: undefined, freshUntil: now, attempts: 0, retryAt: undefined, queue: [] };
      this.#entries.set(nextHop, entry);
    }
    if (entry.mac === undefined) {
      if (entry.queue.length >= QUEUE) entry.queue.shift();
      entry.queue.push(packet);
    } else {
      out.push(this.#frame(packet, entry.mac));
    }
    if (entry.retryAt === undefined && entry.freshUntil <= now) this.#ask(nextHop, entry, now, out);
  }

  /** Takes what an ARP packet says of its sender: always where the sender is known, else only where `create`. */
  learn(ip: number, mac: number, create: boolean, now: number, out: HostOutput[]): void {
    const entry = this.#entries.get(ip);
    const fresh = { mac, freshUntil: now + FRESH, attempts: 0, retryAt: undefined, queue: [] };
    if (entry !== undefined || create) this.#entries.set(ip, fresh);
    for (const packet of entry?.queue ?? []) out.push(this.#frame(packet, mac));
  }

  /** When {@link handleTimeout} is next due, or `undefined`. */
  nextTimeout(): number | undefined {
    let next: number | undefined;
    for (const { retryAt } of this.#entries.values()) {
      if (retryAt !== undefined && (next === undefined || retryAt < next)) next = retryAt;
    }
    return next;
  }

  /** Asks again where no answer came. @returns packets given up because their next hop never answered. */
  handleTimeout(now: number, out: HostOutput[]): Uint8Array[] {
    const lost: Uint8Array[] = [];
    for (const [ip, entry] of this.#entries) {
      if (entry.retryAt === undefined || entry.retryAt > now) continue;
      if (entry.attempts < ATTEMPTS) {
        this.#ask(ip, entry, now, out);
      } else {
        this.#entries.delete(ip);
        lost.push(...entry.queue);
      }
    }
    return lost;
  }

  /** The cache, for people. */
  list(now: number): HostNeighbor[] {
    return [...this.#entries].map(([ip, { mac, freshUntil, retryAt }]) => {
      if (mac === undefined) return { ip, mac, state: 'INCOMPLETE' };
      return { ip, mac, state: retryAt !== undefined ? 'PROBE' : freshUntil > now ? 'REACHABLE' : 'STALE' };
    });
  }

  #ask(ip: number, entry: Entry, now: number, out: HostOutput[]): void {
    entry.attempts++;
    entry.retryAt = now + RETRY;
    const arp = {
      operation: ARP_REQUEST,
      senderMac: this.#mac,
      senderIp: this.#address,
      targetMac: 0,
      targetIp: ip,
    };
    out.push(arpFrame(arp, entry.mac ?? BROADCAST_MAC));
  }

  #frame(packet: Uint8Array, destination: number): HostOutput {
    return {
      kind: 'frame',
      frame: encodeEthernet({ destination, source: this.#mac, type: ETHERTYPE_IPV4 }, packet),
    };
  }
}

/** An ARP packet in a frame from its sender. */
export function arpFrame(arp: Arp, destination: number): HostOutput {
  const frame = new Uint8Array(ETHERNET_HEADER_LENGTH + ARP_LENGTH);
  writeEthernet(frame, 0, destination, arp.senderMac, ETHERTYPE_ARP);
  writeArp(frame, ETHERNET_HEADER_LENGTH, arp);
  return { kind: 'frame', frame };
}
