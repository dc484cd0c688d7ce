import type { BodyReader } from './body-reader.ts';
import type { EnhancedPacket } from './enhanced-packet.ts';

/**
 * Packet Block, which the Enhanced Packet Block replaced; old tools wrote it (draft-ietf-opsawg-pcapng, appendix A):
 *
 *   u32 type 2 | u32 total length | u16 interface id | u16 drops | u32 timestamp high | u32 timestamp low |
 *   u32 captured length | u32 original length | packet data, padded to 32 bits | options | u32 total length
 */
export const OBSOLETE_PACKET_TYPE = 2;

/** Drop count of a block that does not know it. */
const UNKNOWN_DROPS = 0xffff;

/** Decodes the body to what replaced it; options are left out. @throws DecodeError on lengths beyond the block. */
export function decodeObsoletePacket(body: BodyReader): EnhancedPacket {
  const interfaceId = body.u16('interface id');
  const drops = body.u16('drops');
  const timestamp = body.timestamp('timestamp');
  const capturedLength = body.u32('captured length');
  const originalLength = body.u32('original length');
  const data = body.padded(capturedLength, 'packet data').rest();
  const packet = { kind: 'enhanced-packet' as const, interfaceId, timestamp, data, originalLength };
  return drops === UNKNOWN_DROPS ? packet : { ...packet, dropCount: BigInt(drops) };
}
