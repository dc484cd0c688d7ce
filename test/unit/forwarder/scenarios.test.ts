import { describe, expect, test } from 'vitest';
import { ARP_REQUEST, decodeArp, writeArp } from '../../../protocol/arp/arp.ts';
import { writeUint16 } from '../../../protocol/bytes/uint.ts';
import { decodeEthernet, encodeEthernet, writeEthernet } from '../../../protocol/ethernet/ethernet.ts';
import { BROADCAST_MAC, parseMac, writeMac } from '../../../protocol/ethernet/mac.ts';
import { CALICO_GATEWAY_MAC } from '../../../protocol/forwarder/forwarder.ts';
import { decodeIcmp, encodeIcmp } from '../../../protocol/icmp/icmp.ts';
import { formatIpv4, parseIpv4 } from '../../../protocol/ip/ipv4.ts';
import { ipv4Prefix } from '../../../protocol/ip/prefix.ts';
import { decodeIpv4, type Ipv4Header, writeIpv4 } from '../../../protocol/ipv4/header.ts';
import { decodeTcp, encodeTcp, TCP_ACK, TCP_RST, TCP_SYN } from '../../../protocol/tcp/header.ts';
import { encodeUdp } from '../../../protocol/udp/udp.ts';
import { type Node, TwoHosts } from './two-hosts.ts';

const POD1 = parseIpv4('10.65.1.1');
const POD2 = parseIpv4('10.65.2.1');
const origin = { source: 'static', detail: 'by hand' };

function ipFrame(
  fields: Partial<Ipv4Header>,
  payload: Uint8Array,
  destination = CALICO_GATEWAY_MAC,
): Uint8Array {
  const packet = new Uint8Array(20 + (fields.options?.length ?? 0) + payload.length);
  const header = {
    typeOfService: 0,
    identification: 1,
    dontFragment: false,
    moreFragments: false,
    fragmentOffset: 0,
    timeToLive: 64,
    protocol: 17,
    source: POD1,
    destination: POD2,
    options: new Uint8Array(0),
    ...fields,
  };
  packet.set(payload, writeIpv4(packet, 0, header, payload.length));
  return encodeEthernet({ destination, source: parseMac('02:00:00:00:01:01'), type: 0x0800 }, packet);
}

const udp = (size = 8): Uint8Array =>
  encodeUdp(
    { sourcePort: 1000, destinationPort: 7, data: new Uint8Array(size) },
    { source: POD1, destination: POD2 },
  );

/** Sends a frame as the first pod would, and returns what the wire and the pod got. */
function send(node: Node, frame: Uint8Array): void {
  node.toPod.length = 0;
  node.forwarder.fromWorkload(node.workload, frame);
}

