/** BGP messages inside of BMP messages. */
import { readUint16 } from '../bgp/byte-writer.ts';
import { HEADER_LENGTH } from '../bgp/message/header.ts';
import type { Cursor } from '../mrt/cursor.ts';

/**
 * The BGP message that begins here, marker to end; of it only marker, length and type are looked at.
 * @param field for errors.
 * @param type that it must have.
 * @throws DecodeError where it is none, another one, or cut off.
 */
export function readBgpPdu(cursor: Cursor, field: string, type: number): Uint8Array {
  const start = cursor.at;
  const header = cursor.take(HEADER_LENGTH, `BGP header of the ${field}`);
  for (let i = 0; i < 16; i++) {
    if (header[i] !== 0xff) throw cursor.fault(start + i, `marker of the ${field} must be all ones`);
  }
  const length = readUint16(header, 16);
  if (length < HEADER_LENGTH) {
    throw cursor.fault(start + 16, `length ${length} of the ${field} must be at least ${HEADER_LENGTH}`);
  }
  if (header[18] !== type) {
    throw cursor.fault(start + 18, `BGP message type ${header[18]} of the ${field} must be ${type}`);
  }
  cursor.take(length - HEADER_LENGTH, field);
  return cursor.bytes.subarray(start, start + length);
}

/** @throws DecodeError where octets of the message are left. */
export function expectEnd(cursor: Cursor, field: string): void {
  if (cursor.left > 0) throw cursor.fault(cursor.at, `${cursor.left} octets are left behind the ${field}`);
}
