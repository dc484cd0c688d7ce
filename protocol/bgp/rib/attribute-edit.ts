/**
 * Changing a few attributes of a set on its octets. What import and export do to nearly every route (own AS in front,
 * another next hop, LOCAL_PREF) is done so, once per set and without taking the set apart.
 */
import { EXTENDED_LENGTH, OPTIONAL, PARTIAL, TRANSITIVE } from '../attribute/codec.ts';
import { ATTRIBUTE_BY_TYPE } from '../attribute/table.ts';
import { type ByteWriter, readUint32 } from '../byte-writer.ts';
import {
  AS_PATH,
  attributeEnd,
  attributesStart,
  CLUSTER_LIST,
  COMMUNITIES,
  copyOctets,
  LOCAL_PREF,
  ONLY_TO_CUSTOMER,
  ORIGINATOR_ID,
  valueStart,
} from './attribute-set.ts';

/** Segment types of AS_PATH, RFC 4271 §4.3 and RFC 5065 §3. */
export const AS_SEQUENCE = 2;
export const AS_CONFED_SEQUENCE = 3;

/** What to change; what is absent stays. */
export interface AttributeEdits {
  readonly nextHop?: Uint8Array | undefined;
  /** Types to leave out, see {@link typeMask}. */
  readonly drop?: Uint8Array | undefined;
  /** Puts an AS in front of AS_PATH, into a leading segment of that type with room, else as a new one. */
  readonly prepend?: { readonly segment: number; readonly asn: number } | undefined;
  /** Takes confederation segments out of AS_PATH (RFC 5065 §4.1). */
  readonly stripConfederation?: boolean | undefined;
  readonly localPref?: number | undefined;
  readonly addCommunity?: number | undefined;
  /** Set only where there is none. */
  readonly originatorId?: number | undefined;
  /** Put in front of CLUSTER_LIST. */
  readonly clusterId?: number | undefined;
  /** Set only where there is none. */
  readonly otc?: number | undefined;
  /** Unknown attributes get the Partial bit (RFC 4271 §5). */
  readonly partial?: boolean | undefined;
}

/** A mask for {@link AttributeEdits.drop}. */
export function typeMask(...types: readonly number[]): Uint8Array {
  const mask = new Uint8Array(256);
  for (const type of types) mask[type] = 1;
  return mask;
}

const KEEP_ALL = typeMask();

/** Writes what becomes of the attribute from `start` to `end`; where those are equal, there was none. */
type Change = (
  writer: ByteWriter,
  edits: AttributeEdits,
  bytes: Uint8Array,
  start: number,
  end: number,
) => void;

/** Appends the set that stands in `bytes` from `start` to `end` with `edits` made. */
export function writeEditedSet(
  writer: ByteWriter,
  bytes: Uint8Array,
  start: number,
  end: number,
  edits: AttributeEdits,
): void {
  const first = attributesStart(bytes, start);
  writeHead(writer, bytes, start, first, edits.nextHop);
  const drop = edits.drop ?? KEEP_ALL;
  let next = 0;
  for (let at = first; at < end; ) {
    const type = bytes[at + 1]!;
    const after = attributeEnd(bytes, at);
    next = addBefore(writer, edits, drop, type, next);
    if (CHANGED[type] === 1) {
      if (drop[type] === 0) CHANGES[next]![1](writer, edits, bytes, at, after);
      next += 1;
    } else if (type === AS_PATH) changeAsPath(writer, edits, bytes, at, after);
    else if (drop[type] === 0) {
      const copy = writer.position;
      copyOctets(writer, bytes, at, after);
      if (edits.partial && ATTRIBUTE_BY_TYPE[type] === undefined) {
        writer.patchUint8(copy, bytes[at]! | PARTIAL);
      }
    }
    at = after;
  }
  addBefore(writer, edits, drop, 256, next);
}

function writeHead(
  writer: ByteWriter,
  bytes: Uint8Array,
  start: number,
  first: number,
  nextHop: Uint8Array | undefined,
): void {
  if (nextHop === undefined) {
    copyOctets(writer, bytes, start, first);
    return;
  }
  writer.uint8(nextHop.length);
  copyOctets(writer, nextHop, 0, nextHop.length);
  copyOctets(writer, bytes, start + 1 + bytes[start]!, first);
}

const NO_OCTETS = new Uint8Array(0);

/** Lets changes before `type` add their attributes; returns the index of the first change that is not before it. */
function addBefore(
  writer: ByteWriter,
  edits: AttributeEdits,
  drop: Uint8Array,
  type: number,
  next: number,
): number {
  let index = next;
  for (; index < CHANGES.length && CHANGES[index]![0] < type; index++) {
    const [added, change] = CHANGES[index]!;
    if (drop[added] === 0) change(writer, edits, NO_OCTETS, 0, 0);
  }
  return index;
}

