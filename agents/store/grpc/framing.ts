import { concatBytes } from '../../../protocol/bytes/concat.ts';
import { RESOURCE_EXHAUSTED, UNIMPLEMENTED } from '../../../protocol/etcd/errors.ts';
import { EtcdError } from '../../../protocol/etcd/types.ts';

/** Messages in a gRPC stream: a flag (compressed), four octets of length, the message (grpc `doc/PROTOCOL-HTTP2.md`). */

/** Octets before each message. */
export const PREFIX = 5;

/** Writes the prefix into the first octets of a message that was encoded with that much room. */
export function setPrefix(framed: Uint8Array): Uint8Array {
  const length = framed.length - PREFIX;
  framed[1] = length >>> 24;
  framed[2] = (length >>> 16) & 0xff;
  framed[3] = (length >>> 8) & 0xff;
  framed[4] = length & 0xff;
  return framed;
}

/** Cuts the octets of a stream into messages. */
export class MessageReader {
  readonly #limit: number;
  /** What came of messages that are not whole, and how much it takes to go on. */
  #parts: Uint8Array[] = [];
  #size = 0;
  #needed = PREFIX;

  /** `limit`: octets of the largest message. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Takes octets; calls `onMessage` for each message that they complete.
   * @throws EtcdError 8 (a message larger than the limit, in the words of grpc-go), 12 (compressed).
   */
  push(chunk: Uint8Array, onMessage: (message: Uint8Array) => void): void {
    this.#size += chunk.length;
    if (this.#size < this.#needed && this.#needed > PREFIX) {
      this.#parts.push(chunk.slice());
      return;
    }
    const bytes = this.#parts.length === 0 ? chunk : concatBytes([...this.#parts, chunk]);
    let at = 0;
    while (bytes.length - at >= PREFIX) {
      if (bytes[at] !== 0) {
        throw new EtcdError(UNIMPLEMENTED, 'grpc: compressed messages are not supported by this server');
      }
      const length = lengthAt(bytes, at + 1);
      if (length > this.#limit) {
        throw new EtcdError(
          RESOURCE_EXHAUSTED,
          `grpc: received message larger than max (${length} vs. ${this.#limit})`,
        );
      }
      const end = at + PREFIX + length;
      if (bytes.length < end) break;
      onMessage(bytes.subarray(at + PREFIX, end));
      at = end;
    }
    // A copy: the chunk is not ours to keep.
    this.#parts = at === bytes.length ? [] : [bytes.slice(at)];
    this.#size = bytes.length - at;
    this.#needed = this.#size < PREFIX ? PREFIX : PREFIX + lengthAt(bytes, at + 1);
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
