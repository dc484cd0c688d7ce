import { readUint16 } from '../bytes/uint.ts';
import { ipv4HeaderLength, isIpv4Fragment } from '../ipv4/header.ts';
import { Reassembler } from '../ipv4/reassembly.ts';

/** What an IP packet of a capture carries. */
export interface IpPayload {
  /** 4 or 16 octets each. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  /** As much as was captured, without what pads the frame. */
  readonly data: Uint8Array;
  /** Octets of the payload on the wire; more than `data` where the capture cut the packet. */
  readonly length: number;
}

const IPV6_HEADER_LENGTH = 40;
/** Extension headers (RFC 8200 §4) that say where the next one is: hop-by-hop, routing, destination options, mobility. */
const IPV6_EXTENSIONS: ReadonlySet<number> = new Set([0, 43, 60, 135, 139, 140]);
const IPV6_FRAGMENT = 44;
const IPV6_AUTHENTICATION = 51;

/**
 * Opens the IP packets of a capture. Checksums are not looked at: where the network card computes them, captures show
 * wrong ones. Fragments of IPv4 are put together; those of IPv6, which TCP avoids, are left out.
 */
export class IpOpener {
  readonly #fragments = new Reassembler();

  /** @param nanos when, for the lifetime of fragments. @returns undefined where it is no whole IP packet (yet). */
  open(frame: Uint8Array, at: number, nanos: bigint | undefined): IpPayload | undefined {
    const version = frame[at]! >> 4;
    if (version === 6) return openIpv6(frame, at);
    if (version !== 4 || frame.length - at < 20) return undefined;
    if (!isIpv4Fragment(frame, at)) return openIpv4(frame, at);
    const total = readUint16(frame, at + 2);
    const header = ipv4HeaderLength(frame, at);
    if (header < 20 || total <= header || total > frame.length - at) return undefined;
    const whole = this.#fragments.add(frame, at, Number((nanos ?? 0n) / 1_000_000n));
    return whole === undefined ? undefined : openIpv4(whole, 0);
  }
}

function openIpv4(frame: Uint8Array, at: number): IpPayload | undefined {
  const header = ipv4HeaderLength(frame, at);
  // Zero where the packet was cut into segments only after it was captured (TSO).
  const total = readUint16(frame, at + 2) || frame.length - at;
  if (header < 20 || header > total || header > frame.length - at) return undefined;
  return {
    source: frame.subarray(at + 12, at + 16),
    destination: frame.subarray(at + 16, at + 20),
    protocol: frame[at + 9]!,
    data: frame.subarray(at + header, at + total),
    length: total - header,
  };
}

function openIpv6(frame: Uint8Array, at: number): IpPayload | undefined {
  if (frame.length - at < IPV6_HEADER_LENGTH) return undefined;
  const end = at + IPV6_HEADER_LENGTH + (readUint16(frame, at + 4) || frame.length - at - IPV6_HEADER_LENGTH);
  let protocol = frame[at + 6]!;
  let from = at + IPV6_HEADER_LENGTH;
  while (IPV6_EXTENSIONS.has(protocol) || protocol === IPV6_AUTHENTICATION) {
    if (from + 2 > frame.length) return undefined;
    const words = frame[from + 1]!;
    const length = protocol === IPV6_AUTHENTICATION ? (words + 2) * 4 : (words + 1) * 8;
    protocol = frame[from]!;
    from += length;
  }
  if (protocol === IPV6_FRAGMENT || from > end || from > frame.length) return undefined;
  return {
    source: frame.subarray(at + 8, at + 24),
    destination: frame.subarray(at + 24, at + 40),
    protocol,
    data: frame.subarray(from, end),
    length: end - from,
  };
}
