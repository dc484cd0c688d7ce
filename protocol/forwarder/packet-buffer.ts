/**
 * A packet on its way through the pipeline: one buffer with headroom, in which the IPv4 packet always begins at
 * {@link IP_AT}, so that headers are put in front without moving it and every field has a constant place.
 */
import { ETHERNET_HEADER_LENGTH } from '../ethernet/ethernet.ts';
import { IPV4_MAX_LENGTH } from '../ipv4/header.ts';
import { VXLAN_HEADER_LENGTH } from '../vxlan/header.ts';
import type { TracedPacket } from './types.ts';

/** Where the IPv4 packet, its Ethernet header and the VXLAN header before that begin. */
export const IP_AT = 64;
export const ETHERNET_AT: number = IP_AT - ETHERNET_HEADER_LENGTH;
export const VXLAN_AT: number = ETHERNET_AT - VXLAN_HEADER_LENGTH;

/** Views are kept by the low bits of their length: a flow uses few lengths, and making a view costs an allocation. */
const KEPT_VIEWS = 64;

export class PacketBuffer {
  readonly bytes: Uint8Array = new Uint8Array(IP_AT + IPV4_MAX_LENGTH);
  /** Total length of the IPv4 packet. */
  length = 0;
  /** Set while the packet is traced. */
  trace: TracedPacket | undefined = undefined;

  readonly #fromIp: Uint8Array[] = keptViews();
  readonly #fromEthernet: Uint8Array[] = keptViews();
  readonly #fromVxlan: Uint8Array[] = keptViews();

  /** The IPv4 packet. */
  packet(): Uint8Array {
    return this.#view(this.#fromIp, IP_AT, this.length);
  }

  /** Ethernet header and packet. */
  frame(): Uint8Array {
    return this.#view(this.#fromEthernet, ETHERNET_AT, ETHERNET_HEADER_LENGTH + this.length);
  }

  /** VXLAN header, Ethernet header and packet. */
  vxlanPayload(): Uint8Array {
    return this.#view(this.#fromVxlan, VXLAN_AT, VXLAN_HEADER_LENGTH + ETHERNET_HEADER_LENGTH + this.length);
  }

  #view(kept: Uint8Array[], start: number, length: number): Uint8Array {
    const slot = length & (KEPT_VIEWS - 1);
    const view = kept[slot]!;
    if (view.length === length) return view;
    const fresh = this.bytes.subarray(start, start + length);
    kept[slot] = fresh;
    return fresh;
  }
}

function keptViews(): Uint8Array[] {
  return new Array<Uint8Array>(KEPT_VIEWS).fill(new Uint8Array(0));
}

const buffers: PacketBuffer[] = [];
let inUse = 0;

/**
 * A buffer until {@link releaseBuffer}. All forwarders of a process share one stack of them: a sink may hand what it
 * gets to another forwarder, or back to the same one, before it returns, so as many are in use as such calls nest.
 */
export function acquireBuffer(): PacketBuffer {
  if (inUse === buffers.length) buffers.push(new PacketBuffer());
  const buffer = buffers[inUse++]!;
  buffer.trace = undefined;
  return buffer;
}

/** Gives back the buffer acquired last. */
export function releaseBuffer(): void {
  inUse--;
}