describe('two forwarders back to back', () => {
  test('a ping crosses the wire and comes back two hops later', () => {
    const net = new TwoHosts();
    expect(net.nodes[0].ping(POD2)).toEqual([
      {
        kind: 'echo-reply',
        from: POD2,
        identifier: 7,
        sequence: 1,
        timeToLive: 62,
        bytes: 64,
        data: new Uint8Array(56).map((_, i) => i),
      },
    ]);
    expect(net.wire.length).toBe(2);
    const [request] = net.wire;
    expect(request!.sourcePort).toBeGreaterThanOrEqual(49152);
    expect(decodeEthernet(request!.payload, 8)).toEqual({
      destination: net.nodes[1].vtepMac,
      source: net.nodes[0].vtepMac,
      type: 0x0800,
    });
    expect(net.nodes.map((node) => node.drops())).toEqual([{}, {}]);
  });

  test('pods of one host reach each other through it', () => {
    const net = new TwoHosts();
    const [a] = net.nodes;
    const frames: Uint8Array[] = [];
    const port = a.forwarder.addPort({
      kind: 'workload',
      name: 'cali2',
      workload: 'default/other',
      podMac: parseMac('02:00:00:00:01:02'),
      addresses: [parseIpv4('10.65.1.2')],
      mtu: 1450,
    });
    a.route('10.65.1.2/32', { kind: 'workload', port, origin });
    a.ping('10.65.1.2');
    frames.push(...a.toPod.splice(1));
    const [frame] = frames;
    expect(decodeEthernet(frame!)).toMatchObject({
      destination: parseMac('02:00:00:00:01:02'),
      source: CALICO_GATEWAY_MAC,
    });
    expect(decodeIpv4(frame!, 14).timeToLive).toBe(63);
    expect(net.wire.length).toBe(0);
  });

  test('both tunnel addresses answer ping', () => {
    const net = new TwoHosts();
    expect(net.nodes[0].ping(net.nodes[0].tunnel)).toMatchObject([{ kind: 'echo-reply', timeToLive: 64 }]);
    expect(net.nodes[0].ping(net.nodes[1].tunnel)).toMatchObject([{ kind: 'echo-reply', timeToLive: 63 }]);
    expect(net.nodes[1].forwarder.counters().echoReplies).toBe(1);
  });

  test('a tunnel address answers a ping that came in fragments', () => {
    const net = new TwoHosts();
    expect(net.nodes[0].ping(net.nodes[1].tunnel, { size: 4000 })).toMatchObject([
      { kind: 'echo-reply', bytes: 4008, data: new Uint8Array(4000).map((_, i) => i) },
    ]);
  });

  test('traceroute: TTL 1 is answered by the first host, 2 by the second, 3 reaches the pod', () => {
    const net = new TwoHosts();
    const [a, b] = net.nodes;
    const hop = (ttl: number) => a.ping(POD2, { ttl })[0];
    expect(hop(1)).toMatchObject({ kind: 'icmp-error', from: a.tunnel, type: 11, code: 0 });
    expect(hop(2)).toMatchObject({ kind: 'icmp-error', from: b.tunnel, type: 11, code: 0 });
    expect(hop(3)).toMatchObject({ kind: 'echo-reply', from: POD2 });
    expect(a.drops()).toEqual({ 'ttl-exceeded': 1 });
  });

  test('larger than the MTU with DF: fragmentation needed with the MTU of the VXLAN device', () => {
    const net = new TwoHosts(1400, 1450);
    const [a] = net.nodes;
    expect(a.ping(POD2, { size: 1380 })).toMatchObject([
      { kind: 'icmp-error', from: a.tunnel, type: 3, code: 4, mtu: 1400, quoted: { destination: POD2 } },
    ]);
    expect(a.drops()).toEqual({ 'fragmentation-needed': 1 });
    expect(a.ping(POD2, { size: 1380 }), 'the pod now fragments').toMatchObject([
      { kind: 'echo-reply', bytes: 1388 },
    ]);
  });

  test('larger than the MTU without DF: fragments that fit', () => {
    const net = new TwoHosts(576, 1450);
    const [a] = net.nodes;
    send(a, ipFrame({}, udp(1200)));
    const there = net.wire
      .filter(({ from }) => from === a.vtep)
      .map(({ payload }) => decodeIpv4(payload, 22));
    expect(there.map(({ totalLength }) => totalLength)).toEqual([572, 572, 124]);
    expect(there.map(({ fragmentOffset }) => fragmentOffset)).toEqual([0, 552, 1104]);
    expect(there.map(({ moreFragments }) => moreFragments)).toEqual([true, true, false]);
    expect(there.map(({ timeToLive }) => timeToLive)).toEqual([63, 63, 63]);
    expect(
      new Set(net.wire.filter(({ from }) => from === a.vtep).map(({ sourcePort }) => sourcePort)).size,
    ).toBe(1);
  });

  test('a free address of a block is dropped silently by its blackhole', () => {
    const net = new TwoHosts();
    expect(net.nodes[0].ping('10.65.2.9')).toEqual([]);
    expect(net.nodes[1].drops()).toEqual({ blackhole: 1 });
    expect(net.wire.length).toBe(1);
  });

  test.each([
    ['no route', '8.8.8.8', 0, 'no-route'],
    ['no neighbor', '10.66.0.1', 1, 'no-neighbor'],
    ['no FDB entry', '10.67.0.1', 1, 'no-fdb'],
  ] as const)('%s is told', (_, destination, code, reason) => {
    const [a] = new TwoHosts().nodes;
    const via = (gateway: string) => ({
      kind: 'vxlan' as const,
      port: a.vxlan,
      gateway: parseIpv4(gateway),
      origin,
    });
    a.route('10.66.0.0/24', via('10.66.0.0'));
    a.route('10.67.0.0/24', via('10.67.0.0'));
    a.forwarder.setNeighbor(a.vxlan, parseIpv4('10.67.0.0'), parseMac('66:00:00:00:00:07'), origin);
    expect(a.ping(destination)).toMatchObject([{ kind: 'icmp-error', from: a.tunnel, type: 3, code }]);
    expect(a.drops()).toEqual({ [reason]: 1 });
  });

  test('tables changed take effect at once', () => {
    const [a, b] = new TwoHosts().nodes;
    expect(a.ping(POD2)).toHaveLength(1);
    a.forwarder.removeFdb(a.vxlan, b.vtepMac);
    expect(a.ping(POD2)).toMatchObject([{ kind: 'icmp-error', code: 1 }]);
    a.learn(b);
    expect(a.ping(POD2)).toMatchObject([{ kind: 'echo-reply' }]);
    a.forwarder.removeNeighbor(a.vxlan, b.tunnel);
    expect(a.ping(POD2)).toMatchObject([{ kind: 'icmp-error', code: 1 }]);
    a.learn(b);
    const { address, length } = ipv4Prefix(b.block);
    expect(a.forwarder.removeRoute(address, length)).toBe(true);
    expect(a.ping(POD2)).toMatchObject([{ kind: 'icmp-error', code: 0 }]);
  });

  test('a sink that answers within the call does not disturb the packet in flight', () => {
    const net = new TwoHosts(576, 1450);
    expect(net.nodes[0].ping(POD2, { size: 8000 })).toMatchObject([
      { kind: 'echo-reply', bytes: 8008, data: new Uint8Array(8000).map((_, i) => i) },
    ]);
  });
});

