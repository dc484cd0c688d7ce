/**
 * UPDATEs as nearly all are: common attributes, each sound by itself and together with the others, and plain prefixes.
 * Those are told by one look at their octets, and nothing is made of what nobody asks for: a table keeps attributes as
 * octets anyway (docs/decisions/0008). In any doubt, which includes every fault, an UPDATE is not plain, and
 * {@link decodeUpdate} says what it is.
 */
import { EXTENDED_LENGTH, OPTIONAL, PARTIAL, TRANSITIVE } from '../attribute/codec.ts';
import { decodeAttributes } from '../attribute/decode.ts';
import { nextHopLengths } from '../attribute/mp-next-hop.ts';
import type { PathAttributes } from '../attribute/table.ts';
import { readUint16, readUint32 } from '../byte-writer.ts';
import type { CodecContext } from '../context.ts';
import { FAMILIES, type Family, familyOf } from '../family.ts';
import { HEADER_LENGTH } from './header.ts';
import { RouteRun } from './route-run.ts';
import type { UpdateMessage } from './update.ts';

const NONE: readonly never[] = [];
const IPV4 = 'ipv4-unicast';

/**
 * A sound UPDATE whose attributes are decoded only when asked for; until the message's octets change. Of its fields it
 * knows where they stand, and makes views of them when asked, too.
 */
export class PlainUpdate implements UpdateMessage {
  /** The whole message. */
  readonly octets: Uint8Array;
  /** Path attributes: the octets from here to {@link attributesEnd}, where the NLRI field begins. */
  readonly attributesStart: number;
  readonly attributesEnd: number;
  readonly announcedRoutes: readonly RouteRun[];
  readonly withdrawnRoutes: readonly RouteRun[];
  readonly #context: CodecContext;
  #attributes: PathAttributes | undefined;

  constructor(
    context: CodecContext,
    octets: Uint8Array,
    attributesStart: number,
    attributesEnd: number,
    announcedRoutes: readonly RouteRun[],
    withdrawnRoutes: readonly RouteRun[],
  ) {
    this.#context = context;
    this.octets = octets;
    this.attributesStart = attributesStart;
    this.attributesEnd = attributesEnd;
    this.announcedRoutes = announcedRoutes;
    this.withdrawnRoutes = withdrawnRoutes;
  }

  get withdrawn(): Uint8Array {
    return this.octets.subarray(HEADER_LENGTH + 2, this.attributesStart - 2);
  }

  get nlri(): Uint8Array {
    return this.octets.subarray(this.attributesEnd);
  }

  get rawAttributes(): Uint8Array {
    return this.octets.subarray(this.attributesStart, this.attributesEnd);
  }

  get kind(): 'update' {
    return 'update';
  }

  get plain(): true {
    return true;
  }

  get faults(): readonly never[] {
    return NONE;
  }

  get treatAsWithdraw(): false {
    return false;
  }

  get faultyRoutes(): readonly never[] {
    return NONE;
  }

  get attributes(): PathAttributes {
    if (this.#attributes === undefined) {
      const raw = this.rawAttributes;
      this.#attributes = decodeAttributes(raw, 0, raw.length, this.#context).attributes;
    }
    return this.#attributes;
  }

  get families(): readonly Family[] {
    return this.#context.families;
  }

  get addPath(): readonly Family[] {
    return this.#context.addPath ?? NONE;
  }
}

