/** Path attributes as fields: flags, type, length and the parts of the value of each. */
import { DecodeError } from '../../bytes/decode-error.ts';
import { EXTENDED_LENGTH, OPTIONAL, PARTIAL, TRANSITIVE } from '../attribute/codec.ts';
import { type AttributeFrame, attributeFrame } from '../attribute/decode.ts';
import { ATTRIBUTE_BY_TYPE, attributeName } from '../attribute/table.ts';
import { readUint16, readUint32 } from '../byte-writer.ts';
import type { CodecContext } from '../context.ts';
import { familyOf, familyText } from '../family.ts';
import { type Field, group, leaf, opaque, rest } from './field.ts';

const MP_REACH = 14;
const MP_UNREACH = 15;
const ATTR_SET = 128;
/** Attribute sets may hold attribute sets (RFC 6368 §5); deeper ones than anybody needs are left undecoded. */
const MAX_DEPTH = 4;

const FLAGS: readonly (readonly [number, string])[] = [
  [OPTIONAL, 'optional'],
  [TRANSITIVE, 'transitive'],
  [PARTIAL, 'partial'],
  [EXTENDED_LENGTH, 'extended length'],
];

/**
 * A field for each attribute in `message` from `start` to `end`. What is wrong with them is told by the decoder; the
 * one thing noted here is an MP attribute of a family that was not negotiated.
 */
export function attributeFields(
  message: Uint8Array,
  start: number,
  end: number,
  context: CodecContext,
  depth = 0,
): Field[] {
  const fields: Field[] = [];
  for (let at = start; at < end; ) {
    const frame = attributeFrame(message, at, end);
    if (frame.cut !== undefined) {
      const name = frame.type === 0 ? 'attribute' : attributeName(frame.type);
      return [...fields, group(name, at, end - at, rest(message.subarray(0, end), at, 0))];
    }
    fields.push(attributeField(message, frame, context, depth));
    at = frame.end;
  }
  return fields;
}

function attributeField(
  message: Uint8Array,
  frame: AttributeFrame,
  context: CodecContext,
  depth: number,
): Field {
  const { start, flags, type, value, end } = frame;
  const names = FLAGS.filter(([bit]) => flags & bit).map(([, name]) => name);
  const lengthAt = start + 2;
  const children = [
    leaf('flags', start, 1, flags, names.join(', ') || 'none'),
    leaf('type', start + 1, 1, type, attributeName(type)),
    leaf('length', lengthAt, value - lengthAt, end - value),
    ...valueFields(message, frame, context, depth),
  ];
  const field = group(attributeName(type), start, end - start, children, textOf(message, frame, context));
  if (type !== MP_REACH && type !== MP_UNREACH) return field;
  return ignoredFamily(message, frame, context, field);
}

function valueFields(
  message: Uint8Array,
  frame: AttributeFrame,
  context: CodecContext,
  depth: number,
): Field[] {
  const { type, value, end } = frame;
  const bytes = message.subarray(value, end);
  if (type === ATTR_SET && bytes.length >= 4 && depth < MAX_DEPTH) {
    // RFC 6368 §5: AS numbers in it have 4 octets whatever the session's have.
    const inner = attributeFields(message, value + 4, end, { ...context, fourOctetAs: true }, depth + 1);
    return [leaf('origin AS', value, 4, readUint32(message, value)), ...inner];
  }
  const codec = ATTRIBUTE_BY_TYPE[type]?.[1];
  if (codec !== undefined) return codec.fields(bytes, value, context);
  return bytes.length === 0 ? [] : [opaque('value', bytes, value)];
}

/** The value on one line, where it is sound. */
function textOf(
  message: Uint8Array,
  { type, value, end }: AttributeFrame,
  context: CodecContext,
): string | undefined {
  const codec = ATTRIBUTE_BY_TYPE[type]?.[1];
  if (codec === undefined) return undefined;
  try {
    return codec.text(codec.decode(message.subarray(value, end), context, value));
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function ignoredFamily(
  message: Uint8Array,
  frame: AttributeFrame,
  context: CodecContext,
  field: Field,
): Field {
  if (frame.end - frame.value < 3) return field;
  const afi = readUint16(message, frame.value);
  const safi = message[frame.value + 2]!;
  const family = familyOf(afi, safi);
  if (family !== undefined && context.families.includes(family)) return field;
  const reason = `${familyText(afi, safi)} was not negotiated`;
  return { ...field, error: { outcome: 'ignored', reason, rfc: 'RFC 4760 §7' } };
}
