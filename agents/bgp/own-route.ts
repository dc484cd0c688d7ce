import { parseCommunities } from '../../protocol/bgp/attribute/communities.ts';
import { parseExtendedCommunity } from '../../protocol/bgp/attribute/extended-community-text.ts';
import { FAMILIES, type Family } from '../../protocol/bgp/family.ts';
import { type Nlri, nlriOf } from '../../protocol/bgp/nlri/prefixes.ts';
import { NLRI_CODECS } from '../../protocol/bgp/nlri/table.ts';
import type { RouteAttributes } from '../../protocol/bgp/rib/route.ts';
import { parseAddress } from '../../protocol/ip/prefix.ts';

/** What an own route may carry beside its prefix. */
export interface AnnounceOptions {
  /** Default: what the text looks like, a prefix of IPv4 or IPv6, or an EVPN route. */
  readonly family?: Family;
  /** `"a:b"` (RFC 1997), `"a:b:c"` (RFC 8092), `"rt:a:b"` (RFC 4360) or a well-known name such as `"no-export"`. */
  readonly communities?: readonly string[];
  readonly med?: number;
  readonly localPref?: number;
  /** Default IGP. */
  readonly origin?: 'IGP' | 'EGP' | 'INCOMPLETE';
  /** AS numbers, the nearest first; default none. */
  readonly asPath?: readonly number[];
  /** Default: the local address of each session. */
  readonly nextHop?: string;
}

const SELF = new Uint8Array(0);

const ORIGINS = { IGP: 0, EGP: 1, INCOMPLETE: 2 } as const;

/**
 * Prefix and attributes of an own route.
 * @throws RangeError naming the text that is no prefix, community or address of the prefix's family.
 */
export function ownRoute(
  prefix: string,
  options: AnnounceOptions,
): { nlri: Nlri; attributes: RouteAttributes } {
  const { med, localPref, origin = 'IGP', asPath = [] } = options;
  const nlri = ownNlri(prefix, options.family);
  if (/-(labeled|vpn)$/.test(nlri.family) && !/ label \S/.test(prefix)) {
    throw new RangeError(`${prefix} has no label, expected one such as "${prefix} label 100"`);
  }
  const texts = options.communities ?? [];
  const extendedCommunities = texts.filter(isExtended).map(parseExtendedCommunity);
  const { communities, largeCommunities } = parseCommunities(texts.filter((text) => !isExtended(text)));
  const attributes: RouteAttributes = {
    origin: ORIGINS[origin],
    asPath: asPath.length === 0 ? [] : [{ kind: 'sequence', asns: asPath }],
    nextHop: ownNextHop(options.nextHop, nlri.family, prefix),
    ...(med === undefined ? {} : { med }),
    ...(localPref === undefined ? {} : { localPref }),
    ...(communities.length === 0 ? {} : { communities }),
    ...(extendedCommunities.length === 0 ? {} : { extendedCommunities }),
    ...(largeCommunities.length === 0 ? {} : { largeCommunities }),
  };
  return { nlri, attributes };
}

/** Extended communities begin with the name of their kind, or are 8 octets in hex. */
function isExtended(text: string): boolean {
  return /^([a-z][a-z0-9-]*:|0x)/i.test(text);
}

/** NLRI of a route in text. @throws RangeError where it is none of that family. */
export function ownNlri(text: string, family?: Family): Nlri {
  const wanted = family ?? (text.startsWith('[') ? 'l2vpn-evpn' : undefined);
  if (wanted === undefined || wanted === 'ipv4-unicast' || wanted === 'ipv6-unicast') {
    const nlri = nlriOf(text);
    if (wanted !== undefined && nlri.family !== wanted)
      throw new RangeError(`${text} is no prefix of ${wanted}`);
    return nlri;
  }
  const { parse } = NLRI_CODECS[wanted];
  if (parse === undefined) throw new RangeError(`routes of ${wanted} cannot be given as text`);
  return { family: wanted, bytes: parse(text) };
}

function ownNextHop(text: string | undefined, family: Family, prefix: string): Uint8Array {
  if (text === undefined) return SELF;
  const nextHop = parseAddress(text);
  const { prefixes, bytes } = FAMILIES[family];
  if (nextHop === undefined || (prefixes && bytes === 16 && nextHop.length !== 16)) {
    throw new RangeError(`next hop ${text} of ${prefix} is no address of the same family`);
  }
  return nextHop;
}
