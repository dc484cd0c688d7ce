import type { ByteWriter } from '../byte-writer.ts';
import type { CodecContext } from '../context.ts';
import { withAs4 } from './as4.ts';
import { EXTENDED_LENGTH, PARTIAL } from './codec.ts';
import { ATTRIBUTES, type AttributeName, type PathAttributes } from './table.ts';

/**
 * Appends the attributes, MP_REACH and MP_UNREACH first (RFC 7606 §5.1), then by type code. For a peer with 2-octet
 * AS numbers, AS4_PATH and AS4_AGGREGATOR are added where needed.
 * @param omit an attribute to leave out.
 */
export function writeAttributes(
  writer: ByteWriter,
  attributes: PathAttributes,
  context: Pick<CodecContext, 'fourOctetAs'>,
  omit?: AttributeName,
): void {
  const source = context.fourOctetAs ? attributes : withAs4(attributes);
  for (const multiprotocol of [true, false]) {
    for (const [name, codec] of ATTRIBUTES) {
      const value = source[name];
      const isMultiprotocol = name === 'mpReach' || name === 'mpUnreach';
      if (value === undefined || name === omit || isMultiprotocol !== multiprotocol) continue;
      const flags = codec.flags | (source.partial?.includes(codec.type) ? PARTIAL : 0);
      const start = beginAttribute(writer, flags, codec.type);
      codec.encode(value as never, writer, context as CodecContext);
      endAttribute(writer, start);
    }
  }
  for (const { type, flags, value } of source.unknown ?? []) {
    const start = beginAttribute(writer, flags, type);
    writer.append(value);
    endAttribute(writer, start);
  }
}

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
