/**
 * Message header, RFC 4271 §4.1:
 *
 *   0: 16 Marker, all ones · 16: 2 Length with header · 18: 1 Type
 */

import type { ByteWriter } from '../byte-writer.ts';
import { readUint16 } from '../byte-writer.ts';
import type { CodecContext } from '../context.ts';
import { BgpError } from '../error.ts';

export const HEADER_LENGTH = 19;
export const MAX_MESSAGE_LENGTH = 4096;
/** With the extended message capability, RFC 8654 §4; OPEN and KEEPALIVE keep the old limit. */
export const MAX_EXTENDED_MESSAGE_LENGTH = 65535;

export const OPEN = 1;
export const UPDATE = 2;
export const NOTIFICATION = 3;
export const KEEPALIVE = 4;
export const ROUTE_REFRESH = 5;

export interface MessageHeader {
  readonly type: number;
  /** Octets of the whole message. */
  readonly length: number;
}

/** Smallest whole message by type, RFC 4271 §4.2-4.5, RFC 2918 §3. */
const MINIMUM_LENGTH: Readonly<Record<number, number>> = {
  [OPEN]: 29,
  [UPDATE]: 23,
  [NOTIFICATION]: 21,
  [KEEPALIVE]: 19,
  // A body that is too short may be another error than a bad length (RFC 7313 §5): its decoder looks.
  [ROUTE_REFRESH]: 19,
};

/**
 * Reads and checks the header at `offset`; 19 octets must be there.
 * @throws BgpError 1/1, 1/2 or 1/3 as RFC 4271 §6.1 says.
 */
export function decodeHeader(bytes: Uint8Array, offset: number, context: CodecContext): MessageHeader {
  for (let i = 0; i < 16; i++) {
    if (bytes[offset + i] !== 0xff) throw new BgpError('BGP header', i, 'marker must be all ones', 1, 1);
  }
  const length = readUint16(bytes, offset + 16);
  const type = bytes[offset + 18]!;
  const minimum = MINIMUM_LENGTH[type];
  if (length < HEADER_LENGTH) throw badLength(length, `length ${length} must be at least ${HEADER_LENGTH}`);
  const extended = context.extendedMessage && type !== OPEN && type !== KEEPALIVE;
  const maximum = extended ? MAX_EXTENDED_MESSAGE_LENGTH : MAX_MESSAGE_LENGTH;
  if (length > maximum) throw badLength(length, `length ${length} must be at most ${maximum}`);
  if (minimum === undefined) {
    throw new BgpError('BGP header', 18, `unknown message type ${type}`, 1, 3, Uint8Array.of(type));
  }
  if (length < minimum || (type === KEEPALIVE && length !== minimum)) {
    throw badLength(
      length,
      `length ${length} must be ${minimum}${type === KEEPALIVE ? '' : ' or more'} for type ${type}`,
    );
  }
  return { type, length };
}

function badLength(length: number, expected: string): BgpError {
  return new BgpError('BGP header', 16, expected, 1, 2, Uint8Array.of(length >>> 8, length));
}

/** Starts a message; {@link endMessage} fills in its length. Returns where it starts. */
export function beginMessage(writer: ByteWriter, type: number): number {
  const start = writer.position;
  writer.reserve(HEADER_LENGTH);
  writer.bytes.fill(0xff, start, start + 16);
  writer.position += 16;
  writer.uint16(0);
  writer.uint8(type);
  return start;
}

/** Completes the message that started at `start`. */
export function endMessage(writer: ByteWriter, start: number): void {
  writer.patchUint16(start + 16, writer.position - start);
}
