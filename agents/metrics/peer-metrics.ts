/** What Prometheus is told of each session. Everything is counted as it happens, so that a scrape walks no table. */
import type { Family } from '../../protocol/bgp/family.ts';
import type { Rib } from '../../protocol/bgp/rib/rib.ts';
import type { MessageCounters } from '../../protocol/bgp/session/counters.ts';
import type { Peer } from '../bgp/peer.ts';
import type { Metric, Put } from './exposition.ts';

/** A peer, and the RIB that has its routes. */
export interface PeerSource {
  readonly peer: Peer;
  readonly rib: Rib;
}

type PeerMetric = Metric<PeerSource>;

/** Names of types of messages as labels. */
const MESSAGE_TYPES: Readonly<Record<keyof MessageCounters, string>> = {
  open: 'open',
  update: 'update',
  notification: 'notification',
  keepalive: 'keepalive',
  routeRefresh: 'route_refresh',
};

/** A metric of routes, by family. */
function routes(
  name: string,
  help: string,
  count: (rib: Rib, id: number, family: Family) => number,
): PeerMetric {
  return {
    name,
    type: 'gauge',
    help,
    read: ({ peer, rib }, put) => {
      const { ribPeer } = peer;
      if (ribPeer === undefined) return;
      for (const family of familiesOf(peer)) put(count(rib, ribPeer, family), { family });
    },
  };
}

function messages(direction: 'received' | 'sent'): PeerMetric {
  return {
    name: `podwire_bgp_messages_${direction}_total`,
    type: 'counter',
    help: `BGP messages ${direction}, by type.`,
    read: ({ peer }, put) => {
      const counters = peer.session.machine.counters[direction];
      for (const key of Object.keys(MESSAGE_TYPES) as (keyof MessageCounters)[]) {
        put(counters[key], { type: MESSAGE_TYPES[key] });
      }
    },
  };
}

export const PEER_METRICS: readonly PeerMetric[] = [
  {
    name: 'podwire_bgp_peer_info',
    type: 'gauge',
    help: 'Who a peer is; always 1.',
    read: ({ peer }, put) => put(1, identity(peer)),
  },
  {
    name: 'podwire_bgp_peer_up',
    type: 'gauge',
    help: 'Whether the session is Established: 1, otherwise 0.',
    read: ({ peer }, put) => put(peer.session.machine.state === 'Established' ? 1 : 0),
  },
  {
    name: 'podwire_bgp_peer_last_change_timestamp_seconds',
    type: 'gauge',
    help: 'When the session came up or went down last, or was configured, seconds since 1970.',
    read: ({ peer }, put) => put(Number(peer.session.since / 1_000_000n) / 1000),
  },
  {
    name: 'podwire_bgp_peer_established_total',
    type: 'counter',
    help: 'How often the session was Established.',
    read: ({ peer }, put) => put(peer.session.machine.counters.established),
  },
  messages('received'),
  messages('sent'),
  {
    name: 'podwire_bgp_message_faults_total',
    type: 'counter',
    help: 'Received messages with errors, by what came of them (RFC 7606).',
    read: ({ peer }, put) => {
      const { faults } = peer.session.machine.counters;
      for (const [outcome, count] of Object.entries(faults)) put(count, { outcome: snakeCase(outcome) });
    },
  },
  routes(
    'podwire_bgp_routes_received',
    'Routes that the peer announced and did not withdraw (Adj-RIB-In).',
    (rib, id, family) => rib.receivedCount(id, family),
  ),
  routes(
    'podwire_bgp_routes_accepted',
    'Of the routes received, those that import did not refuse.',
    (rib, id, family) => rib.acceptedCount(id, family),
  ),
  routes(
    'podwire_bgp_routes_advertised',
    'Routes that the peer was sent and is still to believe (Adj-RIB-Out).',
    (rib, id, family) => rib.sentCount(id, family),
  ),
  routes(
    'podwire_bgp_routes_waiting',
    'Routes still to be looked at for the peer: changes, what it missed while it took nothing, and first feeds.',
    (rib, id, family) => rib.waitingCount(id, family),
  ),
  {
    name: 'podwire_bgp_send_queue_bytes',
    type: 'gauge',
    help: 'Octets written to the session that the system has not taken yet.',
    read: ({ peer }, put) => put(peer.session.queued),
  },
];

function identity({ config, session, range }: Peer): Parameters<Put>[1] {
  const { negotiated } = session.machine;
  const asn = negotiated?.peerAs ?? (typeof config.asn === 'number' ? config.asn : 0);
  return {
    address: config.address,
    asn: String(asn),
    group: config.group ?? '',
    description: config.description ?? '',
    dynamic: String(range !== undefined),
  };
}

/** Families of the session, or those that are kept while the peer restarts. */
function familiesOf({ session, staleFamilies }: Peer): readonly Family[] {
  return session.machine.negotiated?.families ?? staleFamilies;
}

function snakeCase(text: string): string {
  return text.replaceAll('-', '_');
}
