import { describe, expect, test } from 'vitest';
import { formatPacketId, packetId } from '../../../protocol/forwarder/packet-id.ts';
import { parseIpv4 } from '../../../protocol/ip/ipv4.ts';
import { type Node, TwoHosts } from './two-hosts.ts';

const POD1 = parseIpv4('10.65.1.1');
const POD2 = parseIpv4('10.65.2.1');

function traced(filter = { a: POD1, b: POD2 }, mtu = 1450): TwoHosts {
  const net = new TwoHosts(mtu);
  for (const node of net.nodes) node.forwarder.setTraceFilters([filter]);
  return net;
}

/** Steps by packet: `at` and text. */
function steps(node: Node): Map<bigint, [string, string][]> {
  const result = new Map<bigint, [string, string][]>();
  for (const { id, step } of node.steps) {
    const list = result.get(id) ?? [];
    list.push([step.at, step.text]);
    result.set(id, list);
  }
  return result;
}

describe('a traced ping', () => {
  const net = traced();
  const [a, b] = net.nodes;
  a.ping(POD2);
  const request = packetId(net.wire[0]!.payload, 22, net.wire[0]!.payload.length - 22);
  const reply = packetId(net.wire[1]!.payload, 22, net.wire[1]!.payload.length - 22);

  test('says on the first host which route, neighbor and FDB entry it took and where they came from', () => {
    const origin = 'BGP from 127.1.0.11 (rr1), next hop 127.1.0.2';
    const device = 'dev vxlan.calico';
    expect(steps(a).get(request)).toEqual([
      [
        'port',
        '10.65.1.1 > 10.65.2.1 ICMP echo request id 7 seq 1, 84 bytes, from default/pod1 on cali00000000001',
      ],
      ['route', `route 10.65.2.0/26 via 10.65.2.0 ${device} onlink — ${origin}`],
      ['ttl', 'TTL 64 → 63'],
      ['neighbor', `neighbor 10.65.2.0 ${device} lladdr 66:00:00:00:00:02 PERMANENT — ${origin}`],
      ['fdb', `fdb 66:00:00:00:00:02 ${device} dst 127.1.0.2 self permanent — ${origin}`],
      [
        'encap',
        `VXLAN VNI 4096 to VTEP 127.1.0.2, UDP source port ${net.wire[0]!.sourcePort}, inner Ethernet 66:00:00:00:00:01 > 66:00:00:00:00:02`,
      ],
    ]);
  });

  test('goes on under the same id on the second host', () => {
    expect(steps(b).get(request)).toEqual([
      [
        'port',
        '10.65.1.1 > 10.65.2.1 ICMP echo request id 7 seq 1, 84 bytes, from VTEP 127.1.0.1 on vxlan.calico',
      ],
      [
        'decap',
        'VXLAN VNI 4096 from VTEP 127.1.0.1, inner Ethernet 66:00:00:00:00:01 > 66:00:00:00:00:02: headers removed',
      ],
      ['route', 'route 10.65.2.1 dev cali00000000002 scope link — block of host2'],
      ['ttl', 'TTL 63 → 62'],
      [
        'deliver',
        'delivered to default/pod2 on cali00000000002, Ethernet ee:ee:ee:ee:ee:ee > 02:00:00:00:02:01',
      ],
    ]);
  });

  test('follows the reply back', () => {
    expect(steps(b).get(reply)?.at(-1)?.[0]).toBe('encap');
    expect(
      steps(a)
        .get(reply)
        ?.map(([at]) => at),
    ).toEqual(['port', 'decap', 'route', 'ttl', 'deliver']);
  });

  test('shows the ARP that came first', () => {
    expect(a.steps[0]!.step).toEqual({
      at: 'arp',
      text: 'who has 169.254.1.1, asked by 10.65.1.1 on cali00000000001: is at ee:ee:ee:ee:ee:ee (proxy ARP)',
      fields: {
        host: 'host1',
        target: '169.254.1.1',
        answer: 'is at ee:ee:ee:ee:ee:ee (proxy ARP)',
        dev: 'cali00000000001',
      },
    });
  });

  test('fields say the same for machines', () => {
    const find = (at: string) =>
      a.steps.find(({ id, step }) => id === request && step.at === at)!.step.fields;
    expect(find('route')).toEqual({
      host: 'host1',
      prefix: '10.65.2.0/26',
      kind: 'vxlan',
      via: '10.65.2.0',
      dev: 'vxlan.calico',
      source: 'bgp',
      origin: 'BGP from 127.1.0.11 (rr1), next hop 127.1.0.2',
    });
    expect(find('fdb')).toMatchObject({ mac: '66:00:00:00:00:02', vtep: '127.1.0.2' });
  });
});

test('a drop is the last step, after the ICMP error, which is itself traced', () => {
  const [a] = traced().nodes;
  a.ping(POD2, { ttl: 1 });
  const packets = [...steps(a)].filter(([, list]) => list[0]![0] === 'port');
  expect(packets.map(([, list]) => list.map(([at]) => at))).toEqual([
    ['port', 'route', 'icmp', 'drop'],
    ['port', 'route', 'deliver'],
  ]);
  const [original, error] = packets as [(typeof packets)[0], (typeof packets)[0]];
  expect(original[1].slice(2)).toEqual([
    ['icmp', 'ICMP time exceeded to 10.65.1.1 from 10.65.1.0'],
    ['drop', 'dropped: TTL exceeded'],
  ]);
  const step = a.steps.find(({ step: { at } }) => at === 'icmp')!.step;
  expect(step.fields.packetId).toBe(formatPacketId(error[0]));
});

test('fragments are traced under their own ids, named by the packet', () => {
  const net = traced({ a: POD1, b: POD2 }, 576);
  const [a, b] = net.nodes;
  a.ping(POD2, { size: 1472 }); // the pod sends two fragments without DF; the host cuts the first again
  const named = a.steps.filter(({ step }) => step.at === 'fragment').map(({ step }) => step.fields.packetId);
  expect(named.length).toBeGreaterThan(1);
  const sent = [...steps(a)]
    .filter(([, list]) => list.at(-1)![0] === 'encap')
    .map(([id]) => formatPacketId(id));
  for (const id of named) expect(sent).toContain(id);
  const arrived = new Set(b.steps.map(({ id }) => formatPacketId(id)));
  for (const id of sent) expect(arrived).toContain(id);
});

test('the filter selects by pair in either direction and by protocol', () => {
  const count = (filter: { a?: number; b?: number; protocol?: number }) => {
    const [a] = traced(filter as { a: number; b: number }).nodes;
    a.ping(POD2);
    return a.steps.filter(({ step }) => step.at === 'port').length;
  };
  expect(count({ a: POD2, b: POD1 })).toBe(2);
  expect(count({ a: POD2 })).toBe(2);
  expect(count({ protocol: 1 })).toBe(2);
  expect(count({ a: POD1, b: POD2, protocol: 17 })).toBe(0);
  expect(count({ a: POD1, b: POD1 })).toBe(0);
});

test('without a filter nothing is traced', () => {
  const net = new TwoHosts();
  net.nodes[0].forwarder.setTraceFilters([{ a: POD1 }]);
  net.nodes[0].forwarder.setTraceFilters([]);
  net.nodes[0].ping(POD2);
  expect(net.nodes[0].steps).toEqual([]);
});