/** The UPDATE, where it is plain. @param bytes a whole message. */
export function plainUpdate(bytes: Uint8Array, context: CodecContext): PlainUpdate | undefined {
  // With 2-octet AS numbers paths have to be merged (RFC 6793); members of a confederation send segments of their own.
  if (!context.fourOctetAs || context.peerType === 'confederation') return undefined;
  const withdrawnEnd = HEADER_LENGTH + 2 + readUint16(bytes, HEADER_LENGTH);
  if (withdrawnEnd + 2 > bytes.length) return undefined;
  const start = withdrawnEnd + 2;
  const end = start + readUint16(bytes, withdrawnEnd);
  if (end > bytes.length) return undefined;
  const ipv4 = end < bytes.length || withdrawnEnd > HEADER_LENGTH + 2;
  if (ipv4 && !context.families.includes(IPV4)) return undefined;
  const addPath = ipv4 && context.addPath?.includes(IPV4) === true;
  if (!arePrefixes(bytes, HEADER_LENGTH + 2, withdrawnEnd, IPV4, addPath, false)) return undefined;
  if (!arePrefixes(bytes, end, bytes.length, IPV4, addPath, true)) return undefined;
  const seen = look(bytes, start, end, context);
  if (seen === 0) return undefined;
  if (end < bytes.length && (seen & CLASSIC) !== CLASSIC) return undefined;
  const announced: readonly RouteRun[] =
    end === bytes.length
      ? NONE
      : [new RouteRun(IPV4, addPath, bytes, end, bytes.length, bytes, hop.at, hop.at + 4)];
  const removed: readonly RouteRun[] =
    withdrawnEnd === HEADER_LENGTH + 2
      ? NONE
      : [new RouteRun(IPV4, addPath, bytes, HEADER_LENGTH + 2, withdrawnEnd)];
  if ((seen & MP) === 0) return new PlainUpdate(context, bytes, start, end, announced, removed);
  const all = { announced: [...announced], removed: [...removed] };
  if (!multiprotocol(bytes, start, end, seen, context, all)) return undefined;
  return new PlainUpdate(context, bytes, start, end, all.announced, all.removed);
}

/** Where the value of NEXT_HOP stands that was looked at last. */
const hop = { at: 0 };

/** Bits of attributes that were seen, by type; {@link SOUND} is there in every result but 0. */
const SOUND = 1;
const REACH = 1 << 14;
const MP = REACH | (1 << 15);
/** Mandatory attributes (RFC 4271 §5), without and with NEXT_HOP. */
const MANDATORY = (1 << 1) | (1 << 2);
const CLASSIC = MANDATORY | (1 << 3);

/** Flags of the types looked at here, up to 32, as they must be, Partial and Extended Length aside; 0: not plain. */
const FLAGS = new Uint8Array(33);
for (const type of [1, 2, 3, 5, 6]) FLAGS[type] = TRANSITIVE;
for (const type of [4, 9, 10, 14, 15]) FLAGS[type] = OPTIONAL;
for (const type of [7, 8, 16, 32]) FLAGS[type] = OPTIONAL | TRANSITIVE;

/** Looks at all attributes; 0 where they are not plain, or else bits of the types that are there. */
function look(bytes: Uint8Array, start: number, end: number, context: CodecContext): number {
  let seen = SOUND;
  for (let at = start; at < end; ) {
    const flags = bytes[at]!;
    const extended = (flags & EXTENDED_LENGTH) !== 0;
    const value = at + (extended ? 4 : 3);
    if (value > end) return 0;
    const type = bytes[at + 1]!;
    const length = extended ? readUint16(bytes, at + 2) : bytes[at + 2]!;
    const next = value + length;
    const expected = type > 32 ? 0 : FLAGS[type]!;
    if (next > end || expected === 0 || (flags & (OPTIONAL | TRANSITIVE)) !== expected) return 0;
    if ((flags & PARTIAL) !== 0 && expected !== (OPTIONAL | TRANSITIVE)) return 0;
    // Two octets of length where one would do are no fault, but not how a table keeps attributes.
    if (extended && length <= 255 && type !== 14 && type !== 15) return 0;
    // A bit of its own for each: 32, the one past the word, takes that of 0, which is no type.
    const bit = type === 32 ? 1 << 31 : 1 << type;
    if ((seen & bit) !== 0 || !isSound(bytes, type, value, next, context)) return 0;
    seen |= bit;
    at = next;
  }
  return seen;
}

function isSound(
  bytes: Uint8Array,
  type: number,
  start: number,
  end: number,
  context: CodecContext,
): boolean {
  const length = end - start;
  switch (type) {
    case 1:
      return length === 1 && bytes[start]! <= 2;
    case 2:
      return isPath(bytes, start, end, context.firstAs);
    case 3:
      hop.at = start;
      return length === 4 && bytes[start] !== 0 && bytes[start]! < 224;
    case 4:
      return length === 4;
    case 5:
    case 9:
      return length === 4 && context.peerType === 'internal';
    case 10:
      return isList(length, 4) && context.peerType === 'internal';
    case 6:
      return length === 0;
    case 7:
      return length === 8 && readUint32(bytes, start) !== 0;
    case 8:
      return isList(length, 4);
    case 16:
      return isList(length, 8);
    case 32:
      return isList(length, 12);
    default:
      // MP_REACH_NLRI and MP_UNREACH_NLRI have a look of their own.
      return true;
  }
}

