import { describe, expect, test } from 'vitest';
import { ARP_REPLY, ARP_REQUEST, decodeArp, writeArp } from '../../../protocol/arp/arp.ts';
import { decodeEthernet, encodeEthernet, writeEthernet } from '../../../protocol/ethernet/ethernet.ts';
import { BROADCAST_MAC, parseMac } from '../../../protocol/ethernet/mac.ts';
import { EmulatedHost } from '../../../protocol/host/host.ts';
import type { HostOutput } from '../../../protocol/host/output.ts';
import { decodeIcmp, encodeIcmp } from '../../../protocol/icmp/icmp.ts';
import { parseIpv4 } from '../../../protocol/ip/ipv4.ts';
import { decodeIpv4, type Ipv4Header, writeIpv4 } from '../../../protocol/ipv4/header.ts';
import { decodeTcp, TCP_ACK, TCP_RST } from '../../../protocol/tcp/header.ts';
import { decodeUdp, encodeUdp } from '../../../protocol/udp/udp.ts';
import { podFrames } from '../packet/linux-frames.ts';

const MAC = parseMac('02:00:00:00:02:01');
const GATEWAY_MAC = parseMac('ee:ee:ee:ee:ee:ee');
const OWN = parseIpv4('10.65.2.1');
const PEER = parseIpv4('10.65.1.1');
const GATEWAY = parseIpv4('169.254.1.1');

const newHost = (mtu = 1450) => new EmulatedHost({ mac: MAC, address: OWN, mtu });

function arp(operation: number, senderIp: number, targetIp: number, to = MAC): Uint8Array {
  const frame = new Uint8Array(42);
  writeEthernet(frame, 0, to, GATEWAY_MAC, 0x0806);
  writeArp(frame, 14, { operation, senderMac: GATEWAY_MAC, senderIp, targetMac: MAC, targetIp });
  return frame;
}

/** A host that knows its gateway. */
function resolved(mtu = 1450): EmulatedHost {
  const host = newHost(mtu);
  host.handle(arp(ARP_REQUEST, GATEWAY, OWN), 0);
  return host;
}

function ipFrame(fields: Partial<Ipv4Header>, payload: Uint8Array): Uint8Array {
  const header = {
    typeOfService: 0,
    identification: 1,
    dontFragment: false,
    moreFragments: false,
    fragmentOffset: 0,
    timeToLive: 62,
    protocol: 1,
    source: PEER,
    destination: OWN,
    options: new Uint8Array(0),
    ...fields,
  };
  const packet = new Uint8Array(20 + payload.length);
  packet.set(payload, writeIpv4(packet, 0, header, payload.length));
  return encodeEthernet({ destination: MAC, source: GATEWAY_MAC, type: 0x0800 }, packet);
}

function frames(outputs: readonly HostOutput[]): Uint8Array[] {
  return outputs.flatMap((output) => (output.kind === 'frame' ? [output.frame] : []));
}

const others = (outputs: readonly HostOutput[]) => outputs.filter(({ kind }) => kind !== 'frame');

const ping = (fields = {}) => ({
  destination: PEER,
  identifier: 5,
  sequence: 1,
  data: Uint8Array.of(1, 2, 3, 4),
  ...fields,
});

