import { concatBytes } from '../bytes/concat.ts';
import { decodeHeader, HEADER_LENGTH } from './header.ts';

/** A whole message as it stands in the stream. */
export interface BmpFrame {
  readonly type: number;
  /** With its header; a view that is valid until the next octets are pushed. */
  readonly bytes: Uint8Array;
  /** Octets of the stream before it, for errors. */
  readonly offset: number;
}

/** Cuts a TCP byte stream into messages. Only the octets of an incomplete message are copied and kept. */
export class BmpStream {
  /** Pieces of an incomplete message. */
  #pieces: Uint8Array[] = [];
  #waiting = 0;
  /** Octets with which there is something to read. */
  #needed = HEADER_LENGTH;
  /** Octets of the stream before the first of the pieces. */
  #offset = 0;

  /** Octets of a message that is not whole yet. */
  get pending(): number {
    return this.#waiting;
  }

  /**
   * The messages that are whole with these octets. All of them are to be taken before the next call.
   * @throws DecodeError with the offset in the stream on a bad header, after which nothing can be found any more.
   */
  *messages(bytes: Uint8Array): Generator<BmpFrame> {
    this.#waiting += bytes.length;
    if (this.#waiting < this.#needed) {
      // The caller may use its octets again.
      if (bytes.length > 0) this.#pieces.push(bytes.slice());
      return;
    }
    const data = this.#pieces.length === 0 ? bytes : concatBytes([...this.#pieces, bytes]);
    let at = 0;
    this.#needed = HEADER_LENGTH;
    while (data.length - at >= HEADER_LENGTH) {
      const { type, length } = decodeHeader(data, at, this.#offset);
      if (data.length - at < length) {
        this.#needed = length;
        break;
      }
      yield { type, bytes: data.subarray(at, at + length), offset: this.#offset + at };
      at += length;
    }
    this.#waiting = data.length - at;
    this.#pieces = this.#waiting === 0 ? [] : [data.slice(at)];
    this.#offset += at;
  }
}
