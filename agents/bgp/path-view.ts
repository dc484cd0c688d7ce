import { asPathText } from '../../protocol/bgp/attribute/as-path.ts';
import { communityText, largeCommunityText } from '../../protocol/bgp/attribute/communities.ts';
import { ORIGIN_NAMES } from '../../protocol/bgp/attribute/origin.ts';
import type { PathInfo } from '../../protocol/bgp/rib/rib.ts';
import { formatIpv4 } from '../../protocol/ip/ipv4.ts';
import { formatAddress } from '../../protocol/ip/prefix.ts';
import type { PathView } from './types.ts';

/** A path of the RIB in text. The next hop of an own route is unspecified: each session puts its own address there. */
export function pathView(path: Omit<PathInfo, 'ineligible' | 'lost'>): PathView {
  const { attributes, peer } = path;
  const hop = attributes.nextHop.subarray(0, 16);
  const unspecified = path.family === 'ipv4-unicast' ? '0.0.0.0' : '::';
  return {
    prefix: path.prefix,
    nextHop: hop.length === 0 ? unspecified : formatAddress(hop),
    peer: peer === undefined ? undefined : { name: peer.name, address: formatAddress(peer.address) },
    origin: ORIGIN_NAMES[attributes.origin],
    asPath: asPathText(attributes.asPath),
    localPref: attributes.localPref,
    med: attributes.med,
    originatorId: attributes.originatorId === undefined ? undefined : formatIpv4(attributes.originatorId),
    clusterList: (attributes.clusterList ?? []).map(formatIpv4),
    communities: [
      ...(attributes.communities ?? []).map(communityText),
      ...(attributes.largeCommunities ?? []).map(largeCommunityText),
    ],
    best: path.best,
  };
}
