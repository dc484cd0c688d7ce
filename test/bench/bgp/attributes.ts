// Path attributes of the benchmark's routes: how they are sent, what a correct speaker makes of them, and a hash of them
// that does not depend on how a speaker orders or pads them.

const EXTENDED_LENGTH = 0x10;
const AS_PATH = 2;
const MULTI_EXIT_DISC = 4;
export const MP_REACH_NLRI = 14;
export const MP_UNREACH_NLRI = 15;

export interface Attributes {
  readonly asPath: readonly number[];
  /** 4 or 16 octets. */
  readonly nextHop: Uint8Array;
  readonly localPref?: number;
  /** Ascending: FRR sorts them. */
  readonly communities: readonly number[];
  /** What a reflector adds (RFC 4456 §8): ORIGINATOR_ID and its CLUSTER_LIST. */
  readonly reflected?: { readonly originator: Uint8Array; readonly cluster: Uint8Array };
}

/** One attribute of at most 255 octets. */
function attribute(flags: number, type: number, value: readonly number[]): number[] {
  return [flags, type, value.length, ...value];
}

function uint32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

/**
 * The attributes as octets. Of IPv6 routes the last is an MP_REACH_NLRI that ends where its NLRI begins, with an extended
 * length to be added to.
 */
export function encodeAttributes(attributes: Attributes): Buffer {
  const { asPath, nextHop, localPref, communities, reflected } = attributes;
  const path = asPath.length === 0 ? [] : [2, asPath.length, ...asPath.flatMap(uint32)];
  const bytes = [...attribute(0x40, 1, [0]), ...attribute(0x40, AS_PATH, path)];
  if (nextHop.length === 4) bytes.push(...attribute(0x40, 3, [...nextHop]));
  if (localPref !== undefined) bytes.push(...attribute(0x40, 5, uint32(localPref)));
  bytes.push(...attribute(0xc0, 8, communities.flatMap(uint32)));
  if (reflected !== undefined) {
    bytes.push(...attribute(0x80, 9, [...reflected.originator]));
    bytes.push(...attribute(0x80, 10, [...reflected.cluster]));
  }
  if (nextHop.length === 16) bytes.push(0x90, MP_REACH_NLRI, 0, 21, 0, 2, 1, 16, ...nextHop, 0);
  return Buffer.from(bytes);
}

/**
 * Hash of the attributes in [start, end), never 0: of each its type and value, in whatever order they stand. Of
 * MP_REACH_NLRI the end of the global next hop counts, which is the speaker's IPv4 address whether it is an IPv4-mapped
 * one (GoBGP) or not. A MED of 0 counts as none: FRR adds it to what it reflects.
 */
export function hashAttributes(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let at = start; at < end; ) {
    const type = bytes[at + 1]!;
    const long = (bytes[at]! & EXTENDED_LENGTH) !== 0;
    const length = long ? (bytes[at + 2]! << 8) | bytes[at + 3]! : bytes[at + 2]!;
    at += long ? 4 : 3;
    const next = at + length;
    if (type === MP_REACH_NLRI) sum += hash(bytes, at + 16, at + 20, type);
    else if (type !== MP_UNREACH_NLRI && !(type === MULTI_EXIT_DISC && isZero(bytes, at, next)))
      sum += hash(bytes, at, next, type);
    at = next;
  }
  return sum >>> 0 || 1;
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  return bytes.subarray(start, end).every((octet) => octet === 0);
}

function hash(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let value = Math.imul(seed + 1, 0x9e3779b1);
  for (let at = start; at < end; at++) value = Math.imul(value ^ bytes[at]!, 0x01000193);
  value = Math.imul(value ^ (value >>> 15), 0x85ebca6b);
  return (value ^ (value >>> 13)) >>> 0;
}
