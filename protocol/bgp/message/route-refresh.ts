/**
 * ROUTE-REFRESH, RFC 2918 §3 with the subtype of RFC 7313 §3.2: after the header
 *
 *   0: 2 AFI · 2: 1 subtype (0 request, 1 BoRR, 2 EoRR) · 3: 1 SAFI · 4: outbound route filters (RFC 5291 §4)
 */
import { ByteWriter, readUint16 } from '../byte-writer.ts';
import { BgpError } from '../error.ts';
import type { AfiSafi } from '../family.ts';
import { beginMessage, endMessage, HEADER_LENGTH, ROUTE_REFRESH } from './header.ts';

/** Subtypes. Others are reserved and ignored (RFC 7313 §5). */
export const REFRESH_REQUEST = 0;
export const BEGIN_OF_REFRESH = 1;
export const END_OF_REFRESH = 2;

/** Octets after the header where there are no filters. */
export const REFRESH_BODY_LENGTH = 4;

export interface RouteRefreshMessage extends AfiSafi {
  readonly kind: 'route-refresh';
  readonly subtype: number;
  /** Outbound route filters of a request as they stand, where there are any; not interpreted. */
  readonly filters?: Uint8Array;
}

/**
 * Reads a whole ROUTE-REFRESH. The caller has checked what only a session knows: {@link refreshLengthFault}.
 * @throws BgpError 1/2 with the length where it has less than the 4 octets.
 */
export function decodeRouteRefresh(bytes: Uint8Array): RouteRefreshMessage {
  const body = bytes.length - HEADER_LENGTH;
  if (body < REFRESH_BODY_LENGTH) {
    const expected = `length ${bytes.length} must be ${HEADER_LENGTH + REFRESH_BODY_LENGTH} or more for ROUTE-REFRESH`;
    throw new BgpError('BGP header', 16, expected, 1, 2, Uint8Array.of(bytes.length >>> 8, bytes.length));
  }
  return {
    kind: 'route-refresh',
    afi: readUint16(bytes, HEADER_LENGTH),
    subtype: bytes[HEADER_LENGTH + 2]!,
    safi: bytes[HEADER_LENGTH + 3]!,
    ...(body > REFRESH_BODY_LENGTH ? { filters: bytes.slice(HEADER_LENGTH + REFRESH_BODY_LENGTH) } : {}),
  };
}

/**
 * What RFC 7313 §5 makes of a whole BoRR or EoRR whose body has not exactly 4 octets, on a session that negotiated
 * enhanced route refresh: 7/1 with the message. `undefined` for every other message.
 */
export function refreshLengthFault(bytes: Uint8Array): BgpError | undefined {
  const subtype = bytes[HEADER_LENGTH + 2];
  const body = bytes.length - HEADER_LENGTH;
  if ((subtype !== BEGIN_OF_REFRESH && subtype !== END_OF_REFRESH) || body === REFRESH_BODY_LENGTH) {
    return undefined;
  }
  const expected = `body of ${body} octets must have ${REFRESH_BODY_LENGTH} for subtype ${subtype}`;
  return new BgpError('ROUTE-REFRESH', HEADER_LENGTH, expected, 7, 1, bytes.slice(), 'RFC 7313 §5');
}

/** Whole message. */
export function encodeRouteRefresh(message: Omit<RouteRefreshMessage, 'kind'>): Uint8Array {
  const writer = new ByteWriter(HEADER_LENGTH + REFRESH_BODY_LENGTH);
  const start = beginMessage(writer, ROUTE_REFRESH);
  writer.uint16(message.afi);
  writer.uint8(message.subtype);
  writer.uint8(message.safi);
  if (message.filters !== undefined) writer.append(message.filters);
  endMessage(writer, start);
  return writer.finish();
}
