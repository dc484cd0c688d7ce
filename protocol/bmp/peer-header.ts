/**
 * Per-peer header, RFC 7854 §4.2:
 *
 *   0: 1 Peer type · 1: 1 Flags · 2: 8 Distinguisher · 10: 16 Address · 26: 4 AS · 30: 4 BGP ID
 *   34: 4 Seconds · 38: 4 Microseconds
 */
import type { ByteWriter } from '../bgp/byte-writer.ts';
import type { Cursor } from '../mrt/cursor.ts';
import { ADJ_RIB_OUT, IPV6_PEER, LEGACY_AS_PATH, LOC_RIB_PEER, POST_POLICY } from './types.ts';

export const PEER_HEADER_LENGTH = 42;

/** Whose session, or which table, a message is about, and when it was so. */
export interface PeerHeader {
  /** Constants of types.ts. */
  readonly peerType: number;
  /** The octet of flags without V, which is as long as the address says; in a Loc-RIB all of it. */
  readonly flags: number;
  /** 8 octets: the route distinguisher of an RD Instance Peer, otherwise mostly zeros. */
  readonly distinguisher: Uint8Array;
  /** 4 or 16 octets; 4 zeros of a Loc-RIB. */
  readonly address: Uint8Array;
  readonly asn: number;
  /** BGP identifier as an unsigned integer. */
  readonly bgpId: number;
  /** Since 1970; both 0 where the time is not known. */
  readonly seconds: number;
  readonly microseconds: number;
}

/** Which of a router's tables routes are of (RFC 7854 §4.2, RFC 8671 §4, RFC 9069 §4). */
export type BmpRib =
  | 'adj-rib-in-pre'
  | 'adj-rib-in-post'
  | 'adj-rib-out-pre'
  | 'adj-rib-out-post'
  | 'loc-rib';

/** The table that the routes under a header are of. */
export function ribOf({ peerType, flags }: PeerHeader): BmpRib {
  if (peerType === LOC_RIB_PEER) return 'loc-rib';
  const post = (flags & POST_POLICY) !== 0;
  if ((flags & ADJ_RIB_OUT) !== 0) return post ? 'adj-rib-out-post' : 'adj-rib-out-pre';
  return post ? 'adj-rib-in-post' : 'adj-rib-in-pre';
}

/** Whether AS_PATH has 4-octet AS numbers (the A flag is not set; a Loc-RIB always has, RFC 9069 §5.4.1). */
export function hasFourOctetAs({ peerType, flags }: PeerHeader): boolean {
  return peerType === LOC_RIB_PEER || (flags & LEGACY_AS_PATH) === 0;
}

/** Reads a header. @throws DecodeError where it is cut off. */
export function readPeerHeader(cursor: Cursor): PeerHeader {
  const peerType = cursor.uint8('peer type');
  const octet = cursor.uint8('peer flags');
  const distinguisher = cursor.take(8, 'peer distinguisher');
  const locRib = peerType === LOC_RIB_PEER;
  const ipv6 = !locRib && (octet & IPV6_PEER) !== 0;
  const field = cursor.take(16, 'peer address');
  return {
    peerType,
    flags: locRib ? octet : octet & ~IPV6_PEER,
    distinguisher,
    address: ipv6 ? field : field.subarray(12),
    asn: cursor.uint32('peer AS'),
    bgpId: cursor.uint32('peer BGP ID'),
    seconds: cursor.uint32('timestamp'),
    microseconds: cursor.uint32('timestamp'),
  };
}

/** Appends a header. */
export function writePeerHeader(writer: ByteWriter, peer: PeerHeader): void {
  const ipv6 = peer.peerType !== LOC_RIB_PEER && peer.address.length === 16;
  writer.uint8(peer.peerType);
  writer.uint8(peer.flags | (ipv6 ? IPV6_PEER : 0));
  writer.append(peer.distinguisher);
  writeAddress(writer, peer.address);
  writer.uint32(peer.asn);
  writer.uint32(peer.bgpId);
  writer.uint32(peer.seconds);
  writer.uint32(peer.microseconds);
}

/** Appends an address in 16 octets; IPv4 stands in the last four. */
export function writeAddress(writer: ByteWriter, address: Uint8Array): void {
  for (let i = address.length; i < 16; i++) writer.uint8(0);
  writer.append(address);
}
