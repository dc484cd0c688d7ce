/** All capabilities that podwire knows, in one table that generic code reads, writes and shows them by. */
import { type AddPathCapability, addPath } from './add-path.ts';
import type { CapabilityCodec } from './codec.ts';
import {
  type EmptyCapability,
  enhancedRouteRefresh,
  extendedMessage,
  routeRefresh,
  routeRefreshCisco,
} from './empty.ts';
import { type ExtendedNextHopCapability, extendedNextHop } from './extended-next-hop.ts';
import { type FourOctetAsCapability, fourOctetAs } from './four-octet-as.ts';
import { type GracefulRestartCapability, gracefulRestart } from './graceful-restart.ts';
import {
  type LongLivedGracefulRestartCapability,
  longLivedGracefulRestart,
} from './long-lived-graceful-restart.ts';
import { type MultipleLabelsCapability, multipleLabels } from './multiple-labels.ts';
import { type MultiprotocolCapability, multiprotocol } from './multiprotocol.ts';
import { type FqdnCapability, fqdn, type SoftwareVersionCapability, softwareVersion } from './names.ts';
import { type OutboundRouteFilteringCapability, outboundRouteFiltering } from './outbound-route-filtering.ts';
import { type PathsLimitCapability, pathsLimit } from './paths-limit.ts';
import { type RoleCapability, role } from './role.ts';

export type KnownCapability =
  | MultiprotocolCapability
  | EmptyCapability
  | OutboundRouteFilteringCapability
  | ExtendedNextHopCapability
  | MultipleLabelsCapability
  | RoleCapability
  | GracefulRestartCapability
  | FourOctetAsCapability
  | AddPathCapability
  | LongLivedGracefulRestartCapability
  | FqdnCapability
  | SoftwareVersionCapability
  | PathsLimitCapability;

/** In order of their codes. */
export const CAPABILITIES: readonly CapabilityCodec<KnownCapability>[] = [
  multiprotocol,
  routeRefresh,
  outboundRouteFiltering,
  extendedNextHop,
  extendedMessage,
  multipleLabels,
  role,
  gracefulRestart,
  fourOctetAs,
  addPath,
  enhancedRouteRefresh,
  longLivedGracefulRestart,
  fqdn,
  softwareVersion,
  pathsLimit,
  routeRefreshCisco,
] as unknown as readonly CapabilityCodec<KnownCapability>[];

/** Names of codes that are carried as opaque octets, from IANA's registry. */
const OPAQUE_NAMES: Readonly<Record<number, string>> = {
  7: 'BGPsec',
  67: 'Dynamic Capability',
  68: 'Multisession BGP',
  72: 'Routing Policy Distribution',
  77: 'Link-Local Next Hop',
  130: 'Outbound Route Filtering (Cisco)',
};

const BY_CODE: ReadonlyMap<number, CapabilityCodec<KnownCapability>> = new Map(
  CAPABILITIES.map((codec) => [codec.code, codec]),
);
const BY_KIND: ReadonlyMap<string, CapabilityCodec<KnownCapability>> = new Map(
  CAPABILITIES.map((codec) => [codec.kind, codec]),
);

/** The descriptor of a code, if the capability is known. */
export function capabilityByCode(code: number): CapabilityCodec<KnownCapability> | undefined {
  return BY_CODE.get(code);
}

/** The descriptor of a kind. */
export function capabilityByKind(kind: KnownCapability['kind']): CapabilityCodec<KnownCapability> {
  return BY_KIND.get(kind)!;
}

/** `"Graceful Restart"`; `"capability 99"` for a code without a name. */
export function capabilityName(code: number): string {
  return BY_CODE.get(code)?.name ?? OPAQUE_NAMES[code] ?? `capability ${code}`;
}
