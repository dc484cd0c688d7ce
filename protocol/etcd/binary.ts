import { DecodeError } from '../bytes/decode-error.ts';

const LOW_SEVEN = 0x7fn;
const SAFE = BigInt(Number.MAX_SAFE_INTEGER);
/** Versions and leases are mostly small: nothing is to be allocated for these. */
const SMALL: readonly bigint[] = Array.from({ length: 256 }, (_, i) => BigInt(i));
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A growing buffer of protobuf-style varints and length-prefixed bytes. */
export class Writer {
  #buffer: Uint8Array = new Uint8Array(256);
  #length = 0;

  #reserve(extra: number): void {
    const needed = this.#length + extra;
    if (needed <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }

  /** Forgets what has been written. */
  clear(): void {
    this.#length = 0;
  }

  /** What has been written, valid until the next write. */
  get written(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  /** A 64-bit integer, 1 to 10 bytes; a negative one in two's complement (protobuf int64). */
  varint(value: bigint): void {
    this.#reserve(10);
    if (value >= 0n && value <= SAFE) {
      let small = Number(value);
      while (small > 0x7f) {
        this.#buffer[this.#length++] = (small % 0x80) | 0x80;
        small = Math.floor(small / 0x80);
      }
      this.#buffer[this.#length++] = small;
      return;
    }
    let rest = BigInt.asUintN(64, value);
    while (rest > LOW_SEVEN) {
      this.#buffer[this.#length++] = Number(rest & LOW_SEVEN) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.#length++] = Number(rest);
  }

  /** 2 bytes, big endian. */
  uint16(value: number): void {
    this.#reserve(2);
    this.#buffer[this.#length++] = value >>> 8;
    this.#buffer[this.#length++] = value;
  }

  /** 4 bytes, big endian. */
  uint32(value: number): void {
    this.#reserve(4);
    for (let shift = 24; shift >= 0; shift -= 8) this.#buffer[this.#length++] = value >>> shift;
  }

  /** 8 bytes, big endian. */
  uint64(value: bigint): void {
    this.uint32(Number((value >> 32n) & 0xffff_ffffn));
    this.uint32(Number(value & 0xffff_ffffn));
  }

  /** What `write` writes, with its length as 4 bytes, big endian, in front. */
  sized(write: () => void): void {
    const at = this.#length;
    this.uint32(0);
    write();
    const end = this.#length;
    this.#length = at;
    this.uint32(end - at - 4);
    this.#length = end;
  }

  /** An integer of 0 to 2^53 - 1, as {@link Writer.varint} writes it. */
  size(value: number): void {
    this.#reserve(8);
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
    this.#buffer[this.#length++] = rest;
  }

  /** A byte for each character. */
  latin1(text: string): void {
    this.#reserve(text.length);
    for (let i = 0; i < text.length; i++) this.#buffer[this.#length++] = text.charCodeAt(i);
  }

  /** Length and bytes. */
  block(bytes: Uint8Array): void {
    this.size(bytes.length);
    this.raw(bytes);
  }

  /** Bytes, without their length. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Text as UTF-8, with its length. */
  text(text: string): void {
    this.block(encoder.encode(text));
  }

  /** Count and items. */
  list<T>(items: readonly T[], write: (item: T) => void): void {
    this.size(items.length);
    for (const item of items) write(item);
  }

  /** What has been written, as bytes of its own. */
  bytes(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }
}

/** Reads what {@link Writer} wrote; throws DecodeError instead of reading past the end. */
export class Reader {
  readonly #what: string;
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(what: string, bytes: Uint8Array) {
    this.#what = what;
    // A plain array even where it is a Node Buffer, whose slice() would not copy.
    const plain = Object.getPrototypeOf(bytes) === Uint8Array.prototype;
    this.#bytes = plain ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** @throws DecodeError always: what was expected at the current offset. */
  fail(expected: string): never {
    throw new DecodeError(this.#what, this.#offset, `expected ${expected}`);
  }

  get atEnd(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#offset];
    if (value === undefined) this.fail('another byte');
    this.#offset++;
    return value;
  }

  /** A 64-bit integer as int64. */
  varint(): bigint {
    let low = 0;
    let scale = 1;
    for (let i = 0; i < 7; i++) {
      const byte = this.byte();
      low += (byte & 0x7f) * scale;
      if (byte < 0x80) return low < SMALL.length ? SMALL[low]! : BigInt(low);
      scale *= 0x80;
    }
    let value = BigInt(low);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    return this.fail('a varint of at most 10 bytes');
  }

  /** An integer of 0 to 2^53 - 1. */
  size(): number {
    const value = this.varint();
    if (value < 0n || value > SAFE) this.fail(`an integer of 0 to 2^53 - 1, got ${value}`);
    return Number(value);
  }

  /** Length and bytes, copied. */
  block(): Uint8Array {
    const length = Number(this.varint());
    if (length < 0 || length > this.#bytes.length - this.#offset) this.fail(`${length} more bytes`);
    const block = this.#bytes.slice(this.#offset, this.#offset + length);
    this.#offset += length;
    return block;
  }

  /** Length and bytes, as a part of the reader's own: good as long as those are. */
  view(): Uint8Array {
    const length = Number(this.varint());
    if (length < 0 || length > this.#bytes.length - this.#offset) this.fail(`${length} more bytes`);
    const block = this.#bytes.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return block;
  }

  /** Length and UTF-8. */
  text(): string {
    return decoder.decode(this.block());
  }

  /** Count and that many items; `read` is given each one's position. */
  list<T>(read: (position: number) => T): T[] {
    const count = Number(this.varint());
    // Every item takes a byte at least: a larger count is damage, not a reason to allocate.
    if (count < 0 || count > this.#bytes.length - this.#offset)
      this.fail(`a count of items that fit, got ${count}`);
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read(i));
    return items;
  }

  /** @throws DecodeError where bytes are left over. */
  end(): void {
    if (!this.atEnd) this.fail('the end');
  }
}

/** Bytes that {@link Writer.size} takes. */
export function sizeLength(value: number): number {
  let length = 1;
  for (let rest = value / 0x80; rest >= 1; rest /= 0x80) length++;
  return length;
}

/** Bytes that {@link Writer.varint} takes. */
export function varintLength(value: bigint): number {
  return value >= 0n && value <= SAFE ? sizeLength(Number(value)) : sizeLengthOf64(value);
}

function sizeLengthOf64(value: bigint): number {
  let length = 1;
  for (let rest = BigInt.asUintN(64, value) >> 7n; rest > 0n; rest >>= 7n) length++;
  return length;
}
