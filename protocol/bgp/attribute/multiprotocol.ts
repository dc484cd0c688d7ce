/**
 * MP_REACH_NLRI, type 14, RFC 4760 §3:
 *
 *   0: 2 AFI · 2: 1 SAFI · 3: 1 next hop length · 4: next hop · 1 reserved · NLRI
 *
 * MP_UNREACH_NLRI, type 15, RFC 4760 §4: 0: 2 AFI · 2: 1 SAFI · 3: withdrawn NLRI
 *
 * An IPv6 next hop is a global address, or a global and a link-local one (RFC 2545 §3).
 */
import { DecodeError } from '../../bytes/decode-error.ts';
import { readUint16 } from '../byte-writer.ts';
import { type AfiSafi, type Family, familyOf } from '../family.ts';
import { checkNlri } from '../nlri/prefixes.ts';
import { type AttributeCodec, OPTIONAL } from './codec.ts';

export interface MpReach extends AfiSafi {
  /** As it stands: 4, 16 or 32 octets for the families we carry. */
  readonly nextHop: Uint8Array;
  /** A view on the message. */
  readonly nlri: Uint8Array;
}

export interface MpUnreach extends AfiSafi {
  /** A view on the message. */
  readonly nlri: Uint8Array;
}

const NEXT_HOP_LENGTHS: Readonly<Partial<Record<Family, readonly number[]>>> = {
  'ipv4-unicast': [4],
  'ipv6-unicast': [16, 32],
};

export const mpReach: AttributeCodec<MpReach> = {
  type: 14,
  name: 'MP_REACH_NLRI',
  flags: OPTIONAL,
  malformed: 'session-reset',
  decode(value, context, offset) {
    if (value.length < 5) throw new DecodeError('MP_REACH_NLRI', offset, 'must have at least 5 octets');
    const afi = readUint16(value, 0);
    const safi = value[2]!;
    const length = value[3]!;
    if (5 + length > value.length) {
      throw new DecodeError(
        'MP_REACH_NLRI',
        offset + 3,
        `next hop of ${length} octets runs past the attribute`,
      );
    }
    const nlri = value.subarray(5 + length);
    const family = familyOf(afi, safi);
    if (family !== undefined && context.families.includes(family)) {
      const allowed = NEXT_HOP_LENGTHS[family];
      if (allowed !== undefined && !allowed.includes(length)) {
        const expected = `next hop of ${length} octets must have ${allowed.join(' or ')}`;
        throw new DecodeError('MP_REACH_NLRI', offset + 3, expected);
      }
      expectNlri('MP_REACH_NLRI', family, nlri, offset + 5 + length);
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
};

export const mpUnreach: AttributeCodec<MpUnreach> = {
  type: 15,
  name: 'MP_UNREACH_NLRI',
  flags: OPTIONAL,
  malformed: 'session-reset',
  decode(value, context, offset) {
    if (value.length < 3) throw new DecodeError('MP_UNREACH_NLRI', offset, 'must have at least 3 octets');
    const afi = readUint16(value, 0);
    const safi = value[2]!;
    const nlri = value.subarray(3);
    const family = familyOf(afi, safi);
    if (family !== undefined && context.families.includes(family)) {
      expectNlri('MP_UNREACH_NLRI', family, nlri, offset + 3);
    }
    return { afi, safi, nlri };
  },
  encode(value, writer) {
    writer.uint16(value.afi);
    writer.uint8(value.safi);
    writer.append(value.nlri);
  },
};

function expectNlri(name: string, family: Family, nlri: Uint8Array, offset: number): void {
  const fault = checkNlri(family, nlri);
  if (fault !== undefined) throw new DecodeError(name, offset + fault.offset, fault.expected);
}