const changeLocalPref: Change = (writer, edits, bytes, start, end) => {
  if (edits.localPref === undefined) copyOctets(writer, bytes, start, end);
  else writeWord(writer, TRANSITIVE, LOCAL_PREF, edits.localPref);
};

const changeOriginatorId: Change = (writer, edits, bytes, start, end) => {
  if (end > start || edits.originatorId === undefined) {
    copyOctets(writer, bytes, start, end);
  } else writeWord(writer, OPTIONAL, ORIGINATOR_ID, edits.originatorId);
};

const changeOtc: Change = (writer, edits, bytes, start, end) => {
  if (end > start || edits.otc === undefined) copyOctets(writer, bytes, start, end);
  else writeWord(writer, OPTIONAL | TRANSITIVE, ONLY_TO_CUSTOMER, edits.otc);
};

const changeClusterList: Change = (writer, edits, bytes, start, end) => {
  if (edits.clusterId === undefined) {
    copyOctets(writer, bytes, start, end);
    return;
  }
  const value = end > start ? valueStart(bytes, start) : end;
  writeHeader(writer, OPTIONAL, CLUSTER_LIST, 4 + end - value);
  writer.uint32(edits.clusterId);
  copyOctets(writer, bytes, value, end);
};

const changeCommunities: Change = (writer, edits, bytes, start, end) => {
  const { addCommunity } = edits;
  const value = end > start ? valueStart(bytes, start) : end;
  if (addCommunity === undefined || hasWord(bytes, value, end, addCommunity)) {
    copyOctets(writer, bytes, start, end);
    return;
  }
  const partial = end > start ? bytes[start]! & PARTIAL : 0;
  writeHeader(writer, OPTIONAL | TRANSITIVE | partial, COMMUNITIES, 4 + end - value);
  copyOctets(writer, bytes, value, end);
  writer.uint32(addCommunity);
};

/** Attributes that an edit may add, in order of type. */
const CHANGES: readonly (readonly [number, Change])[] = [
  [LOCAL_PREF, changeLocalPref],
  [COMMUNITIES, changeCommunities],
  [ORIGINATOR_ID, changeOriginatorId],
  [CLUSTER_LIST, changeClusterList],
  [ONLY_TO_CUSTOMER, changeOtc],
];
const CHANGED = typeMask(...CHANGES.map(([type]) => type));

function changeAsPath(
  writer: ByteWriter,
  edits: AttributeEdits,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const { prepend, stripConfederation = false } = edits;
  const value = valueStart(bytes, start);
  if (stripConfederation) {
    const kept = withoutConfederation(bytes, value, end);
    writePath(writer, prepend, kept, 0, kept.length);
  } else writePath(writer, prepend, bytes, value, end);
}

/** AS_PATH of the segments from `start` to `end`, with an AS in front. */
function writePath(
  writer: ByteWriter,
  prepend: AttributeEdits['prepend'],
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const length = end - start;
  if (prepend === undefined) {
    writeHeader(writer, TRANSITIVE, AS_PATH, length);
    copyOctets(writer, bytes, start, end);
    return;
  }
  const count = length > 0 ? bytes[start + 1]! : 0;
  const joins = length > 0 && bytes[start] === prepend.segment && count < 255;
  writeHeader(writer, TRANSITIVE, AS_PATH, length + (joins ? 4 : 6));
  writer.uint8(prepend.segment);
  writer.uint8(joins ? count + 1 : 1);
  writer.uint32(prepend.asn);
  copyOctets(writer, bytes, joins ? start + 2 : start, end);
}

function withoutConfederation(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const kept: number[] = [];
  for (let at = start; at < end; ) {
    const after = at + 2 + 4 * bytes[at + 1]!;
    if (bytes[at]! < AS_CONFED_SEQUENCE) for (let i = at; i < after; i++) kept.push(bytes[i]!);
    at = after;
  }
  return Uint8Array.from(kept);
}

/** Whether `word` is one of the 32-bit values from `start` to `end`. */
export function hasWord(bytes: Uint8Array, start: number, end: number, word: number): boolean {
  for (let at = start; at < end; at += 4) if (readUint32(bytes, at) === word) return true;
  return false;
}

function writeWord(writer: ByteWriter, flags: number, type: number, value: number): void {
  writeHeader(writer, flags, type, 4);
  writer.uint32(value);
}

function writeHeader(writer: ByteWriter, flags: number, type: number, length: number): void {
  writer.uint8(length > 255 ? flags | EXTENDED_LENGTH : flags);
  writer.uint8(type);
  if (length > 255) writer.uint16(length);
  else writer.uint8(length);
}
