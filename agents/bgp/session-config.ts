/** What a peer's settings mean to the machine of its session. */
import type { Family } from '../../protocol/bgp/family.ts';
import {
  type AddPathConfig,
  type CapabilityConfig,
  type CapabilityKind,
  DEFAULT_HOLD_TIME,
  DEFAULT_TIMING,
  type SessionConfig,
} from '../../protocol/bgp/session/config.ts';
import type { PeerConfig, SpeakerConfig } from './types.ts';

/** Seconds for which a peer shall wait for us while we restart, where nothing says otherwise. */
export const DEFAULT_RESTART_TIME = 120;

/** The speaker as its sessions see it. */
export interface SessionIdentity extends Pick<SpeakerConfig, 'asn' | 'confederation'> {
  /** BGP identifier as an unsigned integer. */
  readonly routerId: number;
  /** We are coming back from a restart, so OPENs say so (RFC 4724 §4.1). */
  readonly restarting: boolean;
}

/** Families that a session offers. */
export function familiesOf(config: Pick<PeerConfig, 'families'>): readonly Family[] {
  return config.families ?? ['ipv4-unicast'];
}

/** The AS that a peer is to see: our own, or that of our confederation for who is not in it (RFC 5065 §4). */
export function localAsOf(config: PeerConfig, { asn, confederation }: SessionIdentity): number {
  if (config.localAsn !== undefined) return config.localAsn;
  if (confederation === undefined) return asn;
  const peer = config.asn === 'any' ? undefined : [config.asn].flat()[0];
  const member = peer === asn || (peer !== undefined && confederation.members.includes(peer));
  return member ? asn : confederation.id;
}

/** The configuration of a peer's session. */
export function sessionConfig(config: PeerConfig, identity: SessionIdentity): SessionConfig {
  const { asn, connectRetry, delayOpen, sendHoldTime, enforceFirstAs } = config;
  return {
    localAs: localAsOf(config, identity),
    localId: identity.routerId,
    ...(asn === 'any' ? {} : { peerAs: asn }),
    ...(identity.confederation === undefined ? {} : { confederation: identity.confederation }),
    holdTime: config.holdTime ?? DEFAULT_HOLD_TIME,
    ...(sendHoldTime === undefined ? {} : { sendHoldTime }),
    passive: config.passive ?? false,
    families: familiesOf(config),
    capabilities: capabilities(config, identity),
    required: required(config),
    ...(enforceFirstAs === undefined ? {} : { enforceFirstAs }),
    connectRetryTime: connectRetry === undefined ? DEFAULT_TIMING.connectRetryTime : connectRetry * 1000,
    firstRetryTime: DEFAULT_TIMING.firstRetryTime,
    delayOpenTime: (delayOpen ?? 0) * 1000,
  };
}

function capabilities(config: PeerConfig, { restarting }: SessionIdentity): CapabilityConfig {
  const { familySettings = [], gracefulRestart, longLivedGracefulRestart, role, roleStrict } = config;
  const { fourOctetAs, routeRefresh, enhancedRouteRefresh, softwareVersion, fqdn } =
    config.capabilities ?? {};
  const families = familiesOf(config);
  const settings = familySettings.filter(({ family }) => families.includes(family));
  const addPath = settings.flatMap(({ family, addPath }): AddPathConfig[] =>
    addPath === undefined
      ? []
      : [{ family, send: addPath.send !== undefined, receive: addPath.receive ?? false }],
  );
  const extendedNextHop = settings.flatMap((each) => (each.extendedNextHop === true ? [each.family] : []));
  return {
    ...(fourOctetAs === undefined ? {} : { fourOctetAs }),
    ...(routeRefresh === undefined ? {} : { routeRefresh }),
    ...(enhancedRouteRefresh === undefined ? {} : { enhancedRouteRefresh }),
    extendedMessage: config.extendedMessage ?? false,
    addPath,
    extendedNextHop,
    ...(gracefulRestart === undefined
      ? {}
      : {
          gracefulRestart: {
            restartTime: gracefulRestart.restartTime ?? DEFAULT_RESTART_TIME,
            restarting,
            notification: gracefulRestart.notification ?? true,
            families: gracefulRestart.helperOnly
              ? []
              : (gracefulRestart.families ?? families).map((family) => ({ family, forwarding: restarting })),
          },
        }),
    ...(longLivedGracefulRestart === undefined
      ? {}
      : {
          longLivedGracefulRestart: {
            families: (longLivedGracefulRestart.families ?? families).map((family) => ({
              family,
              staleTime: longLivedGracefulRestart.staleTime,
              forwarding: restarting,
            })),
          },
        }),
    ...(role === undefined ? {} : { role }),
    ...(roleStrict === undefined ? {} : { roleStrict }),
    ...(typeof softwareVersion === 'string' ? { softwareVersion } : {}),
    ...(fqdn === undefined ? {} : { fqdn: { hostName: fqdn.host, domainName: fqdn.domain ?? '' } }),
  };
}

function required({ require = [], familySettings = [] }: PeerConfig): readonly CapabilityKind[] {
  const kinds: readonly CapabilityKind[] = require;
  return familySettings.some((each) => each.required === true) ? [...kinds, 'multiprotocol'] : kinds;
}
