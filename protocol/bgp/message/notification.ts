/**
 * NOTIFICATION, RFC 4271 §4.5: after the header
 *
 *   0: 1 Error code · 1: 1 Error subcode · 2: Data
 */
import { ByteWriter } from '../byte-writer.ts';
import type { NotificationBody } from '../error.ts';
import { beginMessage, endMessage, HEADER_LENGTH, MAX_MESSAGE_LENGTH, NOTIFICATION } from './header.ts';
import { notificationName } from './notification-codes.ts';
import { dataText, unwrapHardReset } from './notification-data.ts';

export {
  ADMINISTRATIVE_RESET,
  ADMINISTRATIVE_SHUTDOWN,
  COLLISION_RESOLUTION,
  CONNECTION_REJECTED,
  FSM_ERROR,
  MAXIMUM_PREFIXES,
  OTHER_CONFIGURATION_CHANGE,
  PEER_DECONFIGURED,
} from './notification-codes.ts';

export interface NotificationMessage extends NotificationBody {
  readonly kind: 'notification';
  /** What is wrong with it, where it could not be read and code and subcode are 0 for want of better. One line. */
  readonly fault?: string;
}

/** What stands for a NOTIFICATION with an error, which is no reason to send one (RFC 4271 §6.4). */
export function unreadableNotification(fault: string): NotificationMessage {
  return { kind: 'notification', code: 0, subcode: 0, data: new Uint8Array(0), fault };
}

/**
 * One line for logs and status: `6/2 Cease: Administrative Shutdown, "back at noon"`. The data are shown in words where
 * their shape is known, otherwise in hex; a Hard Reset is followed by what it wraps.
 */
export function describeNotification(body: NotificationBody): string {
  const inner = unwrapHardReset(body);
  const data = dataText(inner);
  return `${named(body)}${inner === body ? '' : ` (${named(inner)})`}${data === undefined ? '' : `, ${data}`}`;
}

function named({ code, subcode }: NotificationBody): string {
  return `${code}/${subcode} ${notificationName(code, subcode)}`;
}

/**
 * Reads a whole NOTIFICATION; its length was checked with the header. The data is a copy. Nothing in it is an error:
 * a NOTIFICATION is never answered with one (RFC 4271 §6.4).
 */
export function decodeNotification(bytes: Uint8Array): NotificationMessage {
  return {
    kind: 'notification',
    code: bytes[HEADER_LENGTH]!,
    subcode: bytes[HEADER_LENGTH + 1]!,
    data: bytes.slice(HEADER_LENGTH + 2),
  };
}

/** Whole message; data beyond 4096 octets in all is cut (RFC 8654 §4: a peer may not take more). */
export function encodeNotification(body: NotificationBody): Uint8Array {
  const writer = new ByteWriter(HEADER_LENGTH + 2 + body.data.length);
  const start = beginMessage(writer, NOTIFICATION);
  writer.uint8(body.code);
  writer.uint8(body.subcode);
  writer.append(body.data.subarray(0, MAX_MESSAGE_LENGTH - HEADER_LENGTH - 2));
  endMessage(writer, start);
  return writer.finish();
}
