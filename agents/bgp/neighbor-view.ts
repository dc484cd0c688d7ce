import { capabilityText } from '../../protocol/bgp/capability/capability.ts';
import { MAX_EXTENDED_MESSAGE_LENGTH, MAX_MESSAGE_LENGTH } from '../../protocol/bgp/message/header.ts';
import type { Rib } from '../../protocol/bgp/rib/rib.ts';
import type { Negotiated } from '../../protocol/bgp/session/negotiated.ts';
import { formatIpv4 } from '../../protocol/ip/ipv4.ts';
import type { Peer } from './peer.ts';
import { BGP_PORT } from './peer-session.ts';
import type { NegotiatedStatus, NeighborStatus } from './types.ts';

/** The state of a peer and its session, for people. */
export function neighborStatus(peer: Peer, rib: Rib): NeighborStatus {
  const { session, ribPeer, config } = peer;
  const { machine } = session;
  const { negotiated } = machine;
  const { asn } = config;
  const { received, sent, faults, established } = machine.counters;
  return {
    name: config.name,
    address: config.address,
    port: config.port ?? BGP_PORT,
    localAddress: session.localAddress ?? config.localAddress,
    asn: negotiated?.peerAs ?? (typeof asn === 'number' ? asn : undefined),
    localAsn: negotiated?.localAs ?? machine.config.localAs,
    role: config.role,
    type: config.type,
    node: config.node,
    group: config.group,
    description: config.description,
    dynamic: peer.range !== undefined,
    routeReflectorClient: config.routeReflectorClient ?? false,
    state: machine.state,
    shutDown: peer.shutDown,
    ...(peer.limited === undefined ? {} : { prefixLimit: peer.limited }),
    since: session.since,
    routerId: negotiated === undefined ? undefined : formatIpv4(negotiated.peerId),
    holdTime: negotiated?.holdTime,
    families: negotiated?.families ?? machine.config.families,
    capabilities: negotiated === undefined ? [] : capabilityNames(negotiated),
    ...(negotiated === undefined ? {} : { negotiated: negotiatedStatus(negotiated) }),
    endOfRibReceived: [...peer.endOfRibReceived],
    endOfRibSent: [...peer.endOfRibSent],
    prefixesReceived: ribPeer === undefined ? 0 : rib.receivedCount(ribPeer),
    prefixesSent: ribPeer === undefined ? 0 : rib.sentCount(ribPeer),
    staleFamilies: peer.staleFamilies,
    messagesReceived: machine.messagesReceived,
    messagesSent: machine.messagesSent,
    counters: { received, sent, faults },
    established,
    lastError: session.lastError,
  };
}

function negotiatedStatus(negotiated: Negotiated): NegotiatedStatus {
  const { addPathSend, addPathReceive, extendedNextHop, context, extendedMessageSend } = negotiated;
  const { gracefulRestart, longLived, role, fqdn, softwareVersion, pathsLimit } = negotiated;
  const most = (extended: boolean): number => (extended ? MAX_EXTENDED_MESSAGE_LENGTH : MAX_MESSAGE_LENGTH);
  return {
    addPathSend,
    addPathReceive,
    extendedNextHop,
    maxMessageLength: { receive: most(context.extendedMessage), send: most(extendedMessageSend) },
    ...(gracefulRestart === undefined ? {} : { gracefulRestart }),
    ...(longLived === undefined ? {} : { longLived }),
    ...(role === undefined ? {} : { role }),
    ...(fqdn === undefined ? {} : { fqdn }),
    ...(softwareVersion === undefined ? {} : { softwareVersion }),
    ...(pathsLimit === undefined ? {} : { pathsLimit }),
    peerCapabilities: negotiated.peerCapabilities.map(capabilityText),
  };
}

function capabilityNames(negotiated: Negotiated): string[] {
  const { context, gracefulRestart, longLived, role } = negotiated;
  const has: Readonly<Record<string, boolean>> = {
    'four-octet-as': context.fourOctetAs,
    'route-refresh': negotiated.routeRefresh,
    'enhanced-route-refresh': negotiated.enhancedRouteRefresh,
    'extended-message': context.extendedMessage && negotiated.extendedMessageSend,
    'add-path-send': negotiated.addPathSend.length > 0,
    'add-path-receive': negotiated.addPathReceive.length > 0,
    'extended-next-hop': negotiated.extendedNextHop.length > 0,
    'graceful-restart': gracefulRestart !== undefined,
    'long-lived-graceful-restart': longLived !== undefined,
    role: role !== undefined,
  };
  return Object.keys(has).filter((name) => has[name]);
}
