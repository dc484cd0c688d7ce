/**
 * MP_REACH_NLRI, type 14, RFC 4760 §3:
 *
 *   0: 2 AFI · 2: 1 SAFI · 3: 1 next hop length · 4: next hop · 1 reserved · NLRI
 *
 * MP_UNREACH_NLRI, type 15, RFC 4760 §4: 0: 2 AFI · 2: 1 SAFI · 3: withdrawn NLRI
 *
 * Of families that were not negotiated, nothing past the next hop is looked at: they are ignored (§7), which is no
 * error.
 */
import { DecodeError } from '../../bytes/decode-error.ts';
import { readUint16 } from '../byte-writer.ts';
import type { CodecContext } from '../context.ts';
import { type Field, group, leaf, opaque, rest } from '../dissect/field.ts';
import { dissectNlri } from '../dissect/nlri.ts';
import { type AfiSafi, type Family, familyOf, familyText } from '../family.ts';
import { checkNlri } from '../nlri/prefixes.ts';
import { type AttributeCodec, OPTIONAL } from './codec.ts';
import { nextHopLengths, nextHopText } from './mp-next-hop.ts';

export interface MpReach extends AfiSafi {
  /** As it stands; which lengths a family may have is in {@link nextHopLengths}. */
  readonly nextHop: Uint8Array;
  /** A view on the message. */
  readonly nlri: Uint8Array;
}

export interface MpUnreach extends AfiSafi {
  /** A view on the message. */
  readonly nlri: Uint8Array;
}

export const mpReach: AttributeCodec<MpReach> = {
  type: 14,
  name: 'MP_REACH_NLRI',
  rfc: 'RFC 4760 §3',
  flags: OPTIONAL,
  malformed: 'session-reset',
  malformedRfc: 'RFC 7606 §5.3',
  decode(value, context, offset) {
    if (value.length < 5) throw new DecodeError('MP_REACH_NLRI', offset, 'must have at least 5 octets');
    const afi = readUint16(value, 0);
    const safi = value[2]!;
    const length = value[3]!;
    if (5 + length > value.length) {
      const expected = `next hop of ${length} octets runs past the attribute`;
      throw new DecodeError('MP_REACH_NLRI', offset + 3, expected);
    }
    const nlri = value.subarray(5 + length);
    const family = familyOf(afi, safi);
    if (family !== undefined && context.families.includes(family)) {
      const allowed = nextHopLengths(family, context);
      if (allowed !== undefined && !allowed.includes(length)) {
        const expected = `next hop of ${length} octets must have ${allowed.join(' or ')} (RFC 7606 §7.11)`;
        throw new DecodeError('MP_REACH_NLRI', offset + 3, expected);
      }
      expectNlri('MP_REACH_NLRI', family, nlri, offset + 5 + length, context);
    }
    return { afi, safi, nextHop: value.slice(4, 4 + length), nlri };
  },
  encode(value, writer) {
    writer.uint16(value.afi);
    writer.uint8(value.safi);
    writer.uint8(value.nextHop.length);
    writer.append(value.nextHop);
    writer.uint8(0);
    writer.append(value.nlri);
  },
  text: ({ afi, safi, nextHop, nlri }) =>
    `${familyText(afi, safi)} next hop ${nextHopText(nextHop)}, ${nlri.length} octets of NLRI`,
  fields(value, offset, context) {
    const length = value[3] ?? 0;
    if (5 + length > value.length) return rest(value, 0, offset);
    const fields = familyFields(value, offset);
    fields.push(leaf('next hop length', offset + 3, 1, length));
    if (length > 0) {
      fields.push(leaf('next hop', offset + 4, length, nextHopText(value.subarray(4, 4 + length))));
    }
    fields.push(leaf('reserved', offset + 4 + length, 1, value[4 + length]!));
    return [...fields, ...nlriField(value, 5 + length, offset, context)];
  },
};

export const mpUnreach: AttributeCodec<MpUnreach> = {
  type: 15,
  name: 'MP_UNREACH_NLRI',
  rfc: 'RFC 4760 §4',
  flags: OPTIONAL,
  malformed: 'session-reset',
  malformedRfc: 'RFC 7606 §5.3',
  decode(value, context, offset) {
    if (value.length < 3) throw new DecodeError('MP_UNREACH_NLRI', offset, 'must have at least 3 octets');
    const afi = readUint16(value, 0);
    const safi = value[2]!;
    const nlri = value.subarray(3);
    const family = familyOf(afi, safi);
    if (family !== undefined && context.families.includes(family)) {
      expectNlri('MP_UNREACH_NLRI', family, nlri, offset + 3, context);
    }
    return { afi, safi, nlri };
  },
  encode(value, writer) {
    writer.uint16(value.afi);
    writer.uint8(value.safi);
    writer.append(value.nlri);
  },
  text: ({ afi, safi, nlri }) => `${familyText(afi, safi)}, ${nlri.length} octets of NLRI`,
  fields(value, offset, context) {
    if (value.length < 3) return rest(value, 0, offset);
    return [...familyFields(value, offset), ...nlriField(value, 3, offset, context)];
  },
};

function expectNlri(
  name: string,
  family: Family,
  nlri: Uint8Array,
  offset: number,
  context: CodecContext,
): void {
  const fault = checkNlri(family, nlri, context.addPath?.includes(family) === true);
  if (fault !== undefined) throw new DecodeError(name, offset + fault.offset, fault.expected);
}

function familyFields(value: Uint8Array, offset: number): Field[] {
  const afi = readUint16(value, 0);
  const safi = value[2]!;
  return [leaf('AFI', offset, 2, afi), leaf('SAFI', offset + 2, 1, safi, familyText(afi, safi))];
}

/**
 * Routes of a carried family are shown even where it was not negotiated, and then what is wrong with them does not
 * matter. Where it was, who decodes the whole message says what does.
 */
function nlriField(value: Uint8Array, at: number, offset: number, context: CodecContext): Field[] {
  if (at >= value.length) return [];
  const nlri = value.subarray(at);
  const family = familyOf(readUint16(value, 0), value[2]!);
  if (family === undefined) return [opaque('NLRI', nlri, offset + at)];
  const addPath = context.addPath?.includes(family) === true;
  const unreadable = { outcome: 'ignored', rfc: 'RFC 4760 §7' } as const;
  const unusable = context.families.includes(family) ? {} : { unusable: 'ignored' as const };
  const routes = dissectNlri(family, nlri, offset + at, { addPath, unreadable, ...unusable });
  return [group('NLRI', offset + at, nlri.length, routes)];
}
