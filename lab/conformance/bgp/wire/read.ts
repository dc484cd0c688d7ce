/**
 * Reads what a target sent, tolerantly and without judging: a test looks at the parts itself. Apart from podwire's own
 * codec on purpose, so that a fault there cannot hide the same fault in podwire's speaker.
 */

import { readUint16, readUint32 } from '../../../../protocol/bytes/uint.ts';
import { formatAddress } from '../../../../protocol/ip/prefix.ts';
import {
  AS_PATH,
  AS4_PATH,
  EXTENDED_LENGTH,
  MP_REACH,
  MP_UNREACH,
  NEXT_HOP,
  type Segment,
} from './attributes.ts';
import { KEEPALIVE, NOTIFICATION, OPEN, ROUTE_REFRESH, UPDATE } from './build.ts';
import { hex } from './bytes.ts';
import { CAP_FOUR_OCTET_AS } from './capabilities.ts';

/** How AS_PATH and NLRI are to be read on a session. */
export interface ReadContext {
  readonly asnOctets: 2 | 4;
  /** Whether NLRI of the family have path identifiers in the direction read (RFC 7911 §3). */
  readonly addPath: (afi: number, safi: number) => boolean;
}

export interface ReadCapability {
  readonly code: number;
  readonly value: Uint8Array;
}

export interface ReadOpen {
  readonly kind: 'open';
  readonly version: number;
  /** The 2-octet field. */
  readonly myAs: number;
  /** The AS of capability 65, else of the field. */
  readonly asn: number;
  readonly holdTime: number;
  readonly bgpId: number;
  readonly capabilities: readonly ReadCapability[];
  /** Sent in the form of RFC 9072. */
  readonly extended: boolean;
}

export interface ReadAttribute {
  readonly flags: number;
  readonly type: number;
  readonly value: Uint8Array;
}

/** One prefix (or other NLRI as hexadecimal digits) of an UPDATE. */
export interface ReadNlri {
  /**
   * `"198.51.100.0/24"`; for other than unicast and multicast `"afi/safi hex"` of the octets of one EVPN NLRI, or of all
   * the NLRI together.
   */
  readonly prefix: string;
  readonly pathId: number | undefined;
  readonly afi: number;
  readonly safi: number;
}

export interface ReadUpdate {
  readonly kind: 'update';
  readonly withdrawn: readonly ReadNlri[];
  readonly announced: readonly ReadNlri[];
  /** In the order sent. */
  readonly attributes: readonly ReadAttribute[];
  /** Octets of the two outer fields, to tell where a prefix stood. */
  readonly fields: { readonly withdrawn: Uint8Array; readonly nlri: Uint8Array };
  /** Family whose End-of-RIB marker this is (RFC 4724 §2). */
  readonly endOfRib: { readonly afi: number; readonly safi: number } | undefined;
}

export interface ReadNotification {
  readonly kind: 'notification';
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
}

export interface ReadRouteRefresh {
  readonly kind: 'route-refresh';
  readonly afi: number;
  readonly safi: number;
  readonly subtype: number;
}

export type ReadBody =
  | ReadOpen
  | ReadUpdate
  | ReadNotification
  | ReadRouteRefresh
  | { readonly kind: 'keepalive' }
  /** Cannot be read: of an unknown type, or shorter than its parts need. */
  | { readonly kind: 'unreadable'; readonly reason: string };

/** The parts of one whole message. Never throws. */
export function readMessage(octets: Uint8Array, context: ReadContext): ReadBody {
  const body = octets.subarray(19);
  try {
    switch (octets[18]) {
      case OPEN:
        return readOpen(body);
      case UPDATE:
        return readUpdate(body, context);
      case NOTIFICATION:
        return { kind: 'notification', code: at(body, 0), subcode: at(body, 1), data: body.slice(2) };
      case KEEPALIVE:
        return { kind: 'keepalive' };
      case ROUTE_REFRESH:
        return {
          kind: 'route-refresh',
          afi: readUint16(part(body, 0, 2), 0),
          subtype: at(body, 2),
          safi: at(body, 3),
        };
      default:
        return { kind: 'unreadable', reason: `message type ${octets[18]}` };
    }
  } catch (error) {
    if (!(error instanceof ShortError)) throw error;
    return { kind: 'unreadable', reason: error.message };
  }
}

/** The message ends before one of its parts. */
class ShortError extends Error {}

function part(octets: Uint8Array, from: number, count: number): Uint8Array {
  if (from + count > octets.length)
    throw new ShortError(`message is too short (octet ${from} of ${octets.length})`);
  return octets.subarray(from, from + count);
}

function at(octets: Uint8Array, offset: number): number {
  return part(octets, offset, 1)[0]!;
}

function readOpen(body: Uint8Array): ReadOpen {
  part(body, 0, 10);
  const extended = body[9] !== 0 && body[10] === 255;
  const capabilities: ReadCapability[] = [];
  const lengthOctets = extended ? 2 : 1;
  for (let offset = extended ? 13 : 10; offset < body.length; ) {
    const type = at(body, offset);
    const length = extended ? readUint16(part(body, offset + 1, 2), 0) : at(body, offset + 1);
    const value = part(body, offset + 1 + lengthOctets, length);
    if (type === 2) readCapabilities(value, capabilities);
    offset += 1 + lengthOctets + length;
  }
  const myAs = readUint16(body, 1);
  const four = capabilities.find(({ code, value }) => code === CAP_FOUR_OCTET_AS && value.length === 4);
  return {
    kind: 'open',
    version: body[0]!,
    myAs,
    asn: four === undefined ? myAs : readUint32(four.value, 0),
    holdTime: readUint16(body, 3),
    bgpId: readUint32(body, 5),
    capabilities,
    extended,
  };
}

