import { concatBytes } from '../../bytes/concat.ts';
import type { CodecContext } from '../context.ts';
import { decodeHeader, HEADER_LENGTH } from './header.ts';

const EMPTY = new Uint8Array(0);

/** Cuts a TCP byte stream into messages. Only the octets of an incomplete message are copied and kept. */
export class MessageStream {
  #rest: Uint8Array = EMPTY;

  /**
   * Adds received bytes and calls `visit` for each whole message (a view, valid during the call); `visit` returns
   * false to stop, which drops everything after that message.
   * @param context asked before each message, since an OPEN among them changes it.
   * @throws BgpError on a bad header (RFC 4271 §6.1), as soon as its 19 octets are there.
   */
  push(bytes: Uint8Array, context: () => CodecContext, visit: (message: Uint8Array) => boolean): void {
    const data = this.#rest.length === 0 ? bytes : concatBytes([this.#rest, bytes]);
    this.#rest = EMPTY;
    let at = 0;
    try {
      while (data.length - at >= HEADER_LENGTH) {
        const { length } = decodeHeader(data, at, context());
        if (data.length - at < length) break;
        const message = data.subarray(at, at + length);
        at += length;
        if (!visit(message)) {
          at = data.length;
          return;
        }
      }
    } finally {
      if (at < data.length) this.#rest = data.slice(at);
    }
  }

  /** The octets of an incomplete message; after an error, those from the bad header on. */
  get pending(): Uint8Array {
    return this.#rest;
  }
}
