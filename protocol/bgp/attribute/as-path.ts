/**
 * AS_PATH, type 2, RFC 4271 §5.1.2, and AS4_PATH, type 17, RFC 6793 §3: segments, each
 *
 *   0: 1 type (1 AS_SET, 2 AS_SEQUENCE, 3 AS_CONFED_SEQUENCE, 4 AS_CONFED_SET; RFC 5065 §3) · 1: 1 count · 2: AS numbers
 *
 * An AS number has 2 or 4 octets, as negotiated; in AS4_PATH always 4.
 */
import { DecodeError } from '../../bytes/decode-error.ts';
import { type ByteWriter, readUint16, readUint32 } from '../byte-writer.ts';
import type { PeerType } from '../context.ts';
import { type Field, group, leaf, rest } from '../dissect/field.ts';
import { AS_TRANS } from '../message/open.ts';
import { asPathText } from './as-path-text.ts';
import { type AttributeCodec, OPTIONAL, TRANSITIVE } from './codec.ts';

export { asPathText } from './as-path-text.ts';

export type SegmentKind = 'set' | 'sequence' | 'confed-sequence' | 'confed-set';

export interface AsPathSegment {
  readonly kind: SegmentKind;
  /** One or more; more than 255 are encoded as several segments. */
  readonly asns: readonly number[];
}

export type AsPath = readonly AsPathSegment[];

const KINDS: readonly (SegmentKind | undefined)[] = [
  undefined,
  'set',
  'sequence',
  'confed-sequence',
  'confed-set',
];
const MAX_SEGMENT = 255;

export const asPath: AttributeCodec<AsPath> = {
  type: 2,
  name: 'AS_PATH',
  rfc: 'RFC 4271 §5.1.2',
  flags: TRANSITIVE,
  malformed: 'treat-as-withdraw',
  malformedRfc: 'RFC 7606 §7.2',
  decode(value, context, offset) {
    const path = decodeSegments('AS_PATH', value, context.fourOctetAs ? 4 : 2, offset);
    expectConfederation(path, context.peerType, offset);
    return path;
  },
  encode: (path, writer, context) => encodeSegments(path, context.fourOctetAs ? 4 : 2, writer),
  text: (path) => (path.length === 0 ? 'empty' : asPathText(path)),
  fields: (value, offset, context) => segmentFields(value, context.fourOctetAs ? 4 : 2, offset),
};

export const as4Path: AttributeCodec<AsPath> = {
  type: 17,
  name: 'AS4_PATH',
  rfc: 'RFC 6793 §3',
  flags: OPTIONAL | TRANSITIVE,
  malformed: 'attribute-discard',
  malformedRfc: 'RFC 6793 §6',
  decode(value, _context, offset) {
    if (value.length === 0) throw new DecodeError('AS4_PATH', offset, 'must not be empty');
    // RFC 6793 §3, §6: confederation segments do not belong here and are dropped, the rest is used.
    return decodeSegments('AS4_PATH', value, 4, offset).filter((segment) => !isConfed(segment));
  },
  encode: (path, writer) => encodeSegments(path, 4, writer),
  text: (path) => (path.length === 0 ? 'empty' : asPathText(path)),
  fields: (value, offset) => segmentFields(value, 4, offset),
};

function decodeSegments(name: string, value: Uint8Array, size: 2 | 4, offset: number): AsPath {
  const segments: AsPathSegment[] = [];
  for (let at = 0; at < value.length; ) {
    if (at + 2 > value.length) throw new DecodeError(name, offset + at, 'segment header is cut off');
    const kind = KINDS[value[at]!];
    const count = value[at + 1]!;
    if (kind === undefined)
      throw new DecodeError(name, offset + at, `segment type ${value[at]} must be 1 to 4`);
    if (count === 0) throw new DecodeError(name, offset + at + 1, 'segment must not be empty');
    at += 2;
    if (at + count * size > value.length) {
      throw new DecodeError(name, offset + at - 1, `segment of ${count} AS numbers runs past the attribute`);
    }
    const asns: number[] = [];
    for (let i = 0; i < count; i++, at += size) {
      const asn = size === 4 ? readUint32(value, at) : readUint16(value, at);
      if (asn === 0) throw new DecodeError(name, offset + at, 'AS 0 is not allowed (RFC 7607 §2)');
      asns.push(asn);
    }
    segments.push({ kind, asns });
  }
  return segments;
}

