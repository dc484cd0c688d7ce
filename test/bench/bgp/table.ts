// The tables that peers announce: prefixes by number, attribute sets by number, the same in every process.
import { type Attributes, encodeAttributes, hashAttributes } from './attributes.ts';
import { HEADER_LENGTH, message, UPDATE } from './wire.ts';

const MAX_MESSAGE = 4096;

/** A run of prefixes that one peer announces. */
export interface Slice {
  /** IPv4 /24s or IPv6 /48s. */
  readonly version: 4 | 6;
  /** Number of the first prefix, a multiple of `perSet`. */
  readonly first: number;
  readonly routes: number;
  /** Routes that share an attribute set. */
  readonly perSet: number;
  /** Leading AS numbers; empty where it is announced inside the AS. */
  readonly asPath: readonly number[];
  /** Dotted quad; of IPv6 routes 2001:db8:: with that address at its end. */
  readonly nextHop: string;
  /** Announced with LOCAL_PREF, inside the AS. */
  readonly internal: boolean;
  /** Attributes differ from those of other versions. */
  readonly edition: number;
}

/** What the speaker changes in the attributes on their way. */
export interface View {
  /** AS that it prepends. */
  readonly prepend?: number;
  /** Next hop that it sets: its own octets. */
  readonly nextHop?: Uint8Array;
  readonly reflected?: { readonly originator: string; readonly cluster: string };
}

/** Octets of a prefix with its length before it. */
export function nlriLength(version: 4 | 6): number {
  return version === 4 ? 4 : 7;
}

/** Writes the prefix of a number: 1.0.0.0/24 and the following, or 2a00::/48 and the following. */
function writePrefix(bytes: Uint8Array, at: number, version: 4 | 6, number: number): void {
  bytes[at] = version === 4 ? 24 : 48;
  bytes[at + 1] = version === 4 ? 1 + (number >>> 16) : 0x2a;
  if (version === 6) bytes[at + 2] = number >>> 16;
  const low = version === 4 ? at + 2 : at + 3;
  bytes[low] = (number >>> 8) & 0xff;
  bytes[low + 1] = number & 0xff;
}

/** Number of the prefix at `at`; -1 where it is none of the benchmark's. */
export function prefixNumber(bytes: Uint8Array, at: number, version: 4 | 6): number {
  if (version === 4) {
    if (bytes[at] !== 24) return -1;
    return ((bytes[at + 1]! - 1) << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }
  if (bytes[at] !== 48 || bytes[at + 1] !== 0x2a) return -1;
  return (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!;
}

/** Octets of a peer's IPv4 address, or of the IPv6 one that goes with it: 2001:db8::127.116.0.1. */
export function addressBytes(address: string, version: 4 | 6): Uint8Array {
  const quad = address.split('.').map(Number);
  return Uint8Array.from(version === 4 ? quad : [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, ...quad]);
}

/** Attributes of a set of a slice. Every set differs from every other, as much as in real tables. */
function attributesOf(slice: Slice, set: number): Attributes {
  const { asPath, internal, edition, version } = slice;
  const communities = [(100 << 16) | (set & 0xffff), (200 << 16) | (set >>> 16)];
  if (edition > 0) communities.push((300 << 16) | edition);
  return {
    asPath: [...asPath, 3356, 1000 + (set % 60_000), 100_000 + ((set * 7) % 300_000)],
    nextHop: addressBytes(slice.nextHop, version),
    ...(internal ? { localPref: 100 } : {}),
    communities,
  };
}

/** Edition in the attributes of an UPDATE that {@link attributesOf} made; 0 where none is found. */
export function editionOf(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; ) {
    const long = (bytes[at]! & 0x10) !== 0;
    const length = long ? (bytes[at + 2]! << 8) | bytes[at + 3]! : bytes[at + 2]!;
    const value = at + (long ? 4 : 3);
    if (bytes[at + 1] === 8) return length < 12 ? 0 : (bytes[value + 10]! << 8) | bytes[value + 11]!;
    at = value + length;
  }
  return 0;
}

function viewed(attributes: Attributes, view: View): Attributes {
  const { prepend, nextHop, reflected } = view;
  return {
    ...attributes,
    ...(prepend === undefined ? {} : { asPath: [prepend, ...attributes.asPath] }),
    ...(nextHop === undefined ? {} : { nextHop }),
    ...(reflected === undefined
      ? {}
      : {
          reflected: {
            originator: addressBytes(reflected.originator, 4),
            cluster: addressBytes(reflected.cluster, 4),
          },
        }),
  };
}

/** Puts the hashes of the attributes that a receiver is to see into a table by prefix number. */
export function expectSlice(table: Uint32Array, slice: Slice, view: View): void {
  for (let from = slice.first; from < slice.first + slice.routes; from += slice.perSet) {
    const attributes = viewed(attributesOf(slice, Math.floor(from / slice.perSet)), view);
    const bytes = encodeAttributes(attributes);
    table.fill(
      hashAttributes(bytes, 0, bytes.length),
      from,
      Math.min(from + slice.perSet, slice.first + slice.routes),
    );
  }
}

/** The UPDATEs that announce a slice, one attribute set after the other, in one run of octets. */
export function announcements(slice: Slice): Buffer {
  const { version, first, routes, perSet } = slice;
  const each = nlriLength(version);
  const messages: Buffer[] = [];
  for (let from = first; from < first + routes; from += perSet) {
    const attributes = encodeAttributes(attributesOf(slice, Math.floor(from / perSet)));
    const most = Math.floor((MAX_MESSAGE - HEADER_LENGTH - 4 - attributes.length) / each);
    const end = Math.min(from + perSet, first + routes);
    for (let at = from; at < end; at += most) {
      messages.push(announcement(version, attributes, at, Math.min(end, at + most)));
    }
  }
  return Buffer.concat(messages);
}

function announcement(version: 4 | 6, attributes: Buffer, from: number, to: number): Buffer {
  const each = nlriLength(version);
  const nlri = (to - from) * each;
  const body = Buffer.alloc(4 + attributes.length + nlri);
  attributes.copy(body, 4);
  for (let i = from; i < to; i++) {
    writePrefix(body, 4 + attributes.length + (i - from) * each, version, i);
  }
  if (version === 4) body.writeUInt16BE(attributes.length, 2);
  else {
    body.writeUInt16BE(attributes.length + nlri, 2);
    // MP_REACH_NLRI: AFI, SAFI, next hop with its length, and a reserved octet stand before the routes.
    body.writeUInt16BE(21 + nlri, 4 + attributes.length - 23);
  }
  return message(UPDATE, body);
}

/** The UPDATEs that withdraw a slice. */
export function withdrawals({ version, first, routes }: Slice): Buffer {
  const each = nlriLength(version);
  const most = Math.floor((MAX_MESSAGE - HEADER_LENGTH - 11) / each);
  const messages: Buffer[] = [];
  for (let from = first; from < first + routes; from += most) {
    const count = Math.min(most, first + routes - from);
    const head = version === 4 ? [0, 0] : [0, 0, 0, 0, 0x90, 15, 0, 0, 0, 2, 1];
    const body = Buffer.alloc(head.length + count * each + (version === 4 ? 2 : 0));
    body.set(head);
    for (let i = 0; i < count; i++) writePrefix(body, head.length + i * each, version, from + i);
    if (version === 4) body.writeUInt16BE(count * each, 0);
    else {
      body.writeUInt16BE(7 + count * each, 2);
      body.writeUInt16BE(3 + count * each, 6);
    }
    messages.push(message(UPDATE, body));
  }
  return Buffer.concat(messages);
}
