import type { BodyReader } from './body-reader.ts';

/**
 * Simple Packet Block (draft-ietf-opsawg-pcapng, "Simple Packet Block"): no time and no options, always of the first
 * interface, whose snap length says how much of the packet there is.
 *
 *   u32 type 3 | u32 total length | u32 original length | packet data, padded to 32 bits | u32 total length
 */
export interface SimplePacket {
  readonly kind: 'simple-packet';
  readonly data: Uint8Array;
  /** Length on the wire, at least `data.length`. */
  readonly originalLength: number;
}

export const SIMPLE_PACKET_TYPE = 3;

/** Decodes the body. @param snapLength of the first interface, 0 for no limit. @throws DecodeError on a short body. */
export function decodeSimplePacket(body: BodyReader, snapLength: number): SimplePacket {
  const originalLength = body.u32('original length');
  const captured = snapLength === 0 ? originalLength : Math.min(originalLength, snapLength);
  return { kind: 'simple-packet', data: body.padded(captured, 'packet data').rest(), originalLength };
}
