import { parseCommunities } from '../../protocol/bgp/attribute/communities.ts';
import { FAMILIES } from '../../protocol/bgp/family.ts';
import { type Nlri, nlriOf } from '../../protocol/bgp/nlri/prefixes.ts';
import type { RouteAttributes } from '../../protocol/bgp/rib/route.ts';
import { parseAddress } from '../../protocol/ip/prefix.ts';

/** What an own route may carry beside its prefix. */
export interface AnnounceOptions {
  /** `"a:b"` (RFC 1997), `"a:b:c"` (RFC 8092) or a well-known name such as `"no-export"`. */
  readonly communities?: readonly string[];
  readonly med?: number;
  /** Default: the local address of each session. */
  readonly nextHop?: string;
}

const SELF = new Uint8Array(0);

/**
 * Prefix and attributes of an own route: ORIGIN IGP and an empty AS_PATH.
 * @throws RangeError naming the text that is no prefix, community or address of the prefix's family.
 */
export function ownRoute(
  prefix: string,
  options: AnnounceOptions,
): { nlri: Nlri; attributes: RouteAttributes } {
  const nlri = nlriOf(prefix);
  const nextHop = options.nextHop === undefined ? SELF : parseAddress(options.nextHop);
  if (nextHop === undefined || (nextHop.length > 0 && nextHop.length !== FAMILIES[nlri.family].bytes)) {
    throw new RangeError(`next hop ${options.nextHop} of ${prefix} is no address of the same family`);
  }
  const { communities, largeCommunities } = parseCommunities(options.communities ?? []);
  const attributes: RouteAttributes = {
    origin: 0,
    asPath: [],
    nextHop,
    ...(options.med === undefined ? {} : { med: options.med }),
    ...(communities.length === 0 ? {} : { communities }),
    ...(largeCommunities.length === 0 ? {} : { largeCommunities }),
  };
  return { nlri, attributes };
}
