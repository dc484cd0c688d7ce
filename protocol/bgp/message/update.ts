/**
 * UPDATE, RFC 4271 §4.3: after the header
 *
 *   0: 2 withdrawn length · 2: withdrawn routes · 2 attributes length · attributes · NLRI to the end
 *
 * IPv4 unicast stands in the two outer fields, other families in MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760). What
 * routes a decoded message announces and withdraws is in update-routes.ts.
 */

import { mergeAs4 } from '../attribute/as4.ts';
import { decodeAttributes } from '../attribute/decode.ts';
import { extendedCommunityKind } from '../attribute/extended-community-text.ts';
import type { PathAttributes } from '../attribute/table.ts';
import { readUint16 } from '../byte-writer.ts';
import type { CodecContext } from '../context.ts';
import { type AttributeFault, BgpError } from '../error.ts';
import { type Family, familyOf } from '../family.ts';
import type { Announced } from '../nlri/codec.ts';
import { checkNlri } from '../nlri/prefixes.ts';
import { checkAttributes } from './attribute-checks.ts';
import { type FaultyRoute, findFaultyRoutes } from './faulty-routes.ts';
import { HEADER_LENGTH } from './header.ts';
import type { RouteRun } from './route-run.ts';

export { encodeUpdate, encodeUpdates } from './update-encode.ts';
export { announcedRoutes, endOfRib, withdrawnRoutes } from './update-routes.ts';

export interface UpdateMessage {
  readonly kind: 'update';
  /** IPv4 prefixes, a view on the message; structure checked. */
  readonly withdrawn: Uint8Array;
  readonly attributes: PathAttributes;
  /** IPv4 prefixes, a view on the message; structure checked. */
  readonly nlri: Uint8Array;
  /** What was wrong with attributes; empty for a sound message. */
  readonly faults: readonly AttributeFault[];
  /** All its routes count as withdrawn (RFC 7606 §2). */
  readonly treatAsWithdraw: boolean;
  /** Single routes that are ignored or count as withdrawn, in the order of the bytes; nearly always empty. */
  readonly faultyRoutes: readonly FaultyRoute[];
  /**
   * All path attributes as they came, a view on the message. Equal octets on one session are equal attributes, so a
   * table can look them up instead of making sense of them again; those of an MP family contain its NLRI, though.
   */
  readonly rawAttributes: Uint8Array;
  /** Families negotiated for the session; routes of others are ignored. */
  readonly families: readonly Family[];
  /** Families whose NLRI has path identifiers. */
  readonly addPath: readonly Family[];
  /** Nothing is wrong with it, and nothing unusual in it (plain-update.ts): its routes are told already. */
  readonly plain?: boolean;
  readonly announcedRoutes?: readonly RouteRun[];
  readonly withdrawnRoutes?: readonly RouteRun[];
}

const NONE: readonly never[] = [];
const EMPTY: Uint8Array = new Uint8Array(0);
const IPV4 = 'ipv4-unicast';
/** Type and subtype of EVPN's Router's MAC (RFC 9135 §8.1). */
const ROUTER_MAC = 0x0603;

/**
 * Reads a whole UPDATE. Attribute faults that RFC 7606 lets a session survive are in the result.
 * @param faults where they go; a caller that gives its own array has those found before a BgpError.
 * @throws BgpError 3/1, 3/2, 3/9 or 3/10 where the session has to end.
 */
export function decodeUpdate(
  bytes: Uint8Array,
  context: CodecContext,
  faults: AttributeFault[] = [],
): UpdateMessage {
  const withdrawnEnd = HEADER_LENGTH + 2 + readUint16(bytes, HEADER_LENGTH);
  if (withdrawnEnd + 2 > bytes.length) throw overrun(HEADER_LENGTH, 'withdrawn routes run past the message');
  const start = withdrawnEnd + 2;
  const end = start + readUint16(bytes, withdrawnEnd);
  if (end > bytes.length) throw overrun(withdrawnEnd, 'attributes run past the message');
  const addPath = context.addPath ?? NONE;
  const withdrawn = ipv4Field(bytes, HEADER_LENGTH + 2, withdrawnEnd, addPath);
  const decoded = decodeAttributes(bytes, start, end, context, faults);
  const nlri = ipv4Field(bytes, end, bytes.length, addPath);
  const { mpReach } = decoded.attributes;
  const hasRoutes = nlri.length > 0 || (mpReach !== undefined && mpReach.nlri.length > 0);
  // The path is what AS4_PATH makes of it, or that could hide who really stands first (RFC 6793 §4.2.3).
  const attributes = mergeAs4(decoded.attributes, context.fourOctetAs);
  if (hasRoutes) checkAttributes(bytes, start, end, attributes, nlri.length > 0, context, faults);
  const fatal = faults.find((fault) => fault.outcome === 'treat-as-withdraw');
  if (fatal !== undefined && !hasRoutes) throw lostRoutes(fatal);
  const faultyRoutes = unusableRoutes(bytes, attributes, nlri, context);
  return {
    kind: 'update',
    withdrawn,
    attributes,
    nlri,
    faults,
    treatAsWithdraw: fatal !== undefined,
    faultyRoutes,
    rawAttributes: bytes.subarray(start, end),
    families: context.families,
    addPath,
  };
}

/** Looks at the routes one by one, where there can be anything wrong with one. */
function unusableRoutes(
  bytes: Uint8Array,
  attributes: PathAttributes,
  nlri: Uint8Array,
  context: CodecContext,
): readonly FaultyRoute[] {
  const found: FaultyRoute[] = [];
  const { mpReach, mpUnreach, extendedCommunities } = attributes;
  const routerMac =
    extendedCommunities?.some((value) => extendedCommunityKind(value) === ROUTER_MAC) === true;
  const search = (family: Family | undefined, field: Uint8Array, announced: Announced | undefined): void => {
    if (family === undefined || field.length === 0 || !context.families.includes(family)) return;
    const addPath = context.addPath?.includes(family) === true;
    findFaultyRoutes(bytes, family, field, addPath, announced, found);
  };
  search(IPV4, nlri, { routerMac });
  if (mpReach !== undefined) search(familyOf(mpReach.afi, mpReach.safi), mpReach.nlri, { routerMac });
  if (mpUnreach !== undefined) search(familyOf(mpUnreach.afi, mpUnreach.safi), mpUnreach.nlri, undefined);
  return found;
}

function overrun(offset: number, expected: string): BgpError {
  return new BgpError('UPDATE', offset, expected, 3, 1, undefined, 'RFC 7606 §3 b');
}

function ipv4Field(bytes: Uint8Array, start: number, end: number, addPath: readonly Family[]): Uint8Array {
  if (start === end) return EMPTY;
  const field = bytes.subarray(start, end);
  const fault = checkNlri(IPV4, field, addPath.includes(IPV4));
  if (fault !== undefined) {
    throw new BgpError('UPDATE', start + fault.offset, fault.expected, 3, 10, undefined, 'RFC 7606 §5.3');
  }
  return field;
}

/** RFC 7606 §5.2: with faulty attributes and no routes to be announced, the NLRI may be what was lost. */
function lostRoutes(fault: AttributeFault): BgpError {
  const reason = `${fault.reason}, and there are no routes to withdraw`;
  return new BgpError('UPDATE', fault.offset, reason, 3, 1, undefined, 'RFC 7606 §5.2');
}
