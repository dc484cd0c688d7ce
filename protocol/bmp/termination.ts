/** Termination, RFC 7854 §4.5: TLVs that say why the sender closes the connection. */
import { type ByteWriter, readUint16 } from '../bgp/byte-writer.ts';
import type { Cursor } from '../mrt/cursor.ts';
import { beginMessage, endMessage } from './header.ts';
import { readTlvs, type Tlv, writeTlvs } from './tlv.ts';
import { TERMINATION, TERMINATION_REASON } from './types.ts';

export interface Termination {
  readonly kind: 'termination';
  readonly information: readonly Tlv[];
}

/** Reads what follows the common header. @throws DecodeError. */
export function readTermination(cursor: Cursor): Termination {
  return { kind: 'termination', information: readTlvs(cursor) };
}

/** The reason among the TLVs; `undefined` where there is none. */
export function terminationReason({ information }: Termination): number | undefined {
  const tlv = information.find(({ type, value }) => type === TERMINATION_REASON && value.length === 2);
  return tlv === undefined ? undefined : readUint16(tlv.value, 0);
}

/** The TLV with a reason. */
export function reasonTlv(reason: number): Tlv {
  return { type: TERMINATION_REASON, value: Uint8Array.of(reason >>> 8, reason) };
}

/** Appends a whole message. */
export function writeTermination(writer: ByteWriter, information: readonly Tlv[]): void {
  const start = beginMessage(writer, TERMINATION);
  writeTlvs(writer, information);
  endMessage(writer, start);
}
