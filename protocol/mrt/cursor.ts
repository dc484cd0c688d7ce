/** Reading the body of a record from front to end, never past it. */
import { readUint16, readUint32 } from '../bgp/byte-writer.ts';
import { DecodeError } from '../bytes/decode-error.ts';

export class Cursor {
  readonly bytes: Uint8Array;
  at = 0;
  readonly #what: string;
  readonly #base: number;

  /**
   * @param what for errors.
   * @param base octets in the file before the first of `bytes`.
   */
  constructor(what: string, bytes: Uint8Array, base: number) {
    this.#what = what;
    this.bytes = bytes;
    this.#base = base;
  }

  /** How many octets are left. */
  get left(): number {
    return this.bytes.length - this.at;
  }

  uint8(field: string): number {
    const at = this.#take(1, field);
    return this.bytes[at]!;
  }

  uint16(field: string): number {
    return readUint16(this.bytes, this.#take(2, field));
  }

  uint32(field: string): number {
    return readUint32(this.bytes, this.#take(4, field));
  }

  /** An AS number of 2 or 4 octets. */
  asn(size: 2 | 4, field: string): number {
    return size === 4 ? this.uint32(field) : this.uint16(field);
  }

  /** A view on so many octets. */
  take(length: number, field: string): Uint8Array {
    const at = this.#take(length, field);
    return this.bytes.subarray(at, at + length);
  }

  /** A DecodeError at the octet `at` of the body. */
  fault(at: number, expected: string): DecodeError {
    return new DecodeError(this.#what, this.#base + at, expected);
  }

  #take(length: number, field: string): number {
    const { at } = this;
    if (length > this.bytes.length - at) {
      throw this.fault(at, `${field} of ${length} octets is cut off, ${this.bytes.length - at} left`);
    }
    this.at = at + length;
    return at;
  }
}
