import { EtcdError } from '../../../protocol/etcd/types.ts';

/** Messages in a gRPC stream: a flag (compressed), four octets of length, the message (grpc `doc/PROTOCOL-HTTP2.md`). */

/** Octets before each message. */
export const PREFIX = 5;

const RESOURCE_EXHAUSTED = 8;
const UNIMPLEMENTED = 12;

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
  #waiting: Buffer = Buffer.alloc(0);

  /** `limit`: octets of the largest message. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Octets that came and are no whole message yet. */
  get pending(): number {
    return this.#waiting.length;
  }

  /**
   * Takes octets; calls `onMessage` for each message that they complete.
   * @throws EtcdError 8 (a message larger than the limit, in the words of grpc-go), 12 (compressed).
   */
  push(chunk: Buffer, onMessage: (message: Buffer) => void): void {
    let bytes = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    while (bytes.length >= PREFIX) {
      if (bytes[0] !== 0) {
        throw new EtcdError(UNIMPLEMENTED, 'grpc: compressed messages are not supported by this server');
      }
      const length = bytes.readUInt32BE(1);
      if (length > this.#limit) {
        throw new EtcdError(
          RESOURCE_EXHAUSTED,
          `grpc: received message larger than max (${length} vs. ${this.#limit})`,
        );
      }
      if (bytes.length < PREFIX + length) break;
      const message = bytes.subarray(PREFIX, PREFIX + length);
      bytes = bytes.subarray(PREFIX + length);
      onMessage(message);
    }
    this.#waiting = bytes;
  }
}
