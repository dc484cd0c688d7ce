import { DecodeError } from '../../bytes/decode-error.ts';
import type { ByteWriter } from '../byte-writer.ts';
import type { CodecContext, PeerType } from '../context.ts';
import { type Field, leaf, rest } from '../dissect/field.ts';
import type { AttributeOutcome } from '../error.ts';

/** Attribute flags, RFC 4271 §4.3. */
export const OPTIONAL = 0x80;
export const TRANSITIVE = 0x40;
export const PARTIAL = 0x20;
export const EXTENDED_LENGTH = 0x10;

/** Whose an attribute is to be dropped from. */
export interface AttributeScope {
  /** Peers that may send it. */
  readonly peers: readonly PeerType[];
  /** Dropping it from others is no fault: it counts as an unknown non-transitive attribute. */
  readonly quiet?: true;
  /** The clause that says so. */
  readonly rfc: string;
}

/**
 * What one attribute is: on the wire, when it is wrong and what follows from that, and for people. Generic code does
 * everything else from this.
 */
export interface AttributeCodec<T> {
  readonly type: number;
  /** As RFCs spell it, e.g. `"AS_PATH"`. */
  readonly name: string;
  /** The clause that defines it. */
  readonly rfc: string;
  /** OPTIONAL and TRANSITIVE as they must be. */
  readonly flags: number;
  /** What a malformed value does to the UPDATE. */
  readonly malformed: AttributeOutcome | 'session-reset';
  /** The clause that says so. */
  readonly malformedRfc: string;
  /** What wrong OPTIONAL and TRANSITIVE bits do, where that is not what RFC 7606 §3 c says (treat-as-withdraw). */
  readonly wrongFlags?: AttributeOutcome;
  /** Where not every peer may send it. */
  readonly scope?: AttributeScope;
  /**
   * Reads the value octets. Arrays in the result are copies, except NLRI.
   * @param offset where the value starts in the message, for errors.
   * @throws DecodeError where the value is malformed.
   */
  decode(value: Uint8Array, context: CodecContext, offset: number): T;
  /** Appends the value octets. */
  encode(value: T, writer: ByteWriter, context: CodecContext): void;
  /** One line for people. */
  text(value: T): string;
  /** The parts of the value octets, whatever they are: as far as they make sense, and the rest undecoded. */
  fields(value: Uint8Array, offset: number, context: CodecContext): Field[];
}

/** @throws DecodeError unless `value` has `length` octets. */
export function expectLength(name: string, value: Uint8Array, length: number, offset: number): void {
  if (value.length !== length) {
    throw new DecodeError(name, offset, `length ${value.length} must be ${length}`);
  }
}

/** @throws DecodeError unless `value` is a non-empty list of items of `size` octets (RFC 7606 §4). */
export function expectItems(name: string, value: Uint8Array, size: number, offset: number): void {
  if (value.length === 0 || value.length % size !== 0) {
    throw new DecodeError(name, offset, `length ${value.length} must be a positive multiple of ${size}`);
  }
}

/** Fields of a value that is `size` octets of one thing; of another size, it is undecoded. */
export function single(
  value: Uint8Array,
  size: number,
  offset: number,
  read: (value: Uint8Array) => Field,
): Field[] {
  return value.length === size ? [read(value)] : rest(value, 0, offset);
}

/** Fields of a list of items of `size` octets each, and of what is left over. */
export function items(
  name: string,
  value: Uint8Array,
  size: number,
  offset: number,
  text: (value: Uint8Array, at: number) => string,
): Field[] {
  const fields: Field[] = [];
  let at = 0;
  for (; at + size <= value.length; at += size) fields.push(leaf(name, offset + at, size, text(value, at)));
  return [...fields, ...rest(value, at, offset)];
}
