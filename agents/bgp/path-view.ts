import { asPathText } from '../../protocol/bgp/attribute/as-path.ts';
import { communityText, largeCommunityText } from '../../protocol/bgp/attribute/communities.ts';
import { ORIGIN_NAMES } from '../../protocol/bgp/attribute/origin.ts';
import {
  ELIGIBLE,
  OWN_AS_IN_PATH,
  OWN_CLUSTER_ID,
  OWN_NEXT_HOP,
  OWN_ORIGINATOR_ID,
} from '../../protocol/bgp/rib/import.ts';
import type { PathInfo } from '../../protocol/bgp/rib/rib.ts';
import type { RouteAttributes } from '../../protocol/bgp/rib/route.ts';
import { formatIpv4 } from '../../protocol/ip/ipv4.ts';
import { formatAddress } from '../../protocol/ip/prefix.ts';
import type { PathView } from './types.ts';

/** What a path needs to have to be shown: what was sent to a peer has less than what is in the RIB. */
export type ShownPath = Pick<PathInfo, 'family' | 'prefix' | 'attributes' | 'peer' | 'best'> &
  Partial<Pick<PathInfo, 'ineligible'>>;

/** A path of the RIB in text. The next hop of an own route is unspecified: each session puts its own address there. */
export function pathView(path: ShownPath): PathView {
  const { attributes, peer, ineligible = ELIGIBLE } = path;
  return {
    family: path.family,
    prefix: path.prefix,
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
    best: path.best,
    ...(ineligible === ELIGIBLE ? {} : { ineligible: INELIGIBLE[ineligible] ?? 'not eligible' }),
  };
}

/** Communities of every kind as they are printed. */
export function communityTexts(attributes: RouteAttributes): string[] {
  return [
    ...(attributes.communities ?? []).map(communityText),
    ...(attributes.largeCommunities ?? []).map(largeCommunityText),
  ];
}

function nextHopText({ attributes, family }: ShownPath): string {
  const hop = attributes.nextHop.subarray(0, 16);
  if (hop.length === 4 || hop.length === 16) return formatAddress(hop);
  return family.startsWith('ipv6') ? '::' : '0.0.0.0';
}

const INELIGIBLE: Readonly<Record<number, string>> = {
  [OWN_AS_IN_PATH]: 'our AS is in AS_PATH',
  [OWN_ORIGINATOR_ID]: 'ORIGINATOR_ID is ours',
  [OWN_CLUSTER_ID]: 'our cluster is in CLUSTER_LIST',
  [OWN_NEXT_HOP]: 'NEXT_HOP is our own address',
};
