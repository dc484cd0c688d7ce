import { ByteWriter } from '../byte-writer.ts';
import type { CodecContext } from '../context.ts';
import { withAs4 } from './as4.ts';
import { type AttributeCodec, EXTENDED_LENGTH, PARTIAL } from './codec.ts';
import { ATTRIBUTES, type AttributeName, type PathAttributes } from './table.ts';

/** What of a session decides how attributes are written. */
export type EncodeContext = Pick<CodecContext, 'fourOctetAs'>;

/** Codec table split as it is sent: the attributes with NLRI come first (RFC 7606 §5.1). */
const MULTIPROTOCOL = ATTRIBUTES.filter(([name]) => name === 'mpReach' || name === 'mpUnreach');
const OTHERS = ATTRIBUTES.filter(([name]) => name !== 'mpReach' && name !== 'mpUnreach');

/**
 * Appends the attributes, MP_REACH and MP_UNREACH first (RFC 7606 §5.1), then by type code (RFC 4271 §5). For a peer
 * with 2-octet AS numbers, AS4_PATH and AS4_AGGREGATOR are added where needed. A list attribute without items is left
 * out, since an empty one is malformed (RFC 7606 §4).
 * @param omit an attribute to leave out.
 */
export function writeAttributes(
  writer: ByteWriter,
  attributes: PathAttributes,
  context: EncodeContext,
  omit?: AttributeName,
): void {
  const source = context.fourOctetAs ? attributes : withAs4(attributes);
  for (const [name, codec] of MULTIPROTOCOL) writeKnown(writer, source, name, codec, context, omit);
  const unknown = source.unknown ?? [];
  let next = 0;
  for (const [name, codec] of OTHERS) {
    while (next < unknown.length && unknown[next]!.type < codec.type) writeUnknown(writer, unknown[next++]!);
    writeKnown(writer, source, name, codec, context, omit);
  }
  while (next < unknown.length) writeUnknown(writer, unknown[next++]!);
}

function writeKnown(
  writer: ByteWriter,
  source: PathAttributes,
  name: AttributeName,
  codec: AttributeCodec<never>,
  context: EncodeContext,
  omit: AttributeName | undefined,
): void {
  const value = source[name];
  if (value === undefined || name === omit) return;
  if (Array.isArray(value) && value.length === 0 && name !== 'asPath') return;
  const flags = codec.flags | (source.partial?.includes(codec.type) ? PARTIAL : 0);
  const start = beginAttribute(writer, flags, codec.type);
  codec.encode(value as never, writer, context as CodecContext);
  endAttribute(writer, start);
}

function writeUnknown(
  writer: ByteWriter,
  { type, flags, value }: NonNullable<PathAttributes['unknown']>[number],
): void {
  const start = beginAttribute(writer, flags, type);
  writer.append(value);
  endAttribute(writer, start);
}

/** Octets that the attributes take on such a session. */
export function attributesLength(attributes: PathAttributes, context: EncodeContext): number {
  const writer = new ByteWriter(256);
  writeAttributes(writer, attributes, context);
  return writer.position;
}

/**
 * Attributes that fit into `limit` octets, for a peer that takes only short messages: RFC 8654 §4 lets a speaker shed
 * those whose loss RFC 7606 calls harmless (attribute discard), the largest first. AIGP stays, because it takes part in
 * route selection (RFC 7606 §2).
 * @returns `undefined` where they do not fit even so, and the route has to be withheld and withdrawn.
 */
export function shedAttributes(
  attributes: PathAttributes,
  limit: number,
  context: EncodeContext,
): PathAttributes | undefined {
  const over = attributesLength(attributes, context) - limit;
  if (over <= 0) return attributes;
  const sizes = SHEDDABLE.filter((name) => attributes[name] !== undefined)
    .map((name) => ({ name, size: attributesLength({ [name]: attributes[name] }, context) }))
    .sort((a, b) => b.size - a.size);
  const shed: PathAttributes = { ...attributes };
  for (const { name } of sizes) {
    delete (shed as { [name: string]: unknown })[name];
    if (attributesLength(shed, context) <= limit) return shed;
  }
  return undefined;
}

const SHEDDABLE: readonly AttributeName[] = ATTRIBUTES.filter(
  ([name, codec]) => codec.malformed === 'attribute-discard' && name !== 'aigp' && name !== 'as4Path',
).map(([name]) => name);

/** Writes flags and type, and leaves room for a 1-octet length. Returns where the attribute starts. */
function beginAttribute(writer: ByteWriter, flags: number, type: number): number {
  const start = writer.position;
  writer.uint8(flags);
  writer.uint8(type);
  writer.uint8(0);
  return start;
}

/** Fills in the length; a value longer than 255 octets is moved up by one for the 2-octet length. */
function endAttribute(writer: ByteWriter, start: number): void {
  const length = writer.position - start - 3;
  if (length <= 255) {
    writer.patchUint8(start + 2, length);
    return;
  }
  writer.reserve(1);
  writer.bytes.copyWithin(start + 4, start + 3, writer.position);
  writer.position += 1;
  writer.patchUint8(start, writer.bytes[start]! | EXTENDED_LENGTH);
  writer.patchUint16(start + 2, length);
}