describe('what a pod may not do', () => {
  const cases: [string, Uint8Array, string][] = [
    ['spoof its source', ipFrame({ source: parseIpv4('10.65.1.7') }, udp()), 'spoofed-source'],
    ['send past the gateway', ipFrame({}, udp(), parseMac('02:00:00:00:02:01')), 'wrong-mac'],
    ['broadcast IPv4', ipFrame({}, udp(), BROADCAST_MAC), 'wrong-mac'],
    ['send to multicast', ipFrame({ destination: parseIpv4('224.0.0.5') }, udp()), 'martian'],
    ['send to loopback', ipFrame({ destination: parseIpv4('127.0.0.1') }, udp()), 'martian'],
    ['send runts', new Uint8Array(13), 'malformed'],
    [
      'send IPv6',
      encodeEthernet({ destination: CALICO_GATEWAY_MAC, source: 2, type: 0x86dd }, udp()),
      'not-supported',
    ],
  ];

  test.each(cases)('%s', (_, frame, reason) => {
    const net = new TwoHosts();
    const [a] = net.nodes;
    send(a, frame);
    expect([net.wire, a.toPod]).toEqual([[], []]);
    expect(a.drops()).toEqual({ [reason]: 1 });
  });

  test('a wrong header checksum', () => {
    const [a] = new TwoHosts().nodes;
    const frame = ipFrame({}, udp());
    frame[25]! ^= 1;
    send(a, frame);
    expect(a.drops()).toEqual({ 'bad-checksum': 1 });
  });

  test('frames of a port that is gone', () => {
    const [a] = new TwoHosts().nodes;
    expect(a.forwarder.removePort(a.workload)).toBe(true);
    send(a, ipFrame({}, udp()));
    expect(a.drops()).toEqual({ 'no-such-port': 1 });
    expect([...a.forwarder.routes()].some(({ route }) => route.kind === 'workload')).toBe(false);
  });
});

