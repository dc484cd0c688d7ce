/**
 * NOTIFICATION, RFC 4271 §4.5: after the header
 *
 *   0: 1 Error code · 1: 1 Error subcode · 2: Data
 */
import { ByteWriter } from '../byte-writer.ts';
import type { NotificationBody } from '../error.ts';
import { beginMessage, endMessage, HEADER_LENGTH, NOTIFICATION } from './header.ts';

export interface NotificationMessage extends NotificationBody {
  readonly kind: 'notification';
}

/** Error codes that our machines send of themselves, RFC 4271 §4.5. */
export const HOLD_TIMER_EXPIRED = 4;
export const FSM_ERROR = 5;
export const CEASE = 6;

/** Subcodes of Cease, RFC 4486 §4. */
export const MAXIMUM_PREFIXES = 1;
export const ADMINISTRATIVE_SHUTDOWN = 2;
export const PEER_DECONFIGURED = 3;
export const ADMINISTRATIVE_RESET = 4;
export const CONNECTION_REJECTED = 5;
export const OTHER_CONFIGURATION_CHANGE = 6;
export const COLLISION_RESOLUTION = 7;

const NAMES: Readonly<
  Record<number, { readonly name: string; readonly subcodes: Readonly<Record<number, string>> }>
> = {
  1: {
    name: 'Message Header Error',
    subcodes: { 1: 'Connection Not Synchronized', 2: 'Bad Message Length', 3: 'Bad Message Type' },
  },
  2: {
    name: 'OPEN Message Error',
    subcodes: {
      1: 'Unsupported Version Number',
      2: 'Bad Peer AS',
      3: 'Bad BGP Identifier',
      4: 'Unsupported Optional Parameter',
      6: 'Unacceptable Hold Time',
      7: 'Unsupported Capability',
      11: 'Role Mismatch',
    },
  },
  3: {
    name: 'UPDATE Message Error',
    subcodes: {
      1: 'Malformed Attribute List',
      2: 'Unrecognized Well-known Attribute',
      3: 'Missing Well-known Attribute',
      4: 'Attribute Flags Error',
      5: 'Attribute Length Error',
      6: 'Invalid ORIGIN Attribute',
      8: 'Invalid NEXT_HOP Attribute',
      9: 'Optional Attribute Error',
      10: 'Invalid Network Field',
      11: 'Malformed AS_PATH',
    },
  },
  4: { name: 'Hold Timer Expired', subcodes: {} },
  5: {
    name: 'Finite State Machine Error',
    subcodes: {
      1: 'Unexpected Message in OpenSent',
      2: 'Unexpected Message in OpenConfirm',
      3: 'Unexpected Message in Established',
    },
  },
  6: {
    name: 'Cease',
    subcodes: {
      1: 'Maximum Number of Prefixes Reached',
      2: 'Administrative Shutdown',
      3: 'Peer De-configured',
      4: 'Administrative Reset',
      5: 'Connection Rejected',
      6: 'Other Configuration Change',
      7: 'Connection Collision Resolution',
      8: 'Out of Resources',
      9: 'Hard Reset',
      10: 'BFD Down',
    },
  },
  7: { name: 'ROUTE-REFRESH Message Error', subcodes: { 1: 'Invalid Message Length' } },
  8: { name: 'Send Hold Timer Expired', subcodes: {} },
};

/** `"6/2 Cease: Administrative Shutdown"`, for logs and status. */
export function describeNotification(body: NotificationBody): string {
  const entry = NAMES[body.code];
  const name = entry?.name ?? 'Unknown Error';
  const detail = entry?.subcodes[body.subcode];
  return `${body.code}/${body.subcode} ${name}${detail === undefined ? '' : `: ${detail}`}`;
}

/** Reads a whole NOTIFICATION; its length was checked with the header. The data is a copy. */
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
  writer.append(body.data.subarray(0, 4096 - HEADER_LENGTH - 2));
  endMessage(writer, start);
  return writer.finish();
}
