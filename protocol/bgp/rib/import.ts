/** Which received routes may be selected: RFC 4271 §9.1.2 and §5.1.3, RFC 4456 §8. */
import { asPathContains } from '../attribute/as-path.ts';
import type { RibConfig, RibPeer, RouteAttributes } from './route.ts';

/** Why a path in an Adj-RIB-In takes no part in selection; 0 means that it does. */
export const ELIGIBLE = 0;
export const OWN_AS_IN_PATH = 1;
export const OWN_ORIGINATOR_ID = 2;
export const OWN_CLUSTER_ID = 3;
export const OWN_NEXT_HOP = 4;

/** Judges the attributes of routes from `peer`. */
export function eligibility(attributes: RouteAttributes, peer: RibPeer, config: RibConfig): number {
  if (asPathContains(attributes.asPath, config.asn)) return OWN_AS_IN_PATH;
  if (attributes.originatorId === config.routerId) return OWN_ORIGINATOR_ID;
  if (config.clusterId !== undefined && attributes.clusterList?.includes(config.clusterId))
    return OWN_CLUSTER_ID;
  if (sameBytes(attributes.nextHop, peer.localAddress)) return OWN_NEXT_HOP;
  return ELIGIBLE;
}

/** Whether two addresses are equal. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
