import { asPathText } from '../../protocol/bgp/attribute/as-path.ts';
import { communityText, largeCommunityText } from '../../protocol/bgp/attribute/communities.ts';
import { ipv6ExtendedCommunityText } from '../../protocol/bgp/attribute/extended-communities.ts';
import { extendedCommunityText } from '../../protocol/bgp/attribute/extended-community-text.ts';
import { ORIGIN_NAMES } from '../../protocol/bgp/attribute/origin.ts';
import { ELIGIBLE, INELIGIBLE_TEXT } from '../../protocol/bgp/rib/import.ts';
import type { ScannedPath } from '../../protocol/bgp/rib/path-scan.ts';
import type { RouteAttributes } from '../../protocol/bgp/rib/route.ts';
import { formatIpv4 } from '../../protocol/ip/ipv4.ts';
import { formatAddress } from '../../protocol/ip/prefix.ts';
import type { PathView } from './types.ts';

/** What a path needs to have to be shown: what was sent to a peer has less than what is in the RIB. */
type ShownPath = Omit<ScannedPath, 'pathId'> & Partial<Pick<ScannedPath, 'pathId'>>;

/** A path of the RIB in text. The next hop of an own route is unspecified: each session puts its own address there. */
export function pathView(path: ShownPath): PathView {
  const { attributes, peer, ineligible = ELIGIBLE, pathId = 0 } = path;
  return {
    family: path.family,
    prefix: path.prefix,
    ...(pathId === 0 ? {} : { pathId }),
    nextHop: nextHopText(path),
    peer: peer === undefined ? undefined : { name: peer.name, address: formatAddress(peer.address) },
    source: peer?.peerType ?? 'local',
    origin: ORIGIN_NAMES[attributes.origin],
    asPath: asPathText(attributes.asPath),
    localPref: attributes.localPref,
    med: attributes.med,
    originatorId: attributes.originatorId === undefined ? undefined : formatIpv4(attributes.originatorId),
    clusterList: (attributes.clusterList ?? []).map(formatIpv4),
    communities: communityTexts(attributes),
    ...(attributes.otc === undefined ? {} : { otc: attributes.otc }),
    best: path.best,
    ...(path.multipath === true && !path.best ? { multipath: true } : {}),
    ...(ineligible === ELIGIBLE ? {} : { ineligible: INELIGIBLE_TEXT[ineligible] ?? 'not eligible' }),
    ...(path.stale === true ? { stale: true } : {}),
    ...(path.longLived === true ? { longLived: true } : {}),
  };
}

/** Communities of every kind as they are printed. */
export function communityTexts(attributes: RouteAttributes): string[] {
  return [
    ...(attributes.communities ?? []).map(communityText),
    ...(attributes.extendedCommunities ?? []).map(extendedCommunityText),
    ...(attributes.ipv6ExtendedCommunities ?? []).map(ipv6ExtendedCommunityText),
    ...(attributes.largeCommunities ?? []).map(largeCommunityText),
  ];
}

function nextHopText({ attributes, family }: ShownPath): string {
  const { nextHop } = attributes;
  // Of VPN families behind a route distinguisher; of IPv6 perhaps with a link-local address behind it.
  const start = nextHop.length % 16 === 4 || nextHop.length % 16 === 0 ? 0 : 8;
  const hop = nextHop.subarray(start, nextHop.length < 16 ? undefined : start + 16);
  if (hop.length === 4 || hop.length === 16) return formatAddress(hop);
  return family.startsWith('ipv6') ? '::' : '0.0.0.0';
}
