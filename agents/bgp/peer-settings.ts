import type { Family } from '../../protocol/bgp/family.ts';
import type { PrefixLimit } from '../../protocol/bgp/restart/max-prefixes.ts';
import type { MaxPrefixes, PeerConfig } from './types.ts';

/** How long routes may be stale once their peer is back, seconds. */
export const DEFAULT_STALE_TIME = 360;

/** Percent of a prefix limit from which on people are warned. */
const DEFAULT_WARNING = 75;

/** The limit of a family, where there is one. */
export function maxPrefixesOf({ familySettings = [] }: PeerConfig, family: Family): MaxPrefixes | undefined {
  return familySettings.find((each) => each.family === family)?.maxPrefixes;
}

/** Every prefix limit of a peer. */
export function limitsOf({ familySettings = [] }: PeerConfig): PrefixLimit[] {
  return familySettings.flatMap(({ family, maxPrefixes }) => {
    if (maxPrefixes === undefined) return [];
    const { limit, warnAt = DEFAULT_WARNING } = maxPrefixes;
    return [{ family, limit, warnAt: Math.ceil((limit * warnAt) / 100) }];
  });
}
