/**
 * TLVs of Initiation, Termination, Peer Up, Peer Down and Route Mirroring (RFC 7854 §4.4, RFC 9069 §5.3):
 *
 *   0: 2 Type · 2: 2 Length of the value · 4: value
 */
import type { ByteWriter } from '../bgp/byte-writer.ts';
import type { Cursor } from '../mrt/cursor.ts';

export interface Tlv {
  readonly type: number;
  /** When read, a view on the message. */
  readonly value: Uint8Array;
}

/** Reads TLVs up to the end of the message. @throws DecodeError where one is cut off. */
export function readTlvs(cursor: Cursor): Tlv[] {
  const tlvs: Tlv[] = [];
  while (cursor.left > 0) {
    const type = cursor.uint16('TLV type');
    const length = cursor.uint16('TLV length');
    tlvs.push({ type, value: cursor.take(length, 'TLV value') });
  }
  return tlvs;
}

/** Appends TLVs. @throws RangeError where a value is longer than 65535 octets. */
export function writeTlvs(writer: ByteWriter, tlvs: readonly Tlv[]): void {
  for (const { type, value } of tlvs) {
    if (value.length > 0xffff) throw new RangeError(`TLV of ${value.length} octets: at most 65535 fit`);
    writer.uint16(type);
    writer.uint16(value.length);
    writer.append(value);
  }
}

/** A TLV with text. */
export function textTlv(type: number, text: string): Tlv {
  return { type, value: new TextEncoder().encode(text) };
}

/** Text of the first TLV of a type; `undefined` where there is none. What is no UTF-8 shows as U+FFFD. */
export function tlvText(tlvs: readonly Tlv[], type: number): string | undefined {
  const tlv = tlvs.find((each) => each.type === type);
  return tlv === undefined ? undefined : new TextDecoder().decode(tlv.value);
}
