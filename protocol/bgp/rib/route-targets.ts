/**
 * Which VPN routes a peer asked for, RFC 4684: by its routes of the family `rt-constraint`, whose NLRI is a prefix of
 *
 *   0: 4 origin AS · 4: 8 route target
 *
 * with its length in bits before it. The origin AS says where the wish came from, not what it is for (§4).
 */
import type { ExtendedCommunity } from '../attribute/extended-communities.ts';
import type { LocRib } from './loc-rib.ts';
import type { RouteAttributes } from './route.ts';

const ORIGIN_BITS = 32;
const TARGET_BITS = 64;

/** The first bits of route targets: values of `high` and `low` under masks. */
interface Wish {
  readonly high: number;
  readonly low: number;
  readonly highMask: number;
  readonly lowMask: number;
}

export class RouteTargets {
  readonly #wishes: readonly Wish[];

  /** @param wishes NLRI of the peer's routes. */
  constructor(wishes: readonly Uint8Array[]) {
    this.#wishes = wishes.map(wishOf);
  }

  /** Whether a route with these attributes was asked for. */
  match({ extendedCommunities = [] }: RouteAttributes): boolean {
    return extendedCommunities.some((community) => isRouteTarget(community) && this.#wants(community));
  }

  #wants({ high, low }: ExtendedCommunity): boolean {
    return this.#wishes.some(
      (wish) => ((high ^ wish.high) & wish.highMask) === 0 && ((low ^ wish.low) & wish.lowMask) === 0,
    );
  }
}

/** What a peer asked for until now. @param rib of the family `rt-constraint`. */
export function routeTargetsOf(rib: LocRib, peer: number): RouteTargets {
  const wishes: Uint8Array[] = [];
  rib.eachOf(peer, (path) => {
    const nlri = new Uint8Array(rib.prefixes.size(rib.paths.prefix(path), undefined));
    rib.prefixes.write(rib.paths.prefix(path), undefined, nlri, 0);
    wishes.push(nlri);
  });
  return new RouteTargets(wishes);
}

/** Two-octet AS, IPv4 address and four-octet AS specific route targets, RFC 4360 §4, RFC 5668 §2. */
export function isRouteTarget({ high }: ExtendedCommunity): boolean {
  return high >>> 24 <= 2 && ((high >>> 16) & 0xff) === 2;
}

/** An NLRI without bits of a target, the shortest being the default, asks for everything (RFC 4684 §4). */
function wishOf(nlri: Uint8Array): Wish {
  const bits = Math.min(TARGET_BITS, Math.max(0, nlri[0]! - ORIGIN_BITS));
  const octets = new Uint8Array(8);
  octets.set(nlri.subarray(5, 13));
  const view = new DataView(octets.buffer);
  return {
    high: view.getUint32(0),
    low: view.getUint32(4),
    highMask: maskOf(Math.min(32, bits)),
    lowMask: maskOf(Math.max(0, bits - 32)),
  };
}

function maskOf(bits: number): number {
  return bits === 0 ? 0 : -1 << (32 - bits);
}
