/**
 * Common header, RFC 7854 §4.1:
 *
 *   0: 1 Version, 3 · 1: 4 Length of the message with this header · 5: 1 Type
 */
import { type ByteWriter, readUint32 } from '../bgp/byte-writer.ts';
import { DecodeError } from '../bytes/decode-error.ts';

export const VERSION = 3;
export const HEADER_LENGTH = 6;
/**
 * Longest message that is read, octets. A Peer Up with two OPENs and a Route Monitoring with the longest UPDATE stay far
 * below; a length beyond says that this is no BMP, or that sender and collector have lost each other.
 */
export const MAX_MESSAGE_LENGTH: number = 1 << 20;

export interface BmpHeader {
  readonly type: number;
  /** Octets of the whole message. */
  readonly length: number;
}

/**
 * Reads and checks the header at `at`; 6 octets must be there.
 * @param base octets of the stream before the first of `bytes`, for errors.
 * @throws DecodeError where it cannot be the start of a message.
 */
export function decodeHeader(bytes: Uint8Array, at: number, base = 0): BmpHeader {
  const version = bytes[at]!;
  if (version !== VERSION) {
    throw new DecodeError('BMP header', base + at, `version ${version} must be ${VERSION}`);
  }
  const length = readUint32(bytes, at + 1);
  if (length < HEADER_LENGTH || length > MAX_MESSAGE_LENGTH) {
    const expected = `length ${length} must be from ${HEADER_LENGTH} to ${MAX_MESSAGE_LENGTH}`;
    throw new DecodeError('BMP header', base + at + 1, expected);
  }
  return { type: bytes[at + 5]!, length };
}

/** Starts a message; {@link endMessage} fills in its length. Returns where it starts. */
export function beginMessage(writer: ByteWriter, type: number): number {
  const start = writer.position;
  writer.uint8(VERSION);
  writer.uint32(0);
  writer.uint8(type);
  return start;
}

/** Completes the message that started at `start`. */
export function endMessage(writer: ByteWriter, start: number): void {
  const length = writer.position - start;
  writer.patchUint16(start + 1, length >>> 16);
  writer.patchUint16(start + 3, length & 0xffff);
}
