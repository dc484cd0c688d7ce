import { DecodeError } from '../bytes/decode-error.ts';

/**
 * Reads the fields of a block's body (or an option's value) in the section's byte order. Every read is checked:
 * beyond the end it throws a {@link DecodeError} whose offset counts from the start of the stream.
 */
export class BodyReader {
  readonly littleEndian: boolean;
  readonly what: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #origin: number;
  #position = 0;

  /** @param origin offset of `bytes[0]` in the stream. @param what block name for errors. */
  constructor(bytes: Uint8Array, littleEndian: boolean, origin: number, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.littleEndian = littleEndian;
    this.#origin = origin;
    this.what = what;
  }

  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  u8(field: string): number {
    return this.#bytes[this.#advance(1, field)]!;
  }

  u16(field: string): number {
    return this.#view.getUint16(this.#advance(2, field), this.littleEndian);
  }

  u32(field: string): number {
    return this.#view.getUint32(this.#advance(4, field), this.littleEndian);
  }

  u64(field: string): bigint {
    return this.#view.getBigUint64(this.#advance(8, field), this.littleEndian);
  }

  i64(field: string): bigint {
    return this.#view.getBigInt64(this.#advance(8, field), this.littleEndian);
  }

  /** A 64-bit timestamp: upper half first, each half in the section's byte order. */
  timestamp(field: string): bigint {
    const high = this.u32(field);
    return (BigInt(high) << 32n) | BigInt(this.u32(field));
  }

  /** `length` bytes, as a view on the block. */
  bytes(length: number, field: string): Uint8Array {
    const start = this.#advance(length, field);
    return this.#bytes.subarray(start, start + length);
  }

  /** `length` bytes as a reader of their own, skipping their padding to the next 32-bit boundary. */
  padded(length: number, field: string): BodyReader {
    const origin = this.#origin + this.#position;
    const value = this.bytes(length, field);
    this.#advance(Math.min(-length & 3, this.remaining), field);
    return new BodyReader(value, this.littleEndian, origin, this.what);
  }

  /** All that is left as bytes. */
  rest(): Uint8Array {
    return this.bytes(this.remaining, 'rest');
  }

  /** All that is left as UTF-8; invalid sequences become U+FFFD. */
  text(): string {
    return new TextDecoder().decode(this.rest());
  }

  /** The fault at the current position. */
  fault(expected: string): DecodeError {
    return new DecodeError(this.what, this.#origin + this.#position, expected);
  }

  #advance(count: number, field: string): number {
    const start = this.#position;
    if (count > this.#bytes.length - start) {
      throw this.fault(`${field} needs ${count} bytes, ${this.#bytes.length - start} left`);
    }
    this.#position = start + count;
    return start;
  }
}
