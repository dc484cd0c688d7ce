/**
 * NOTIFICATION codes and subcodes, RFC 4271 §4.5 and what later RFCs added, in one table. Names are IANA's; deprecated
 * subcodes are there to be shown, never to be sent.
 */

/** What the data of a NOTIFICATION hold. */
export type NotificationData =
  /** The Length field of the faulty message, 2 octets (RFC 4271 §6.1). */
  | 'length'
  /** A message type, 1 octet (RFC 4271 §6.1, RFC 6608 §3). */
  | 'type'
  /** The largest supported version, 2 octets (RFC 4271 §6.2). */
  | 'version'
  /** Capabilities as in an OPEN (RFC 5492 §3). */
  | 'capabilities'
  /** The faulty attribute, header included (RFC 4271 §6.3). */
  | 'attribute'
  /** An attribute type, 1 octet (RFC 4271 §6.3). */
  | 'attribute-type'
  /** AFI, SAFI and a number of prefixes (RFC 4486 §4). */
  | 'prefix-limit'
  /** Length and text (RFC 9003 §2). */
  | 'shutdown-communication'
  /** Code, subcode and data of another NOTIFICATION (RFC 8538 §3.1). */
  | 'notification'
  /** A whole message (RFC 7313 §5). */
  | 'message';

export interface SubcodeInfo {
  readonly name: string;
  readonly rfc: string;
  /** Absent where there are none. */
  readonly data?: NotificationData;
}

export interface CodeInfo {
  readonly name: string;
  readonly rfc: string;
  readonly subcodes: Readonly<Record<number, SubcodeInfo>>;
}

const MESSAGE_HEADER_ERROR = 1;
export const OPEN_MESSAGE_ERROR = 2;
const UPDATE_MESSAGE_ERROR = 3;
export const HOLD_TIMER_EXPIRED = 4;
export const FSM_ERROR = 5;
export const CEASE = 6;
const ROUTE_REFRESH_MESSAGE_ERROR = 7;
export const SEND_HOLD_TIMER_EXPIRED = 8;

/** Subcodes of OPEN Message Error that negotiation uses. */
const UNSUPPORTED_VERSION = 1;
export const BAD_PEER_AS = 2;
export const BAD_BGP_IDENTIFIER = 3;
export const UNSUPPORTED_OPTIONAL_PARAMETER = 4;
export const UNACCEPTABLE_HOLD_TIME = 6;
export const UNSUPPORTED_CAPABILITY = 7;
export const ROLE_MISMATCH = 11;

/** Subcodes of Cease, RFC 4486 §4, RFC 8538 §3, RFC 9384 §3. */
export const MAXIMUM_PREFIXES = 1;
export const ADMINISTRATIVE_SHUTDOWN = 2;
export const PEER_DECONFIGURED = 3;
export const ADMINISTRATIVE_RESET = 4;
export const CONNECTION_REJECTED = 5;
export const OTHER_CONFIGURATION_CHANGE = 6;
export const COLLISION_RESOLUTION = 7;
const OUT_OF_RESOURCES = 8;
export const HARD_RESET = 9;
const BFD_DOWN = 10;