function readCapabilities(value: Uint8Array, into: ReadCapability[]): void {
  for (let offset = 0; offset < value.length; ) {
    const length = at(value, offset + 1);
    into.push({ code: value[offset]!, value: part(value, offset + 2, length).slice() });
    offset += 2 + length;
  }
}

function readUpdate(body: Uint8Array, context: ReadContext): ReadUpdate {
  const withdrawn = part(body, 2, readUint16(part(body, 0, 2), 0));
  const attributesAt = 2 + withdrawn.length;
  const block = part(body, attributesAt + 2, readUint16(part(body, attributesAt, 2), 0));
  const nlri = body.subarray(attributesAt + 2 + block.length);
  const attributes = readAttributes(block);
  const announced = readNlri(nlri, 1, 1, context);
  const gone = readNlri(withdrawn, 1, 1, context);
  for (const { type, value } of attributes) {
    if (type === MP_REACH) {
      const from = 5 + at(value, 3);
      announced.push(...readNlri(value.subarray(from), readUint16(value, 0), at(value, 2), context));
    } else if (type === MP_UNREACH) {
      gone.push(...readNlri(value.subarray(3), readUint16(value, 0), at(value, 2), context));
    }
  }
  return {
    kind: 'update',
    withdrawn: gone,
    announced,
    attributes,
    fields: { withdrawn: withdrawn.slice(), nlri: nlri.slice() },
    endOfRib: endOfRib(gone, announced, attributes),
  };
}

function endOfRib(
  withdrawn: readonly ReadNlri[],
  announced: readonly ReadNlri[],
  attributes: readonly ReadAttribute[],
): ReadUpdate['endOfRib'] {
  if (withdrawn.length > 0 || announced.length > 0 || attributes.length > 1) return undefined;
  const [only] = attributes;
  if (only === undefined) return { afi: 1, safi: 1 };
  if (only.type !== MP_UNREACH || only.value.length !== 3) return undefined;
  return { afi: readUint16(only.value, 0), safi: only.value[2]! };
}

function readAttributes(block: Uint8Array): ReadAttribute[] {
  const attributes: ReadAttribute[] = [];
  for (let offset = 0; offset < block.length; ) {
    const flags = at(block, offset);
    const long = (flags & EXTENDED_LENGTH) !== 0;
    const length = long ? readUint16(part(block, offset + 2, 2), 0) : at(block, offset + 2);
    const from = offset + (long ? 4 : 3);
    attributes.push({ flags, type: at(block, offset + 1), value: part(block, from, length).slice() });
    offset = from + length;
  }
  return attributes;
}

function readNlri(octets: Uint8Array, afi: number, safi: number, context: ReadContext): ReadNlri[] {
  const list: ReadNlri[] = [];
  const addPath = context.addPath(afi, safi);
  const addressOctets = afi === 1 ? 4 : afi === 2 ? 16 : 0;
  if (addressOctets === 0 || safi > 2) {
    for (let offset = 0; offset < octets.length; ) {
      // EVPN NLRI tell their length (RFC 7432 §7); those of other families are taken as a whole.
      const length = afi === 25 && safi === 70 ? 2 + at(octets, offset + 1) : octets.length;
      list.push({
        prefix: `${afi}/${safi} ${hex(part(octets, offset, length))}`,
        pathId: undefined,
        afi,
        safi,
      });
      offset += length;
    }
    return list;
  }
  for (let offset = 0; offset < octets.length; ) {
    const pathId = addPath ? readUint32(part(octets, offset, 4), 0) : undefined;
    if (addPath) offset += 4;
    const bits = at(octets, offset);
    const size = (bits + 7) >> 3;
    const padded = new Uint8Array(addressOctets);
    const given = part(octets, offset + 1, size);
    if (size > addressOctets) throw new ShortError(`prefix length ${bits} in family ${afi}/${safi}`);
    padded.set(given);
    list.push({ prefix: `${formatAddress(padded)}/${bits}`, pathId, afi, safi });
    offset += 1 + size;
  }
  return list;
}

/** Segments of an AS_PATH or AS4_PATH value; what is cut off at the end is left out. */
export function readPath(value: Uint8Array, asnOctets: 2 | 4): Segment[] {
  const segments: Segment[] = [];
  for (let offset = 0; offset + 2 <= value.length; ) {
    const type = value[offset]!;
    const count = value[offset + 1]!;
    offset += 2;
    if (offset + count * asnOctets > value.length) break;
    const asns: number[] = [];
    for (let i = 0; i < count; i++, offset += asnOctets) {
      asns.push(asnOctets === 4 ? readUint32(value, offset) : readUint16(value, offset));
    }
    segments.push({ type, asns });
  }
  return segments;
}

/** Next hop octets of an UPDATE for a family: of MP_REACH_NLRI where its NLRI stand there, else of NEXT_HOP. */
export function nextHopOf(
  attributes: readonly ReadAttribute[],
  afi: number,
  safi: number,
): Uint8Array | undefined {
  const reach = attributes.find(({ type }) => type === MP_REACH);
  if (reach !== undefined && readUint16(reach.value, 0) === afi && reach.value[2] === safi) {
    return reach.value.slice(4, 4 + reach.value[3]!);
  }
  return attributes.find(({ type }) => type === NEXT_HOP)?.value;
}

/** Whether an attribute is a path, whose AS numbers have `asnOctets` octets (AS4_PATH: always 4). */
export function pathOctets(type: number, asnOctets: 2 | 4): 2 | 4 | undefined {
  if (type === AS_PATH) return asnOctets;
  return type === AS4_PATH ? 4 : undefined;
}
