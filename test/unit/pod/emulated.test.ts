import { expect, test } from 'vitest';
import { EmulatedPod, emulatedPods } from '../../../agents/pod/emulated.ts';
import type { EchoReply } from '../../../agents/pod/types.ts';
import { encodeEthernet } from '../../../protocol/ethernet/ethernet.ts';
import { parseMac } from '../../../protocol/ethernet/mac.ts';
import { parseIpv4 } from '../../../protocol/ip/ipv4.ts';
import { SimClock } from '../../support/sim-net.ts';
import { Host } from './support.ts';

const NETWORK = { address: '10.65.0.9', mac: '02:00:00:00:00:09', mtu: 1450, gateway: '169.254.1.1' };

test('an echo request is answered after ARP, with its id, sequence and the reply’s TTL', () => {
  const host = new Host();
  const replies: EchoReply[] = [];
  host.a.echo.onReply((reply) => replies.push(reply));
  host.a.echo.send('10.65.0.2', 7, 3, new Uint8Array(56), 64, false);
  host.clock.run(20);
  const id = { id: 7, sequence: 3 };
  expect(replies).toEqual([{ from: '10.65.0.2', type: 0, code: 0, ...id, ttl: 63, bytes: 64 }]);
});

test('several listeners hear a reply, each until it unsubscribes', () => {
  const host = new Host();
  const heard: string[] = [];
  const stop = host.a.echo.onReply(({ sequence }) => heard.push(`one ${sequence}`));
  host.a.echo.onReply(({ sequence }) => heard.push(`two ${sequence}`));
  host.a.echo.send('10.65.0.2', 7, 1, new Uint8Array(0), 64, false);
  host.clock.run(20);
  stop();
  host.a.echo.send('10.65.0.2', 7, 2, new Uint8Array(0), 64, false);
  host.clock.run(20);
  expect(heard).toEqual(['one 1', 'two 1', 'two 2']);
});

test('an ICMP error about a request is told with its MTU', () => {
  const host = new Host();
  const replies: EchoReply[] = [];
  host.a.echo.onReply((reply) => replies.push(reply));
  host.a.echo.send('10.65.0.2', 7, 1, new Uint8Array(0), 1, false);
  host.a.echo.send('192.0.2.1', 7, 2, new Uint8Array(0), 64, false);
  host.clock.run(20);
  const error = { id: 7, ttl: 0, bytes: 0, from: '10.65.0.0' };
  expect(replies).toEqual([
    { ...error, type: 11, code: 0, sequence: 1 },
    { ...error, type: 3, code: 0, sequence: 2 },
  ]);
});

test('without an answer to ARP the pod itself says that the host is unreachable', () => {
  const host = new Host();
  host.up = false;
  const replies: EchoReply[] = [];
  host.a.echo.onReply((reply) => replies.push(reply));
  host.a.echo.send('10.65.0.2', 7, 1, new Uint8Array(0), 64, false);
  host.clock.run(2999);
  expect(replies).toEqual([]);
  host.clock.run(2);
  expect(replies).toMatchObject([{ from: '10.65.0.1', type: 3, code: 1, id: 7, sequence: 1 }]);
  expect(host.clock.pending).toBe(0);
});

test('what is too long is refused where it is asked for, and the pod goes on', () => {
  const host = new Host();
  const send = (size: number, dontFragment: boolean): void =>
    host.a.echo.send('10.65.0.2', 7, size, new Uint8Array(size), 64, dontFragment);
  expect(() => send(1423, true)).toThrow('message too long: 1451 bytes, path MTU 1450');
  expect(() => send(65508, false)).toThrow('message too long: 65536 bytes, IPv4 carries 65535');
  const socket = host.a.openUdp(() => undefined);
  expect(() => socket.send(parseIpv4('10.65.0.2'), 7, new Uint8Array(65508))).toThrow('message too long');
  const replies: number[] = [];
  host.a.echo.onReply(({ sequence }) => replies.push(sequence));
  send(1422, true);
  send(3000, false);
  host.clock.run(20);
  expect(replies).toEqual([1422, 3000]);
});

test('a frame from the network never throws, whatever it carries', () => {
  const host = new Host();
  // The largest datagram there is, in fragments: its echo is as large.
  const socket = host.b.openUdp(() => undefined);
  socket.send(parseIpv4('10.65.0.1'), 7, new Uint8Array(65507));
  expect(() => host.clock.run(20)).not.toThrow();
  const header = {
    destination: parseMac(host.a.device.mac),
    source: parseMac('ee:ee:ee:ee:ee:ee'),
    type: 0x0800,
  };
  for (const length of [0, 1, 19, 20, 60]) {
    expect(() =>
      host.a.device.write(encodeEthernet(header, new Uint8Array(length).fill(0x45))),
    ).not.toThrow();
  }
  expect(() => host.a.device.write(new Uint8Array(5))).not.toThrow();
});

test('datagrams reach the port that they are for, until it is closed', () => {
  const host = new Host();
  const got: string[] = [];
  const one = host.a.openUdp(({ data }) => got.push(`one ${new TextDecoder().decode(data)}`));
  const two = host.a.openUdp(({ data }) => got.push(`two ${new TextDecoder().decode(data)}`));
  const echo = parseIpv4('10.65.0.2');
  one.send(echo, 7, new TextEncoder().encode('a'));
  two.send(echo, 7, new TextEncoder().encode('b'));
  host.clock.run(20);
  two.send(echo, 7, new TextEncoder().encode('c'));
  two.close();
  host.clock.run(20);
  expect(got).toEqual(['one a', 'two b']);
  expect(() => two.send(echo, 7, new Uint8Array(1))).toThrow('is not open');
});

test('a closed pod is silent: no frame, no timer, and whoever asks is told', () => {
  const host = new Host();
  host.up = false;
  host.a.echo.send('10.65.0.2', 7, 1, new Uint8Array(0), 64, false);
  let frames = 0;
  host.a.device.onFrame(() => frames++);
  const socket = host.a.openUdp(() => undefined);
  host.a.device.close();
  host.clock.run(10_000);
  host.a.device.write(new Uint8Array(64));
  expect(frames).toBe(0);
  expect(host.clock.pending).toBe(0);
  expect(() => host.a.echo.send('10.65.0.2', 7, 2, new Uint8Array(0), 64, false)).toThrow('network is down');
  expect(() => socket.send(parseIpv4('10.65.0.2'), 7, new Uint8Array(0))).toThrow('network is down');
});

test('the factory makes a pod of the network that the node decided', async () => {
  const spec = { namespace: 'default', name: 'x', labels: {}, kind: 'emulated' } as const;
  const pod = await emulatedPods(new SimClock()).create(spec, NETWORK);
  expect(pod).toBeInstanceOf(EmulatedPod);
  expect(pod).toMatchObject({ kind: 'emulated', netns: null, uts: null, device: { mac: NETWORK.mac } });
  expect((pod as EmulatedPod).host).toMatchObject({ mtu: 1450, address: parseIpv4('10.65.0.9') });
});
