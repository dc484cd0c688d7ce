import { BlockWriter } from './block-writer.ts';
import type { BodyReader } from './body-reader.ts';
import { comments, decodeOptions, type Option } from './option.ts';

/**
 * Interface Description Block (draft-ietf-opsawg-pcapng, "Interface Description Block"):
 *
 *   u32 type 1 | u32 total length | u16 link type | u16 reserved | u32 snap length (0: no limit) | options | u32 total length
 *
 * The n-th of a section has interface id n, counted from 0. It may stand anywhere before its first packet.
 */
export interface InterfaceDescription {
  readonly kind: 'interface-description';
  /** LINKTYPE_ value: 1 Ethernet, 101 raw IP. */
  readonly linkType: number;
  readonly snapLength: number;
  readonly name?: string;
  readonly description?: string;
  readonly ipv4Addresses?: readonly Ipv4Interface[];
  readonly ipv6Addresses?: readonly Ipv6Interface[];
  /** 6 bytes. */
  readonly macAddress?: Uint8Array;
  /** Bits per second. */
  readonly speed?: bigint;
  /** if_tsresol as on the wire: 10^-n seconds, or 2^-(n & 127) with the top bit set. Absent: 6, microseconds. */
  readonly timestampResolution?: number;
  /** Seconds to add to every timestamp of the interface. */
  readonly timestampOffset?: bigint;
  readonly os?: string;
  readonly hardware?: string;
  readonly comments?: readonly string[];
}

/** Four address bytes and four of the netmask. */
export interface Ipv4Interface {
  readonly address: Uint8Array;
  readonly mask: Uint8Array;
}

/** Sixteen address bytes and the prefix length. */
export interface Ipv6Interface {
  readonly address: Uint8Array;
  readonly prefixLength: number;
}

export const INTERFACE_DESCRIPTION_TYPE = 1;
/** LINKTYPE_ETHERNET. */
export const LINK_TYPE_ETHERNET = 1;
/** if_tsresol of nanoseconds. */
export const NANOSECONDS = 9;

const NAME = 2;
const DESCRIPTION = 3;
const IPV4_ADDRESS = 4;
const IPV6_ADDRESS = 5;
const MAC_ADDRESS = 6;
const SPEED = 8;
const TIMESTAMP_RESOLUTION = 9;
const OS = 12;
const TIMESTAMP_OFFSET = 14;
const HARDWARE = 15;

/** Bytes of an interface description, little-endian. */
export function encodeInterfaceDescription(description: Omit<InterfaceDescription, 'kind'>): Uint8Array {
  const writer = new BlockWriter(INTERFACE_DESCRIPTION_TYPE);
  writer.u16(description.linkType);
  writer.u16(0);
  writer.u32(description.snapLength);
  writer.optionText(NAME, description.name);
  writer.optionText(DESCRIPTION, description.description);
  for (const { address, mask } of description.ipv4Addresses ?? []) writer.option(IPV4_ADDRESS, address, mask);
  for (const { address, prefixLength } of description.ipv6Addresses ?? []) {
    writer.option(IPV6_ADDRESS, address, Uint8Array.of(prefixLength));
  }
  if (description.macAddress !== undefined) writer.option(MAC_ADDRESS, description.macAddress);
  writer.optionU64(SPEED, description.speed);
  if (description.timestampResolution !== undefined) {
    writer.optionU8(TIMESTAMP_RESOLUTION, description.timestampResolution);
  }
  writer.optionText(OS, description.os);
  if (description.timestampOffset !== undefined) {
    writer.optionU64(TIMESTAMP_OFFSET, BigInt.asUintN(64, description.timestampOffset));
  }
  writer.optionText(HARDWARE, description.hardware);
  writer.comments(description.comments);
  return writer.finish();
}

/** Decodes the body. Options that podwire does not know are left out. @throws DecodeError on short fields. */
export function decodeInterfaceDescription(body: BodyReader): InterfaceDescription {
  const linkType = body.u16('link type');
  body.u16('reserved');
  const snapLength = body.u32('snap length');
  const options = decodeOptions(body);
  const result: Mutable<InterfaceDescription> = {
    kind: 'interface-description',
    linkType,
    snapLength,
    ...addresses(options),
    ...comments(options),
  };
  for (const { code, value } of options) {
    if (code === NAME) result.name = value.text();
    else if (code === DESCRIPTION) result.description = value.text();
    else if (code === MAC_ADDRESS) result.macAddress = value.bytes(6, 'if_MACaddr');
    else if (code === SPEED) result.speed = value.u64('if_speed');
    else if (code === TIMESTAMP_RESOLUTION) result.timestampResolution = value.u8('if_tsresol');
    else if (code === TIMESTAMP_OFFSET) result.timestampOffset = value.i64('if_tsoffset');
    else if (code === OS) result.os = value.text();
    else if (code === HARDWARE) result.hardware = value.text();
  }
  return result;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function addresses(
  options: readonly Option[],
): Pick<InterfaceDescription, 'ipv4Addresses' | 'ipv6Addresses'> {
  const ipv4 = options
    .filter(({ code }) => code === IPV4_ADDRESS)
    .map(({ value }) => ({ address: value.bytes(4, 'if_IPv4addr'), mask: value.bytes(4, 'if_IPv4addr') }));
  const ipv6 = options
    .filter(({ code }) => code === IPV6_ADDRESS)
    .map(({ value }) => ({ address: value.bytes(16, 'if_IPv6addr'), prefixLength: value.u8('if_IPv6addr') }));
  return {
    ...(ipv4.length === 0 ? {} : { ipv4Addresses: ipv4 }),
    ...(ipv6.length === 0 ? {} : { ipv6Addresses: ipv6 }),
  };
}
