import { describe, expect, test } from 'vitest';
import { CaptureHub } from '../../../agents/capture/hub.ts';
import { bgpFraming, MessageSplitter } from '../../../agents/capture/stream-framing.ts';
import { type TcpTapOptions, tapTcp } from '../../../agents/capture/tap-tcp.ts';
import type { Endpoint, TcpConnection, TcpHandler, TcpPort } from '../../../agents/ports.ts';
import { decodeEthernet } from '../../../protocol/ethernet/ethernet.ts';
import { parseIpv4 } from '../../../protocol/ip/ipv4.ts';
import { decodeIpv4 } from '../../../protocol/ipv4/header.ts';
import { packetDirection } from '../../../protocol/pcapng/enhanced-packet.ts';
import { decodeTcp, type TcpSegment } from '../../../protocol/tcp/header.ts';
import { Collector, LINK, UNDERLAY } from './capture-support.ts';
import { ManualClock } from './manual-clock.ts';

const LOCAL: Endpoint = { address: '10.0.0.1', port: 40000 };
const REMOTE: Endpoint = { address: '10.0.0.2', port: 179 };

/** A connection that does nothing but note what it is told. */
class TestConnection implements TcpConnection {
  local: Endpoint = LOCAL;
  remote: Endpoint = REMOTE;
  readonly calls: string[] = [];
  write(bytes: Uint8Array): boolean {
    this.calls.push(`write ${bytes.length}`);
    return bytes.length < 1000;
  }
  end(): void {
    this.calls.push('end');
  }
  destroy(): void {
    this.calls.push('destroy');
  }
}

class TestTcp implements TcpPort {
  readonly connection: TestConnection = new TestConnection();
  handler: TcpHandler | undefined;
  accept: ((connection: TcpConnection) => TcpHandler | undefined) | undefined;
  async listen(local: Endpoint, accept: (connection: TcpConnection) => TcpHandler | undefined) {
    this.accept = accept;
    return { local, close: async () => undefined };
  }
  connect(_remote: Endpoint, _options: object, handler: TcpHandler): TcpConnection {
    this.handler = handler;
    return this.connection;
  }
}

function setUp(options: Omit<TcpTapOptions, 'link'> = {}) {
  const clock = new ManualClock();
  const hub = new CaptureHub({ clock });
  const underlay = hub.addInterface(UNDERLAY);
  const link = hub.addInterface(LINK);
  const inner = new TestTcp();
  const port = tapTcp(inner, hub, underlay, { ...options, link });
  const stop = new AbortController();
  const collector = new Collector();
  const start = () => hub.capture({ underlay: true, links: ['lan'] }, collector.sink, stop.signal);
  return { clock, hub, inner, port, collector, start, stop };
}

interface Seen {
  readonly on: 'out' | 'in' | 'link';
  readonly segment: TcpSegment;
  readonly time: bigint;
}

/** The packets as segments; decoding checks every checksum. */
function segments(collector: Collector): Seen[] {
  return collector.packets.map(({ data, flags, interfaceId, timestamp }) => {
    const ip = decodeIpv4(data, 14);
    const segment = decodeTcp(data, 14 + ip.headerLength, ip.totalLength - ip.headerLength, ip);
    const direction = packetDirection(flags) === 'outbound' ? 'out' : 'in';
    return { on: interfaceId === 0 ? direction : 'link', segment, time: timestamp };
  });
}

const FLAG_NAMES = ['F', 'S', 'R', 'P', 'A'];

/** `out SA +0 ack 1 len 0`, sequence numbers relative to those of the SYNs, which both directions must share. */
function story(list: readonly Seen[], on: 'node' | 'link'): string[] {
  const initial = new Map<number, number>();
  for (const { segment } of list) {
    if (!initial.has(segment.sourcePort)) initial.set(segment.sourcePort, segment.sequence);
  }
  return list
    .filter((seen) => (seen.on === 'link') === (on === 'link'))
    .map(({ on: where, segment }) => {
      const flags = FLAG_NAMES.filter((_, bit) => (segment.flags & (1 << bit)) !== 0).join('');
      const sequence = (segment.sequence - initial.get(segment.sourcePort)!) >>> 0;
      const ack = flags.includes('A')
        ? (segment.acknowledgment - (initial.get(segment.destinationPort) ?? 0)) >>> 0
        : '-';
      return `${where} ${flags} ${sequence} ${ack} ${segment.data.length}`;
    });
}

