import { describe, expect, test } from 'vitest';
import { framePacketId } from '../../../agents/capture/frame-id.ts';
import { CaptureHub } from '../../../agents/capture/hub.ts';
import { tapDevice } from '../../../agents/capture/tap-device.ts';
import type { CaptureFilter } from '../../../agents/control/types.ts';
import type { FrameDevice } from '../../../agents/ports.ts';
import { packetDirection } from '../../../protocol/pcapng/enhanced-packet.ts';
import { Collector, frame, LINK, POD, UNDERLAY } from './capture-support.ts';
import { ManualClock } from './manual-clock.ts';

const EVERYTHING: CaptureFilter = { underlay: true, links: ['lan'] };

function setUp(bufferBytes?: number) {
  const clock = new ManualClock();
  const hub = new CaptureHub({
    clock,
    application: 'podwire 1',
    comments: ['node host1'],
    ...(bufferBytes === undefined ? {} : { bufferBytes }),
  });
  const ids = {
    underlay: hub.addInterface(UNDERLAY),
    pod: hub.addInterface(POD),
    link: hub.addInterface(LINK),
  };
  return { clock, hub, ids };
}

describe('CaptureHub', () => {
  test('a frame on which nobody waits costs no reading of the clock', () => {
    const clock = new ManualClock();
    clock.wallNanos = () => {
      throw new Error('the clock was read');
    };
    const hub = new CaptureHub({ clock });
    const id = hub.addInterface(UNDERLAY);
    hub.record(id, 'inbound', frame(1));
    expect([hub.active, hub.wants(id)]).toEqual([false, false]);
  });

  test('a capture begins at once with section, interfaces and names, and is then ready', async () => {
    const { hub } = setUp();
    const collector = new Collector();
    const stop = new AbortController();
    let ready = 0;
    const done = hub.capture(EVERYTHING, collector.sink, stop.signal, () => ready++);
    expect(ready).toBe(1);
    expect(collector.kinds).toEqual([
      'section-header',
      'interface-description',
      'name-resolution',
      'interface-description',
      'interface-description',
    ]);
    expect(collector.blocks[0]).toMatchObject({ userApplication: 'podwire 1', comments: ['node host1'] });
    expect(collector.blocks[1]).toMatchObject({
      linkType: 1,
      name: 'host1:eth0',
      timestampResolution: 9,
      macAddress: Uint8Array.of(2, 0, 10, 0, 0, 1),
      ipv4Addresses: [{ address: Uint8Array.of(10, 0, 0, 1), mask: Uint8Array.of(255, 255, 255, 0) }],
      ipv6Addresses: [{ prefixLength: 64 }],
    });
    expect(collector.blocks[2]).toMatchObject({ names: [{ names: ['host1'] }, { names: ['host1'] }] });
    stop.abort();
    await done;
    expect(hub.active).toBe(false);
  });

  test('packets carry time, direction, id, comment and verdict; the bytes are copied', async () => {
    const { clock, hub, ids } = setUp();
    const collector = new Collector();
    const stop = new AbortController();
    const done = hub.capture(EVERYTHING, collector.sink, stop.signal);
    const bytes = frame(1);
    clock.advance(1.5);
    hub.record(ids.underlay, 'inbound', bytes, { packetId: 77n, comment: 'why' });
    bytes[0] = 9;
    hub.record(ids.pod, 'outbound', frame(2), { dropped: 'no-route' });
    hub.record(ids.link, undefined, frame(3), { time: 5n });
    expect(collector.packets).toEqual([]);
    clock.advance();
    const [first, second, third] = collector.packets;
    expect(first).toMatchObject({ timestamp: 1_700_000_000_001_500_000n, packetId: 77n, comments: ['why'] });
    expect([first, second, third].map((packet) => packetDirection(packet?.flags))).toEqual([
      'inbound',
      'outbound',
      undefined,
    ]);
    expect(second).toMatchObject({ verdicts: [{ kind: 'tc', action: 2n }], comments: ['dropped: no-route'] });
    expect(second).not.toHaveProperty('packetId');
    expect(third).toMatchObject({ timestamp: 5n });
    expect(collector.seen).toEqual(['host1:eth0: 1', 'default/a:eth0: 2', 'lan: 3']);
    stop.abort();
    await done;
  });

  test.each([
    [{ underlay: true }, ['host1:eth0', 'default/a:eth0']],
    [{ underlay: false }, ['default/a:eth0']],
    [{ underlay: false, pods: ['default/b'] }, []],
    [{ underlay: true, pods: [] }, ['host1:eth0']],
    [{ underlay: false, pods: [], links: ['lan', 'wan'] }, ['lan']],
  ])('filter %o selects %o', async (filter, names) => {
    const { hub, ids } = setUp();
    const collector = new Collector();
    const stop = new AbortController();
    const done = hub.capture(filter, collector.sink, stop.signal);
    for (const id of Object.values(ids)) hub.record(id, 'inbound', frame(1));
    stop.abort();
    await done;
    expect(collector.seen).toEqual(names.map((name) => `${name}: 1`));
  });

  test('an interface added in the middle is described before its first packet, and a removed one is silent', async () => {
    const { clock, hub } = setUp();
    const collector = new Collector();
    const stop = new AbortController();
    const done = hub.capture({ underlay: false }, collector.sink, stop.signal);
    const late = hub.addInterface({
      ...POD,
      name: 'default/b:eth0',
      scope: { kind: 'pod', pod: 'default/b' },
    });
    clock.advance();
    expect(collector.kinds).toEqual(['section-header', 'interface-description']);
    hub.record(late, 'inbound', frame(1));
    hub.record(late, 'inbound', frame(2));
    clock.advance();
    expect(collector.kinds.slice(2)).toEqual(['interface-description', 'enhanced-packet', 'enhanced-packet']);
    hub.removeInterface(late);
    hub.record(late, 'inbound', frame(3));
    stop.abort();
    await done;
    expect(collector.seen).toEqual(['default/b:eth0: 1', 'default/b:eth0: 2']);
  });

  test('while the reader is busy packets wait up to the bound; the rest is dropped and counted', async () => {
    const { clock, hub, ids } = setUp(1000);
    const collector = new Collector();
    const stop = new AbortController();
    const done = hub.capture(EVERYTHING, collector.sink, stop.signal);
    const slow = Promise.withResolvers<void>();
    collector.busy = slow.promise;
    hub.record(ids.underlay, 'inbound', frame(1));
    clock.advance();
    expect(collector.packets).toHaveLength(1);
    for (let i = 0; i < 20; i++) hub.record(ids.underlay, 'inbound', frame(2));
    for (let i = 0; i < 5; i++) hub.record(ids.pod, 'inbound', frame(3, 900));
    clock.advance(1000);
    expect(collector.packets).toHaveLength(1);
    collector.busy = undefined;
    slow.resolve();
    await slow.promise;
    const kept = collector.packets.length - 1;
    expect(kept).toBeGreaterThan(3);
    expect(kept).toBeLessThan(12);
    hub.record(ids.underlay, 'inbound', frame(4));
    clock.advance();
    const last = collector.packets.at(-1);
    expect(last).toMatchObject({ dropCount: BigInt(20 - kept) });
    expect(last?.data[0]).toBe(4);
    stop.abort();
    await done;
    const statistics = collector.blocks.filter((block) => block.kind === 'interface-statistics');
    expect(statistics).toMatchObject([
      { interfaceId: 0, received: 22n, dropped: BigInt(20 - kept), delivered: BigInt(kept + 2) },
      { interfaceId: 1, received: 5n, dropped: 5n, delivered: 0n },
      { interfaceId: 2, received: 0n, dropped: 0n },
    ]);
  });

  test('a capture ends although its reader is stuck', async () => {
    const { clock, hub, ids } = setUp();
    const collector = new Collector();
    const stop = new AbortController();
    collector.busy = new Promise(() => undefined);
    const done = hub.capture(EVERYTHING, collector.sink, stop.signal);
    hub.record(ids.underlay, 'inbound', frame(1));
    clock.advance();
    stop.abort();
    await done;
    expect(hub.active).toBe(false);
    expect(collector.packets).toEqual([]);
  });

  test('a sink that fails ends its own capture with the error, and no other', async () => {
    const { clock, hub, ids } = setUp();
    const good = new Collector();
    const stop = new AbortController();
    const done = hub.capture(EVERYTHING, good.sink, stop.signal);
    const throwing = hub.capture(
      EVERYTHING,
      () => {
        throw new Error('gone');
      },
      stop.signal,
    );
    await expect(throwing).rejects.toThrow('gone');
    const rejecting = hub.capture(EVERYTHING, () => Promise.reject(new Error('later')), stop.signal);
    await expect(rejecting).rejects.toThrow('later');
    hub.record(ids.pod, 'inbound', frame(1));
    clock.advance();
    expect(good.seen).toEqual(['default/a:eth0: 1']);
    stop.abort();
    await done;
  });

  test('closing the hub ends every capture with its statistics and admits no new one', async () => {
    const { hub } = setUp();
    const collector = new Collector();
    const never = new AbortController();
    const done = hub.capture(EVERYTHING, collector.sink, never.signal);
    hub.close();
    await done;
    expect(collector.kinds.at(-1)).toBe('interface-statistics');
    const after = new Collector();
    await hub.capture(EVERYTHING, after.sink, never.signal);
    expect(after.blocks).toEqual([]);
  });

  test('a bad address of an interface is refused where it is registered', () => {
    const { hub } = setUp();
    expect(() => hub.addInterface({ ...UNDERLAY, addresses: ['10.0.0.1/33'] })).toThrow('must be 0 to 32');
    expect(() => hub.addInterface({ ...UNDERLAY, addresses: ['nonsense'] })).toThrow('nonsense');
    expect(() => hub.addInterface({ ...UNDERLAY, mac: 'nonsense' })).toThrow('nonsense');
  });
});

