// The package's export map names no types, so its file is imported by path; it is CommonJS and takes Node's Buffer.
import { Parser } from 'binary-parser/dist/binary_parser.js';
import { DecodeError } from '../bytes/decode-error.ts';

export { Parser };

/** A fixed-length header described with binary-parser. */
export interface HeaderParser<Header> {
  /** Length in bytes. */
  readonly length: number;
  /** Header at `at` (default 0). @throws DecodeError where fewer than `length` bytes are left. */
  parse(bytes: Uint8Array, at?: number): Header;
}

/**
 * Types a declarative parser, whose own result is `any`, and checks the length first: left alone, binary-parser gives
 * short slices or errors without a place. For edges (inspection, dissection, tests), not for the packet path: a parse
 * costs about a microsecond.
 * @param what e.g. `"VXLAN header"`, for errors.
 * @param length in bytes (the parser's own `sizeOf` leaves bit fields out).
 */
export function headerParser<Header>(what: string, length: number, parser: Parser): HeaderParser<Header> {
  return {
    length,
    parse(bytes, at = 0) {
      if (bytes.length - at < length) {
        throw new DecodeError(what, at, `expected ${length} bytes, ${Math.max(0, bytes.length - at)} left`);
      }
      // Copied, because binary-parser leaves its results in V8's slow dictionary mode.
      return { ...parser.parse(bytes.subarray(at, at + length) as Buffer) } as Header;
    },
  };
}