describe('tapTcp', () => {
  test('a dialled connection, from SYN to the last ACK', async () => {
    const { clock, inner, port, collector, start } = setUp();
    void start();
    const heard: string[] = [];
    const connection = port.connect(
      REMOTE,
      {},
      {
        onConnect: () => heard.push('connect'),
        onData: (bytes) => heard.push(`data ${bytes.length}`),
        onDrain: () => heard.push('drain'),
        onClose: (error) => heard.push(`close ${error}`),
      },
    );
    clock.advance(2);
    inner.handler!.onConnect!();
    expect(connection.local).toEqual(LOCAL);
    expect(connection.remote).toEqual(REMOTE);
    clock.advance(3);
    expect(connection.write(new Uint8Array(3000))).toBe(false);
    inner.handler!.onDrain!();
    inner.handler!.onData(new Uint8Array(10));
    expect(connection.write(new Uint8Array(5))).toBe(true);
    connection.end();
    inner.handler!.onData(new Uint8Array(7));
    inner.handler!.onClose();
    clock.advance();
    const list = segments(collector);
    expect(story(list, 'node')).toEqual([
      'out S 0 - 0',
      'in SA 0 1 0',
      'out A 1 1 0',
      'out A 1 1 1448',
      'out A 1449 1 1448',
      'out PA 2897 1 104',
      'in PA 1 3001 10',
      'out PA 3001 11 5',
      'out FA 3006 11 0',
      'in PA 11 3007 7',
      'in FA 18 3007 0',
      'out A 3007 19 0',
    ]);
    expect(story(list, 'link').map((line) => line.split(' ')[1])).toEqual([
      'S',
      'SA',
      'A',
      'A',
      'A',
      'PA',
      'PA',
      'FA',
      'A',
    ]);
    expect(list.slice(0, 6).map(({ time }) => time)).toEqual(new Array(6).fill(1_700_000_000_000_000_000n));
    expect(heard).toEqual(['connect', 'drain', 'data 10', 'data 7', 'close undefined']);
    expect(inner.connection.calls).toEqual(['write 3000', 'write 5', 'end']);
    expect(new Set(collector.packets.flatMap(({ comments }) => comments))).toEqual(
      new Set(['reconstructed from the TCP byte stream']),
    );
  });

  test('an accepted connection that the peer closes; on the link only what was sent from here', async () => {
    const { clock, inner, port, collector, start } = setUp();
    void start();
    await port.listen(REMOTE, (connection) => {
      connection.write(new Uint8Array(19));
      return { onData: () => undefined, onClose: () => undefined };
    });
    inner.connection.local = REMOTE;
    inner.connection.remote = LOCAL;
    const handler = inner.accept!(inner.connection)!;
    handler.onData(new Uint8Array(29));
    handler.onClose();
    clock.advance();
    const list = segments(collector);
    expect(story(list, 'node')).toEqual([
      'in S 0 - 0',
      'out SA 0 1 0',
      'in A 1 1 0',
      'out PA 1 1 19',
      'in PA 1 20 29',
      'in FA 30 20 0',
      'out FA 20 31 0',
      'in A 31 21 0',
    ]);
    expect(story(list, 'link')).toEqual(['link PA 1 1 19', 'link FA 20 31 0']);
  });

  test('what a foreign router sends is on the link as received', async () => {
    const { clock, inner, port, collector, start } = setUp({
      foreign: (address) => address === LOCAL.address,
    });
    void start();
    await port.listen(REMOTE, () => ({ onData: () => undefined, onClose: () => undefined }));
    inner.connection.local = REMOTE;
    inner.connection.remote = LOCAL;
    inner.accept!(inner.connection)!.onData(new Uint8Array(29));
    clock.advance();
    expect(story(segments(collector), 'link')).toEqual([
      'link S 0 - 0',
      'link SA 0 1 0',
      'link A 1 1 0',
      'link PA 1 1 29',
    ]);
  });

  test('both ends agree on sequence numbers, so that the link fits together', async () => {
    const near = setUp();
    const far = setUp();
    void near.start();
    void far.start();
    const connection = near.port.connect(REMOTE, {}, { onData: () => undefined, onClose: () => undefined });
    near.inner.handler!.onConnect!();
    connection.write(new Uint8Array(29));
    await far.port.listen(REMOTE, () => ({ onData: () => undefined, onClose: () => undefined }));
    far.inner.connection.local = REMOTE;
    far.inner.connection.remote = LOCAL;
    far.inner.accept!(far.inner.connection)!.onData(new Uint8Array(29));
    near.clock.advance();
    far.clock.advance();
    const sent = segments(near.collector).filter(({ on }) => on !== 'link');
    const received = segments(far.collector).filter(({ on }) => on !== 'link');
    expect(received.map(({ segment }) => segment)).toEqual(sent.map(({ segment }) => segment));
    expect(far.collector.packets.map(({ packetId }) => packetId)).toContain(
      near.collector.packets.at(-1)!.packetId,
    );
  });

  test.each([
    ['ECONNRESET', ['in RA 1 1 0']],
    ['EPIPE', ['in RA 1 1 0']],
    ['ETIMEDOUT', []],
  ])('a connection that breaks with %s ends with %o', (error, end) => {
    const { clock, inner, port, collector, start } = setUp();
    void start();
    port.connect(REMOTE, {}, { onData: () => undefined, onClose: () => undefined });
    inner.handler!.onConnect!();
    inner.handler!.onClose(error);
    clock.advance();
    expect(story(segments(collector), 'node').slice(3)).toEqual(end);
  });

  test('a dropped connection sends its FIN, and nothing is told after it', () => {
    const { clock, inner, port, collector, start } = setUp();
    void start();
    const connection = port.connect(REMOTE, {}, { onData: () => undefined, onClose: () => undefined });
    inner.handler!.onConnect!();
    connection.destroy();
    connection.write(new Uint8Array(4));
    inner.handler!.onClose();
    clock.advance();
    expect(story(segments(collector), 'node').slice(3)).toEqual(['out FA 1 1 0']);
    expect(inner.connection.calls).toEqual(['destroy', 'write 4']);
  });

  test('a refused connection is one that opens and is dropped', async () => {
    const { clock, inner, port, collector, start } = setUp();
    void start();
    await port.listen(REMOTE, () => undefined);
    expect(inner.accept!(inner.connection)).toBeUndefined();
    clock.advance();
    expect(story(segments(collector), 'node').at(-1)).toBe('out FA 1 1 0');
  });

  test('what is written before the connection opens follows the handshake', () => {
    const { clock, inner, port, collector, start } = setUp();
    void start();
    const connection = port.connect(REMOTE, {}, { onData: () => undefined, onClose: () => undefined });
    connection.write(new Uint8Array(29));
    connection.end();
    inner.handler!.onConnect!();
    clock.advance();
    expect(story(segments(collector), 'node').slice(2)).toEqual([
      'out A 1 1 0',
      'out PA 1 1 29',
      'out FA 30 1 0',
    ]);
  });

  test('a connection that never opens leaves no trace', () => {
    const { clock, inner, port, collector, start } = setUp();
    void start();
    port.connect(REMOTE, {}, { onData: () => undefined, onClose: () => undefined });
    inner.handler!.onClose('ECONNREFUSED');
    clock.advance();
    expect(collector.packets).toEqual([]);
  });

  test('bytes are counted while nobody captures', () => {
    const { clock, inner, port, collector, start } = setUp();
    const early = setUp();
    void early.start();
    for (const each of [early, { clock, inner, port, collector, start }]) {
      const connection = each.port.connect(REMOTE, {}, { onData: () => undefined, onClose: () => undefined });
      each.inner.handler!.onConnect!();
      connection.write(new Uint8Array(5000));
      each.inner.handler!.onData(new Uint8Array(33));
      void each.start();
      connection.write(new Uint8Array(4));
      each.clock.advance();
    }
    const [seen] = segments(collector);
    expect(seen!.segment).toEqual(
      segments(early.collector)
        .filter(({ on }) => on === 'out')
        .at(-1)!.segment,
    );
  });

  test('the MACs are zero as on lo, or what the tap is told', () => {
    for (const [options, source, destination] of [
      [{}, 0, 0],
      [{ macOf: (ipv4: number) => 0x020000000000 + ipv4 }, 0x02000a000001, 0x02000a000002],
    ] as const) {
      const { clock, inner, port, collector, start } = setUp(options);
      void start();
      port.connect(REMOTE, {}, { onData: () => undefined, onClose: () => undefined });
      inner.handler!.onConnect!();
      clock.advance();
      const { data } = collector.packets[0]!;
      expect(decodeEthernet(data)).toEqual({ source, destination, type: 0x0800 });
      expect(decodeIpv4(data, 14)).toMatchObject({
        source: parseIpv4(LOCAL.address),
        timeToLive: 64,
        dontFragment: true,
      });
    }
  });

  test('with a framing every message is a segment of its own, however it is written or read', () => {
    const { clock, inner, port, collector, start } = setUp({ framing: bgpFraming });
    void start();
    const connection = port.connect(REMOTE, {}, { onData: () => undefined, onClose: () => undefined });
    inner.handler!.onConnect!();
    const stream = Uint8Array.from([...message(19), ...message(4096), ...message(23)]);
    connection.write(stream);
    for (let at = 0; at < stream.length; at += 1000) inner.handler!.onData(stream.subarray(at, at + 1000));
    inner.handler!.onData(message(19).subarray(0, 5));
    inner.handler!.onClose();
    clock.advance();
    expect(story(segments(collector), 'node').slice(3)).toEqual([
      'out PA 1 1 19',
      'out PA 20 1 4096',
      'out PA 4116 1 23',
      'in PA 1 4139 19',
      'in PA 20 4139 4096',
      'in PA 4116 4139 23',
      'in PA 4139 4139 5',
      'in FA 4144 4139 0',
      'out FA 4139 4145 0',
      'in A 4145 4140 0',
    ]);
  });
});

function message(length: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(0xff, 0, 16);
  bytes[16] = length >>> 8;
  bytes[17] = length & 255;
  return bytes;
}

describe('MessageSplitter', () => {
  test('a stream that breaks its framing passes as it comes from then on', () => {
    const splitter = new MessageSplitter(bgpFraming);
    const pieces: number[] = [];
    const emit = (piece: Uint8Array): void => void pieces.push(piece.length);
    splitter.push(Uint8Array.from([...message(20), 1, 2]), emit);
    splitter.push(new Uint8Array(30), emit);
    splitter.push(new Uint8Array(3), emit);
    splitter.flush(emit);
    expect(pieces).toEqual([20, 32, 3]);
  });
});
