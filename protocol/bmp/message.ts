/** Whole BMP messages (RFC 7854 §4), both ways. */
import type { ByteWriter } from '../bgp/byte-writer.ts';
import { DecodeError } from '../bytes/decode-error.ts';
import { Cursor } from '../mrt/cursor.ts';
import { decodeHeader, HEADER_LENGTH } from './header.ts';
import { type Initiation, readInitiation, writeInitiation } from './initiation.ts';
import { type PeerDown, readPeerDown, writePeerDown } from './peer-down.ts';
import { type PeerUp, readPeerUp, writePeerUp } from './peer-up.ts';
import { type RouteMirroring, readRouteMirroring, writeRouteMirroring } from './route-mirroring.ts';
import { type RouteMonitoring, readRouteMonitoring, writeRouteMonitoring } from './route-monitoring.ts';
import { readStatistics, type StatisticsReport, writeStatistics } from './statistics.ts';
import { readTermination, type Termination, writeTermination } from './termination.ts';
import {
  INITIATION,
  messageTypeName,
  PEER_DOWN,
  PEER_UP,
  ROUTE_MIRRORING,
  ROUTE_MONITORING,
  STATISTICS_REPORT,
  TERMINATION,
} from './types.ts';

export type BmpMessage =
  | RouteMonitoring
  | StatisticsReport
  | PeerDown
  | PeerUp
  | Initiation
  | Termination
  | RouteMirroring;

const READERS: Readonly<Record<number, (cursor: Cursor) => BmpMessage>> = {
  [ROUTE_MONITORING]: readRouteMonitoring,
  [STATISTICS_REPORT]: readStatistics,
  [PEER_DOWN]: readPeerDown,
  [PEER_UP]: readPeerUp,
  [INITIATION]: readInitiation,
  [TERMINATION]: readTermination,
  [ROUTE_MIRRORING]: readRouteMirroring,
};

/**
 * Reads one whole message, header to end. Octets in the result are views on it.
 * @param base octets of the stream before it, for errors.
 * @returns `undefined` for a type that is not known, which a collector passes over (RFC 7854 §3.3).
 * @throws DecodeError with the offset in the stream.
 */
export function decodeBmp(bytes: Uint8Array, base = 0): BmpMessage | undefined {
  if (bytes.length < HEADER_LENGTH) {
    throw new DecodeError('BMP header', base, `${bytes.length} octets are less than a header`);
  }
  const { type, length } = decodeHeader(bytes, 0, base);
  if (length !== bytes.length) {
    throw new DecodeError(
      'BMP header',
      base + 1,
      `length ${length} must be that of the ${bytes.length} octets`,
    );
  }
  const cursor = new Cursor(
    `BMP ${messageTypeName(type)}`,
    bytes.subarray(HEADER_LENGTH),
    base + HEADER_LENGTH,
  );
  return READERS[type]?.(cursor);
}

/** Appends a whole message. @throws RangeError where a TLV is longer than 65535 octets. */
export function writeBmp(writer: ByteWriter, message: BmpMessage): void {
  switch (message.kind) {
    case 'route-monitoring':
      writeRouteMonitoring(writer, message);
      return;
    case 'statistics-report':
      writeStatistics(writer, message);
      return;
    case 'peer-down':
      writePeerDown(writer, message);
      return;
    case 'peer-up':
      writePeerUp(writer, message);
      return;
    case 'initiation':
      writeInitiation(writer, message.information);
      return;
    case 'termination':
      writeTermination(writer, message.information);
      return;
    case 'route-mirroring':
      writeRouteMirroring(writer, message);
  }
}