describe('ARP', () => {
  test('a packet waits for the gateway’s MAC, then goes', () => {
    const host = newHost();
    const [request] = frames(host.ping(ping(), 0));
    expect(decodeEthernet(request!)).toEqual({ destination: BROADCAST_MAC, source: MAC, type: 0x0806 });
    expect(decodeArp(request!, 14)).toMatchObject({
      operation: ARP_REQUEST,
      senderIp: OWN,
      targetIp: GATEWAY,
    });
    expect(host.neighbors(0)).toEqual([{ ip: GATEWAY, mac: undefined, state: 'INCOMPLETE' }]);
    expect(host.ping(ping({ sequence: 2 }), 1), 'asked already').toEqual([]);
    const sent = frames(host.handle(arp(ARP_REPLY, GATEWAY, OWN), 2));
    expect(sent.map((frame) => decodeEthernet(frame).destination)).toEqual([GATEWAY_MAC, GATEWAY_MAC]);
    expect(sent.map((frame) => decodeIcmp(frame, 34))).toMatchObject([{ sequence: 1 }, { sequence: 2 }]);
    expect(host.neighbors(2)).toEqual([{ ip: GATEWAY, mac: GATEWAY_MAC, state: 'REACHABLE' }]);
    expect(host.nextTimeout()).toBeUndefined();
  });

  test('asks three times a second apart, then says host unreachable for every packet that waited', () => {
    const host = newHost();
    host.ping(ping(), 0);
    host.ping(ping({ sequence: 2 }), 500);
    expect(host.nextTimeout()).toBe(1000);
    expect(host.handleTimeout(999)).toEqual([]);
    expect(frames(host.handleTimeout(1000))).toHaveLength(1);
    expect(frames(host.handleTimeout(2000))).toHaveLength(1);
    const error = { kind: 'icmp-error', from: OWN, type: 3, code: 1, mtu: 0 };
    expect(host.handleTimeout(3000)).toMatchObject([
      { ...error, quoted: { destination: PEER, identifier: 5, sequence: 1 } },
      { ...error, quoted: { destination: PEER, identifier: 5, sequence: 2 } },
    ]);
    expect([host.nextTimeout(), host.neighbors(3000)]).toEqual([undefined, []]);
  });

  test('a MAC unconfirmed for 30 s is used on while its owner is asked, by unicast', () => {
    const host = resolved();
    expect(frames(host.ping(ping(), 29_999))).toHaveLength(1);
    expect(host.neighbors(30_000)).toMatchObject([{ state: 'STALE' }]);
    const [packet, probe] = frames(host.ping(ping(), 30_000));
    expect(decodeEthernet(packet!)).toMatchObject({ destination: GATEWAY_MAC, type: 0x0800 });
    expect(decodeEthernet(probe!)).toMatchObject({ destination: GATEWAY_MAC, type: 0x0806 });
    expect(host.neighbors(30_001)).toMatchObject([{ state: 'PROBE' }]);
    host.handle(arp(ARP_REPLY, GATEWAY, OWN), 30_002);
    expect([host.neighbors(30_003)[0]?.state, host.nextTimeout()]).toEqual(['REACHABLE', undefined]);
  });

  test('at most 16 packets wait, the newest', () => {
    const host = newHost();
    for (let sequence = 1; sequence <= 20; sequence++) host.ping(ping({ sequence }), 0);
    const sent = frames(host.handle(arp(ARP_REPLY, GATEWAY, OWN), 1));
    expect(sent).toHaveLength(16);
    expect(decodeIcmp(sent[0]!, 34)).toMatchObject({ sequence: 5 });
  });

  test('answers requests for its own address only', () => {
    const host = newHost();
    const [reply] = frames(host.handle(arp(ARP_REQUEST, GATEWAY, OWN, BROADCAST_MAC), 0));
    expect(decodeArp(reply!, 14)).toEqual({
      operation: ARP_REPLY,
      senderMac: MAC,
      senderIp: OWN,
      targetMac: GATEWAY_MAC,
      targetIp: GATEWAY,
    });
    expect(host.handle(arp(ARP_REQUEST, GATEWAY, PEER, BROADCAST_MAC), 0)).toEqual([]);
    expect(host.handle(arp(ARP_REPLY, PEER, OWN), 0), 'unasked replies teach nothing').toEqual([]);
    expect(host.neighbors(0).map(({ ip }) => ip)).toEqual([GATEWAY]);
  });
});

