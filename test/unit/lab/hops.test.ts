import { describe, expect, test } from 'vitest';
import type { TraceStepRow } from '../../../agents/control/types.ts';
import { packetPaths, renderPaths } from '../../../lab/cli/hops.ts';

const plain = (_style: unknown, text: string): string => text;

function step(
  time: number,
  node: string,
  at: string,
  text: string,
  fields: TraceStepRow['fields'] = {},
  packetId = 'aa',
): TraceStepRow {
  const [source, destination] = packetId === 'aa' ? ['10.0.0.1', '10.0.1.1'] : ['10.0.1.1', '10.0.0.1'];
  return {
    node,
    time: String(1_700_000_000_000_000_000n + BigInt(time) * 1000n),
    packetId,
    source,
    destination,
    at,
    text,
    fields,
  };
}

const ROUTE = {
  prefix: '10.0.1.0/26',
  origin: 'BGP from 127.1.0.4 (rr1), next hop 127.1.0.2',
};
const REQUEST = [
  step(0, 'host1', 'port', '10.0.0.1 > 10.0.1.1 ICMP echo request, from default/a on cali1', {
    packet: '10.0.0.1 > 10.0.1.1 ICMP echo request',
    from: 'from default/a on cali1',
  }),
  step(
    1,
    'host1',
    'route',
    `route 10.0.1.0/26 via 10.0.1.0 dev vxlan.calico onlink — ${ROUTE.origin}`,
    ROUTE,
  ),
  step(2, 'host1', 'ttl', 'TTL 64 → 63', { ttl: 63 }),
  step(3, 'host1', 'encap', 'VXLAN VNI 4096 to VTEP 127.1.0.2', {
    vni: 4096,
    vtep: '127.1.0.2',
    sourcePort: 50000,
  }),
  step(53, 'host2', 'port', '10.0.0.1 > 10.0.1.1 ICMP echo request, from VTEP 127.1.0.1 on vxlan.calico', {
    packet: '10.0.0.1 > 10.0.1.1 ICMP echo request',
    from: 'from VTEP 127.1.0.1 on vxlan.calico',
  }),
  step(54, 'host2', 'decap', 'VXLAN VNI 4096 from VTEP 127.1.0.1', { vni: 4096 }),
  step(55, 'host2', 'deliver', 'delivered to default/b on cali2', { workload: 'default/b' }),
];

describe('hops', () => {
  test('of a packet are pod, host, wire, host, pod, whatever the order of the reports', () => {
    const [path, ...others] = packetPaths(REQUEST.toReversed());
    expect(others).toEqual([]);
    expect(path!.hops.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'pod default/a',
      'host host1',
      'wire host1 → host2',
      'host host2',
      'pod default/b',
    ]);
    expect(path!.hops[1]!.steps).toEqual([
      { what: 'route', text: '10.0.1.0/26 via 10.0.1.0 dev vxlan.calico onlink' },
      { what: '', text: 'learnt: BGP from 127.1.0.4 (rr1), next hop 127.1.0.2' },
      { what: 'TTL', text: 'TTL 64 → 63' },
      { what: 'encapsulation', text: 'VXLAN VNI 4096 to VTEP 127.1.0.2' },
    ]);
    expect(path!.hops[2]!.steps).toEqual([
      { what: '50 µs', text: 'UDP from port 50000 to VTEP 127.1.0.2, VXLAN VNI 4096' },
    ]);
  });

  test('of request and reply are two paths, in order; ARP is left out', () => {
    const rows = [
      step(-5, 'host1', 'arp', 'who has 169.254.1.1', {}, 'cc'),
      ...REQUEST,
      step(60, 'host2', 'port', 'reply, from default/b on cali2', { from: 'from default/b on cali2' }, 'bb'),
      step(61, 'host2', 'deliver', 'unencapsulated to 127.1.0.1 on eth0', { nextHop: '127.1.0.1' }, 'bb'),
      step(70, 'host1', 'drop', 'dropped: no route to the destination', { reason: 'no-route' }, 'bb'),
    ];
    const paths = packetPaths(rows);
    expect(paths.map(({ source, destination }) => `${source} ${destination}`)).toEqual([
      '10.0.0.1 10.0.1.1',
      '10.0.1.1 10.0.0.1',
    ]);
    expect(paths[1]!.hops.map(({ kind }) => kind)).toEqual(['pod', 'host', 'wire', 'host']);
    expect(paths[1]!.hops[2]!.steps[0]!.text).toBe('IPv4 without encapsulation to 127.1.0.1');
    expect(paths[1]!.hops[3]!.steps).toEqual([
      { what: 'drop', text: 'dropped: no route to the destination' },
    ]);
  });

  test('are rendered with aligned columns', () => {
    expect(renderPaths(packetPaths(REQUEST), plain).split('\n')).toEqual([
      '10.0.0.1 → 10.0.1.1',
      '  pod   default/a      packet         10.0.0.1 > 10.0.1.1 ICMP echo request',
      '  host  host1          route          10.0.1.0/26 via 10.0.1.0 dev vxlan.calico onlink',
      '                                      learnt: BGP from 127.1.0.4 (rr1), next hop 127.1.0.2',
      '                       TTL            TTL 64 → 63',
      '                       encapsulation  VXLAN VNI 4096 to VTEP 127.1.0.2',
      '  wire  host1 → host2  50 µs          UDP from port 50000 to VTEP 127.1.0.2, VXLAN VNI 4096',
      '  host  host2          received       10.0.0.1 > 10.0.1.1 ICMP echo request, from VTEP 127.1.0.1 on vxlan.calico',
      '                       decapsulation  VXLAN VNI 4096 from VTEP 127.1.0.1',
      '                       delivery       delivered to default/b on cali2',
      '  pod   default/b      packet         10.0.0.1 > 10.0.1.1 received',
    ]);
  });
});