/**
 * Confederation segments come from members of the confederation only, and a member of another AS of it always puts
 * one in front: RFC 5065 §5.
 */
function expectConfederation(path: AsPath, peer: PeerType, at: number): void {
  if (peer === 'external' && path.some(isConfed)) {
    throw new DecodeError(
      'AS_PATH',
      at,
      'confederation segment from outside the confederation (RFC 5065 §5)',
    );
  }
  if (peer === 'confederation' && path[0]?.kind !== 'confed-sequence') {
    throw new DecodeError('AS_PATH', at, 'must start with AS_CONFED_SEQUENCE (RFC 5065 §5)');
  }
}

function encodeSegments(path: AsPath, size: 2 | 4, writer: ByteWriter): void {
  for (const segment of path) {
    for (let from = 0; from < segment.asns.length; from += MAX_SEGMENT) {
      const to = Math.min(from + MAX_SEGMENT, segment.asns.length);
      writer.uint8(KINDS.indexOf(segment.kind));
      writer.uint8(to - from);
      for (let i = from; i < to; i++) {
        const asn = segment.asns[i]!;
        if (size === 4) writer.uint32(asn);
        else writer.uint16(asn > 0xffff ? AS_TRANS : asn);
      }
    }
  }
}

function segmentFields(value: Uint8Array, size: 2 | 4, offset: number): Field[] {
  const fields: Field[] = [];
  let at = 0;
  while (at + 2 <= value.length) {
    const count = value[at + 1]!;
    const kind = KINDS[value[at]!] ?? 'undefined';
    const end = at + 2 + count * size;
    if (end > value.length) break;
    const children = [
      leaf('segment type', offset + at, 1, value[at]!, kind),
      leaf('count', offset + at + 1, 1, count),
    ];
    for (let i = at + 2; i < end; i += size) {
      children.push(leaf('AS', offset + i, size, size === 4 ? readUint32(value, i) : readUint16(value, i)));
    }
    fields.push(group('segment', offset + at, end - at, children, kind));
    at = end;
  }
  return [...fields, ...rest(value, at, offset)];
}

/** Whether a segment belongs to a confederation (RFC 5065 §3). */
export function isConfed(segment: AsPathSegment): boolean {
  return segment.kind === 'confed-sequence' || segment.kind === 'confed-set';
}

/** Length for route selection: AS_SET counts 1, confederation segments 0 (RFC 4271 §9.1.2.2 a, RFC 5065 §5.3). */
export function asPathLength(path: AsPath): number {
  let length = 0;
  for (const segment of path) {
    if (segment.kind === 'sequence') length += segment.asns.length;
    else if (segment.kind === 'set') length += 1;
  }
  return length;
}

/** Leftmost AS where the path starts with an AS_SEQUENCE (confederation segments aside); the neighbour AS of MED. */
export function firstAs(path: AsPath): number | undefined {
  const segment = path.find((candidate) => !isConfed(candidate));
  return segment?.kind === 'sequence' ? segment.asns[0] : undefined;
}

/** Prepends `asn` as RFC 4271 §5.1.2 b says: into a leading AS_SEQUENCE with room, else as a new segment. */
export function prependAs(path: AsPath, asn: number): AsPath {
  const [first, ...others] = path;
  if (first?.kind === 'sequence' && first.asns.length < MAX_SEGMENT) {
    return [{ kind: 'sequence', asns: [asn, ...first.asns] }, ...others];
  }
  return [{ kind: 'sequence', asns: [asn] }, ...path];
}
