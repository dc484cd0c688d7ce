import type { Rib } from '../../protocol/bgp/rib/rib.ts';
import { formatIpv4 } from '../../protocol/ip/ipv4.ts';
import type { Peer } from './peer.ts';
import { BGP_PORT } from './peer-session.ts';
import type { NeighborStatus } from './types.ts';

/** The state of a peer and its session, for people. */
export function neighborStatus(peer: Peer, rib: Rib): NeighborStatus {
  const { session, ribPeer, config } = peer;
  const { machine } = session;
  const { negotiated } = machine;
  const { asn } = config;
  return {
    name: config.name,
    address: config.address,
    port: config.port ?? BGP_PORT,
    localAddress: session.localAddress ?? config.localAddress,
    asn: negotiated?.peerAs ?? (typeof asn === 'number' ? asn : undefined),
    type: config.type,
    node: config.node,
    routeReflectorClient: config.routeReflectorClient ?? false,
    state: machine.state,
    since: session.since,
    routerId: negotiated === undefined ? undefined : formatIpv4(negotiated.peerId),
    holdTime: negotiated?.holdTime,
    families: negotiated?.families ?? machine.config.families,
    endOfRibReceived: [...peer.endOfRibReceived],
    endOfRibSent: [...peer.endOfRibSent],
    prefixesReceived: ribPeer === undefined ? 0 : rib.receivedCount(ribPeer),
    prefixesSent: ribPeer === undefined ? 0 : rib.sentCount(ribPeer),
    messagesReceived: machine.messagesReceived,
    messagesSent: machine.messagesSent,
    lastError: session.lastError,
  };
}
