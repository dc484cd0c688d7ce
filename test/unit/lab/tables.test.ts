import { describe, expect, test } from 'vitest';
import type { FdbRow, IpamRow, NeighborRow, RouteRow, StoreRow } from '../../../agents/control/types.ts';
import {
  bgpTable,
  fdbTable,
  ipamTable,
  podsTable,
  routesTable,
  routeText,
  since,
  storeTable,
} from '../../../lab/cli/inspect-tables.ts';
import { alignColumns, boxTable, plainTable } from '../../../lab/cli/table.ts';
import { newCounters } from '../../../protocol/bgp/session/counters.ts';
import { pod } from './support/fake-lab.ts';

const plain = (_style: unknown, text: string): string => text;

describe('tables', () => {
  test('box, as calicoctl', () => {
    expect(boxTable(['A', 'LONGER'], [['value', 'x']])).toBe(
      [
        '+-------+--------+',
        '|   A   | LONGER |',
        '+-------+--------+',
        '| value | x      |',
        '+-------+--------+',
      ].join('\n'),
    );
  });

  test('columns ignore colours and leave no spaces at the ends', () => {
    expect(
      plainTable(
        ['A', 'B'],
        [
          ['\u001b[31mred\u001b[39m', ''],
          ['x', 'y'],
        ],
      ),
    ).toBe('A     B\n\u001b[31mred\u001b[39m\nx     y');
    expect(
      alignColumns([
        ['a', 'b'],
        ['ccc', ''],
      ]),
    ).toBe('a   b\nccc');
  });
});

const ROUTE: RouteRow = {
  node: 'host1',
  destination: '10.0.1.0/26',
  type: 'unicast',
  gateway: '10.0.1.0',
  device: 'vxlan.calico',
  protocol: 'bird',
  scope: null,
  flags: ['onlink'],
  mtu: 1450,
  learnedFrom: 'BGP from rr1',
};

describe('routes, as ip route', () => {
  test.each<[Partial<RouteRow>, string]>([
    [{}, '10.0.1.0/26 via 10.0.1.0 dev vxlan.calico proto bird mtu 1450 onlink'],
    [{ protocol: 'boot', mtu: null }, '10.0.1.0/26 via 10.0.1.0 dev vxlan.calico onlink'],
    [
      { type: 'blackhole', gateway: null, device: null, protocol: '80', flags: [], mtu: null },
      'blackhole 10.0.1.0/26 proto 80',
    ],
    [
      {
        destination: '10.0.0.5/32',
        gateway: null,
        device: 'cali1',
        protocol: 'boot',
        scope: 'link',
        flags: [],
        mtu: null,
      },
      '10.0.0.5 dev cali1 scope link',
    ],
    [{ scope: 'global', protocol: '' }, '10.0.1.0/26 via 10.0.1.0 dev vxlan.calico mtu 1450 onlink'],
  ])('%o', (changes, text) => {
    expect(routeText({ ...ROUTE, ...changes })).toBe(text);
  });

  test('with the node where there are several, and where it was learnt', () => {
    expect(routesTable([{ ...ROUTE, mtu: null }], true, plain)).toBe(
      'host1  10.0.1.0/26 via 10.0.1.0 dev vxlan.calico proto bird onlink  # BGP from rr1',
    );
    expect(routesTable([{ ...ROUTE, mtu: null, learnedFrom: '' }], false, plain)).toBe(
      '10.0.1.0/26 via 10.0.1.0 dev vxlan.calico proto bird onlink',
    );
    expect(routesTable([], true, plain)).toBe('No routes.');
  });
});

test('FDB, as bridge fdb and ip neigh', () => {
  const row: FdbRow = {
    node: 'host1',
    mac: '66:00:00:00:00:01',
    device: 'vxlan.calico',
    destination: '127.1.0.2',
    neighbor: '10.0.1.0',
    state: 'PERMANENT',
    learnedFrom: 'Node resource of host2',
  };
  expect(fdbTable([row], false, plain).split('\n')).toEqual([
    'bridge fdb',
    '66:00:00:00:00:01 dev vxlan.calico dst 127.1.0.2 self permanent  # Node resource of host2',
    '',
    'ip neigh',
    '10.0.1.0 dev vxlan.calico lladdr 66:00:00:00:00:01 PERMANENT',
  ]);
});

