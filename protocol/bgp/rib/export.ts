/** What a route looks like to a peer, or that it is not for that peer: RFC 4271 §5.1, §9.2; RFC 4456 §6, §8; RFC 1997. */
import { prependAs } from '../attribute/as-path.ts';
import { PARTIAL } from '../attribute/codec.ts';
import { NO_ADVERTISE, NO_EXPORT, NO_EXPORT_SUBCONFED } from '../attribute/communities.ts';
import type { Family } from '../family.ts';
import { DEFAULT_LOCAL_PREF, type RibConfig, type RibPeer, type RouteAttributes } from './route.ts';

/** What peers have in common that get the same messages. */
export interface ExportProfile {
  readonly family: Family;
  readonly peerType: RibPeer['peerType'];
  readonly client: boolean;
  readonly nextHopSelf: boolean;
  readonly localAddress: Uint8Array;
}

/**
 * The attributes with which a route goes to peers of a profile; `undefined` where it does not go there.
 * @param source peer it was learnt from; `undefined` for an own route.
 */
export function exportRoute(
  route: RouteAttributes,
  source: RibPeer | undefined,
  profile: ExportProfile,
  config: RibConfig,
): RouteAttributes | undefined {
  const communities = route.communities ?? [];
  if (communities.includes(NO_ADVERTISE)) return undefined;
  const external = profile.peerType === 'external';
  if (external && (communities.includes(NO_EXPORT) || communities.includes(NO_EXPORT_SUBCONFED))) {
    return undefined;
  }
  const reflected = source?.peerType === 'internal' && profile.peerType === 'internal';
  if (reflected && !source.client && !profile.client) return undefined;
  const nextHop = nextHopFor(route, profile);
  if (nextHop === undefined) return undefined;
  const marked = { ...route, nextHop, ...(source === undefined ? {} : partial(route)) };
  if (external) return toExternal(marked, source, config);
  const internal = { ...marked, localPref: route.localPref ?? DEFAULT_LOCAL_PREF };
  return reflected ? reflect(internal, source, config) : internal;
}

/** To another AS: own AS in front, nothing that is meant for inside, MED only where we set it (§5.1.4). */
function toExternal(route: RouteAttributes, source: RibPeer | undefined, config: RibConfig): RouteAttributes {
  const { localPref, originatorId, clusterList, med, ...rest } = route;
  return {
    ...rest,
    asPath: prependAs(route.asPath, config.asn),
    ...(source === undefined && med !== undefined ? { med } : {}),
  };
}

/** RFC 4456 §8: ORIGINATOR_ID where there is none, own cluster in front. A reflector without one uses its identifier. */
function reflect(route: RouteAttributes, source: RibPeer, config: RibConfig): RouteAttributes {
  return {
    ...route,
    originatorId: route.originatorId ?? source.routerId,
    clusterList: [config.clusterId ?? config.routerId, ...(route.clusterList ?? [])],
  };
}

/** Unknown attributes that we pass on get the Partial bit (RFC 4271 §5). */
function partial(route: RouteAttributes): Pick<RouteAttributes, 'unknown'> {
  if (route.unknown === undefined) return {};
  return { unknown: route.unknown.map((attribute) => ({ ...attribute, flags: attribute.flags | PARTIAL })) };
}

/** RFC 4271 §5.1.3: kept inside the AS, our own address to the outside, for own routes, and where configured. */
function nextHopFor(route: RouteAttributes, profile: ExportProfile): Uint8Array | undefined {
  const own = route.nextHop.length === 0;
  if (own || profile.peerType === 'external' || profile.nextHopSelf) return ownNextHop(profile);
  // A link-local next hop means nothing beyond the link that it came over (RFC 2545 §3).
  return route.nextHop.length === 32 ? route.nextHop.subarray(0, 16) : route.nextHop;
}

/**
 * Our address on the session as a next hop of the family. An IPv6 route over an IPv4 session carries the IPv4-mapped
 * address (as RFC 4798 §2 does); IPv4 over IPv6 would need RFC 8950, so there is none.
 */
export function ownNextHop(profile: Pick<ExportProfile, 'family' | 'localAddress'>): Uint8Array | undefined {
  const { family, localAddress } = profile;
  if (family === 'ipv4-unicast') return localAddress.length === 4 ? localAddress : undefined;
  if (localAddress.length === 16) return localAddress;
  return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...localAddress);
}