describe('ICMP', () => {
  test('a request of a Linux pod is answered as a Linux pod answers, but for TTL, DF and identification', () => {
    const host = new EmulatedHost({ mac: GATEWAY_MAC, address: OWN, mtu: 1450 });
    host.handle(podFrames[0]!, 0);
    const request = podFrames[2]!;
    const linux = podFrames[3]!;
    host.handle(arpFor(host), 0);
    const [frame] = frames(host.handle(request, 0));
    expect(frame!.slice(34)).toEqual(linux.slice(34));
    expect(decodeIpv4(frame!, 14)).toMatchObject({ source: OWN, destination: PEER, timeToLive: 64 });
  });

  test('a reply is reported with what came back', () => {
    const data = Uint8Array.of(9, 8, 7);
    const reply = encodeIcmp({ kind: 'echo-reply', identifier: 5, sequence: 3, data });
    expect(newHost().handle(ipFrame({}, reply), 0)).toEqual([
      { kind: 'echo-reply', from: PEER, identifier: 5, sequence: 3, timeToLive: 62, bytes: 11, data },
    ]);
  });

  test('pings itself and 127.0.0.1 without the wire', () => {
    for (const destination of [OWN, parseIpv4('127.0.0.1')]) {
      expect(newHost().ping(ping({ destination }), 0)).toMatchObject([
        { kind: 'echo-reply', from: destination },
      ]);
    }
  });

  test('packets carry rising identifications, the TTL asked for, and DF', () => {
    const host = resolved();
    const headers = [1, 2]
      .flatMap(() => frames(host.ping(ping({ timeToLive: 3 }), 0)))
      .map((f) => decodeIpv4(f, 14));
    expect(headers[1]!.identification).toBe(headers[0]!.identification + 1);
    expect(headers[0]).toMatchObject({ timeToLive: 3, dontFragment: true, source: OWN, destination: PEER });
  });

  test('fragmentation needed lowers the path MTU, for ten minutes', () => {
    const host = resolved();
    const data = new Uint8Array(1400);
    const [large] = frames(host.ping(ping({ data }), 0));
    expect(decodeIpv4(large!, 14)).toMatchObject({ totalLength: 1428, dontFragment: true });
    const quoted = large!.subarray(14, 14 + 28);
    const error = encodeIcmp({ kind: 'unreachable', code: 4, mtu: 1000, quoted });
    expect(host.handle(ipFrame({ source: parseIpv4('10.65.1.0') }, error), 1)).toMatchObject([
      {
        kind: 'icmp-error',
        type: 3,
        code: 4,
        mtu: 1000,
        quoted: { identifier: 5, sequence: 1, totalLength: 1428 },
      },
    ]);
    expect([host.pathMtu(PEER, 2), host.pathMtu(OWN, 2)]).toEqual([1000, 1450]);
    const parts = frames(host.ping(ping({ data }), 2)).map((frame) => decodeIpv4(frame, 14));
    expect(parts.map(({ totalLength }) => totalLength)).toEqual([996, 452]);
    expect(parts.map(({ dontFragment }) => dontFragment)).toEqual([false, false]);
    expect(host.ping(ping({ data, dontFragment: true }), 3)).toEqual([
      { kind: 'too-big', destination: PEER, length: 1428, mtu: 1000 },
    ]);
    expect(host.pathMtu(PEER, 600_001)).toBe(1450);
  });

  test('a router that names no MTU makes the host try the next smaller plateau (RFC 1191 §7.1)', () => {
    const host = resolved();
    const [large] = frames(host.ping(ping({ data: new Uint8Array(1400) }), 0));
    const error = encodeIcmp({ kind: 'unreachable', code: 4, mtu: 0, quoted: large!.subarray(14, 42) });
    host.handle(ipFrame({}, error), 1);
    expect(host.pathMtu(PEER, 1)).toBe(1006);
  });

  test('errors about packets of others, and larger MTUs, are not believed', () => {
    const host = resolved();
    const foreign = ipFrame({ destination: parseIpv4('10.65.1.9') }, new Uint8Array(8)).subarray(14);
    const about = (quoted: Uint8Array, mtu: number) =>
      encodeIcmp({ kind: 'unreachable', code: 4, mtu, quoted });
    expect(host.handle(ipFrame({}, about(foreign, 1000)), 0)).toEqual([]);
    const [own] = frames(host.ping(ping(), 0));
    host.handle(ipFrame({}, about(own!.subarray(14, 42), 9000)), 0);
    host.handle(ipFrame({}, about(own!.subarray(14, 42), 20)), 0);
    expect(host.pathMtu(PEER, 0)).toBe(1450);
  });
});