describe('proxy ARP', () => {
  const podMac = parseMac('02:00:00:00:01:01');
  function ask(targetIp: string, senderIp = '10.65.1.1', operation = ARP_REQUEST, to = BROADCAST_MAC): Node {
    const net = new TwoHosts();
    const frame = new Uint8Array(60);
    writeEthernet(frame, 0, to, podMac, 0x0806);
    const sender = { senderMac: podMac, senderIp: parseIpv4(senderIp) };
    writeArp(frame, 14, { operation, ...sender, targetMac: 0, targetIp: parseIpv4(targetIp) });
    send(net.nodes[0], frame);
    expect(net.wire).toEqual([]);
    return net.nodes[0];
  }

  test.each(['169.254.1.1', '10.65.2.1', '8.8.8.8', '10.65.1.0'])('answers for %s', (target) => {
    const node = ask(target);
    expect(node.toPod).toHaveLength(1);
    expect(decodeEthernet(node.toPod[0]!)).toMatchObject({ destination: podMac, source: CALICO_GATEWAY_MAC });
    expect(decodeArp(node.toPod[0]!, 14)).toEqual({
      operation: 2,
      senderMac: CALICO_GATEWAY_MAC,
      senderIp: parseIpv4(target),
      targetMac: podMac,
      targetIp: parseIpv4('10.65.1.1'),
    });
  });

  test('answers a unicast probe of the gateway', () => {
    expect(ask('169.254.1.1', '10.65.1.1', ARP_REQUEST, CALICO_GATEWAY_MAC).toPod).toHaveLength(1);
  });

  test('an address probe is answered for the host’s own addresses only (RFC 5227)', () => {
    expect(ask('10.65.1.0', '0.0.0.0').toPod).toHaveLength(1);
    expect(ask('10.65.2.1', '0.0.0.0').toPod).toEqual([]);
  });

  test.each([
    ['its own address', '10.65.1.1', '10.65.1.1', ARP_REQUEST],
    ['its own address, probing', '10.65.1.1', '0.0.0.0', ARP_REQUEST],
    ['a reply', '169.254.1.1', '10.65.1.1', 2],
    ['multicast', '224.0.0.1', '10.65.1.1', ARP_REQUEST],
  ] as const)('is silent about %s', (_, target, sender, operation) => {
    const node = ask(target, sender, operation);
    expect([node.toPod, node.drops()]).toEqual([[], {}]);
  });

  test('a sender that the pod does not own is spoofed', () => {
    expect(ask('169.254.1.1', '10.65.1.9').drops()).toEqual({ 'spoofed-source': 1 });
  });
});

