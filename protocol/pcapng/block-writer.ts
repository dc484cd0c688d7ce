import { OptionCode } from './option.ts';

/**
 * General block structure (draft-ietf-opsawg-pcapng, "General Block Structure"):
 *
 *   u32 block type | u32 block total length | body, padded to 32 bits | u32 block total length
 *
 * Writes one block, little-endian, into a buffer that grows as needed.
 */
export class BlockWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 8;
  #optionsOpen = false;

  /** @param sizeHint expected size of the block in bytes; a right guess saves copying. */
  constructor(type: number, sizeHint = 128) {
    this.#bytes = new Uint8Array(Math.max(16, sizeHint));
    this.#view = new DataView(this.#bytes.buffer);
    this.#view.setUint32(0, type, true);
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.#length, value, true);
    this.#length += 2;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  u64(value: bigint): void {
    this.#reserve(8);
    this.#view.setBigUint64(this.#length, value, true);
    this.#length += 8;
  }

  /** A 64-bit timestamp: upper half first, whatever the byte order (EPB and ISB). */
  timestamp(value: bigint): void {
    this.u32(Number((value >> 32n) & 0xffffffffn));
    this.u32(Number(value & 0xffffffffn));
  }

  /** Bytes followed by zeros up to the next 32-bit boundary. */
  padded(...parts: readonly Uint8Array[]): void {
    let length = 0;
    for (const part of parts) length += part.length;
    const padding = -length & 3;
    this.#reserve(length + padding);
    for (const part of parts) {
      this.#bytes.set(part, this.#length);
      this.#length += part.length;
    }
    this.#bytes.fill(0, this.#length, this.#length + padding);
    this.#length += padding;
  }

  /** An option whose value is the parts in a row. @throws RangeError above 65535 bytes, the option's length field. */
  option(code: number, ...parts: readonly Uint8Array[]): void {
    let length = 0;
    for (const part of parts) length += part.length;
    this.#optionHeader(code, length);
    this.padded(...parts);
  }

  optionText(code: number, text: string | undefined): void {
    if (text !== undefined) this.option(code, new TextEncoder().encode(text));
  }

  optionU8(code: number, value: number): void {
    this.option(code, Uint8Array.of(value));
  }

  optionU32(code: number, value: number | undefined): void {
    if (value === undefined) return;
    this.#optionHeader(code, 4);
    this.u32(value);
  }

  optionU64(code: number, value: bigint | undefined): void {
    if (value === undefined) return;
    this.#optionHeader(code, 8);
    this.u64(value);
  }

  optionTimestamp(code: number, value: bigint | undefined): void {
    if (value === undefined) return;
    this.#optionHeader(code, 8);
    this.timestamp(value);
  }

  comments(texts: readonly string[] | undefined): void {
    for (const text of texts ?? []) this.optionText(OptionCode.comment, text);
  }

  /** Ends the options and the block; the writer is used up. */
  finish(): Uint8Array {
    if (this.#optionsOpen) this.u32(0);
    const total = this.#length + 4;
    this.u32(total);
    this.#view.setUint32(4, total, true);
    return this.#bytes.length === total ? this.#bytes : this.#bytes.slice(0, total);
  }

  #optionHeader(code: number, length: number): void {
    if (length > 0xffff) throw new RangeError(`pcapng option ${code} has ${length} bytes, at most 65535 fit`);
    this.#optionsOpen = true;
    this.u16(code);
    this.u16(length);
  }

  #reserve(count: number): void {
    // Room for the closing opt_endofopt and length is left out: finish() reserves it like any field.
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count + 8));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
