/**
 * Bytes that are not what their format demands. Every decoder throws this and nothing else on bad input, whatever
 * the bytes, so that a caller can answer (drop, count, NOTIFICATION) instead of crashing.
 */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  /** What was being decoded, e.g. `"VXLAN header"`. */
  readonly what: string;
  /** Byte offset of the fault, from the start of the buffer given to the decoder. */
  readonly offset: number;

  constructor(what: string, offset: number, expected: string) {
    super(`${what}, offset ${offset}: ${expected}`);
    this.what = what;
    this.offset = offset;
  }
}