describe('UDP', () => {
  const addresses = { source: PEER, destination: OWN };
  const datagram = (sourcePort: number, destinationPort: number, text = 'hello') =>
    ipFrame(
      { protocol: 17 },
      encodeUdp({ sourcePort, destinationPort, data: new TextEncoder().encode(text) }, addresses),
    );

  test('the echo service answers, but not another echo service', () => {
    const host = resolved();
    const [frame] = frames(host.handle(datagram(4000, 7), 0));
    const ip = decodeIpv4(frame!, 14);
    const udp = decodeUdp(frame!, 34, ip.totalLength - 20, ip);
    expect(udp).toMatchObject({ sourcePort: 7, destinationPort: 4000 });
    expect(new TextDecoder().decode(udp.data)).toBe('hello');
    expect(host.handle(datagram(7, 7), 0)).toEqual([]);
  });

  test('a closed port is answered with port unreachable that quotes the datagram', () => {
    const [frame] = frames(resolved().handle(datagram(4000, 9999), 0));
    const icmp = decodeIcmp(frame!, 34);
    expect(icmp).toMatchObject({ kind: 'unreachable', code: 3 });
    expect(icmp.kind === 'unreachable' && icmp.quoted).toEqual(datagram(4000, 9999).subarray(14));
  });

  test('a socket sends from an ephemeral port and gets the answer', () => {
    const host = resolved();
    const port = host.openUdp();
    expect(port).toBeGreaterThanOrEqual(49152);
    const request = { destination: PEER, destinationPort: 53, sourcePort: port, data: Uint8Array.of(1) };
    const [frame] = frames(host.sendUdp(request, 0));
    const ip = decodeIpv4(frame!, 14);
    expect(decodeUdp(frame!, 34, ip.totalLength - 20, ip)).toMatchObject({
      sourcePort: port,
      destinationPort: 53,
    });
    expect(host.handle(datagram(53, port), 0)).toEqual([
      { kind: 'datagram', from: PEER, fromPort: 53, port, data: new TextEncoder().encode('hello') },
    ]);
    host.closeUdp(port);
    expect(frames(host.handle(datagram(53, port), 0))).toHaveLength(1);
    expect(() => host.sendUdp(request, 0)).toThrow(`UDP port ${port} is not open`);
  });

  test('ports are opened once', () => {
    const host = newHost();
    expect(host.openUdp(5000)).toBe(5000);
    expect(() => host.openUdp(5000)).toThrow('UDP port 5000 is already open');
    expect(() => host.openUdp(70000)).toThrow('UDP port must be 1 to 65535, not 70000');
    expect(host.openUdp()).not.toBe(host.openUdp());
  });

  test('an error about a datagram names its ports', () => {
    const host = resolved();
    const sourcePort = host.openUdp();
    const [sent] = frames(
      host.sendUdp({ destination: PEER, destinationPort: 9, sourcePort, data: new Uint8Array(2) }, 0),
    );
    const error = encodeIcmp({ kind: 'unreachable', code: 3, mtu: 0, quoted: sent!.subarray(14) });
    expect(host.handle(ipFrame({}, error), 0)).toMatchObject([
      { kind: 'icmp-error', from: PEER, code: 3, quoted: { protocol: 17, sourcePort, destinationPort: 9 } },
    ]);
  });

  test('a host talks to itself, and hears that its own port is closed', () => {
    const host = newHost();
    const sourcePort = host.openUdp();
    const to = (destinationPort: number) =>
      host.sendUdp({ destination: OWN, destinationPort, sourcePort, data: Uint8Array.of(1) }, 0);
    expect(to(7)).toMatchObject([{ kind: 'datagram', from: OWN, fromPort: 7, port: sourcePort }]);
    expect(to(8)).toMatchObject([{ kind: 'icmp-error', from: OWN, code: 3, quoted: { destinationPort: 8 } }]);
  });
});

