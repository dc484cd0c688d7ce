import { DecodeError } from '../bytes/decode-error.ts';
import { writeUint16, writeUint32 } from '../bytes/uint.ts';
import {
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER_LENGTH,
  UNREACHABLE_PORT,
  UNREACHABLE_PROTOCOL,
  updateIcmpChecksum,
} from '../icmp/icmp.ts';
import { internetChecksum } from '../ipv4/checksum.ts';
import {
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Source,
  ipv4TotalLength,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  updateIpv4Checksum,
} from '../ipv4/header.ts';
import { decodeTcp, encodeTcp } from '../tcp/header.ts';
import { resetFor } from '../tcp/reset.ts';
import { decodeUdp } from '../udp/udp.ts';

/** How the host, on which nothing listens, answers a packet to one of its own addresses. */
export type LocalAnswer =
  /** The packet was turned into the answer in place; this is its total length. */
  | { readonly kind: 'reply'; readonly what: 'echo reply' | 'TCP reset'; readonly length: number }
  /** An ICMP destination unreachable with this code is due. */
  | { readonly kind: 'unreachable'; readonly code: number }
  | { readonly kind: 'none'; readonly reason: 'malformed' | 'not-supported' };

/** TTL of packets that the host sends itself (RFC 1700). */
const DEFAULT_TTL = 64;

/** Answers the whole, checked IPv4 packet at `at`: ICMP echo, else what Linux says where no socket is open. */
export function answerLocally(bytes: Uint8Array, at: number, identification: number): LocalAnswer {
  try {
    switch (bytes[at + 9]) {
      case PROTOCOL_ICMP:
        return answerIcmp(bytes, at, identification);
      case PROTOCOL_UDP:
        decodeUdp(bytes, ...payloadOf(bytes, at), addressesOf(bytes, at));
        return { kind: 'unreachable', code: UNREACHABLE_PORT };
      case PROTOCOL_TCP:
        return answerTcp(bytes, at, identification);
      default:
        return { kind: 'unreachable', code: UNREACHABLE_PROTOCOL };
    }
  } catch (error) {
    if (error instanceof DecodeError) return { kind: 'none', reason: 'malformed' };
    throw error;
  }
}

function answerIcmp(bytes: Uint8Array, at: number, identification: number): LocalAnswer {
  const [icmp, length] = payloadOf(bytes, at);
  if (length < ICMP_HEADER_LENGTH || internetChecksum(bytes, icmp, length) !== 0) {
    return { kind: 'none', reason: 'malformed' };
  }
  if (bytes[icmp] !== ICMP_ECHO_REQUEST || bytes[icmp + 1] !== 0)
    return { kind: 'none', reason: 'not-supported' };
  bytes[icmp] = ICMP_ECHO_REPLY;
  updateIcmpChecksum(bytes, icmp, length);
  turnAround(bytes, at, ipv4TotalLength(bytes, at), identification);
  return { kind: 'reply', what: 'echo reply', length: ipv4TotalLength(bytes, at) };
}

function answerTcp(bytes: Uint8Array, at: number, identification: number): LocalAnswer {
  const addresses = addressesOf(bytes, at);
  const reset = resetFor(decodeTcp(bytes, ...payloadOf(bytes, at), addresses));
  if (reset === undefined) return { kind: 'none', reason: 'not-supported' };
  const segment = encodeTcp(reset, { source: addresses.destination, destination: addresses.source });
  const header = ipv4HeaderLength(bytes, at);
  bytes.set(segment, at + header);
  turnAround(bytes, at, header + segment.length, identification);
  return { kind: 'reply', what: 'TCP reset', length: header + segment.length };
}

/** Makes the header that of an answer: addresses swapped, fresh TTL and identification, whole. */
function turnAround(bytes: Uint8Array, at: number, totalLength: number, identification: number): void {
  const { source, destination } = addressesOf(bytes, at);
  writeUint32(bytes, at + 12, destination);
  writeUint32(bytes, at + 16, source);
  writeUint16(bytes, at + 2, totalLength);
  writeUint16(bytes, at + 4, identification);
  writeUint16(bytes, at + 6, 0);
  bytes[at + 8] = DEFAULT_TTL;
  updateIpv4Checksum(bytes, at);
}

function addressesOf(
  bytes: Uint8Array,
  at: number,
): { readonly source: number; readonly destination: number } {
  return { source: ipv4Source(bytes, at), destination: ipv4Destination(bytes, at) };
}

/** Place and length of what follows the IPv4 header. */
function payloadOf(bytes: Uint8Array, at: number): [at: number, length: number] {
  const header = ipv4HeaderLength(bytes, at);
  return [at + header, ipv4TotalLength(bytes, at) - header];
}
