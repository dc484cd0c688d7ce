/**
 * Attributes that podwire carries and shows, but does not act on:
 *
 * BGP-LS, type 29, RFC 9552 §5.3: TLVs, each 2 type · 2 length · value
 * PREFIX_SID, type 40, RFC 8669 §3: TLVs, each 1 type · 2 length · value
 * ATTR_SET, type 128, RFC 6368 §5: 0: 4 origin AS · 4: path attributes, with 4-octet AS numbers
 */
import { DecodeError } from '../../bytes/decode-error.ts';
import { readUint16, readUint32 } from '../byte-writer.ts';
import { leaf, rest, opaque as whole } from '../dissect/field.ts';
import { type AttributeCodec, EXTENDED_LENGTH, OPTIONAL, TRANSITIVE } from './codec.ts';
import { expectTlvs, forEachTlv, type TlvFormat, tlvFields } from './tlv.ts';

const WIDE: TlvFormat = { type: 2, length: () => 2 };
const NARROW: TlvFormat = { type: 1, length: () => 2 };

/** TLV types that captures are full of, RFC 9552 §5.3. */
const LINK_STATE_NAMES: Readonly<Record<number, string>> = {
  1026: 'node name',
  1027: 'IS-IS area identifier',
  1028: 'IPv4 router-ID of local node',
  1029: 'IPv6 router-ID of local node',
  1088: 'administrative group',
  1089: 'maximum link bandwidth',
  1090: 'maximum reservable link bandwidth',
  1091: 'unreserved bandwidth',
  1092: 'TE default metric',
  1095: 'IGP metric',
  1152: 'IGP flags',
  1155: 'prefix metric',
};

/** RFC 8669 §3.1, §3.2; RFC 9252 §2. */
const PREFIX_SID_NAMES: Readonly<Record<number, string>> = {
  1: 'label index',
  3: 'originator SRGB',
  5: 'SRv6 L3 service',
  6: 'SRv6 L2 service',
};

export const linkState: AttributeCodec<Uint8Array> = {
  type: 29,
  name: 'BGP-LS',
  rfc: 'RFC 9552 §5.3',
  flags: OPTIONAL,
  malformed: 'attribute-discard',
  malformedRfc: 'RFC 9552 §8.2.2',
  ...rowOfTlvs('BGP-LS', WIDE, LINK_STATE_NAMES),
};

export const prefixSid: AttributeCodec<Uint8Array> = {
  type: 40,
  name: 'PREFIX_SID',
  rfc: 'RFC 8669 §3',
  flags: OPTIONAL | TRANSITIVE,
  malformed: 'attribute-discard',
  malformedRfc: 'RFC 8669 §6',
  ...rowOfTlvs('PREFIX_SID', NARROW, PREFIX_SID_NAMES),
};

/** The nested attributes are shown by the dissector of attributes, since they are attributes themselves. */
export const attrSet: AttributeCodec<Uint8Array> = {
  type: 128,
  name: 'ATTR_SET',
  rfc: 'RFC 6368 §5',
  flags: OPTIONAL | TRANSITIVE,
  malformed: 'treat-as-withdraw',
  malformedRfc: 'RFC 7606 §7.16',
  decode(value, _context, offset) {
    if (value.length < 4) throw new DecodeError('ATTR_SET', offset, 'must have at least 4 octets');
    for (let at = 4; at < value.length; ) {
      const end = attributeEnd(value, at);
      if (end > value.length) throw new DecodeError('ATTR_SET', offset + at, 'attribute runs past the set');
      at = end;
    }
    return value.slice();
  },
  encode: (value, writer) => writer.append(value),
  text: (value) => `origin AS ${readUint32(value, 0)}, ${value.length - 4} octets of attributes`,
  fields(value, offset) {
    if (value.length < 4) return rest(value, 0, offset);
    const origin = leaf('origin AS', offset, 4, readUint32(value, 0));
    return value.length === 4 ? [origin] : [origin, whole('attributes', value.subarray(4), offset + 4)];
  },
};

/** Where the attribute at `at` would end; past the end of `bytes` where its header is cut off. */
function attributeEnd(bytes: Uint8Array, at: number): number {
  const header = bytes[at]! & EXTENDED_LENGTH ? 4 : 3;
  if (at + header > bytes.length) return bytes.length + 1;
  return at + header + (header === 4 ? readUint16(bytes, at + 2) : bytes[at + 2]!);
}

function rowOfTlvs(
  name: string,
  format: TlvFormat,
  names: Readonly<Record<number, string>>,
): Pick<AttributeCodec<Uint8Array>, 'decode' | 'encode' | 'text' | 'fields'> {
  return {
    decode(value, _context, offset) {
      expectTlvs(name, value, format, offset);
      return value.slice();
    },
    encode: (value, writer) => writer.append(value),
    text(value) {
      const types: string[] = [];
      forEachTlv(value, 0, value.length, format, ({ type }) => types.push(names[type] ?? `TLV ${type}`));
      return types.join(', ');
    },
    fields: (value, offset) =>
      tlvFields(value, 0, value.length, format, offset, ({ type }) => ({ name: names[type] ?? 'TLV' })),
  };
}
