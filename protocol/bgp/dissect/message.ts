/** A whole message as a tree of fields with byte ranges, for people and for tests that look at bytes. */
import { readUint16 } from '../byte-writer.ts';
import type { CodecContext } from '../context.ts';
import { BgpError } from '../error.ts';
import { decodeHeader, HEADER_LENGTH, NOTIFICATION, OPEN, ROUTE_REFRESH, UPDATE } from '../message/header.ts';
import { attachError } from './attach-error.ts';
import { type Field, group, rest } from './field.ts';
import { headerField, messageTypeName } from './header.ts';
import { dissectNotification } from './notification.ts';
import { dissectOpen } from './open.ts';
import { dissectRouteRefresh } from './route-refresh.ts';
import { sessionReset, updateFields, withUpdateErrors } from './update.ts';

/**
 * The message in `bytes`, from its marker on, whatever they are: what makes no sense is there as undecoded octets, what
 * is wrong is marked where it stands with what a receiver does about it. Never throws. Octets past the length that the
 * header says are undecoded; a length that says more than there is, is an error without consequence.
 */
export function dissectMessage(bytes: Uint8Array, context: CodecContext): Field {
  if (bytes.length < HEADER_LENGTH) {
    const reason = `${bytes.length} octets are less than a header`;
    const field = group('BGP message', 0, bytes.length, rest(bytes, 0, 0));
    return { ...field, error: { outcome: 'none', reason, rfc: 'RFC 4271 §4.1' } };
  }
  const type = bytes[18]!;
  const stated = readUint16(bytes, 16);
  const end = stated < HEADER_LENGTH ? bytes.length : Math.min(stated, bytes.length);
  const message = bytes.subarray(0, end);
  const children = [headerField(bytes), ...bodyFields(message, type, context), ...rest(bytes, end, 0)];
  const field = group(messageTypeName(type), 0, bytes.length, children);
  const judged = withHeaderError(field, bytes, context);
  if (stated > bytes.length) {
    const reason = `message is cut off after ${bytes.length} octets`;
    return attachError(judged, 16, { outcome: 'none', reason, rfc: 'RFC 4271 §4.1' });
  }
  // A header that ends the session leaves nothing for the body to do.
  return type === UPDATE && judged === field ? withUpdateErrors(judged, message, context) : judged;
}

function bodyFields(message: Uint8Array, type: number, context: CodecContext): Field[] {
  switch (type) {
    case UPDATE:
      return updateFields(message, context);
    case OPEN:
      return dissectOpen(message);
    case NOTIFICATION:
      return dissectNotification(message);
    case ROUTE_REFRESH:
      return dissectRouteRefresh(message);
    default:
      return rest(message, HEADER_LENGTH, 0);
  }
}

function withHeaderError(field: Field, bytes: Uint8Array, context: CodecContext): Field {
  try {
    decodeHeader(bytes, 0, context);
    return field;
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    return attachError(field, error.offset, sessionReset(error));
  }
}
