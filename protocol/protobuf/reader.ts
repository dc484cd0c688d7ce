import { DecodeError } from '../bytes/decode-error.ts';

/** How a field's value is written (protobuf encoding, "Message Structure"). */
export const WireType = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const;

/** Deepest nesting of messages and groups; etcd's own limits end nested transactions far earlier. */
export const MAX_DEPTH = 500;

const utf8 = new TextDecoder();

/**
 * Reads protobuf values from a buffer. Nothing reads past the end: it throws DecodeError with the offset in the buffer of the
 * outermost message.
 */
export class ProtoReader {
  readonly #what: string;
  readonly #bytes: Uint8Array;
  readonly #views: boolean;
  #offset = 0;
  #end: number;
  #depth = 0;

  /** `views`: {@link ProtoReader.bytes} gives parts of `bytes` instead of copies. */
  constructor(what: string, bytes: Uint8Array, views = false) {
    this.#what = what;
    this.#views = views;
    // A plain array even where it is a Node Buffer, whose slice() would not copy.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#end = bytes.length;
  }

  get atEnd(): boolean {
    return this.#offset >= this.#end;
  }

  /** @throws DecodeError always: what was expected here. */
  fail(expected: string): never {
    throw new DecodeError(this.#what, this.#offset, `expected ${expected}`);
  }

  #byte(): number {
    if (this.#offset >= this.#end) this.fail('another byte');
    return this.#bytes[this.#offset++]!;
  }

  /** A varint's low 32 bits, unsigned; the rest is dropped as protobuf says. */
  uint32(): number {
    let byte = this.#byte();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let shift = 7; shift < 70; shift += 7) {
      byte = this.#byte();
      if (shift < 35) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    return this.fail('a varint of at most 10 bytes');
  }

  /** A varint as int32 (also of enums). */
  int32(): number {
    return this.uint32() | 0;
  }

  /** A varint as uint64, exact. */
  uint64(): bigint {
    let byte = this.#byte();
    if (byte < 0x80) return BigInt(byte);
    let low = byte & 0x7f;
    let scale = 0x80;
    for (let i = 1; i < 7; i++) {
      byte = this.#byte();
      low += (byte & 0x7f) * scale;
      if (byte < 0x80) return BigInt(low);
      scale *= 0x80;
    }
    let value = BigInt(low);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    return this.fail('a varint of at most 10 bytes');
  }

  /** A varint as int64, exact. */
  int64(): bigint {
    const value = this.uint64();
    return value < 0x8000_0000_0000_0000n ? value : BigInt.asIntN(64, value);
  }

  bool(): boolean {
    return this.uint64() !== 0n;
  }

  #length(): number {
    const length = this.uint32();
    if (length > this.#end - this.#offset) this.fail(`${length} more bytes`);
    return length;
  }

  /** Length and bytes: a copy, which does not keep the whole buffer in memory, unless views were asked for. */
  bytes(): Uint8Array {
    const length = this.#length();
    const start = this.#offset;
    this.#offset += length;
    return this.#views ? this.#bytes.subarray(start, this.#offset) : this.#bytes.slice(start, this.#offset);
  }

  /** Length and UTF-8; invalid sequences become U+FFFD. */
  string(): string {
    const length = this.#length();
    const start = this.#offset;
    this.#offset += length;
    return utf8.decode(this.#bytes.subarray(start, this.#offset));
  }

  /**
   * Enters what has its length in front: {@link ProtoReader.atEnd} means its end until {@link ProtoReader.leave} gets
   * back what this returns.
   */
  enter(): number {
    const length = this.#length();
    if (++this.#depth > MAX_DEPTH) this.fail(`at most ${MAX_DEPTH} nested messages`);
    const outer = this.#end;
    this.#end = this.#offset + length;
    return outer;
  }

  leave(outer: number): void {
    this.#end = outer;
    this.#depth--;
  }

  #advance(length: number): void {
    if (length > this.#end - this.#offset) this.fail(`${length} more bytes`);
    this.#offset += length;
  }

  /** Passes over the value of a field that nobody knows. */
  skip(wireType: number): void {
    if (wireType === WireType.varint) this.uint64();
    else if (wireType === WireType.fixed64) this.#advance(8);
    else if (wireType === WireType.bytes) this.#advance(this.uint32());
    else if (wireType === WireType.fixed32) this.#advance(4);
    else if (wireType === WireType.startGroup) this.#skipGroup();
    else this.fail(`a wire type of 0 to 3 or 5, got ${wireType}`);
  }

  #skipGroup(): void {
    if (++this.#depth > MAX_DEPTH) this.fail(`at most ${MAX_DEPTH} nested messages`);
    for (;;) {
      const wireType = this.uint32() & 7;
      if (wireType === WireType.endGroup) break;
      this.skip(wireType);
    }
    this.#depth--;
  }
}
