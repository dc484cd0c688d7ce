import { DecodeError } from '../bytes/decode-error.ts';
import { readUint16, writeUint16 } from '../bytes/uint.ts';
import { internetChecksum } from '../ipv4/checksum.ts';

/**
 * ICMP (RFC 792): type (1), code (1), checksum over the whole message (2), four bytes by type, data.
 *
 *     echo, echo reply           4  identifier (2)    6  sequence number (2)    8  data
 *     destination unreachable    4  unused (2)        6  next-hop MTU, code 4 only (2, RFC 1191 §4)    8  quoted packet
 *     time exceeded              4  unused (4)        8  quoted packet
 */
export const ICMP_HEADER_LENGTH = 8;

export const ICMP_ECHO_REPLY = 0;
export const ICMP_UNREACHABLE = 3;
export const ICMP_ECHO_REQUEST = 8;
export const ICMP_TIME_EXCEEDED = 11;

/** Codes of destination unreachable (RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1). */
export const UNREACHABLE_NET = 0;
export const UNREACHABLE_HOST = 1;
export const UNREACHABLE_PROTOCOL = 2;
export const UNREACHABLE_PORT = 3;
export const UNREACHABLE_FRAGMENTATION_NEEDED = 4;

/** Codes of time exceeded. */
export const EXCEEDED_IN_TRANSIT = 0;
export const EXCEEDED_REASSEMBLY = 1;

export type Icmp =
  | {
      readonly kind: 'echo-request' | 'echo-reply';
      readonly identifier: number;
      readonly sequence: number;
      readonly data: Uint8Array;
    }
  | {
      readonly kind: 'unreachable';
      readonly code: number;
      /** Next-hop MTU of "fragmentation needed"; 0 from routers older than RFC 1191, and for other codes. */
      readonly mtu: number;
      /** IP header and first bytes of the packet that the error is about. */
      readonly quoted: Uint8Array;
    }
  | { readonly kind: 'time-exceeded'; readonly code: number; readonly quoted: Uint8Array }
  /** Any other type, not interpreted. */
  | { readonly kind: 'other'; readonly type: number; readonly code: number; readonly body: Uint8Array };

/**
 * Message of `length` bytes at `at`; byte fields are views of `bytes`.
 * @throws DecodeError where it is shorter than 8 bytes or its checksum is wrong.
 */
export function decodeIcmp(bytes: Uint8Array, at = 0, length: number = bytes.length - at): Icmp {
  if (length < ICMP_HEADER_LENGTH || bytes.length - at < length) {
    throw new DecodeError('ICMP', at, `expected at least 8 bytes, ${Math.max(0, bytes.length - at)} left`);
  }
  if (internetChecksum(bytes, at, length) !== 0)
    throw new DecodeError('ICMP', at + 2, 'expected a right checksum');
  const type = bytes[at]!;
  const code = bytes[at + 1]!;
  const rest = bytes.subarray(at + ICMP_HEADER_LENGTH, at + length);
  if ((type === ICMP_ECHO_REQUEST || type === ICMP_ECHO_REPLY) && code === 0) {
    return {
      kind: type === ICMP_ECHO_REQUEST ? 'echo-request' : 'echo-reply',
      identifier: readUint16(bytes, at + 4),
      sequence: readUint16(bytes, at + 6),
      data: rest,
    };
  }
  if (type === ICMP_UNREACHABLE)
    return { kind: 'unreachable', code, mtu: readUint16(bytes, at + 6), quoted: rest };
  if (type === ICMP_TIME_EXCEEDED) return { kind: 'time-exceeded', code, quoted: rest };
  return { kind: 'other', type, code, body: bytes.subarray(at + 4, at + length) };
}

/** A whole message, checksum included. */
export function encodeIcmp(message: Icmp): Uint8Array {
  switch (message.kind) {
    case 'echo-request':
    case 'echo-reply': {
      const type = message.kind === 'echo-request' ? ICMP_ECHO_REQUEST : ICMP_ECHO_REPLY;
      return encode(type, 0, message.identifier, message.sequence, message.data);
    }
    case 'unreachable':
      return encode(ICMP_UNREACHABLE, message.code, 0, message.mtu, message.quoted);
    case 'time-exceeded':
      return encode(ICMP_TIME_EXCEEDED, message.code, 0, 0, message.quoted);
    case 'other': {
      const bytes = new Uint8Array(4 + message.body.length);
      bytes[0] = message.type;
      bytes[1] = message.code;
      bytes.set(message.body, 4);
      updateIcmpChecksum(bytes, 0, bytes.length);
      return bytes;
    }
  }
}

function encode(type: number, code: number, first: number, second: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ICMP_HEADER_LENGTH + data.length);
  bytes[0] = type;
  bytes[1] = code;
  writeUint16(bytes, 4, first);
  writeUint16(bytes, 6, second);
  bytes.set(data, ICMP_HEADER_LENGTH);
  updateIcmpChecksum(bytes, 0, bytes.length);
  return bytes;
}

/** Computes and writes the checksum of the message at `at`. */
export function updateIcmpChecksum(bytes: Uint8Array, at: number, length: number): void {
  writeUint16(bytes, at + 2, 0);
  writeUint16(bytes, at + 2, internetChecksum(bytes, at, length));
}

/** Whether messages of this type report an error; no error is ever sent about them (RFC 1122 §3.2.2). */
export function isIcmpError(type: number): boolean {
  return type === 3 || type === 4 || type === 5 || type === 11 || type === 12;
}

/** Name of type and code as people know it, e.g. `"host unreachable"`. */
export function icmpName(type: number, code: number): string {
  if (type === ICMP_ECHO_REQUEST) return 'echo request';
  if (type === ICMP_ECHO_REPLY) return 'echo reply';
  if (type === ICMP_TIME_EXCEEDED)
    return code === EXCEEDED_REASSEMBLY ? 'reassembly time exceeded' : 'time exceeded';
  if (type === ICMP_UNREACHABLE)
    return UNREACHABLE_NAMES.get(code) ?? `destination unreachable, code ${code}`;
  return `type ${type}, code ${code}`;
}

const UNREACHABLE_NAMES: ReadonlyMap<number, string> = new Map([
  [UNREACHABLE_NET, 'net unreachable'],
  [UNREACHABLE_HOST, 'host unreachable'],
  [UNREACHABLE_PROTOCOL, 'protocol unreachable'],
  [UNREACHABLE_PORT, 'port unreachable'],
  [UNREACHABLE_FRAGMENTATION_NEEDED, 'fragmentation needed'],
  [13, 'administratively prohibited'],
]);
