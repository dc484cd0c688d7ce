/**
 * Peer Up, RFC 7854 §4.10: the per-peer header, then
 *
 *   0: 16 Local address · 16: 2 Local port · 18: 2 Remote port · 20: OPEN sent · OPEN received · TLVs
 */
import type { ByteWriter } from '../bgp/byte-writer.ts';
import { OPEN } from '../bgp/message/header.ts';
import type { Cursor } from '../mrt/cursor.ts';
import { readBgpPdu } from './bgp-pdu.ts';
import { beginMessage, endMessage } from './header.ts';
import { type PeerHeader, readPeerHeader, writeAddress, writePeerHeader } from './peer-header.ts';
import { readTlvs, type Tlv, writeTlvs } from './tlv.ts';
import { PEER_UP } from './types.ts';

export interface PeerUp {
  readonly kind: 'peer-up';
  readonly peer: PeerHeader;
  /** 4 or 16 octets, as the peer's. */
  readonly localAddress: Uint8Array;
  readonly localPort: number;
  readonly remotePort: number;
  /** Whole OPENs, marker to end; when read, views on the message. */
  readonly sentOpen: Uint8Array;
  readonly receivedOpen: Uint8Array;
  readonly information: readonly Tlv[];
}

/** Reads what follows the common header. @throws DecodeError. */
export function readPeerUp(cursor: Cursor): PeerUp {
  const peer = readPeerHeader(cursor);
  const local = cursor.take(16, 'local address');
  return {
    kind: 'peer-up',
    peer,
    localAddress: peer.address.length === 16 ? local : local.subarray(12),
    localPort: cursor.uint16('local port'),
    remotePort: cursor.uint16('remote port'),
    sentOpen: readBgpPdu(cursor, 'sent OPEN', OPEN),
    receivedOpen: readBgpPdu(cursor, 'received OPEN', OPEN),
    information: readTlvs(cursor),
  };
}

/** Appends a whole message. */
export function writePeerUp(writer: ByteWriter, up: Omit<PeerUp, 'kind'>): void {
  const start = beginMessage(writer, PEER_UP);
  writePeerHeader(writer, up.peer);
  writeAddress(writer, up.localAddress);
  writer.uint16(up.localPort);
  writer.uint16(up.remotePort);
  writer.append(up.sentOpen);
  writer.append(up.receivedOpen);
  writeTlvs(writer, up.information);
  endMessage(writer, start);
}
