import type { CodecContext } from '../context.ts';
import { decodeHeader, HEADER_LENGTH, KEEPALIVE, NOTIFICATION, OPEN, UPDATE } from './header.ts';
import type { KeepaliveMessage } from './keepalive.ts';
import { decodeNotification, type NotificationMessage } from './notification.ts';
import { decodeOpen, type OpenMessage } from './open.ts';
import { plainUpdate } from './plain-update.ts';
import { decodeRouteRefresh, type RouteRefreshMessage } from './route-refresh.ts';
import { decodeUpdate, type UpdateMessage } from './update.ts';

export type BgpMessage =
  | OpenMessage
  | UpdateMessage
  | NotificationMessage
  | KeepaliveMessage
  | RouteRefreshMessage;

/**
 * Reads one whole message, marker to end.
 * @throws BgpError with the NOTIFICATION that answers it.
 */
export function decodeMessage(bytes: Uint8Array, context: CodecContext): BgpMessage {
  if (bytes.length < HEADER_LENGTH) throw new RangeError('decodeMessage needs a whole message');
  const { type, length } = decodeHeader(bytes, 0, context);
  if (length !== bytes.length)
    throw new RangeError(`decodeMessage: ${bytes.length} octets given, header says ${length}`);
  switch (type) {
    case OPEN:
      return decodeOpen(bytes);
    case UPDATE:
      return plainUpdate(bytes, context) ?? decodeUpdate(bytes, context);
    case NOTIFICATION:
      return decodeNotification(bytes);
    case KEEPALIVE:
      return { kind: 'keepalive' };
    default:
      return decodeRouteRefresh(bytes);
  }
}
