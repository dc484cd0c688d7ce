import { expect, test } from 'vitest';
import type { NeighborStatus } from '../../../agents/bgp/types.ts';
import { countSynced } from '../../../agents/node/session-sync.ts';
import { newCounters } from '../../../protocol/bgp/session/counters.ts';

const NOW = 1_700_000_000_000_000_000n;
const MS = 1_000_000n;

function neighbor(changes: Partial<NeighborStatus>): NeighborStatus {
  return {
    name: 'Mesh_10_0_0_2',
    address: '10.0.0.2',
    port: 179,
    localAddress: '10.0.0.1',
    asn: 64512,
    type: undefined,
    node: undefined,
    localAsn: 64512,
    role: undefined,
    staleFamilies: [],
    counters: newCounters(),
    established: 1,
    group: undefined,
    description: undefined,
    dynamic: false,
    shutDown: false,
    capabilities: [],
    routeReflectorClient: false,
    state: 'Established',
    since: NOW,
    routerId: '10.0.0.2',
    holdTime: 90,
    families: ['ipv4-unicast'],
    endOfRibReceived: [],
    endOfRibSent: [],
    prefixesReceived: 0,
    prefixesSent: 0,
    messagesReceived: 0,
    messagesSent: 0,
    lastError: undefined,
    ...changes,
  };
}

test.each<[string, Partial<NeighborStatus>, number]>([
  ['with the marker at once', { endOfRibReceived: ['ipv4-unicast'] }, 1],
  ['without a marker not at once', {}, 0],
  ['without a marker not before two seconds', { since: NOW - 1999n * MS }, 0],
  ['without a marker after two seconds', { since: NOW - 2000n * MS }, 1],
  [
    'with the marker of one family of two not at once',
    { families: ['ipv4-unicast', 'ipv6-unicast'], endOfRibReceived: ['ipv4-unicast'] },
    0,
  ],
  [
    'that is not up never',
    { state: 'Active', families: [], since: NOW - 5000n * MS, endOfRibReceived: [] },
    0,
  ],
])('a session %s', (_what, changes, count) => {
  expect(countSynced([neighbor(changes)], NOW)).toBe(count);
});
