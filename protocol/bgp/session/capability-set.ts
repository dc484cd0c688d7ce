/** The capabilities of one OPEN put together: what a speaker says that it can do. */
import type { AddPathCapability } from '../capability/add-path.ts';
import type { Capability } from '../capability/capability.ts';
import type { GracefulRestartCapability } from '../capability/graceful-restart.ts';
import type { LongLivedGracefulRestartCapability } from '../capability/long-lived-graceful-restart.ts';
import type { FqdnCapability } from '../capability/names.ts';
import { type AfiSafi, type Family, familyOf } from '../family.ts';

/** AFI of IPv6, as a next hop (RFC 8950 §4). */
const IPV6 = 2;

/** Values of the last octet of an ADD-PATH entry, RFC 7911 §4. */
const RECEIVE = 1;
const SEND = 2;

/** What a list of capabilities amounts to; families that podwire does not carry are left out. */
export interface CapabilitySet {
  readonly families: readonly Family[];
  readonly routeRefresh: boolean;
  readonly enhancedRouteRefresh: boolean;
  readonly extendedMessage: boolean;
  readonly fourOctetAs: number | undefined;
  readonly addPathSend: readonly Family[];
  readonly addPathReceive: readonly Family[];
  /** IPv4 families with IPv6 next hops. */
  readonly extendedNextHop: readonly Family[];
  /** Every role named, as on the wire. */
  readonly roles: readonly number[];
  readonly gracefulRestart: GracefulRestartCapability | undefined;
  readonly longLived: LongLivedGracefulRestartCapability | undefined;
  readonly fqdn: FqdnCapability | undefined;
  readonly softwareVersion: string | undefined;
  readonly pathsLimit: readonly { readonly family: Family; readonly limit: number }[];
}

/** Puts a list together. Capabilities may come several times and in any order (RFC 5492 §4). */
export function capabilitySet(list: readonly Capability[]): CapabilitySet {
  const has = (kind: Capability['kind']): boolean => list.some((capability) => capability.kind === kind);
  const addPath = list.filter((capability) => capability.kind === 'add-path');
  return {
    families: offeredFamilies(list),
    routeRefresh: has('route-refresh'),
    enhancedRouteRefresh: has('enhanced-route-refresh'),
    extendedMessage: has('extended-message'),
    fourOctetAs: last(list, 'four-octet-as')?.asn,
    addPathSend: addPathFamilies(addPath, SEND),
    addPathReceive: addPathFamilies(addPath, RECEIVE),
    extendedNextHop: carried(
      list
        .filter((capability) => capability.kind === 'extended-next-hop')
        .flatMap(({ families }) => families.filter(({ nextHopAfi }) => nextHopAfi === IPV6)),
    ),
    roles: list.flatMap((capability) => (capability.kind === 'role' ? [capability.role] : [])),
    // RFC 4724 §3: of several, the last counts.
    gracefulRestart: last(list, 'graceful-restart'),
    longLived: last(list, 'long-lived-graceful-restart'),
    fqdn: last(list, 'fqdn'),
    softwareVersion: last(list, 'software-version')?.version,
    pathsLimit: (last(list, 'paths-limit')?.families ?? []).flatMap(({ afi, safi, limit }) => {
      const family = familyOf(afi, safi);
      return family === undefined ? [] : [{ family, limit }];
    }),
  };
}

/** The last capability of a kind. */
function last<K extends Capability['kind']>(
  list: readonly Capability[],
  kind: K,
): Extract<Capability, { readonly kind: K }> | undefined {
  return list.findLast((capability) => capability.kind === kind) as never;
}

/** A speaker that names no family at all carries IPv4 unicast (RFC 4760 §8). */
function offeredFamilies(list: readonly Capability[]): Family[] {
  const offered = list.filter((capability) => capability.kind === 'multiprotocol');
  return offered.length === 0 ? ['ipv4-unicast'] : carried(offered);
}

/** Families of which the last entry has `bit`; entries with a value other than 1 to 3 do not count (RFC 7911 §4). */
function addPathFamilies(capabilities: readonly AddPathCapability[], bit: number): Family[] {
  const values = new Map<Family, number>();
  for (const { afi, safi, sendReceive } of capabilities.flatMap(({ families }) => families)) {
    const family = familyOf(afi, safi);
    if (family !== undefined && sendReceive >= 1 && sendReceive <= 3) values.set(family, sendReceive);
  }
  return [...values].filter(([, value]) => (value & bit) !== 0).map(([family]) => family);
}

/** The families among pairs of AFI and SAFI that podwire carries, each once. */
function carried(pairs: readonly AfiSafi[]): Family[] {
  const families = new Set<Family>();
  for (const { afi, safi } of pairs) {
    const family = familyOf(afi, safi);
    if (family !== undefined) families.add(family);
  }
  return [...families];
}
