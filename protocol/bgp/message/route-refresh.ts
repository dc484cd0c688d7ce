/**
 * ROUTE-REFRESH, RFC 2918 §3 with the subtype of RFC 7313 §3.2: after the header
 *
 *   0: 2 AFI · 2: 1 subtype (0 request, 1 BoRR, 2 EoRR) · 3: 1 SAFI
 */
import { ByteWriter, readUint16 } from '../byte-writer.ts';
import type { AfiSafi } from '../family.ts';
import { beginMessage, endMessage, HEADER_LENGTH, ROUTE_REFRESH } from './header.ts';

export interface RouteRefreshMessage extends AfiSafi {
  readonly kind: 'route-refresh';
  readonly subtype: number;
}

/** Reads a whole ROUTE-REFRESH; octets after the SAFI (ORF entries, RFC 5291) are not interpreted. */
export function decodeRouteRefresh(bytes: Uint8Array): RouteRefreshMessage {
  return {
    kind: 'route-refresh',
    afi: readUint16(bytes, HEADER_LENGTH),
    subtype: bytes[HEADER_LENGTH + 2]!,
    safi: bytes[HEADER_LENGTH + 3]!,
  };
}

/** Whole message. */
export function encodeRouteRefresh(message: Omit<RouteRefreshMessage, 'kind'>): Uint8Array {
  const writer = new ByteWriter(23);
  const start = beginMessage(writer, ROUTE_REFRESH);
  writer.uint16(message.afi);
  writer.uint8(message.subtype);
  writer.uint8(message.safi);
  endMessage(writer, start);
  return writer.finish();
}
