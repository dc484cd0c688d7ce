/** What Prometheus is told of each speaker. */
import { RANK, type SessionState } from '../../protocol/bgp/session/state.ts';
import type { BgpSpeaker } from '../bgp/speaker.ts';
import type { Exposition, Labelled, Metric, Put } from './exposition.ts';
import { PEER_METRICS, type PeerSource } from './peer-metrics.ts';

type SpeakerMetric = Metric<BgpSpeaker>;
type Statistics = ReturnType<BgpSpeaker['table']['statistics']>[number];

/** A metric of each family. */
function byFamily(
  name: string,
  type: SpeakerMetric['type'],
  help: string,
  value: (family: Statistics) => number,
): SpeakerMetric {
  return {
    name,
    type,
    help,
    read: ({ table }, put) => {
      for (const family of table.statistics()) put(value(family), { family: family.family });
    },
  };
}

/** A metric of each update group. */
function byGroup(
  name: string,
  help: string,
  value: (group: Statistics['groups'][number]) => number,
): SpeakerMetric {
  return {
    name,
    type: 'gauge',
    help,
    read: ({ table }, put) => {
      for (const { family, groups } of table.statistics()) {
        for (const group of groups) put(value(group), { family, group: String(group.number) });
      }
    },
  };
}

const SPEAKER_METRICS: readonly SpeakerMetric[] = [
  {
    name: 'podwire_bgp_speaker_info',
    type: 'gauge',
    help: 'Who the speaker is; always 1.',
    read: ({ config: { asn, routerId } }, put) => put(1, { asn: String(asn), router_id: routerId }),
  },
  {
    name: 'podwire_bgp_sessions',
    type: 'gauge',
    help: 'Sessions by state (RFC 4271 section 8.2.2).',
    read: readSessions,
  },
  byFamily(
    'podwire_bgp_routes_best',
    'gauge',
    'Prefixes, or other routes, with a best path (Loc-RIB).',
    ({ best }) => best,
  ),
  byFamily(
    'podwire_bgp_paths',
    'gauge',
    'Paths of all peers and own ones, refused ones too.',
    ({ paths }) => paths,
  ),
  byFamily(
    'podwire_bgp_decisions_total',
    'counter',
    'How often the best path of a prefix was decided.',
    ({ decisions }) => decisions,
  ),
  {
    name: 'podwire_bgp_attribute_sets',
    type: 'gauge',
    help: 'Different sets of path attributes in use.',
    read: ({ table }, put) => put(table.attributeSets),
  },
  byGroup(
    'podwire_bgp_update_group_members',
    'Peers of an update group, which are sent the same messages.',
    ({ members }) => members.length,
  ),
  byGroup('podwire_bgp_update_group_routes', 'Routes that an update group was sent.', ({ sent }) => sent),
  byGroup(
    'podwire_bgp_update_group_waiting_routes',
    'Changed routes that an update group has still to look at.',
    ({ waiting }) => waiting,
  ),
  {
    name: 'podwire_bgp_flush_duration_seconds',
    type: 'histogram',
    help: 'How long each turn of selecting routes, writing messages and handing them to the sessions took.',
    read: ({ flushTimes }, put) => {
      const buckets = flushTimes.cumulative();
      for (const { le, count } of buckets) put(count, { le }, '_bucket');
      put(flushTimes.sum, {}, '_sum');
      put(buckets.at(-1)!.count, {}, '_count');
    },
  },
];

/** In the order in which a session comes through them. */
const STATES = Object.keys(RANK) as SessionState[];

function readSessions({ peers }: BgpSpeaker, put: Put): void {
  const counts = new Map(STATES.map((state) => [state, 0]));
  for (const { session } of peers) {
    const { state } = session.machine;
    counts.set(state, counts.get(state)! + 1);
  }
  for (const [state, count] of counts) put(count, { state });
}

/** Adds the metrics of speakers and their peers. */
export function addSpeakers(exposition: Exposition, speakers: readonly Labelled<BgpSpeaker>[]): void {
  exposition.add(SPEAKER_METRICS, speakers);
  const peers: Labelled<PeerSource>[] = speakers.flatMap(({ of, labels }) =>
    Array.from(of.peers, (peer) => ({
      of: { peer, rib: of.table },
      labels: { ...labels, peer: peer.config.name },
    })),
  );
  exposition.add(PEER_METRICS, peers);
}
