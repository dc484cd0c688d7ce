/**
 * The one form in which the attributes of a route are kept, so that equal attributes are equal octets:
 *
 *   0: 1 next hop length · next hop · 2 NLRI data length · NLRI data · attributes
 *
 * The attributes stand as in an UPDATE with 4-octet AS numbers, by type, without NEXT_HOP and the MP attributes.
 */
import { EXTENDED_LENGTH, OPTIONAL, PARTIAL, TRANSITIVE } from '../attribute/codec.ts';
import { decodeAttributes } from '../attribute/decode.ts';
import { writeAttributes } from '../attribute/encode.ts';
import { ATTRIBUTE_BY_TYPE } from '../attribute/table.ts';
import { type ByteWriter, readUint16 } from '../byte-writer.ts';
import type { CodecContext, PeerType } from '../context.ts';
import type { RouteRun } from '../message/route-run.ts';
import type { RouteAttributes } from './route.ts';

/** Type codes that are read here from octets. */
export const ORIGIN = 1;
export const AS_PATH = 2;
export const NEXT_HOP = 3;
export const MED = 4;
export const LOCAL_PREF = 5;
export const COMMUNITIES = 8;
export const ORIGINATOR_ID = 9;
export const CLUSTER_LIST = 10;
export const MP_REACH_NLRI = 14;
export const MP_UNREACH_NLRI = 15;
export const EXTENDED_COMMUNITIES = 16;
export const AS4_PATH = 17;
export const AS4_AGGREGATOR = 18;
export const AIGP = 26;
export const ONLY_TO_CUSTOMER = 35;

const SET_CONTEXT: CodecContext = {
  fourOctetAs: true,
  extendedMessage: true,
  peerType: 'internal',
  families: [],
};

/** Appends a set. */
export function writeSet(writer: ByteWriter, attributes: RouteAttributes): void {
  writeSetHead(writer, attributes.nextHop, attributes.nlriData);
  writeAttributes(writer, attributes, SET_CONTEXT, 'nextHop');
}

/** Appends what stands before the attributes. */
export function writeSetHead(writer: ByteWriter, nextHop: Uint8Array, data: Uint8Array | undefined): void {
  writeHop(writer, nextHop, 0, nextHop.length);
  writer.uint16(data?.length ?? 0);
  if (data !== undefined) writer.append(data);
}

function writeHop(writer: ByteWriter, octets: Uint8Array, start: number, end: number): void {
  writer.uint8(end - start);
  copyOctets(writer, octets, start, end);
}

/** The set as an object. */
export function readSet(bytes: Uint8Array): RouteAttributes {
  const start = attributesStart(bytes, 0);
  const { attributes } = decodeAttributes(bytes, start, bytes.length, SET_CONTEXT);
  const data = setData(bytes);
  const nextHop = bytes.slice(1, 1 + bytes[0]!);
  return { ...attributes, nextHop, ...(data === undefined ? {} : { nlriData: data }) } as RouteAttributes;
}

/** Offset of the first attribute of the set that starts at `start`. */
export function attributesStart(bytes: Uint8Array, start: number): number {
  const data = start + 1 + bytes[start]!;
  return data + 2 + readUint16(bytes, data);
}

/** A copy of what the NLRI of a set's routes says beside the key; `undefined` where that is nothing. */
export function setData(bytes: Uint8Array): Uint8Array | undefined {
  const at = 1 + bytes[0]!;
  const length = readUint16(bytes, at);
  return length === 0 ? undefined : bytes.slice(at + 2, at + 2 + length);
}

/** Where the value of the attribute at `at` starts. */
export function valueStart(bytes: Uint8Array, at: number): number {
  return at + (bytes[at]! & EXTENDED_LENGTH ? 4 : 3);
}

/** Where the attribute at `at` ends. */
export function attributeEnd(bytes: Uint8Array, at: number): number {
  return bytes[at]! & EXTENDED_LENGTH ? at + 4 + readUint16(bytes, at + 2) : at + 3 + bytes[at + 2]!;
}

/**
 * Appends the set whose attributes stand in `wire`, from `start` to `end`, as a peer with 4-octet AS numbers sent them and
 * a decoder found them sound: where they already have the form of a set, without a look at their values. Returns whether
 * that is so; if not, nothing is appended.
 */
export function writeSetFromWire(
  writer: ByteWriter,
  wire: Uint8Array,
  start: number,
  end: number,
  { hopOctets, hopStart, hopEnd }: RouteRun,
  from: PeerType | undefined,
): boolean {
  const before = writer.position;
  writeHop(writer, hopOctets, hopStart, hopEnd);
  writer.uint16(0);
  let last = 0;
  for (let at = start; at < end; ) {
    const type = wire[at + 1]!;
    const after = attributeEnd(wire, at);
    if (type !== NEXT_HOP && type !== MP_REACH_NLRI && type !== MP_UNREACH_NLRI) {
      if (type <= last || (from !== undefined && !hasSetForm(wire, at, type, after, from))) {
        writer.position = before;
        return false;
      }
      last = type;
      copyOctets(writer, wire, at, after);
    }
    at = after;
  }
  return true;
}

/** Whether flags and length of an attribute are what we would write; some attributes are not kept. */
function hasSetForm(wire: Uint8Array, at: number, type: number, end: number, from: PeerType): boolean {
  if (type === AS4_PATH || type === AS4_AGGREGATOR) return false;
  const flags = wire[at]!;
  if (flags & EXTENDED_LENGTH && end - at - 4 <= 255) return false;
  const codec = ATTRIBUTE_BY_TYPE[type]?.[1];
  if (codec?.scope !== undefined && !codec.scope.peers.includes(from)) return false;
  const expected = codec?.flags ?? OPTIONAL | TRANSITIVE;
  return (flags & ~(EXTENDED_LENGTH | PARTIAL)) === expected;
}

/** Appends octets; faster than an array copy for the few that an attribute has. */
export function copyOctets(writer: ByteWriter, bytes: Uint8Array, start: number, end: number): void {
  writer.reserve(end - start);
  const into = writer.bytes;
  let to = writer.position;
  for (let at = start; at < end; at++) into[to++] = bytes[at]!;
  writer.position = to;
}
