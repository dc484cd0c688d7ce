/** Attributes that are a row of TLVs. They are kept as they came, so nothing in them is lost when they are passed on. */
import { DecodeError } from '../../bytes/decode-error.ts';
import { readUint16 } from '../byte-writer.ts';
import { type Field, group, leaf, opaque, rest } from '../dissect/field.ts';

/** How the TLVs of an attribute stand on the wire. */
export interface TlvFormat {
  /** Octets of the type. */
  readonly type: 1 | 2;
  /** Octets of the length, by type. */
  length(type: number): 1 | 2;
  /** The length counts type and length too. */
  readonly inclusive?: true;
}

export interface Tlv {
  readonly type: number;
  /** Where it starts, and where its value does. */
  readonly start: number;
  readonly value: number;
  readonly end: number;
}

/** The TLV at `at`; `undefined` where it does not fit before `limit`. */
export function tlvAt(bytes: Uint8Array, at: number, limit: number, format: TlvFormat): Tlv | undefined {
  if (at + format.type > limit) return undefined;
  const type = format.type === 1 ? bytes[at]! : readUint16(bytes, at);
  const size = format.length(type);
  const value = at + format.type + size;
  if (value > limit) return undefined;
  const length = size === 1 ? bytes[value - 1]! : readUint16(bytes, value - 2);
  const end = format.inclusive ? at + length : value + length;
  return end < value || end > limit ? undefined : { type, start: at, value, end };
}

/** Calls `visit` for each TLV from `at` on; returns where the first one that does not fit starts, or `limit`. */
export function forEachTlv(
  bytes: Uint8Array,
  at: number,
  limit: number,
  format: TlvFormat,
  visit: (tlv: Tlv) => void,
): number {
  let next = at;
  while (next < limit) {
    const tlv = tlvAt(bytes, next, limit, format);
    if (tlv === undefined) return next;
    visit(tlv);
    next = tlv.end;
  }
  return limit;
}

/** @throws DecodeError unless `value` is one or more whole TLVs. @param check looks into each, and may throw too. */
export function expectTlvs(
  name: string,
  value: Uint8Array,
  format: TlvFormat,
  offset: number,
  check: (tlv: Tlv) => void = () => undefined,
): void {
  if (value.length === 0) throw new DecodeError(name, offset, 'must not be empty');
  const end = forEachTlv(value, 0, value.length, format, check);
  if (end < value.length) throw new DecodeError(name, offset + end, 'TLV runs past the attribute');
}

/** Fields of each TLV, with those that `inside` gives for its value, and what is left over. */
export function tlvFields(
  bytes: Uint8Array,
  from: number,
  limit: number,
  format: TlvFormat,
  offset: number,
  describe: (tlv: Tlv) => {
    readonly name: string;
    readonly text?: string;
    readonly inside?: readonly Field[];
  },
): Field[] {
  const fields: Field[] = [];
  const end = forEachTlv(bytes, from, limit, format, (tlv) => {
    const { name, text, inside } = describe(tlv);
    const { type, start, value } = tlv;
    const lengthAt = start + format.type;
    const children = [
      leaf('type', offset + start, format.type, type),
      leaf('length', offset + lengthAt, value - lengthAt, tlv.end - (format.inclusive ? start : value)),
      ...(inside ??
        (tlv.end === value ? [] : [opaque('value', bytes.subarray(value, tlv.end), offset + value)])),
    ];
    fields.push(group(name, offset + start, tlv.end - start, children, text));
  });
  return [...fields, ...rest(bytes.subarray(0, limit), end, offset)];
}
