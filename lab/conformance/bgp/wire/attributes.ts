/** Path attributes as octets, RFC 4271 §4.3: flags, type, length, value. */
import { address, bytes, type Octets, u16, u32 } from './bytes.ts';
import type { AfiSafi } from './capabilities.ts';

export const OPTIONAL = 0x80;
export const TRANSITIVE = 0x40;
export const PARTIAL = 0x20;
export const EXTENDED_LENGTH = 0x10;

export const ORIGIN = 1;
export const AS_PATH = 2;
export const NEXT_HOP = 3;
export const MED = 4;
export const LOCAL_PREF = 5;
export const ATOMIC_AGGREGATE = 6;
export const AGGREGATOR = 7;
export const COMMUNITIES = 8;
export const ORIGINATOR_ID = 9;
export const CLUSTER_LIST = 10;
export const MP_REACH = 14;
export const MP_UNREACH = 15;
export const EXTENDED_COMMUNITIES = 16;
export const AS4_PATH = 17;
export const AS4_AGGREGATOR = 18;
export const LARGE_COMMUNITIES = 32;
export const OTC = 35;

/**
 * Any attribute; `length` overrides what its length field says, which has two octets where the flags say so or where
 * the value needs them.
 */
export function attribute(flags: number, type: number, value: Octets, length?: number): Uint8Array {
  const octets = bytes(value);
  const says = length ?? octets.length;
  const long = (flags & EXTENDED_LENGTH) !== 0 || says > 255;
  return bytes(long ? flags | EXTENDED_LENGTH : flags, type, long ? u16(says) : says, octets);
}

/** 0 IGP, 1 EGP, 2 INCOMPLETE. */
export function origin(value = 0): Uint8Array {
  return attribute(TRANSITIVE, ORIGIN, value);
}

export const AS_SET = 1;
export const AS_SEQUENCE = 2;
export const AS_CONFED_SEQUENCE = 3;

/** One segment of a path. A bare list of AS numbers stands for an AS_SEQUENCE. */
export type Segment = { readonly type: number; readonly asns: readonly number[] };

/** Value of an AS_PATH with AS numbers of 2 or 4 octets. */
export function pathValue(segments: readonly Segment[], asnOctets: 2 | 4): Uint8Array {
  return bytes(
    ...segments.map(({ type, asns }) =>
      bytes(type, asns.length, ...asns.map((asn) => (asnOctets === 4 ? u32(asn) : u16(asn)))),
    ),
  );
}

/** A list of AS numbers as one AS_SEQUENCE; no segment where it is empty. */
export function sequence(...asns: readonly number[]): readonly Segment[] {
  return asns.length === 0 ? [] : [{ type: AS_SEQUENCE, asns }];
}

export function asPath(segments: readonly Segment[], asnOctets: 2 | 4): Uint8Array {
  return attribute(TRANSITIVE, AS_PATH, pathValue(segments, asnOctets));
}

export function as4Path(segments: readonly Segment[]): Uint8Array {
  return attribute(OPTIONAL | TRANSITIVE, AS4_PATH, pathValue(segments, 4));
}

export function nextHop(value: Uint8Array | string): Uint8Array {
  return attribute(TRANSITIVE, NEXT_HOP, typeof value === 'string' ? address(value) : value);
}

export function med(value: number): Uint8Array {
  return attribute(OPTIONAL, MED, u32(value));
}

export function localPref(value: number): Uint8Array {
  return attribute(TRANSITIVE, LOCAL_PREF, u32(value));
}

export function aggregator(asn: number, id: Uint8Array, asnOctets: 2 | 4): Uint8Array {
  return attribute(OPTIONAL | TRANSITIVE, AGGREGATOR, bytes(asnOctets === 4 ? u32(asn) : u16(asn), id));
}

export function as4Aggregator(asn: number, id: Uint8Array): Uint8Array {
  return attribute(OPTIONAL | TRANSITIVE, AS4_AGGREGATOR, bytes(u32(asn), id));
}

/** Each community as 32 bits: `0xffffff01` is NO_EXPORT (RFC 1997). */
export function communities(...values: readonly number[]): Uint8Array {
  return attribute(OPTIONAL | TRANSITIVE, COMMUNITIES, bytes(...values.map(u32)));
}

/** Each extended community as its 8 octets (RFC 4360 §2). */
export function extendedCommunities(...values: readonly Uint8Array[]): Uint8Array {
  return attribute(OPTIONAL | TRANSITIVE, EXTENDED_COMMUNITIES, bytes(...values));
}

export function originatorId(id: number): Uint8Array {
  return attribute(OPTIONAL, ORIGINATOR_ID, u32(id));
}

export function clusterList(...ids: readonly number[]): Uint8Array {
  return attribute(OPTIONAL, CLUSTER_LIST, bytes(...ids.map(u32)));
}

/** RFC 4760 §3; `reserved` is the octet between next hop and NLRI. */
export function mpReach(
  { afi, safi }: AfiSafi,
  hop: Uint8Array,
  nlri: readonly Uint8Array[],
  options: { readonly reserved?: number; readonly nextHopLength?: number } = {},
): Uint8Array {
  const length = options.nextHopLength ?? hop.length;
  return attribute(OPTIONAL, MP_REACH, bytes(u16(afi), safi, length, hop, options.reserved ?? 0, ...nlri));
}

/** RFC 4760 §4; without NLRI the End-of-RIB marker of the family (RFC 4724 §2). */
export function mpUnreach({ afi, safi }: AfiSafi, nlri: readonly Uint8Array[] = []): Uint8Array {
  return attribute(OPTIONAL, MP_UNREACH, bytes(u16(afi), safi, ...nlri));
}

/** RFC 9234 §5. */
export function onlyToCustomer(asn: number): Uint8Array {
  return attribute(OPTIONAL | TRANSITIVE, OTC, u32(asn));
}
