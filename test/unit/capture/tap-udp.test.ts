import { expect, test } from 'vitest';
import { CaptureHub } from '../../../agents/capture/hub.ts';
import { tapUdp } from '../../../agents/capture/tap-udp.ts';
import { derivedMac } from '../../../agents/capture/underlay-recorder.ts';
import type { Endpoint, UdpPort } from '../../../agents/ports.ts';
import { fromHex, toHex } from '../../../protocol/bytes/hex.ts';
import { packetDirection } from '../../../protocol/pcapng/enhanced-packet.ts';
import { Collector, LINK, UNDERLAY } from './capture-support.ts';
import { ManualClock } from './manual-clock.ts';

const LOCAL: Endpoint = { address: '10.0.0.1', port: 4789 };
const REMOTE: Endpoint = { address: '10.0.0.2', port: 50000 };

class TestUdp implements UdpPort {
  readonly sent: Uint8Array[] = [];
  receive: (bytes: Uint8Array, remote: Endpoint) => void = () => undefined;
  closed = false;
  async bind(local: Endpoint, _options: object, onMessage: (bytes: Uint8Array, remote: Endpoint) => void) {
    this.receive = onMessage;
    return {
      local,
      send: (bytes: Uint8Array) => void this.sent.push(bytes),
      close: async () => {
        this.closed = true;
      },
    };
  }
}

async function exchange(noChecksum: boolean, foreign: boolean, address = LOCAL.address) {
  const clock = new ManualClock();
  const hub = new CaptureHub({ clock });
  const underlay = hub.addInterface(UNDERLAY);
  const link = hub.addInterface(LINK);
  const inner = new TestUdp();
  const received: Uint8Array[] = [];
  const socket = await tapUdp(inner, hub, underlay, { link, foreign: () => foreign, macOf: derivedMac }).bind(
    { address, port: LOCAL.port },
    { noChecksum },
    (bytes) => received.push(bytes),
  );
  const stop = new AbortController();
  const collector = new Collector();
  socket.send(Uint8Array.of(1), REMOTE);
  const done = hub.capture({ underlay: true, links: ['lan'] }, collector.sink, stop.signal);
  socket.send(Uint8Array.of(1, 2, 3), REMOTE);
  inner.receive(Uint8Array.of(4, 5), REMOTE);
  stop.abort();
  await done;
  await socket.close();
  expect([inner.sent.length, received.length, inner.closed]).toEqual([2, 1, true]);
  return collector;
}

test('a datagram without checksum, sent: golden bytes', async () => {
  const { packets } = await exchange(true, false);
  expect(toHex(packets[0]!.data)).toBe(
    toHex(
      fromHex(`02420a000002 02420a000001 0800
        4500 001f 0000 4000 4011 26cc 0a000001 0a000002
        12b5 c350 000b 0000 010203`),
    ),
  );
});

test('a datagram with checksum, received: golden bytes', async () => {
  const { packets } = await exchange(false, false);
  expect(toHex(packets[2]!.data)).toBe(
    toHex(
      fromHex(`02420a000001 02420a000002 0800
        4500 001e 0000 4000 4011 26cd 0a000002 0a000001
        c350 12b5 000a 11cd 0405`),
    ),
  );
});

test('on the link a frame is recorded by its sender, or on receipt where the sender is foreign', async () => {
  const places = ({ packets }: Collector): string[] =>
    packets.map(({ interfaceId, flags }) => `${interfaceId} ${packetDirection(flags)}`);
  expect(places(await exchange(true, false))).toEqual(['0 outbound', '1 undefined', '0 inbound']);
  expect(places(await exchange(true, true))).toEqual([
    '0 outbound',
    '1 undefined',
    '0 inbound',
    '1 undefined',
  ]);
});

test('datagrams of another family than IPv4 pass unrecorded', async () => {
  expect((await exchange(true, false, '::1')).packets).toEqual([]);
});
