/** Path attributes in MRT records: finding them, and telling next hop and NLRI from the rest. */
import { attributeFrame } from '../bgp/attribute/decode.ts';
import { type ByteWriter, readUint16 } from '../bgp/byte-writer.ts';
import { FAMILIES, type Family, familyOf } from '../bgp/family.ts';

const NEXT_HOP = 3;
const MP_REACH_NLRI = 14;
const OPTIONAL_EXTENDED = 0x90;
const TRANSITIVE = 0x40;

/** Calls for each attribute that is whole. Returns where the first one that is not begins, or the end. */
export function forEachAttribute(
  bytes: Uint8Array,
  visit: (type: number, start: number, value: number, end: number) => void,
): number {
  let at = 0;
  while (at < bytes.length) {
    const frame = attributeFrame(bytes, at, bytes.length);
    if (frame.cut !== undefined) break;
    visit(frame.type, at, frame.value, frame.end);
    at = frame.end;
  }
  return at;
}

/**
 * The next hop in a MP_REACH_NLRI of a RIB entry: RFC 6396 §4.3.4 has nothing there but its length and itself. Some
 * write the whole attribute, which is understood too.
 */
export function ribNextHop(value: Uint8Array): Uint8Array {
  if (value.length > 0 && value[0] === value.length - 1) return value.subarray(1);
  return value.length >= 5 ? value.subarray(4, Math.min(value.length, 4 + value[3]!)) : value.subarray(0, 0);
}

/** Attributes of a RIB entry. */
export interface SplitAttributes {
  /** From MP_REACH_NLRI where there is one, otherwise from NEXT_HOP; `undefined` without either. */
  readonly nextHop: Uint8Array | undefined;
  /** All the others, as they stood. */
  readonly others: Uint8Array;
}

/** Tells the next hop of a RIB entry from its other attributes. Both are copies. */
export function splitAttributes(attributes: Uint8Array): SplitAttributes {
  const others = new Uint8Array(attributes.length);
  let length = 0;
  let plain: Uint8Array | undefined;
  let multiprotocol: Uint8Array | undefined;
  forEachAttribute(attributes, (type, start, value, end) => {
    if (type === NEXT_HOP) plain = attributes.slice(value, end);
    else if (type === MP_REACH_NLRI) multiprotocol = ribNextHop(attributes.subarray(value, end)).slice();
    else {
      others.set(attributes.subarray(start, end), length);
      length += end - start;
    }
  });
  return { nextHop: multiprotocol ?? plain, others: others.subarray(0, length) };
}

/** Appends the next hop as RIB entries have it: NEXT_HOP for IPv4 addresses of plain prefixes, or a short MP_REACH_NLRI. */
export function writeRibNextHop(writer: ByteWriter, family: Family, nextHop: Uint8Array): void {
  if (FAMILIES[family].bytes === 4 && FAMILIES[family].prefixes && nextHop.length === 4) {
    writer.uint8(TRANSITIVE);
    writer.uint8(NEXT_HOP);
    writer.uint8(4);
  } else {
    writer.uint8(OPTIONAL_EXTENDED);
    writer.uint8(MP_REACH_NLRI);
    writer.uint16(nextHop.length + 1);
    writer.uint8(nextHop.length);
  }
  writer.append(nextHop);
}

/** NLRI of one family in an UPDATE. */
export interface UpdateRoutes {
  readonly family: Family;
  readonly nlri: Uint8Array;
  /** From MP_REACH_NLRI; absent for what is withdrawn, and where NEXT_HOP says it. */
  readonly nextHop?: Uint8Array;
}

/** The routes in a MP_REACH_NLRI of an UPDATE; `undefined` where it is cut off, or of a family that we do not carry. */
export function mpReachRoutes(value: Uint8Array): UpdateRoutes | undefined {
  if (value.length < 5 || 5 + value[3]! > value.length) return undefined;
  const family = familyOf(readUint16(value, 0), value[2]!);
  const end = 4 + value[3]!;
  return family === undefined
    ? undefined
    : { family, nlri: value.subarray(end + 1), nextHop: value.subarray(4, end) };
}

/** The routes in a MP_UNREACH_NLRI, as {@link mpReachRoutes}. */
export function mpUnreachRoutes(value: Uint8Array): UpdateRoutes | undefined {
  if (value.length < 3) return undefined;
  const family = familyOf(readUint16(value, 0), value[2]!);
  return family === undefined ? undefined : { family, nlri: value.subarray(3) };
}
