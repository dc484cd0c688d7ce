/** Going through the NLRI of any family, route by route. */
import { readUint32 } from '../byte-writer.ts';
import type { Family } from '../family.ts';
import { isFault, type NlriFault } from './codec.ts';
import { NLRI_CODECS } from './table.ts';

/** Octets of a path identifier before each NLRI where ADD-PATH was negotiated (RFC 7911 §3). */
export const PATH_ID_LENGTH = 4;

/**
 * Checks that `bytes` is a run of whole routes, each with a path identifier before it where `addPath` is set.
 * @returns `undefined` if so, or the first fault. Of the routes' contents only what their length depends on is looked
 * at; {@link NlriCodec.validate} does the rest.
 */
export function checkRoutes(family: Family, bytes: Uint8Array, addPath: boolean): NlriFault | undefined {
  const codec = NLRI_CODECS[family];
  for (let at = 0; at < bytes.length; ) {
    if (addPath) {
      if (at + PATH_ID_LENGTH > bytes.length) return { offset: at, expected: 'path identifier is cut off' };
      at += PATH_ID_LENGTH;
    }
    const measured = codec.measure(bytes, at, bytes.length);
    if (isFault(measured)) return measured;
    at += measured;
  }
  return undefined;
}

/**
 * Calls `visit` for each route of checked NLRI with where it starts (after its path identifier) and ends, and the
 * path identifier, 0 where there is none. Stops at what {@link checkRoutes} would report.
 */
export function forEachRoute(
  family: Family,
  bytes: Uint8Array,
  addPath: boolean,
  visit: (offset: number, end: number, pathId: number) => void,
): void {
  const codec = NLRI_CODECS[family];
  for (let at = 0; at < bytes.length; ) {
    let pathId = 0;
    if (addPath) {
      if (at + PATH_ID_LENGTH > bytes.length) return;
      pathId = readUint32(bytes, at);
      at += PATH_ID_LENGTH;
    }
    const measured = codec.measure(bytes, at, bytes.length);
    if (isFault(measured)) return;
    visit(at, at + measured, pathId);
    at += measured;
  }
}
