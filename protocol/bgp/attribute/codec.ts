import { DecodeError } from '../../bytes/decode-error.ts';
import type { ByteWriter } from '../byte-writer.ts';
import type { CodecContext } from '../context.ts';

/** Attribute flags, RFC 4271 §4.3. */
export const OPTIONAL = 0x80;
export const TRANSITIVE = 0x40;
export const PARTIAL = 0x20;
export const EXTENDED_LENGTH = 0x10;

/** What one attribute is on the wire; generic code does everything else from this. */
export interface AttributeCodec<T> {
  readonly type: number;
  /** As RFCs spell it, e.g. `"AS_PATH"`. */
  readonly name: string;
  /** OPTIONAL and TRANSITIVE as they must be. */
  readonly flags: number;
  /** What a malformed value does to the UPDATE (RFC 7606 §7). */
  readonly malformed: 'treat-as-withdraw' | 'attribute-discard' | 'session-reset';
  /** Discarded when an external peer sends it (RFC 7606 §7.5, 7.9, 7.10). */
  readonly internalOnly?: true;
  /**
   * Reads the value octets. Arrays in the result are copies, except NLRI.
   * @param offset where the value starts in the message, for errors.
   * @throws DecodeError where the value is malformed.
   */
  decode(value: Uint8Array, context: CodecContext, offset: number): T;
  /** Appends the value octets. */
  encode(value: T, writer: ByteWriter, context: CodecContext): void;
}

/** @throws DecodeError unless `value` has `length` octets. */
export function expectLength(name: string, value: Uint8Array, length: number, offset: number): void {
  if (value.length !== length) {
    throw new DecodeError(name, offset, `length ${value.length} must be ${length}`);
  }
}

/** @throws DecodeError unless `value` is a non-empty list of items of `size` octets. */
export function expectItems(name: string, value: Uint8Array, size: number, offset: number): void {
  if (value.length === 0 || value.length % size !== 0) {
    throw new DecodeError(name, offset, `length ${value.length} must be a positive multiple of ${size}`);
  }
}