function isList(length: number, size: number): boolean {
  return length > 0 && length % size === 0;
}

/** Sets and sequences of 4-octet AS numbers, of which none is 0; where a first one is expected, a sequence begins with it. */
function isPath(bytes: Uint8Array, start: number, end: number, firstAs: number | undefined): boolean {
  if (firstAs !== undefined) {
    if (end - start < 6 || bytes[start] !== 2 || readUint32(bytes, start + 2) !== firstAs) return false;
  }
  for (let at = start; at < end; ) {
    const kind = bytes[at]!;
    if (at + 2 > end || kind < 1 || kind > 2) return false;
    const after = at + 2 + 4 * bytes[at + 1]!;
    if (after > end || after === at + 2) return false;
    for (at += 2; at < after; at += 4) {
      if ((bytes[at]! | bytes[at + 1]! | bytes[at + 2]! | bytes[at + 3]!) === 0) return false;
    }
  }
  return true;
}

/** Whether whole prefixes of the family stand from `start` to `end`, none of them multicast where they are announced. */
function arePrefixes(
  bytes: Uint8Array,
  start: number,
  end: number,
  family: Family,
  addPath: boolean,
  announced: boolean,
): boolean {
  const { bytes: size, safi } = FAMILIES[family];
  const multicast = announced && safi === 1;
  for (let at = start; at < end; ) {
    if (addPath) at += 4;
    if (at >= end) return false;
    const bits = bytes[at]!;
    const next = at + 1 + ((bits + 7) >> 3);
    if (bits > size * 8 || next > end) return false;
    if (multicast && bits > 0 && isMulticast(bytes[at + 1]!, bits, size)) return false;
    at = next;
  }
  return true;
}

/** Whether a prefix lies in the multicast addresses: 224.0.0.0/4, ff00::/8. */
function isMulticast(first: number, bits: number, size: number): boolean {
  return size === 4 ? bits >= 4 && first >> 4 === 14 : bits >= 8 && first === 0xff;
}

/** Adds what MP_REACH_NLRI and MP_UNREACH_NLRI say; false where that is not plain. */
function multiprotocol(
  bytes: Uint8Array,
  start: number,
  end: number,
  seen: number,
  context: CodecContext,
  { announced, removed }: { readonly announced: RouteRun[]; readonly removed: RouteRun[] },
): boolean {
  for (let at = start; at < end; ) {
    const extended = (bytes[at]! & EXTENDED_LENGTH) !== 0;
    const value = at + (extended ? 4 : 3);
    const next = value + (extended ? readUint16(bytes, at + 2) : bytes[at + 2]!);
    const type = bytes[at + 1]!;
    at = next;
    if (type !== 14 && type !== 15) continue;
    if (next - value < 3) return false;
    const family = familyOf(readUint16(bytes, value), bytes[value + 2]!);
    if (family === undefined || !FAMILIES[family].prefixes || !context.families.includes(family))
      return false;
    const addPath = context.addPath?.includes(family) === true;
    if (type === 15) {
      if (!arePrefixes(bytes, value + 3, next, family, addPath, false)) return false;
      if (next > value + 3) removed.push(new RouteRun(family, addPath, bytes, value + 3, next));
      continue;
    }
    if (next - value < 5) return false;
    const length = bytes[value + 3]!;
    const nlri = value + 5 + length;
    if (nlri > next || nextHopLengths(family, context)?.includes(length) !== true) return false;
    if (!arePrefixes(bytes, nlri, next, family, addPath, true)) return false;
    if (nlri === next) continue;
    if ((seen & MANDATORY) !== MANDATORY) return false;
    announced.push(new RouteRun(family, addPath, bytes, nlri, next, bytes, value + 4, value + 4 + length));
  }
  return true;
}
