/**
 * MAC mobility, RFC 7432 §7.7 and §15: of two PEs that advertise one MAC address, which one has it. The same questions
 * are asked in the same order of routes with one key (decision.ts) and of own routes against those of others, which have
 * other route distinguishers (mac-moves.ts).
 */
import { LLGR_STALE } from '../attribute/communities.ts';
import type { ExtendedCommunity } from '../attribute/extended-communities.ts';
import { extendedCommunityKind } from '../attribute/extended-community-text.ts';
import { readUint32 } from '../byte-writer.ts';
import { ESI_LENGTH } from '../nlri/evpn/layout.ts';
import { attributeEnd, attributesStart, EXTENDED_COMMUNITIES, valueStart } from './attribute-set.ts';
import type { RouteAttributes } from './route.ts';
import { isRouteTarget } from './route-targets.ts';

/** Type and subtype of the extended community (§7.7). */
const MAC_MOBILITY = 0x0600;
/** The flag of a MAC address that does not move, as it stands in the upper half of the community. */
const STICKY = 0x0100;
/** Added to the sequence number of a static MAC address by {@link macRank}. */
const STATIC = 2 ** 32;

/** Where an own route loses its MAC address: also steps of route selection. */
export type MacStep =
  /** A static MAC address before one that may move (§15.2 leaves open what wins; FRR does the same). */
  | 'mac-static'
  /** Higher sequence number (§15). */
  | 'mac-sequence'
  /** Lower address of the PE (§15). */
  | 'pe-address';

/** A MAC/IP route and who advertises it. */
export interface MacRoute {
  readonly attributes: RouteAttributes;
  /** 4 or 16 octets. */
  readonly pe: Uint8Array;
}

/**
 * Sequence number and, as 2^32, the static flag of the attribute set in `bytes` (see attribute-set.ts); 0 where it has
 * no MAC mobility community.
 */
export function macRank(bytes: Uint8Array): number {
  for (let at = attributesStart(bytes, 0); at < bytes.length; at = attributeEnd(bytes, at)) {
    if (bytes[at + 1] !== EXTENDED_COMMUNITIES) continue;
    const end = attributeEnd(bytes, at);
    for (let value = valueStart(bytes, at); value < end; value += 8) {
      const community = { high: readUint32(bytes, value), low: readUint32(bytes, value + 4) };
      if (extendedCommunityKind(community) === MAC_MOBILITY) return rankOf(community);
    }
  }
  return 0;
}

/** Whether a rank of {@link macRank} is that of a static MAC address. */
export function isStaticRank(rank: number): boolean {
  return rank >= STATIC;
}

/** The sequence number in a rank of {@link macRank}. */
export function sequenceOfRank(rank: number): number {
  return rank % STATIC;
}

/** The same of attributes as an object. */
export function macRankOf({ extendedCommunities = [] }: RouteAttributes): number {
  const community = extendedCommunities.find((each) => extendedCommunityKind(each) === MAC_MOBILITY);
  return community === undefined ? 0 : rankOf(community);
}

/**
 * At which step an own route loses its MAC address to another PE, so that it is to be withdrawn; `undefined` where it
 * stays. Both routes are for one MAC address and Ethernet tag. Routes of different broadcast domains (no shared route
 * target) and of one multihomed segment (§15: the same ESI) have nothing to do with each other.
 */
export function lostTo(own: MacRoute, other: MacRoute): MacStep | undefined {
  if (!compete(own.attributes, other.attributes)) return undefined;
  // RFC 9494 §4.3: what is long-lived stale is the last resort.
  if (other.attributes.communities?.includes(LLGR_STALE)) return undefined;
  const [ours, theirs] = [macRankOf(own.attributes), macRankOf(other.attributes)];
  if (isStaticRank(ours) !== isStaticRank(theirs)) return isStaticRank(theirs) ? 'mac-static' : undefined;
  if (ours !== theirs) return theirs > ours ? 'mac-sequence' : undefined;
  return compareAddresses(other.pe, own.pe) < 0 ? 'pe-address' : undefined;
}

/** Whether another PE says that a MAC address of ours is static there: the operator is to be told (§15.2). */
export function conflicts(own: MacRoute, other: MacRoute): boolean {
  return compete(own.attributes, other.attributes) && isStaticRank(macRankOf(other.attributes));
}

function compete(a: RouteAttributes, b: RouteAttributes): boolean {
  return sharesTarget(a, b) && !sameSegment(a, b);
}

function sharesTarget(a: RouteAttributes, b: RouteAttributes): boolean {
  const targets = (b.extendedCommunities ?? []).filter(isRouteTarget);
  return (a.extendedCommunities ?? []).some(
    (one) => isRouteTarget(one) && targets.some(({ high, low }) => high === one.high && low === one.low),
  );
}

/** ESI 0 is that of all single-homed sites (§5). */
function sameSegment(a: RouteAttributes, b: RouteAttributes): boolean {
  const [one, other] = [esiOf(a), esiOf(b)];
  return one.some((octet) => octet !== 0) && one.every((octet, i) => octet === other[i]);
}

/** What a MAC/IP route says beside its key begins with the ESI. */
function esiOf({ nlriData }: RouteAttributes): Uint8Array {
  return nlriData?.subarray(0, ESI_LENGTH) ?? new Uint8Array(0);
}

function rankOf({ high, low }: ExtendedCommunity): number {
  return (high & STICKY) === 0 ? low : STATIC + low;
}

/** How two addresses stand: IPv4 before IPv6, then by octets; negative where `a` is lower. */
export function compareAddresses(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return a.length - b.length;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}