describe('decapsulation checks', () => {
  function payload(change: (bytes: Uint8Array) => void = () => {}): Uint8Array {
    const bytes = new Uint8Array(22 + 20 + udp().length);
    bytes.set([8, 0, 0, 0, 0, 0x10, 0, 0]);
    writeEthernet(bytes, 8, parseMac('66:00:00:00:00:02'), parseMac('66:00:00:00:00:01'), 0x0800);
    bytes.set(ipFrame({}, udp()).subarray(14), 22);
    change(bytes);
    return bytes;
  }
  const KNOWN = parseIpv4('127.1.0.1');

  test.each<[string, Uint8Array, number, string]>([
    ['the I flag', payload((bytes) => bytes.fill(0, 0, 1)), KNOWN, 'malformed'],
    ['the VNI', payload((bytes) => bytes.fill(9, 4, 7)), KNOWN, 'unknown-vni'],
    ['the VTEP', payload(), parseIpv4('127.1.0.77'), 'unknown-vtep'],
    ['the VTEP MAC', payload((bytes) => writeMac(bytes, 8, BROADCAST_MAC)), KNOWN, 'wrong-vtep-mac'],
    ['the EtherType', payload((bytes) => writeUint16(bytes, 20, 0x0806)), KNOWN, 'not-supported'],
    ['the inner header', payload((bytes) => bytes.fill(0x55, 22, 23)), KNOWN, 'malformed'],
    ['the length', payload().subarray(0, 21), KNOWN, 'malformed'],
  ])('%s', (_, bytes, remote, reason) => {
    const [, b] = new TwoHosts().nodes;
    b.forwarder.fromVtep(bytes, remote);
    expect([b.drops(), b.toPod]).toEqual([{ [reason]: 1 }, []]);
  });

  test('reserved bits are ignored', () => {
    const [, b] = new TwoHosts().nodes;
    b.forwarder.fromVtep(
      payload((bytes) => bytes.set([0xff, 1, 2, 3], 0)),
      KNOWN,
    );
    expect([b.drops(), b.toPod.length > 0]).toEqual([{}, true]);
  });

  test('a VTEP is known as long as one FDB entry names it', () => {
    const [a, b] = new TwoHosts().nodes;
    const second = parseMac('66:00:00:00:00:09');
    b.forwarder.setFdb(b.vxlan, second, a.vtep, origin);
    b.forwarder.removeFdb(b.vxlan, a.vtepMac);
    b.forwarder.fromVtep(payload(), KNOWN);
    expect(b.drops()['unknown-vtep']).toBeUndefined();
    b.forwarder.removeFdb(b.vxlan, second);
    b.forwarder.fromVtep(payload(), KNOWN);
    expect(b.drops()['unknown-vtep']).toBe(1);
  });
});

describe('ICMP errors', () => {
  const NOWHERE = parseIpv4('8.8.8.8');
  const errors = (node: Node) => node.forwarder.counters().icmpErrors;

  test('are not sent about ICMP errors, later fragments, and spoofed or martian packets', () => {
    const [a] = new TwoHosts().nodes;
    const about = { kind: 'time-exceeded' as const, code: 0, quoted: new Uint8Array(28) };
    send(a, ipFrame({ destination: NOWHERE, protocol: 1 }, encodeIcmp(about)));
    send(a, ipFrame({ destination: NOWHERE, protocol: 1 }, new Uint8Array(0)));
    send(a, ipFrame({ destination: NOWHERE, fragmentOffset: 8 }, udp()));
    expect(errors(a)).toBe(0);
    send(a, ipFrame({ destination: NOWHERE, moreFragments: true }, udp()));
    expect(errors(a)).toBe(1);
  });

  test('wait until the host has an address to send them from', () => {
    const [a] = new TwoHosts().nodes;
    a.forwarder.setIcmpSource(0);
    expect(a.ping(NOWHERE)).toEqual([]);
    a.forwarder.setIcmpSource(a.tunnel);
    expect(a.ping(NOWHERE)).toMatchObject([{ kind: 'icmp-error', from: a.tunnel, code: 0 }]);
  });

  test('quote as much as fits in 576 bytes', () => {
    const [a] = new TwoHosts().nodes;
    send(a, ipFrame({ destination: NOWHERE, typeOfService: 0x1c }, udp(1000)));
    const [frame] = a.toPod;
    const ip = decodeIpv4(frame!, 14);
    expect(ip).toMatchObject({ totalLength: 576, typeOfService: 0xdc, timeToLive: 64, source: a.tunnel });
    const icmp = decodeIcmp(frame!, 34, 556);
    expect(icmp.kind === 'unreachable' && icmp.quoted.length).toBe(548);
  });

  test('are limited, and flow again with time', () => {
    const net = new TwoHosts();
    const [a] = net.nodes;
    for (let i = 0; i < 60; i++) send(a, ipFrame({ destination: NOWHERE }, udp()));
    expect(a.forwarder.counters()).toMatchObject({ icmpErrors: 50, icmpErrorsSuppressed: 10 });
    a.forwarder.setNow(5);
    for (let i = 0; i < 10; i++) send(a, ipFrame({ destination: NOWHERE }, udp()));
    expect(a.forwarder.counters()).toMatchObject({ icmpErrors: 55, icmpErrorsSuppressed: 15 });
  });

  test('UDP to the host is answered with port unreachable, TCP with a reset', () => {
    const [a] = new TwoHosts().nodes;
    const addresses = { source: POD1, destination: a.tunnel };
    const empty = new Uint8Array(0);
    const datagram = encodeUdp({ sourcePort: 5, destinationPort: 6, data: empty }, addresses);
    send(a, ipFrame(addresses, datagram));
    expect(decodeIcmp(a.toPod[0]!, 34)).toMatchObject({ kind: 'unreachable', code: 3 });
    const ports = {
      sourcePort: 5,
      destinationPort: 6,
      window: 1,
      urgentPointer: 0,
      options: empty,
      data: empty,
    };
    const syn = encodeTcp({ ...ports, sequence: 41, acknowledgment: 0, flags: TCP_SYN }, addresses);
    send(a, ipFrame({ ...addresses, protocol: 6 }, syn));
    const ip = decodeIpv4(a.toPod[0]!, 14);
    expect(decodeTcp(a.toPod[0]!, 34, 20, ip)).toMatchObject({
      acknowledgment: 42,
      flags: TCP_RST | TCP_ACK,
    });
  });
});

