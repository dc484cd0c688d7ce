/**
 * A packet on its way through the pipeline: one buffer with headroom, in which the IPv4 packet always begins at
 * {@link IP_AT}, so that headers are put in front without moving it and every field has a constant place.
 */
import { ETHERNET_HEADER_LENGTH } from '../ethernet/ethernet.ts';
import { IPV4_MAX_LENGTH } from '../ipv4/header.ts';
import { VXLAN_HEADER_LENGTH } from '../vxlan/header.ts';

/** Where the IPv4 packet, its Ethernet header and the VXLAN header before that begin. */
export const IP_AT = 64;
export const ETHERNET_AT: number = IP_AT - ETHERNET_HEADER_LENGTH;
export const VXLAN_AT: number = ETHERNET_AT - VXLAN_HEADER_LENGTH;

/** Views up to this length are made once and kept: as many as an Ethernet MTU needs. */
const KEPT_VIEWS = 2048;

export class PacketBuffer {
  readonly bytes: Uint8Array = new Uint8Array(IP_AT + IPV4_MAX_LENGTH);
  /** Total length of the IPv4 packet. */
  length = 0;
  /** Id of the packet while it is traced. */
  trace: bigint | undefined = undefined;

  readonly #fromIp: Uint8Array[] = [];
  readonly #fromEthernet: Uint8Array[] = [];
  readonly #fromVxlan: Uint8Array[] = [];

  /** The IPv4 packet. */
  packet(): Uint8Array {
    return this.#view(this.#fromIp, IP_AT);
  }

  /** Ethernet header and packet. */
  frame(): Uint8Array {
    return this.#view(this.#fromEthernet, ETHERNET_AT);
  }

  /** VXLAN header, Ethernet header and packet. */
  vxlanPayload(): Uint8Array {
    return this.#view(this.#fromVxlan, VXLAN_AT);
  }

  #view(kept: Uint8Array[], start: number): Uint8Array {
    const { length } = this;
    if (length > KEPT_VIEWS) return this.bytes.subarray(start, IP_AT + length);
    while (kept.length <= length) kept.push(this.bytes.subarray(start, IP_AT + kept.length));
    return kept[length]!;
  }
}
