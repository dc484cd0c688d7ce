/** Peers and ranges of a speaker's file as the speaker takes them: groups folded in, short forms spelled out. */
import type { PeerConfig, PeerFamilyConfig, PeerRangeConfig, PeerSettings } from '../../agents/bgp/types.ts';
import type { Family } from '../../protocol/bgp/family.ts';
import type { Policy } from '../../protocol/bgp/policy/policy.ts';
import type { RawFamily, RawPeer, RawSettings } from './peer-schema.ts';
import type { RawSpeaker } from './schema.ts';

/** Finds a policy, or several to be asked in order. */
export type PolicyFinder = (names: string | readonly string[]) => Policy;

/** The settings of a peer with those of its group, each of which it may override as a whole. */
export function withGroup(raw: RawSpeaker, peer: RawPeer): RawPeer {
  const group = peer.group === undefined ? undefined : raw.peerGroups?.[peer.group];
  return { ...group, ...peer };
}

/** AS that we are for a peer. */
export function ownAsn(raw: RawSpeaker, { localAsn }: RawSettings): number {
  return localAsn ?? raw.asn;
}

/** What the speaker's peers and ranges are. The file has been checked. */
export function buildPeers(
  raw: RawSpeaker,
  policy: PolicyFinder,
): { readonly peers: readonly PeerConfig[]; readonly ranges: readonly PeerRangeConfig[] } {
  const peers: PeerConfig[] = [];
  const ranges: PeerRangeConfig[] = [];
  for (const written of raw.peers ?? []) {
    const { address, range, port, limit, ...rest } = withGroup(raw, written);
    const asn = rest.asn === 'internal' ? ownAsn(raw, rest) : (rest.asn ?? 'any');
    const settings = peerSettings(rest, policy);
    if (range !== undefined) {
      ranges.push(given({ name: rest.name ?? range, range, limit, ...settings, asn }) as PeerRangeConfig);
    } else if (address !== undefined) {
      peers.push(given({ name: rest.name ?? address, address, port, ...settings, asn }) as PeerConfig);
    }
  }
  return { peers, ranges };
}

function peerSettings(
  raw: Omit<RawPeer, 'address' | 'range' | 'port' | 'limit'>,
  policy: PolicyFinder,
): PeerSettings {
  const { name, asn, multihop, ttlSecurity, ao, families, extendedNextHop, ...rest } = raw;
  const { gracefulRestart, importPolicy, exportPolicy, ...plain } = rest;
  return given({
    ...plain,
    multihop: numberOf(multihop, 255),
    ttlSecurity: numberOf(ttlSecurity, 1),
    ao: ao?.keys,
    ...familiesOf(families, extendedNextHop),
    gracefulRestart: gracefulRestart === true ? {} : gracefulRestart === false ? undefined : gracefulRestart,
    importPolicy: importPolicy === undefined ? undefined : policy(importPolicy),
    exportPolicy: exportPolicy === undefined ? undefined : policy(exportPolicy),
  }) as PeerSettings;
}

function numberOf(value: number | boolean | undefined, whenTrue: number): number | undefined {
  return value === true ? whenTrue : value === false ? undefined : value;
}

function familiesOf(
  written: RawSettings['families'],
  extendedNextHop: boolean | undefined,
): Pick<PeerSettings, 'families' | 'familySettings'> {
  const byName = new Map<Family, RawFamily | null>(
    isList(written)
      ? written.map((family) => [family, null])
      : (Object.entries(written ?? { 'ipv4-unicast': null }) as [Family, RawFamily | null][]),
  );
  const settings = [...byName].flatMap(([family, own]) => {
    const one = familySettings(family, own ?? {}, extendedNextHop);
    return Object.keys(one).length === 1 ? [] : [one];
  });
  return {
    ...(written === undefined ? {} : { families: [...byName.keys()] }),
    ...(settings.length === 0 ? {} : { familySettings: settings }),
  };
}

function familySettings(
  family: Family,
  { addPath, maxPrefixes, extendedNextHop, required }: RawFamily,
  ofSession: boolean | undefined,
): PeerFamilyConfig {
  return given({
    family,
    addPath: addPath === undefined ? undefined : given(addPath),
    maxPrefixes: typeof maxPrefixes === 'number' ? { limit: maxPrefixes } : maxPrefixes,
    extendedNextHop: extendedNextHop ?? (family === 'ipv4-unicast' ? ofSession : undefined),
    required,
  }) as PeerFamilyConfig;
}

function isList(families: RawSettings['families']): families is readonly Family[] {
  return Array.isArray(families);
}

/** The fields that have a value. */
export function given<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
