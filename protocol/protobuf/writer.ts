const utf8 = new TextEncoder();
const SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const LOW_HALF = 0xffff_ffffn;

/** Largest buffer that is kept for the next message. */
const KEEP = 1 << 20;

/**
 * Writes a protobuf message from its end to its start: a nested message's length is known when its tag is due, so that
 * nothing is measured twice.
 */
export class ProtoWriter {
  #buffer: Uint8Array;
  /** First byte written. */
  #start: number;

  constructor(size = 4096) {
    this.#buffer = new Uint8Array(size);
    this.#start = size;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#buffer.length - this.#start;
  }

  #reserve(extra: number): number {
    if (extra > this.#start) this.#grow(extra);
    this.#start -= extra;
    return this.#start;
  }

  #grow(extra: number): void {
    const { length } = this;
    const larger = new Uint8Array(Math.max(2 * this.#buffer.length, length + extra));
    larger.set(this.#buffer.subarray(this.#start), larger.length - length);
    this.#start = larger.length - length;
    this.#buffer = larger;
  }

  /** A varint of 0 to 2^53. */
  varint(value: number): void {
    if (value < 0x80) {
      const at = this.#reserve(1);
      this.#buffer[at] = value;
      return;
    }
    let length = 2;
    for (let rest = value / 0x4000; rest >= 1; rest /= 0x80) length++;
    let at = this.#reserve(length);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[at] = rest;
  }

  /** A 64-bit integer; a negative one takes ten bytes (int64). */
  varint64(value: bigint): void {
    if (value >= 0n && value <= SAFE) {
      this.varint(Number(value));
      return;
    }
    // By halves of 32 bits, as every step on a large bigint allocates one.
    let low = Number(value & LOW_HALF);
    let high = Number((value >> 32n) & LOW_HALF);
    // Above 2^53: eight bytes at least.
    let at = this.#reserve(high >= 2 ** 31 ? 10 : high >= 2 ** 24 ? 9 : 8);
    while (high > 0 || low > 0x7f) {
      this.#buffer[at++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.#buffer[at] = low;
  }

  /** Bytes with their length in front. */
  bytes(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    this.#buffer.set(value, at);
    this.varint(value.length);
  }

  /** UTF-8 with its length in front. */
  string(value: string): void {
    this.bytes(utf8.encode(value));
  }

  /** Bytes as they are. */
  raw(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    this.#buffer.set(value, at);
  }

  /** Forgets what a message that failed halfway left. */
  reset(): void {
    this.#start = this.#buffer.length;
  }

  /** Takes out what has been written, with `headroom` zero bytes in front, and starts anew. */
  finish(headroom = 0): Uint8Array {
    const bytes = new Uint8Array(headroom + this.length);
    bytes.set(this.#buffer.subarray(this.#start), headroom);
    if (this.#buffer.length > KEEP) this.#buffer = new Uint8Array(4096);
    this.#start = this.#buffer.length;
    return bytes;
  }
}