describe('the rest', () => {
  test('TCP is answered with a reset', () => {
    const syn = podFrames.find((frame) => frame[23] === 6)!;
    const host = new EmulatedHost({ mac: GATEWAY_MAC, address: OWN, mtu: 1450 });
    host.handle(arpFor(host), 0);
    const [frame] = frames(host.handle(syn, 0));
    const ip = decodeIpv4(frame!, 14);
    expect(decodeTcp(frame!, 34, 20, ip)).toMatchObject({ flags: TCP_RST | TCP_ACK, sourcePort: 80 });
    const linux = podFrames.filter((candidate) => candidate[23] === 6)[1]!;
    expect(frame!.slice(34)).toEqual(linux.slice(34));
  });

  test('an unknown protocol is answered with protocol unreachable', () => {
    const [frame] = frames(resolved().handle(ipFrame({ protocol: 253 }, new Uint8Array(4)), 0));
    expect(decodeIcmp(frame!, 34)).toMatchObject({ kind: 'unreachable', code: 2 });
  });

  test('large packets are cut, and put together again', () => {
    const sender = new EmulatedHost({ mac: GATEWAY_MAC, address: PEER, mtu: 1450 });
    const receiver = resolved();
    sender.ping(ping({ destination: OWN, data: new Uint8Array(5000).fill(3) }), 0);
    const reply = new Uint8Array(42);
    writeEthernet(reply, 0, GATEWAY_MAC, MAC, 0x0806);
    writeArp(reply, 14, {
      operation: 2,
      senderMac: MAC,
      senderIp: GATEWAY,
      targetMac: GATEWAY_MAC,
      targetIp: PEER,
    });
    const there = frames(sender.handle(reply, 0));
    expect(there).toHaveLength(4);
    const back = there.flatMap((frame) => frames(receiver.handle(frame, 0)));
    expect(back).toHaveLength(4);
    expect(back.flatMap((frame) => others(sender.handle(frame, 0)))).toMatchObject([
      { kind: 'echo-reply', bytes: 5008, data: new Uint8Array(5000).fill(3) },
    ]);
  });

  test('an unfinished datagram is answered with reassembly time exceeded after 30 s', () => {
    const host = resolved();
    const first = ipFrame({ moreFragments: true }, new Uint8Array(16));
    expect(host.handle(first, 0)).toEqual([]);
    expect(host.nextTimeout()).toBe(30_000);
    const outputs = frames(host.handleTimeout(30_000));
    const errors = outputs.filter((frame) => decodeEthernet(frame).type === 0x0800);
    expect(decodeIcmp(errors[0]!, 34)).toMatchObject({ kind: 'time-exceeded', code: 1 });
  });

  test('frames and packets for others are ignored and counted', () => {
    const host = newHost();
    const echo = encodeIcmp({ kind: 'echo-request', identifier: 1, sequence: 1, data: new Uint8Array(0) });
    const elsewhere = ipFrame({}, echo);
    elsewhere[5]! ^= 1;
    expect(host.handle(elsewhere, 0)).toEqual([]);
    expect(host.handle(ipFrame({ destination: PEER }, echo), 0)).toEqual([]);
    expect(host.handle(ipFrame({ source: parseIpv4('224.0.0.1') }, echo), 0)).toEqual([]);
    expect(host.handle(new Uint8Array(5), 0)).toEqual([]);
    const broken = ipFrame({}, echo);
    broken[36]! ^= 1;
    expect(host.handle(broken, 0)).toEqual([]);
    expect(host.counters()).toEqual({ framesReceived: 5, framesSent: 0, ignored: 5 });
  });
});

/** A request of the gateway for the host's address, so that the host learns the gateway's MAC. */
function arpFor(host: EmulatedHost): Uint8Array {
  const frame = arp(ARP_REQUEST, GATEWAY, host.address, BROADCAST_MAC);
  return frame;
}
