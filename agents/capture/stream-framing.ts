import { concatBytes } from '../../protocol/bytes/concat.ts';

/** How a TCP byte stream is made of messages, as far as a tap must know to cut it where its messages end. */
export interface StreamFraming {
  /** Bytes that must be there before a message's length can be told. */
  readonly headerLength: number;
  /** Length of the message that begins with these bytes, header included; undefined where none begins there. */
  messageLength(header: Uint8Array): number | undefined;
}

/** BGP: a marker of 16 bytes, then the message's length, 19 to 65535 (RFC 4271 §4.1, RFC 8654 §4). */
export const bgpFraming: StreamFraming = {
  headerLength: 19,
  messageLength(header) {
    const length = (header[16]! << 8) | header[17]!;
    return length < 19 ? undefined : length;
  },
};

/**
 * Cuts one direction of a byte stream into its messages, however the stream comes in pieces: two taps at the two ends
 * of a connection then cut it alike. Without a framing, or once the stream breaks it, pieces pass as they come.
 */
export class MessageSplitter {
  #framing: StreamFraming | undefined;
  /** The beginning of a message whose end has not come. */
  #partial: Uint8Array = new Uint8Array(0);

  constructor(framing: StreamFraming | undefined) {
    this.#framing = framing;
  }

  /** Calls `emit` for each message that `bytes` completes; what it gets is valid during the call. */
  push(bytes: Uint8Array, emit: (message: Uint8Array) => void): void {
    let rest = this.#partial.length === 0 ? bytes : concatBytes([this.#partial, bytes]);
    while (this.#framing !== undefined && rest.length >= this.#framing.headerLength) {
      const length = this.#framing.messageLength(rest);
      if (length === undefined) this.#framing = undefined;
      else if (rest.length < length) break;
      else {
        emit(rest.subarray(0, length));
        rest = rest.subarray(length);
      }
    }
    if (this.#framing === undefined) {
      if (rest.length > 0) emit(rest);
      rest = rest.subarray(rest.length);
    }
    this.#partial = rest.slice();
  }

  /** The stream ends: the rest is all that there is of its message. */
  flush(emit: (rest: Uint8Array) => void): void {
    if (this.#partial.length > 0) emit(this.#partial);
    this.#partial = new Uint8Array(0);
  }
}
