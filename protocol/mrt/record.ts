/**
 * MRT records, RFC 6396 §2 and §3:
 *
 *   0: 4 seconds since 1970 · 4: 2 type · 6: 2 subtype · 8: 4 octets that follow · (12: 4 microseconds, in _ET types) · body
 *
 * The octets that follow count the microseconds.
 */

import { type ByteWriter, readUint16, readUint32 } from '../bgp/byte-writer.ts';
import { concatBytes } from '../bytes/concat.ts';
import { DecodeError } from '../bytes/decode-error.ts';
import { BGP4MP_ET } from './types.ts';

/** When something was. */
export interface MrtTime {
  /** Seconds since 1970. */
  readonly seconds: number;
  /** Only where the type has them. */
  readonly microseconds?: number | undefined;
}

/** A record as it stands in a file. */
export interface MrtRecord extends MrtTime {
  readonly type: number;
  readonly subtype: number;
  /** What follows the header; a view that is valid until the next record is asked for. */
  readonly body: Uint8Array;
  /** Octets in the file before the body, for errors. */
  readonly offset: number;
}

const HEADER = 12;
/** IS-IS and OSPFv3 have types with microseconds too (RFC 6396 §4.5, §4.6). */
const EXTENDED: ReadonlySet<number> = new Set([BGP4MP_ET, 33, 49]);
/**
 * Longest record that is read, octets. A prefix with the most entries a record can have (65535), each with attributes of
 * 400 octets, stays below; a length beyond says that this is no MRT file or a damaged one.
 */
export const MAX_RECORD_LENGTH: number = 32 << 20;

/**
 * Takes a file apart as its octets come, in memory for one record and one piece.
 *
 *     for (const record of reader.records(piece)) ...
 *     reader.end();
 */
export class MrtReader {
  /** Pieces of a record that is not complete yet. */
  #pieces: Uint8Array[] = [];
  #waiting = 0;
  /** Octets with which there is something to read. */
  #needed = HEADER;
  /** Octets of the file before the first of the pieces. */
  #offset = 0;

  /**
   * The records that are complete with this piece of the file. All of them are to be taken before the next piece.
   * @throws DecodeError with the offset in the file where a length cannot be.
   */
  *records(piece: Uint8Array): Generator<MrtRecord> {
    this.#pieces.push(piece);
    this.#waiting += piece.length;
    if (this.#waiting < this.#needed) {
      // The caller may use its piece again.
      this.#pieces[this.#pieces.length - 1] = piece.slice();
      return;
    }
    const data = this.#pieces.length === 1 ? piece : concatBytes(this.#pieces);
    let at = 0;
    this.#needed = HEADER;
    while (at + HEADER <= data.length) {
      const length = readUint32(data, at + 8);
      if (length > MAX_RECORD_LENGTH) {
        const expected = `record of ${length} octets: at most ${MAX_RECORD_LENGTH} are read`;
        throw new DecodeError('MRT header', this.#offset + at + 8, expected);
      }
      const end = at + HEADER + length;
      if (end > data.length) {
        this.#needed = HEADER + length;
        break;
      }
      yield recordAt(data, at, end, this.#offset);
      at = end;
    }
    this.#pieces = at < data.length ? [data.slice(at)] : [];
    this.#waiting = data.length - at;
    this.#offset += at;
  }

  /** The file has ended. @throws DecodeError where that is inside a record. */
  end(): void {
    if (this.#waiting === 0) return;
    const what = this.#needed === HEADER ? 'header' : `record of ${this.#needed} octets`;
    throw new DecodeError('MRT', this.#offset, `${what} is cut off after ${this.#waiting} octets`);
  }
}

function recordAt(data: Uint8Array, at: number, end: number, before: number): MrtRecord {
  const type = readUint16(data, at + 4);
  const extended = EXTENDED.has(type);
  const body = at + HEADER + (extended ? 4 : 0);
  if (body > end)
    throw new DecodeError('MRT header', before + at + 8, 'length leaves no room for microseconds');
  return {
    seconds: readUint32(data, at),
    microseconds: extended ? readUint32(data, at + HEADER) : undefined,
    type,
    subtype: readUint16(data, at + 6),
    body: data.subarray(body, end),
    offset: before + body,
  };
}

/** Starts a record; {@link endRecord} fills in its length. Returns where it starts. */
export function beginRecord(writer: ByteWriter, type: number, subtype: number, time: MrtTime): number {
  const start = writer.position;
  writer.uint32(time.seconds);
  writer.uint16(type);
  writer.uint16(subtype);
  writer.uint32(0);
  if (EXTENDED.has(type)) writer.uint32(time.microseconds ?? 0);
  return start;
}

/** Completes the record that started at `start`. */
export function endRecord(writer: ByteWriter, start: number): void {
  const length = writer.position - start - HEADER;
  writer.patchUint16(start + 8, length >>> 16);
  writer.patchUint16(start + 10, length & 0xffff);
}
