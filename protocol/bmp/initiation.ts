/** Initiation, RFC 7854 §4.3: TLVs that say who monitors. */
import type { ByteWriter } from '../bgp/byte-writer.ts';
import type { Cursor } from '../mrt/cursor.ts';
import { beginMessage, endMessage } from './header.ts';
import { readTlvs, type Tlv, writeTlvs } from './tlv.ts';
import { INITIATION } from './types.ts';

export interface Initiation {
  readonly kind: 'initiation';
  readonly information: readonly Tlv[];
}

/** Reads what follows the common header. @throws DecodeError. */
export function readInitiation(cursor: Cursor): Initiation {
  return { kind: 'initiation', information: readTlvs(cursor) };
}

/** Appends a whole message. */
export function writeInitiation(writer: ByteWriter, information: readonly Tlv[]): void {
  const start = beginMessage(writer, INITIATION);
  writeTlvs(writer, information);
  endMessage(writer, start);
}
