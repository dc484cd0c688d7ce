/** UPDATE messages from their parts, for tests and tools; the RIB writes its own in bulk. */
import { writeAttributes } from '../attribute/encode.ts';
import type { PathAttributes } from '../attribute/table.ts';
import { ByteWriter } from '../byte-writer.ts';
import type { CodecContext } from '../context.ts';
import { beginMessage, endMessage, MAX_EXTENDED_MESSAGE_LENGTH, UPDATE } from './header.ts';
import type { UpdateMessage } from './update.ts';

/** The parts of an UPDATE. */
export type UpdateParts = Pick<UpdateMessage, 'withdrawn' | 'attributes' | 'nlri'>;

const EMPTY = new Uint8Array(0);

/**
 * One message with all that is given, even where RFC 7606 §5.1 would have more than one: a tool may want just that.
 * @throws RangeError where it would be longer than 65535 octets.
 */
export function encodeUpdate(message: UpdateParts, context: Pick<CodecContext, 'fourOctetAs'>): Uint8Array {
  const writer = new ByteWriter(64);
  const start = beginMessage(writer, UPDATE);
  writer.uint16(message.withdrawn.length);
  writer.append(message.withdrawn);
  const lengthAt = writer.position;
  writer.uint16(0);
  writeAttributes(writer, message.attributes, context);
  writer.patchUint16(lengthAt, writer.position - lengthAt - 2);
  writer.append(message.nlri);
  if (writer.position > MAX_EXTENDED_MESSAGE_LENGTH) {
    throw new RangeError(`UPDATE of ${writer.position} octets: at most ${MAX_EXTENDED_MESSAGE_LENGTH} fit`);
  }
  endMessage(writer, start);
  return writer.finish();
}

/**
 * The same as messages of which each has one field with routes (RFC 7606 §5.1): withdrawals first, so that a prefix
 * that is withdrawn and announced ends as announced (RFC 4271 §4.3). NEXT_HOP goes with the NLRI field only
 * (RFC 4760 §3). Without any routes, one message.
 */
export function encodeUpdates(
  message: UpdateParts,
  context: Pick<CodecContext, 'fourOctetAs'>,
): Uint8Array[] {
  const { mpReach, mpUnreach, nextHop, ...others } = message.attributes;
  const hop: PathAttributes = nextHop === undefined ? {} : { nextHop };
  const messages: UpdateParts[] = [];
  if (message.withdrawn.length > 0) {
    messages.push({ withdrawn: message.withdrawn, attributes: {}, nlri: EMPTY });
  }
  if (mpUnreach !== undefined) messages.push({ withdrawn: EMPTY, attributes: { mpUnreach }, nlri: EMPTY });
  if (mpReach !== undefined) {
    messages.push({ withdrawn: EMPTY, attributes: { ...others, mpReach }, nlri: EMPTY });
  }
  if (message.nlri.length > 0 || messages.length === 0) {
    messages.push({ withdrawn: EMPTY, attributes: { ...others, ...hop }, nlri: message.nlri });
  }
  return messages.map((parts) => encodeUpdate(parts, context));
}
