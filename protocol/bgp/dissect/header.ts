import { toHex } from '../../bytes/hex.ts';
import { readUint16 } from '../byte-writer.ts';
import { HEADER_LENGTH, KEEPALIVE, NOTIFICATION, OPEN, ROUTE_REFRESH, UPDATE } from '../message/header.ts';
import { type Field, group, leaf } from './field.ts';

const TYPE_NAMES: Readonly<Record<number, string>> = {
  [OPEN]: 'OPEN',
  [UPDATE]: 'UPDATE',
  [NOTIFICATION]: 'NOTIFICATION',
  [KEEPALIVE]: 'KEEPALIVE',
  [ROUTE_REFRESH]: 'ROUTE-REFRESH',
};

/** `"UPDATE"`, or `"message type 9"`. */
export function messageTypeName(type: number): string {
  return TYPE_NAMES[type] ?? `message type ${type}`;
}

/** The header of a message, RFC 4271 §4.1, of which 19 octets must be there. */
export function headerField(bytes: Uint8Array): Field {
  const type = bytes[18]!;
  return group('header', 0, HEADER_LENGTH, [
    leaf('marker', 0, 16, toHex(bytes.subarray(0, 16))),
    leaf('length', 16, 2, readUint16(bytes, 16)),
    leaf('type', 18, 1, type, messageTypeName(type)),
  ]);
}
