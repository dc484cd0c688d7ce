import { readUint32 } from '../bytes/uint.ts';
import {
  ipv4HeaderLength,
  ipv4TotalLength,
  isIpv4Fragment,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../ipv4/header.ts';

/**
 * Outer UDP source port for the inner IPv4 packet at `at`: a hash of its 5-tuple in 49152 to 65535, so that routers
 * which balance over paths keep a flow together (RFC 7348 §5). Fragments hash by addresses and protocol alone: only the
 * first of them has ports. The packet's header must have been checked.
 */
export function vxlanSourcePort(bytes: Uint8Array, at: number): number {
  const protocol = bytes[at + 9]!;
  let hash = mix(protocol, readUint32(bytes, at + 12));
  hash = mix(hash, readUint32(bytes, at + 16));
  if ((protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP) && !isIpv4Fragment(bytes, at)) {
    const header = ipv4HeaderLength(bytes, at);
    if (ipv4TotalLength(bytes, at) >= header + 4) hash = mix(hash, readUint32(bytes, at + header));
  }
  return 49152 + ((hash ^ (hash >>> 14)) & 0x3fff);
}

/** One multiply-xorshift round: every input bit reaches the low bits. */
function mix(hash: number, word: number): number {
  let h = Math.imul(hash ^ word, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
