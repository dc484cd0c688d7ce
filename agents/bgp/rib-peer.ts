import { MAX_EXTENDED_MESSAGE_LENGTH, MAX_MESSAGE_LENGTH } from '../../protocol/bgp/message/header.ts';
import type { RibPeerConfig } from '../../protocol/bgp/rib/route.ts';
import type { Negotiated } from '../../protocol/bgp/session/negotiated.ts';
import { addressBytes } from './address.ts';
import type { PeerConfig } from './types.ts';

/**
 * An established peer as the RIB is to see it.
 * @param localAddress our end of the session.
 * @param constrained peers are sent only routes with targets that they asked for, where they can ask (RFC 4684).
 */
export function ribPeerConfig(
  config: PeerConfig,
  negotiated: Negotiated,
  localAddress: string,
  constrained: boolean,
): RibPeerConfig {
  const { importPolicy, exportPolicy, localAddresses: own } = config;
  return {
    name: config.name,
    peerType: negotiated.peerType,
    asn: negotiated.peerAs,
    localAs: negotiated.localAs,
    routerId: negotiated.peerId,
    address: addressBytes(config.address),
    localAddress: addressBytes(localAddress),
    ...(own === undefined
      ? {}
      : { localAddresses: { ipv4: optionalAddress(own.ipv4), ipv6: optionalAddress(own.ipv6) } }),
    client: config.routeReflectorClient ?? false,
    nextHopSelf: config.nextHopSelf ?? false,
    nextHopUnchanged: config.nextHopUnchanged ?? false,
    families: negotiated.families,
    fourOctetAs: negotiated.context.fourOctetAs,
    maxMessageLength: negotiated.extendedMessageSend ? MAX_EXTENDED_MESSAGE_LENGTH : MAX_MESSAGE_LENGTH,
    addPathSend: negotiated.addPathSend.map((family) => ({
      family,
      max: pathsToSend(config, negotiated, family),
    })),
    extendedNextHop: negotiated.extendedNextHop,
    ...(importPolicy === undefined ? {} : { importPolicy }),
    ...(exportPolicy === undefined ? {} : { exportPolicy }),
    allowAsIn: config.allowAsIn ?? 0,
    role: config.role,
    mrai: (config.advertisementInterval ?? 0) * 1000,
    longLived: (negotiated.longLived?.families ?? []).map(({ family }) => family),
    gracefulShutdown: config.gracefulShutdown ?? false,
    rtConstraint: constrained && negotiated.families.includes('rt-constraint'),
    enhancedRefresh: negotiated.enhancedRouteRefresh,
  };
}

function optionalAddress(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : addressBytes(text);
}

/** How many paths of a prefix go to a peer: what is configured, and no more than it asked for. */
function pathsToSend(
  { familySettings = [] }: PeerConfig,
  { pathsLimit = [] }: Negotiated,
  family: Negotiated['families'][number],
): number {
  const send = familySettings.find((each) => each.family === family)?.addPath?.send ?? 'all';
  const wanted = pathsLimit.find((each) => each.family === family)?.limit ?? 0;
  const max = send === 'all' ? Number.MAX_SAFE_INTEGER : send;
  return wanted === 0 ? max : Math.min(max, wanted);
}
