import { DecodeError } from '../bytes/decode-error.ts';
import { decodeHuffman } from './huffman.ts';

/** Header compression (RFC 7541). */

/** A header field: its name in lower case, and its value. */
export type HeaderField = readonly [name: string, value: string];

/** The static table (appendix A), from index 1 on. */
const STATIC: readonly HeaderField[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language', ''],
  ['accept-ranges', ''],
  ['accept', ''],
  ['access-control-allow-origin', ''],
  ['age', ''],
  ['allow', ''],
  ['authorization', ''],
  ['cache-control', ''],
  ['content-disposition', ''],
  ['content-encoding', ''],
  ['content-language', ''],
  ['content-length', ''],
  ['content-location', ''],
  ['content-range', ''],
  ['content-type', ''],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['expect', ''],
  ['expires', ''],
  ['from', ''],
  ['host', ''],
  ['if-match', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['if-range', ''],
  ['if-unmodified-since', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['max-forwards', ''],
  ['proxy-authenticate', ''],
  ['proxy-authorization', ''],
  ['range', ''],
  ['referer', ''],
  ['refresh', ''],
  ['retry-after', ''],
  ['server', ''],
  ['set-cookie', ''],
  ['strict-transport-security', ''],
  ['transfer-encoding', ''],
  ['user-agent', ''],
  ['vary', ''],
  ['via', ''],
  ['www-authenticate', ''],
];

/** Octets that an entry of the dynamic table counts beside its text (§4.1). */
const ENTRY_OVERHEAD = 32;
/** Size of the dynamic table unless SETTINGS say otherwise, which ours do not. */
const TABLE_SIZE = 4096;

/** Arguments that a call of fromCharCode takes safely. */
const CHUNK = 4096;

/** One character per octet (which TextDecoder's "latin1", being windows-1252, does not give). */
function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += String.fromCharCode.apply(null, bytes.subarray(at, at + CHUNK) as unknown as number[]);
  }
  return text;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function sizeOf([name, value]: HeaderField): number {
  return name.length + value.length + ENTRY_OVERHEAD;
}

/** The list of fields is larger than it may be. */
export class HeaderListError extends DecodeError {}

/** Decodes the header blocks of one direction of a connection, which share a dynamic table. */
export class HpackDecoder {
  /** Newest first. */
  readonly #table: HeaderField[] = [];
  readonly #limit: number;
  #size = 0;
  #capacity = TABLE_SIZE;
  #bytes: Uint8Array = new Uint8Array(0);
  #offset = 0;
  /** The last block that only referred to the tables, and its fields: good until they change. Most requests repeat it. */
  #known: { readonly block: Uint8Array; readonly fields: readonly HeaderField[] } | undefined;

  /** `limit`: size that a decoded list may have, counted as entries of the table are. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * The fields of a whole block.
   * @throws DecodeError, {@link HeaderListError}; the connection cannot go on then, as the tables of both sides differ.
   */
  decode(block: Uint8Array): readonly HeaderField[] {
    const known = this.#known;
    if (known !== undefined && equal(known.block, block)) return known.fields;
    this.#known = undefined;
    const fields = this.#fields(block);
    if (block.every((octet) => octet >= 0x80)) this.#known = { block: block.slice(), fields };
    return fields;
  }

  #fields(block: Uint8Array): HeaderField[] {
    this.#bytes = block;
    this.#offset = 0;
    const fields: HeaderField[] = [];
    let size = 0;
    while (this.#offset < block.length) {
      const field = this.#field(fields.length === 0);
      if (field === undefined) continue;
      size += sizeOf(field);
      if (size > this.#limit) {
        const expected = `expected a header list of at most ${this.#limit} octets`;
        throw new HeaderListError('HPACK block', this.#offset, expected);
      }
      fields.push(field);
    }
    return fields;
  }

  #fail(expected: string): never {
    throw new DecodeError('HPACK block', this.#offset, `expected ${expected}`);
  }

  /** The next field; undefined for a change of the table's size, which only the start of a block may have. */
  #field(first: boolean): HeaderField | undefined {
    const byte = this.#bytes[this.#offset]!;
    if ((byte & 0x80) !== 0) return this.#entry(this.#integer(7));
    if ((byte & 0x40) !== 0) {
      const field = this.#literal(this.#integer(6));
      this.#add(field);
      return field;
    }
    if ((byte & 0x20) === 0) return this.#literal(this.#integer(4));
    const capacity = this.#integer(5);
    if (!first || capacity > TABLE_SIZE) this.#fail(`a table size of at most ${TABLE_SIZE} at the start`);
    this.#capacity = capacity;
    this.#evict();
    return undefined;
  }

  #entry(index: number): HeaderField {
    const field = index <= STATIC.length ? STATIC[index - 1] : this.#table[index - STATIC.length - 1];
    return field ?? this.#fail(`an index of the tables, got ${index}`);
  }

  #literal(index: number): HeaderField {
    const name = index === 0 ? this.#string() : this.#entry(index)[0];
    return [name, this.#string()];
  }

  #add(field: HeaderField): void {
    this.#table.unshift(field);
    this.#size += sizeOf(field);
    this.#evict();
  }

  #evict(): void {
    while (this.#size > this.#capacity) this.#size -= sizeOf(this.#table.pop()!);
  }

  #byte(): number {
    if (this.#offset >= this.#bytes.length) this.#fail('another octet');
    return this.#bytes[this.#offset++]!;
  }

  /** An integer with a prefix of that many bits (§5.1), up to 2^28. */
  #integer(bits: number): number {
    const mask = (1 << bits) - 1;
    let value = this.#byte() & mask;
    if (value < mask) return value;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return this.#fail('an integer below 2^28');
  }

  #string(): string {
    const huffman = (this.#bytes[this.#offset] ?? 0) >= 0x80;
    const length = this.#integer(7);
    if (length > this.#bytes.length - this.#offset) this.#fail(`${length} more octets`);
    const bytes = this.#bytes.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return latin1(huffman ? decodeHuffman(bytes) : bytes);
  }
}

/** A block of fields that touches no table: the same octets always, so that they may be kept. Values are latin1. */
export function encodeHeaders(fields: readonly HeaderField[]): Uint8Array {
  const bytes: number[] = [];
  const integer = (value: number, bits: number, first: number): void => {
    const mask = (1 << bits) - 1;
    if (value < mask) {
      bytes.push(first | value);
      return;
    }
    bytes.push(first | mask);
    let rest = value - mask;
    for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
    bytes.push(rest);
  };
  const text = (value: string): void => {
    integer(value.length, 7, 0);
    for (let i = 0; i < value.length; i++) bytes.push(value.charCodeAt(i) & 0xff);
  };
  for (const [name, value] of fields) {
    const whole = STATIC.findIndex((entry) => entry[0] === name && entry[1] === value);
    if (whole >= 0) {
      integer(whole + 1, 7, 0x80);
      continue;
    }
    const named = STATIC.findIndex((entry) => entry[0] === name);
    integer(named + 1, 4, 0);
    if (named < 0) text(name);
    text(value);
  }
  return Uint8Array.from(bytes);
}
