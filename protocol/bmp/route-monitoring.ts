/** Route Monitoring, RFC 7854 §4.6: the per-peer header and one UPDATE. */
import type { ByteWriter } from '../bgp/byte-writer.ts';
import { UPDATE } from '../bgp/message/header.ts';
import type { Cursor } from '../mrt/cursor.ts';
import { expectEnd, readBgpPdu } from './bgp-pdu.ts';
import { beginMessage, endMessage } from './header.ts';
import { type PeerHeader, readPeerHeader, writePeerHeader } from './peer-header.ts';
import { ROUTE_MONITORING } from './types.ts';

export interface RouteMonitoring {
  readonly kind: 'route-monitoring';
  readonly peer: PeerHeader;
  /** A whole UPDATE, marker to end; when read, a view on the message. */
  readonly update: Uint8Array;
}

/** Reads what follows the common header. @throws DecodeError. */
export function readRouteMonitoring(cursor: Cursor): RouteMonitoring {
  const peer = readPeerHeader(cursor);
  const update = readBgpPdu(cursor, 'UPDATE', UPDATE);
  expectEnd(cursor, 'UPDATE');
  return { kind: 'route-monitoring', peer, update };
}

/** Appends a whole message. */
export function writeRouteMonitoring(
  writer: ByteWriter,
  { peer, update }: Omit<RouteMonitoring, 'kind'>,
): void {
  const start = beginMessage(writer, ROUTE_MONITORING);
  writePeerHeader(writer, peer);
  writer.append(update);
  endMessage(writer, start);
}