describe('plain routes on the underlay', () => {
  function withUnderlay(): { a: Node; port: number } {
    const [a] = new TwoHosts().nodes;
    const address = parseIpv4('172.18.0.2');
    return { a, port: a.forwarder.addPort({ kind: 'underlay', name: 'eth0', address, mac: 2, mtu: 1500 }) };
  }

  test('packets leave unencapsulated to the gateway, or to the destination on the link', () => {
    const { a, port } = withUnderlay();
    a.route('10.70.0.0/16', { kind: 'underlay', port, gateway: parseIpv4('172.18.0.3'), origin });
    a.route('172.18.0.0/24', { kind: 'underlay', port, gateway: 0, origin });
    a.ping('10.70.1.2');
    a.ping('172.18.0.9');
    a.ping('172.18.0.8');
    expect(a.underlay.map(({ nextHop }) => formatIpv4(nextHop))).toEqual([
      '172.18.0.3',
      '172.18.0.9',
      '172.18.0.8',
    ]);
    expect(decodeIpv4(a.underlay[0]!.packet)).toMatchObject({
      timeToLive: 63,
      destination: parseIpv4('10.70.1.2'),
    });
  });

  test('packets come in unencapsulated, and the host answers on its own address', () => {
    const { a, port } = withUnderlay();
    a.route('172.18.0.0/24', { kind: 'underlay', port, gateway: 0, origin });
    const echo = encodeIcmp({ kind: 'echo-request', identifier: 1, sequence: 1, data: new Uint8Array(0) });
    const source = parseIpv4('172.18.0.9');
    a.forwarder.fromUnderlay(ipFrame({ source, destination: POD1, protocol: 1 }, echo).subarray(14));
    expect(a.toPod).toHaveLength(2); // the request, then the ARP reply for the pod's answer
    a.forwarder.fromUnderlay(
      ipFrame({ source, destination: parseIpv4('172.18.0.2'), protocol: 1 }, echo).subarray(14),
    );
    expect(a.underlay.map(({ packet }) => formatIpv4(decodeIpv4(packet).source))).toEqual([
      '10.65.1.1',
      '172.18.0.2',
    ]);
  });
});

test('counters tell packets and bytes of each port', () => {
  const [a] = new TwoHosts().nodes;
  a.ping(POD2);
  expect(a.forwarder.counters().ports).toEqual([
    { id: a.vxlan, name: 'vxlan.calico', rxPackets: 1, rxBytes: 106, txPackets: 1, txBytes: 106 },
    { id: a.workload, name: 'cali00000000001', rxPackets: 2, rxBytes: 140, txPackets: 2, txBytes: 140 },
  ]);
});