describe('BGP, as calicoctl node status', () => {
  const NEIGHBOR: NeighborRow = {
    node_name: 'host1',
    name: 'Node_127_1_0_4',
    address: '127.1.0.4',
    port: 179,
    localAddress: '127.1.0.1',
    asn: 64512,
    type: 'node specific',
    node: 'rr1',
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
    since: '2020-05-06T07:08:09.000Z',
    routerId: '127.1.0.4',
    holdTime: 240,
    families: ['ipv4-unicast'],
    endOfRibReceived: [],
    endOfRibSent: [],
    prefixesReceived: 1,
    prefixesSent: 1,
    messagesReceived: 3,
    messagesSent: 3,
    lastError: undefined,
  };

  test('states are those of BIRD', () => {
    const rows = [
      NEIGHBOR,
      { ...NEIGHBOR, state: 'Active' as const, port: 1790, lastError: 'connection refused' },
      { ...NEIGHBOR, state: 'Idle' as const, type: undefined },
    ];
    expect(bgpTable(rows, true, plain).split('\n')).toEqual([
      'IPv4 BGP status',
      '+-------+----------------+---------------+-------+------------+-----------------------------+',
      '| NODE  |  PEER ADDRESS  |   PEER TYPE   | STATE |   SINCE    |            INFO             |',
      '+-------+----------------+---------------+-------+------------+-----------------------------+',
      '| host1 | 127.1.0.4      | node specific | up    | 2020-05-06 | Established                 |',
      '| host1 | 127.1.0.4:1790 | node specific | start | 2020-05-06 | Active (connection refused) |',
      '| host1 | 127.1.0.4      | -             | down  | 2020-05-06 | Idle                        |',
      '+-------+----------------+---------------+-------+------------+-----------------------------+',
    ]);
  });

  test('no peers', () => {
    expect(bgpTable([], false, plain)).toBe('IPv4 BGP status\nNo IPv4 peers found.');
  });

  test('since is a time today and a date before', () => {
    const now = new Date(2026, 4, 6, 12, 0, 0);
    expect(since(new Date(2026, 4, 6, 7, 8, 9).toISOString(), now)).toBe('07:08:09');
    expect(since(new Date(2026, 4, 5, 7, 8, 9).toISOString(), now)).toBe('2026-05-05');
  });
});

test('IPAM, as calicoctl ipam show --show-blocks --show-borrowed', () => {
  const rows: IpamRow[] = [
    {
      pool: '10.0.0.0/16',
      block: '10.0.0.0/26',
      affinity: 'host:host1',
      total: 64,
      inUse: 16,
      reserved: 0,
      free: 48,
      borrowed: [{ address: '10.0.0.9', node: 'host2', handle: 'k8s-pod-network.x' }],
    },
    {
      pool: '10.0.0.0/16',
      block: '10.0.0.64/26',
      affinity: null,
      total: 64,
      inUse: 0,
      reserved: 0,
      free: 64,
      borrowed: [],
    },
  ];
  expect(ipamTable(rows).split('\n')).toEqual([
    '+----------+--------------+-----------+------------+--------------+--------------+-------+',
    '| GROUPING |     CIDR     | IPS TOTAL | IPS IN USE | IPS RESERVED |   IPS FREE   | NODE  |',
    '+----------+--------------+-----------+------------+--------------+--------------+-------+',
    '| IP Pool  | 10.0.0.0/16  | 65536     | 16 (0%)    | 0            | 65520 (100%) |       |',
    '| Block    | 10.0.0.0/26  | 64        | 16 (25%)   | 0            | 48 (75%)     | host1 |',
    '| Block    | 10.0.0.64/26 | 64        | 0 (0%)     | 0            | 64 (100%)    | -     |',
    '+----------+--------------+-----------+------------+--------------+--------------+-------+',
    '+----------+----------------+-------------+-------------+-------------------+',
    '|    IP    | BORROWING-NODE |    BLOCK    | BLOCK OWNER |   ALLOCATED-TO    |',
    '+----------+----------------+-------------+-------------+-------------------+',
    '| 10.0.0.9 | host2          | 10.0.0.0/26 | host1       | k8s-pod-network.x |',
    '+----------+----------------+-------------+-------------+-------------------+',
  ]);
});

test('pods, as kubectl get pods -o wide', () => {
  expect(
    podsTable([
      pod('host1', 'web', '10.0.0.1'),
      pod('host2', 'x', '10.0.1.1', { ready: false, addresses: [], labels: {} }),
    ]),
  ).toBe(
    [
      'NAMESPACE   NAME   READY   KIND       IP         NODE    MAC                 INTERFACE   LABELS',
      'default     web    yes     emulated   10.0.0.1   host1   02:00:00:00:00:01   cali1       app=web',
      'default     x      no      emulated   <none>     host2   02:00:00:00:00:01   cali1       <none>',
    ].join('\n'),
  );
});

describe('store', () => {
  const row: StoreRow = {
    key: '/calico/x',
    value: '{"a":\n  1}',
    encoding: 'utf8',
    createRevision: '3',
    modRevision: '7',
    version: '2',
    lease: '0',
  };

  test('whole where it is not a terminal', () => {
    expect(storeTable([row], { write: () => true })).toBe(
      'KEY         VERSION   MOD_REVISION   LEASE   VALUE\n/calico/x   2         7              -       {"a": 1}',
    );
  });

  test('cut to the width of a terminal', () => {
    const lines = storeTable([row], { write: () => true, isTTY: true, columns: 20 }).split('\n');
    expect(lines.every((line) => line.length <= 20)).toBe(true);
  });
});