/** By code, then by subcode. Subcode 0 is "unspecific" wherever it has no entry. */
export const NOTIFICATION_CODES: Readonly<Record<number, CodeInfo>> = {
  [MESSAGE_HEADER_ERROR]: {
    name: 'Message Header Error',
    rfc: 'RFC 4271 §6.1',
    subcodes: {
      1: { name: 'Connection Not Synchronized', rfc: 'RFC 4271 §6.1' },
      2: { name: 'Bad Message Length', rfc: 'RFC 4271 §6.1', data: 'length' },
      3: { name: 'Bad Message Type', rfc: 'RFC 4271 §6.1', data: 'type' },
    },
  },
  [OPEN_MESSAGE_ERROR]: {
    name: 'OPEN Message Error',
    rfc: 'RFC 4271 §6.2',
    subcodes: {
      [UNSUPPORTED_VERSION]: { name: 'Unsupported Version Number', rfc: 'RFC 4271 §6.2', data: 'version' },
      [BAD_PEER_AS]: { name: 'Bad Peer AS', rfc: 'RFC 4271 §6.2' },
      [BAD_BGP_IDENTIFIER]: { name: 'Bad BGP Identifier', rfc: 'RFC 6286 §2.2' },
      [UNSUPPORTED_OPTIONAL_PARAMETER]: { name: 'Unsupported Optional Parameter', rfc: 'RFC 4271 §6.2' },
      5: { name: 'Authentication Failure (deprecated)', rfc: 'RFC 4271 §A.2' },
      [UNACCEPTABLE_HOLD_TIME]: { name: 'Unacceptable Hold Time', rfc: 'RFC 4271 §6.2' },
      [UNSUPPORTED_CAPABILITY]: {
        name: 'Unsupported Capability',
        rfc: 'RFC 5492 §5',
        data: 'capabilities',
      },
      [ROLE_MISMATCH]: { name: 'Role Mismatch', rfc: 'RFC 9234 §4.2' },
    },
  },
  [UPDATE_MESSAGE_ERROR]: {
    name: 'UPDATE Message Error',
    rfc: 'RFC 4271 §6.3',
    subcodes: {
      1: { name: 'Malformed Attribute List', rfc: 'RFC 4271 §6.3' },
      2: { name: 'Unrecognized Well-known Attribute', rfc: 'RFC 4271 §6.3', data: 'attribute' },
      3: { name: 'Missing Well-known Attribute', rfc: 'RFC 4271 §6.3', data: 'attribute-type' },
      4: { name: 'Attribute Flags Error', rfc: 'RFC 4271 §6.3', data: 'attribute' },
      5: { name: 'Attribute Length Error', rfc: 'RFC 4271 §6.3', data: 'attribute' },
      6: { name: 'Invalid ORIGIN Attribute', rfc: 'RFC 4271 §6.3', data: 'attribute' },
      7: { name: 'AS Routing Loop (deprecated)', rfc: 'RFC 4271 §A.2' },
      8: { name: 'Invalid NEXT_HOP Attribute', rfc: 'RFC 4271 §6.3', data: 'attribute' },
      9: { name: 'Optional Attribute Error', rfc: 'RFC 4271 §6.3', data: 'attribute' },
      10: { name: 'Invalid Network Field', rfc: 'RFC 4271 §6.3' },
      11: { name: 'Malformed AS_PATH', rfc: 'RFC 4271 §6.3' },
    },
  },
  [HOLD_TIMER_EXPIRED]: { name: 'Hold Timer Expired', rfc: 'RFC 4271 §6.5', subcodes: {} },
  [FSM_ERROR]: {
    name: 'Finite State Machine Error',
    rfc: 'RFC 4271 §6.6',
    subcodes: {
      1: { name: 'Unexpected Message in OpenSent', rfc: 'RFC 6608 §4', data: 'type' },
      2: { name: 'Unexpected Message in OpenConfirm', rfc: 'RFC 6608 §4', data: 'type' },
      3: { name: 'Unexpected Message in Established', rfc: 'RFC 6608 §4', data: 'type' },
    },
  },
  [CEASE]: {
    name: 'Cease',
    rfc: 'RFC 4271 §6.7',
    subcodes: {
      [MAXIMUM_PREFIXES]: {
        name: 'Maximum Number of Prefixes Reached',
        rfc: 'RFC 4486 §4',
        data: 'prefix-limit',
      },
      [ADMINISTRATIVE_SHUTDOWN]: {
        name: 'Administrative Shutdown',
        rfc: 'RFC 9003 §2',
        data: 'shutdown-communication',
      },
      [PEER_DECONFIGURED]: { name: 'Peer De-configured', rfc: 'RFC 4486 §4' },
      [ADMINISTRATIVE_RESET]: {
        name: 'Administrative Reset',
        rfc: 'RFC 9003 §2',
        data: 'shutdown-communication',
      },
      [CONNECTION_REJECTED]: { name: 'Connection Rejected', rfc: 'RFC 4486 §4' },
      [OTHER_CONFIGURATION_CHANGE]: { name: 'Other Configuration Change', rfc: 'RFC 4486 §4' },
      [COLLISION_RESOLUTION]: { name: 'Connection Collision Resolution', rfc: 'RFC 4486 §4' },
      [OUT_OF_RESOURCES]: { name: 'Out of Resources', rfc: 'RFC 4486 §4' },
      [HARD_RESET]: { name: 'Hard Reset', rfc: 'RFC 8538 §3', data: 'notification' },
      [BFD_DOWN]: { name: 'BFD Down', rfc: 'RFC 9384 §3' },
    },
  },
  [ROUTE_REFRESH_MESSAGE_ERROR]: {
    name: 'ROUTE-REFRESH Message Error',
    rfc: 'RFC 7313 §5',
    subcodes: { 1: { name: 'Invalid Message Length', rfc: 'RFC 7313 §5', data: 'message' } },
  },
  [SEND_HOLD_TIMER_EXPIRED]: { name: 'Send Hold Timer Expired', rfc: 'RFC 9687 §3.2', subcodes: {} },
  9: { name: 'Loss of LSDB Synchronization', rfc: 'RFC 9815 §6.5', subcodes: {} },
};

/** `"Cease: Administrative Shutdown"`, `"Hold Timer Expired"`, `"Unknown Error"`. */
export function notificationName(code: number, subcode: number): string {
  const entry = NOTIFICATION_CODES[code];
  const detail = entry?.subcodes[subcode]?.name;
  return `${entry?.name ?? 'Unknown Error'}${detail === undefined ? '' : `: ${detail}`}`;
}
