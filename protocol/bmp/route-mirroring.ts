/** Route Mirroring, RFC 7854 §4.7: the per-peer header and TLVs with messages as they came, or what was wrong or lost. */
import type { ByteWriter } from '../bgp/byte-writer.ts';
import type { Cursor } from '../mrt/cursor.ts';
import { beginMessage, endMessage } from './header.ts';
import { type PeerHeader, readPeerHeader, writePeerHeader } from './peer-header.ts';
import { readTlvs, type Tlv, writeTlvs } from './tlv.ts';
import { ROUTE_MIRRORING } from './types.ts';

export interface RouteMirroring {
  readonly kind: 'route-mirroring';
  readonly peer: PeerHeader;
  readonly items: readonly Tlv[];
}

/** Reads what follows the common header. @throws DecodeError. */
export function readRouteMirroring(cursor: Cursor): RouteMirroring {
  const peer = readPeerHeader(cursor);
  return { kind: 'route-mirroring', peer, items: readTlvs(cursor) };
}

/** Appends a whole message. */
export function writeRouteMirroring(writer: ByteWriter, { peer, items }: Omit<RouteMirroring, 'kind'>): void {
  const start = beginMessage(writer, ROUTE_MIRRORING);
  writePeerHeader(writer, peer);
  writeTlvs(writer, items);
  endMessage(writer, start);
}