class TestDevice implements FrameDevice {
  readonly name = 'cali1';
  readonly mac = '02:00:00:00:00:09';
  readonly written: Uint8Array[] = [];
  closed = false;
  receive: (frame: Uint8Array) => void = () => undefined;
  write(bytes: Uint8Array): void {
    this.written.push(bytes);
  }
  onFrame(receive: (frame: Uint8Array) => void): void {
    this.receive = receive;
  }
  close(): void {
    this.closed = true;
  }
}

test.each([
  ['pod', ['outbound', 'inbound']],
  ['host', ['inbound', 'outbound']],
] as const)(
  'a tapped device passes everything on; directions as the %s sees them',
  async (side, directions) => {
    const { clock, hub, ids } = setUp();
    const collector = new Collector();
    const stop = new AbortController();
    const done = hub.capture(EVERYTHING, collector.sink, stop.signal);
    const inner = new TestDevice();
    const device = tapDevice(inner, hub, ids.pod, side);
    const received: Uint8Array[] = [];
    device.onFrame((bytes) => received.push(bytes));
    inner.receive(frame(1));
    device.write(frame(2));
    device.close();
    clock.advance();
    expect([device.name, device.mac, inner.closed]).toEqual([inner.name, inner.mac, true]);
    expect([received.length, inner.written.length]).toEqual([1, 1]);
    expect(collector.seen).toEqual(['default/a:eth0: 1', 'default/a:eth0: 2']);
    expect(collector.packets.map(({ flags }) => packetDirection(flags))).toEqual(directions);
    stop.abort();
    await done;
  },
);

test('frames without an IPv4 packet have no id', () => {
  expect(framePacketId(frame(1))).toBeUndefined();
  expect(framePacketId(new Uint8Array(5))).toBeUndefined();
});
