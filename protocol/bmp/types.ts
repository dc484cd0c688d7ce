/** Numbers of the BMP registries (RFC 7854 §10, RFC 8671 §6, RFC 9069 §8). */

/** Messages. */
export const ROUTE_MONITORING = 0;
export const STATISTICS_REPORT = 1;
export const PEER_DOWN = 2;
export const PEER_UP = 3;
export const INITIATION = 4;
export const TERMINATION = 5;
export const ROUTE_MIRRORING = 6;

/** Peer types, RFC 7854 §10.2 and RFC 9069 §8.1; 1 and 2 are of VRFs. */
export const GLOBAL_INSTANCE_PEER = 0;
export const LOC_RIB_PEER = 3;

/** Flags of a peer of types 0 to 2: V, L, A (RFC 7854 §4.2) and O (RFC 8671 §4). */
export const IPV6_PEER = 0x80;
export const POST_POLICY = 0x40;
export const LEGACY_AS_PATH = 0x20;
export const ADJ_RIB_OUT = 0x10;

/** Information TLVs of Initiation and Peer Up, RFC 7854 §4.4 and RFC 9069 §5.3. */
export const STRING = 0;
export const SYS_DESCR = 1;
export const SYS_NAME = 2;
export const VRF_TABLE_NAME = 3;

/** The TLV of Termination with a reason, RFC 7854 §4.5; type 0 is a string there too. */
export const TERMINATION_REASON = 1;
/** Reasons of Termination. */
export const ADMINISTRATIVELY_CLOSED = 0;
export const PERMANENTLY_CLOSED = 4;

/** Reasons of Peer Down, RFC 7854 §4.9 and RFC 9069 §5.6. */
export const LOCAL_NOTIFICATION = 1;
export const LOCAL_NO_NOTIFICATION = 2;
export const REMOTE_NOTIFICATION = 3;
export const REMOTE_NO_NOTIFICATION = 4;
export const PEER_DECONFIGURED = 5;
export const LOCAL_TLV = 6;

/** TLVs of Route Mirroring, RFC 7854 §4.7. */
export const MIRRORED_MESSAGE = 0;
export const MIRROR_INFORMATION = 1;

const NAMES: readonly string[] = [
  'Route Monitoring',
  'Statistics Report',
  'Peer Down',
  'Peer Up',
  'Initiation',
  'Termination',
  'Route Mirroring',
];

/** Name of a message type. */
export function messageTypeName(type: number): string {
  return NAMES[type] ?? `type ${type}`;
}

const PEER_TYPES: readonly string[] = [
  'Global Instance',
  'RD Instance',
  'Local Instance',
  'Loc-RIB Instance',
];

/** Name of a peer type. */
export function peerTypeName(type: number): string {
  return PEER_TYPES[type] ?? `type ${type}`;
}

const TERMINATION_REASONS: readonly string[] = [
  'administratively closed',
  'unspecified reason',
  'out of resources',
  'redundant connection',
  'permanently administratively closed',
];

/** A reason of Termination in words. */
export function terminationReasonName(reason: number): string {
  return TERMINATION_REASONS[reason] ?? `reason ${reason}`;
}

const DOWN_REASONS: readonly string[] = [
  'reserved',
  'local system closed, NOTIFICATION sent',
  'local system closed, no NOTIFICATION',
  'remote system closed, NOTIFICATION received',
  'remote system closed, no NOTIFICATION',
  'no longer monitored',
  'local system closed',
];

/** A reason of Peer Down in words. */
export function downReasonName(reason: number): string {
  return DOWN_REASONS[reason] ?? `reason ${reason}`;
}

const MIRROR_CODES: readonly string[] = ['errored PDU', 'messages lost'];

/** An information code of Route Mirroring in words. */
export function mirrorCodeName(code: number): string {
  return MIRROR_CODES[code] ?? `code ${code}`;
}
