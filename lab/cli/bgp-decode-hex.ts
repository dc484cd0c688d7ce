import { UsageError } from './errors.ts';

/** Between digits: what dumps and tools put there. */
const SEPARATORS: ReadonlySet<string> = new Set([' ', '\t', '\r', '\n', ':', '|', ',', '-', '.', '_']);

/** Whether these octets can be hex in text, rather than a message or a capture: no control characters, all ASCII. */
export function looksLikeText(bytes: Uint8Array): boolean {
  return bytes.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 9 || byte === 10 || byte === 13);
}

/**
 * Octets of hex digits as they come, in pieces of any size: with or without `0x`, `\x`, spaces, line ends, colons and the
 * like between them; from `#` to the end of a line is a comment.
 */
export class HexReader {
  readonly #what: string;
  /** Octets of text before this piece, and lines. */
  #offset = 0;
  #line = 1;
  #high: number | undefined;
  #comment = false;
  /** The last character was a zero that may begin `0x`, or a backslash that must begin `\x`. */
  #before: '0' | '\\' | '' = '';

  /** @param what names the text in errors, such as `message.hex`. */
  constructor(what: string) {
    this.#what = what;
  }

  /** @throws UsageError that says where a character is that does not belong. */
  push(text: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(Math.ceil((text.length + 1) / 2));
    let length = 0;
    for (const code of text) {
      const character = String.fromCharCode(code);
      const octet = this.#take(character);
      if (octet !== undefined) bytes[length++] = octet;
      if (character === '\n') this.#line++;
      this.#offset++;
    }
    return bytes.subarray(0, length);
  }

  /** @throws UsageError where half an octet is left. */
  end(): void {
    if (this.#high !== undefined) throw new UsageError(`${this.#what}: odd number of hex digits`);
  }

  #take(character: string): number | undefined {
    if (this.#comment) {
      this.#comment = character !== '\n';
      return undefined;
    }
    const before = this.#before;
    this.#before = '';
    const digit = '0123456789abcdef'.indexOf(character.toLowerCase());
    if (digit >= 0) return this.#digit(digit, character);
    if ((character === 'x' || character === 'X') && before !== '') {
      // The zero of 0x was taken for half an octet.
      if (before === '0') this.#high = undefined;
      return undefined;
    }
    if (character === '#') this.#comment = true;
    else if (character === '\\') this.#before = '\\';
    else if (!SEPARATORS.has(character)) throw this.#unexpected(character);
    return undefined;
  }

  #digit(digit: number, character: string): number | undefined {
    if (this.#high === undefined) {
      this.#high = digit;
      if (character === '0') this.#before = '0';
      return undefined;
    }
    const octet = this.#high * 16 + digit;
    this.#high = undefined;
    return octet;
  }

  #unexpected(character: string): UsageError {
    const shown = /[\x20-\x7e]/.test(character)
      ? JSON.stringify(character)
      : `octet ${character.charCodeAt(0)}`;
    const line = this.#line === 1 ? '' : ` (line ${this.#line})`;
    return new UsageError(
      `${this.#what}: expected a hex digit at offset ${this.#offset}${line}, found ${shown}`,
    );
  }
}
