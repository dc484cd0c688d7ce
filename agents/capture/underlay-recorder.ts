import { ETHERTYPE_IPV4, encodeEthernet } from '../../protocol/ethernet/ethernet.ts';
import { tryParseIpv4 } from '../../protocol/ip/ipv4.ts';
import { IPV4_HEADER_LENGTH, writeIpv4 } from '../../protocol/ipv4/header.ts';
import type { PacketDirection } from '../../protocol/pcapng/enhanced-packet.ts';
import type { Addresses } from '../../protocol/udp/udp.ts';
import type { CaptureHub, RecordDetails } from './hub.ts';
import type { InterfaceId } from './interface.ts';

/** How a tap on the underlay records beside the node's own interface. */
export interface UnderlayOptions {
  /** The underlay network as an interface of its own: every frame once, recorded by its sender. */
  readonly link?: InterfaceId;
  /** Whether nobody records what this address sends (a foreign router): its frames are recorded on receipt. */
  readonly foreign?: (address: string) => boolean;
  /** MAC of an underlay address; default {@link loopbackMac}. */
  readonly macOf?: (ipv4: number) => number;
}

/** All MACs are zero, as on Linux' `lo`. */
export function loopbackMac(): number {
  return 0;
}

/**
 * 02:42 and the address: how Docker's bridge driver makes MACs, and the netns runtime after it, so that a capture shows
 * the MACs of the real wire, which a socket does not tell.
 */
export function derivedMac(ipv4: number): number {
  return 0x024200000000 + ipv4;
}

/** The packet inside a synthesised frame. */
export interface UnderlayPacket {
  /** IP protocol number. */
  readonly protocol: number;
  readonly identification: number;
  /** Makes the UDP datagram or TCP segment. */
  readonly encode: (addresses: Addresses) => Uint8Array;
}

/**
 * Makes whole frames of what crosses kernel sockets and records them on the node's underlay interface and on the
 * link. The headers below are synthesised: the sockets do not show them.
 */
export class UnderlayRecorder {
  readonly #hub: CaptureHub;
  readonly #interfaceId: InterfaceId;
  readonly #options: UnderlayOptions;

  constructor(hub: CaptureHub, interfaceId: InterfaceId, options: UnderlayOptions) {
    this.#hub = hub;
    this.#interfaceId = interfaceId;
    this.#options = options;
  }

  /** Whether a frame would be kept now; everything costly waits behind this. */
  get active(): boolean {
    const { link } = this.#options;
    return (
      this.#hub.active &&
      (this.#hub.wants(this.#interfaceId) || (link !== undefined && this.#hub.wants(link)))
    );
  }

  now(): bigint {
    return this.#hub.now();
  }

  /** Whether frames from this address are recorded on the link by the node that receives them. */
  isForeign(address: string): boolean {
    return this.#options.foreign?.(address) ?? false;
  }

  /**
   * Records a packet between two underlay addresses. Packets of other families than IPv4 are left out.
   * @param onLink whether it belongs on the link, too; default: where it was sent from here or by a foreign node.
   */
  record(
    direction: PacketDirection,
    local: string,
    remote: string,
    packet: UnderlayPacket,
    details?: RecordDetails,
    onLink: boolean = direction === 'outbound' || this.isForeign(remote),
  ): void {
    const here = tryParseIpv4(local);
    const there = tryParseIpv4(remote);
    if (here === undefined || there === undefined) return;
    const addresses =
      direction === 'outbound' ? { source: here, destination: there } : { source: there, destination: here };
    const frame = encodeFrame(addresses, packet, this.#options.macOf ?? loopbackMac);
    this.#hub.record(this.#interfaceId, direction, frame, details);
    if (onLink && this.#options.link !== undefined)
      this.#hub.record(this.#options.link, undefined, frame, details);
  }
}

/** Ethernet and IPv4 around the packet: TTL 64, don't fragment, as Linux' sockets send. */
function encodeFrame(
  addresses: Addresses,
  packet: UnderlayPacket,
  macOf: (ipv4: number) => number,
): Uint8Array {
  const payload = packet.encode(addresses);
  const ip = new Uint8Array(IPV4_HEADER_LENGTH + payload.length);
  const header = {
    typeOfService: 0,
    identification: packet.identification,
    dontFragment: true,
    moreFragments: false,
    fragmentOffset: 0,
    timeToLive: 64,
    protocol: packet.protocol,
    source: addresses.source,
    destination: addresses.destination,
    options: new Uint8Array(0),
  };
  writeIpv4(ip, 0, header, payload.length);
  ip.set(payload, IPV4_HEADER_LENGTH);
  const ethernet = {
    destination: macOf(addresses.destination),
    source: macOf(addresses.source),
    type: ETHERTYPE_IPV4,
  };
  return encodeEthernet(ethernet, ip);
}
