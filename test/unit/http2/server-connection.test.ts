import { describe, expect, test } from 'vitest';
import { ErrorCode, Flag, FrameType, HEADER, PREFACE, read32 } from '../../../protocol/http2/frame.ts';
import { encodeHeaders, type HeaderField } from '../../../protocol/http2/hpack.ts';
import { IDLE_FRAMES, MAX_STREAMS, MAX_UNREAD_ANSWERS } from '../../../protocol/http2/limits.ts';
import { ServerConnection } from '../../../protocol/http2/server-connection.ts';
import type { ServerStream } from '../../../protocol/http2/server-stream.ts';

const { data, headers, rstStream, settings, ping, goaway, windowUpdate, continuation } = FrameType;
const REQUEST = encodeHeaders([
  [':method', 'POST'],
  [':path', '/x'],
]);

function frame(
  type: number,
  flags: number,
  stream: number,
  payload: readonly number[] | Uint8Array,
): Uint8Array {
  const { length } = payload;
  const head = [length >> 16, (length >> 8) & 0xff, length & 0xff, type, flags];
  return Uint8Array.from([...head, ...number32(stream), ...payload]);
}

function number32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array;
}

function parse(bytes: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    const payload = bytes.subarray(at + HEADER, at + HEADER + length);
    frames.push({ type: bytes[at + 3]!, flags: bytes[at + 4]!, stream: read32(bytes, at + 5), payload });
    at += HEADER + length;
  }
  return frames;
}

/** A connection, and what its requests were told. */
class Scene {
  readonly told: string[] = [];
  readonly streams: ServerStream[] = [];
  readonly connection: ServerConnection;
  /** Time, ms. */
  now = 0;

  constructor() {
    this.connection = new ServerConnection({
      onRequest: (fields: readonly HeaderField[], stream) => {
        const n = this.streams.push(stream);
        this.told.push(`${n} ${fields.map(([name, value]) => `${name}=${value}`).join(' ')}`);
        return {
          onData: (bytes) => this.told.push(`${n} data ${bytes.length}`),
          onEnd: () => this.told.push(`${n} end`),
          onDrain: () => this.told.push(`${n} drain`),
          onClose: () => this.told.push(`${n} close`),
        };
      },
      onOutput: () => {},
      now: () => this.now,
    });
    this.connection.receive(PREFACE);
    this.connection.receive(frame(settings, 0, 0, []));
    this.connection.take();
  }

  send(...frames: readonly Uint8Array[]): Frame[] {
    for (const each of frames) this.connection.receive(each);
    return this.taken();
  }

  taken(): Frame[] {
    return parse(this.connection.take());
  }

  /** The code of the GOAWAY that answers these frames; undefined where the connection goes on. */
  failure(...frames: readonly Uint8Array[]): number | undefined {
    const last = this.send(...frames).at(-1);
    return this.connection.failed && last?.type === goaway ? read32(last.payload, 4) : undefined;
  }
}

const request = (id: number, flags: number = Flag.endHeaders): Uint8Array =>
  frame(headers, flags, id, REQUEST);

describe('requests', () => {
  test('headers, data and end, and the answer; octet by octet as well', () => {
    const scene = new Scene();
    const all = [request(1), frame(data, Flag.endStream, 1, [1, 2, 3])].flatMap((bytes) => [...bytes]);
    for (const octet of all) scene.connection.receive(Uint8Array.of(octet));
    expect(scene.told).toEqual(['1 :method=POST :path=/x', '1 data 3', '1 end']);
    const stream = scene.streams[0]!;
    stream.headers(encodeHeaders([[':status', '200']]), false);
    stream.data(Uint8Array.of(9), false);
    stream.headers(encodeHeaders([['grpc-status', '0']]), true);
    expect(scene.taken().map(({ type, flags }) => [type, flags])).toEqual([
      [headers, Flag.endHeaders],
      [data, 0],
      [headers, Flag.endHeaders | Flag.endStream],
    ]);
    expect(scene.told.at(-1)).toBe('1 close');
    stream.data(Uint8Array.of(1), true);
    expect(scene.taken()).toEqual([]);
  });

  test('padding, priority and continuation', () => {
    const scene = new Scene();
    const flags = Flag.padded | Flag.priority;
    scene.send(
      frame(headers, flags, 1, [2, 0, 0, 0, 0, 16, ...REQUEST.subarray(0, 2), 0, 0]),
      frame(continuation, Flag.endHeaders, 1, REQUEST.subarray(2)),
      frame(data, Flag.padded | Flag.endStream, 1, [1, 7, 0]),
    );
    expect(scene.told).toEqual(['1 :method=POST :path=/x', '1 data 1', '1 end']);
  });

  test('an answer before the end of its request tells the client to stop, without an error', () => {
    const scene = new Scene();
    scene.send(request(1));
    scene.streams[0]!.headers(encodeHeaders([['grpc-status', '12']]), true);
    const [, reset] = scene.taken();
    expect([reset!.type, read32(reset!.payload, 0)]).toEqual([rstStream, ErrorCode.noError]);
    // What was on its way meanwhile harms nobody.
    expect(scene.failure(frame(data, Flag.endStream, 1, [1]))).toBeUndefined();
  });

  test('a reset, a lost connection: every stream is closed once', () => {
    const scene = new Scene();
    scene.send(request(1), request(3), frame(rstStream, 0, 1, number32(ErrorCode.cancel)));
    expect(scene.told.slice(2)).toEqual(['1 close']);
    scene.connection.closed();
    expect(scene.told.slice(3)).toEqual(['2 close']);
  });

  test('PING and SETTINGS are acknowledged', () => {
    const scene = new Scene();
    const [pong, ack] = scene.send(
      frame(ping, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]),
      frame(settings, 0, 0, [0, 3, 0, 0, 0, 1]),
    );
    expect([pong!.type, pong!.flags, [...pong!.payload]]).toEqual([ping, Flag.ack, [1, 2, 3, 4, 5, 6, 7, 8]]);
    expect([ack!.type, ack!.flags]).toEqual([settings, Flag.ack]);
  });

  test('the acknowledgement of a PING behind an answer is held until it is released, or the next PING comes', () => {
    const scene = new Scene();
    const pingOf = (octet: number): Uint8Array => frame(ping, 0, 0, [octet, 2, 3, 4, 5, 6, 7, 8]);
    const answer = (id: number): void => {
      scene.connection.receive(request(id, Flag.endHeaders | Flag.endStream));
      scene.streams[(id - 1) / 2]!.data(Uint8Array.of(9), true);
    };
    const taken = (): unknown[] => scene.taken().map(({ type, payload }) => [type, payload[0]]);
    answer(1);
    scene.taken();
    scene.connection.receive(pingOf(1));
    expect([scene.connection.holding, taken()]).toEqual([true, []]);
    answer(3);
    expect(taken()).toEqual([[data, 9]]);
    scene.connection.release();
    expect([scene.connection.holding, taken()]).toEqual([false, [[ping, 1]]]);
    scene.connection.receive(pingOf(2));
    answer(5);
    scene.connection.receive(pingOf(3));
    expect([scene.connection.holding, taken()]).toEqual([
      false,
      [
        [data, 9],
        [ping, 2],
        [ping, 3],
      ],
    ]);
    // Nothing was sent since the last one.
    scene.connection.receive(pingOf(4));
    expect([scene.connection.holding, taken()]).toEqual([false, [[ping, 4]]]);
  });

  test('the acknowledgement of a PING is not held up where much is sent', () => {
    const scene = new Scene();
    scene.send(request(1, Flag.endHeaders | Flag.endStream));
    const [stream] = scene.streams;
    stream!.data(Uint8Array.of(9), false);
    scene.taken();
    scene.connection.receive(frame(ping, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]));
    stream!.data(new Uint8Array(10_000), false);
    expect(scene.taken().map(({ type }) => type)).toEqual([data]);
    stream!.data(new Uint8Array(10_000), false);
    expect(scene.taken().map(({ type }) => type)).toEqual([data, ping]);
    expect(scene.connection.holding).toBe(false);
  });
});

describe('flow control', () => {
  const sent = (frames: readonly Frame[]): number =>
    frames.reduce((sum, { type, payload }) => sum + (type === data ? payload.length : 0), 0);

  test('a stream sends what its window allows, in frames of 16 KiB, and the rest later, in order', () => {
    const scene = new Scene();
    scene.send(
      frame(settings, 0, 0, [0, 4, ...number32(40_000)]),
      request(1, Flag.endHeaders | Flag.endStream),
    );
    const stream = scene.streams[0]!;
    stream.data(new Uint8Array(50_000), false);
    stream.headers(encodeHeaders([['grpc-status', '0']]), true);
    expect(scene.taken().map(({ payload }) => payload.length)).toEqual([16_384, 16_384, 7232]);
    expect(stream.waiting).toBe(10_000);
    const rest = scene.send(frame(windowUpdate, 0, 1, number32(20_000)));
    expect(rest.map(({ type, payload }) => [type, payload.length])).toEqual([
      [data, 10_000],
      [headers, 15],
    ]);
    expect(scene.told.slice(-1)).toEqual(['1 close']);
  });

  test('all streams share the window of the connection, and tell when they have drained', () => {
    const scene = new Scene();
    scene.send(frame(settings, 0, 0, [0, 4, ...number32(1 << 20)]), request(1), request(3));
    for (const stream of scene.streams) stream.data(new Uint8Array(50_000), false);
    expect(sent(scene.taken())).toBe(65_535);
    expect(scene.streams.map(({ waiting }) => waiting)).toEqual([0, 34_465]);
    expect(sent(scene.send(frame(windowUpdate, 0, 0, number32(100_000))))).toBe(34_465);
    expect(scene.told.at(-1)).toBe('2 drain');
  });

  test('while paused, data waits in its stream', () => {
    const scene = new Scene();
    scene.send(request(1));
    scene.connection.pause(true);
    scene.streams[0]!.data(new Uint8Array(10), false);
    expect([sent(scene.taken()), scene.streams[0]!.waiting]).toEqual([0, 10]);
    scene.connection.pause(false);
    expect([sent(scene.taken()), scene.told.at(-1)]).toEqual([10, '1 drain']);
  });

  test('a smaller initial window counts for streams that are open', () => {
    const scene = new Scene();
    scene.send(request(1));
    scene.streams[0]!.data(new Uint8Array(30_000), false);
    scene.taken();
    scene.send(frame(settings, 0, 0, [0, 4, ...number32(10_000)]));
    scene.streams[0]!.data(new Uint8Array(1), false);
    expect(sent(scene.taken())).toBe(0);
    expect(sent(scene.send(frame(windowUpdate, 0, 1, number32(20_000))))).toBe(0);
    expect(sent(scene.send(frame(windowUpdate, 0, 1, number32(1))))).toBe(1);
  });

  test('of several initial windows in one frame the last counts, unless a window overflows by it', () => {
    const scene = new Scene();
    const windows = (...values: number[]): Uint8Array =>
      frame(
        settings,
        0,
        0,
        values.flatMap((value) => [0, 4, ...number32(value)]),
      );
    scene.send(request(1));
    scene.streams[0]!.data(new Uint8Array(30_000), false);
    scene.taken();
    scene.send(windows(0, 50_000, 30_010));
    scene.streams[0]!.data(new Uint8Array(50), false);
    expect(sent(scene.taken())).toBe(10);
    scene.send(frame(windowUpdate, 0, 1, number32(40_000)));
    expect(scene.failure(windows(0x7fff_ffff))).toBe(ErrorCode.flowControlError);
  });

  test('windows for what clients send are opened again before they are empty', () => {
    const scene = new Scene();
    scene.send(request(1));
    const updates: Frame[] = [];
    for (let i = 0; i < 40; i++) updates.push(...scene.send(frame(data, 0, 1, new Uint8Array(16_384))));
    expect(updates.map(({ type, stream }) => [type, stream])).toEqual([[windowUpdate, 1]]);
  });
});

describe('errors of the connection', () => {
  test.each<[string, number, readonly Uint8Array[]]>([
    ['a frame too large', ErrorCode.frameSizeError, [Uint8Array.of(1, 0, 0, data, 0, 0, 0, 0, 1)]],
    ['data of no stream', ErrorCode.protocolError, [frame(data, 0, 1, [])]],
    ['a stream with an even number', ErrorCode.protocolError, [frame(headers, Flag.endHeaders, 2, REQUEST)]],
    ['a block that is not continued', ErrorCode.protocolError, [request(1, 0), frame(ping, 0, 0, [])]],
    ['a continuation of nothing', ErrorCode.protocolError, [frame(continuation, 0, 1, [])]],
    ['a block that is no HPACK', ErrorCode.compressionError, [frame(headers, Flag.endHeaders, 1, [0x80])]],
    ['padding that is all', ErrorCode.protocolError, [request(1), frame(data, Flag.padded, 1, [5, 0])]],
    ['a push by a client', ErrorCode.protocolError, [frame(FrameType.pushPromise, 0, 1, [])]],
    [
      'a window that overflows',
      ErrorCode.flowControlError,
      [frame(windowUpdate, 0, 0, number32(0x7fff_ffff))],
    ],
    ['a window update of nothing', ErrorCode.flowControlError, [frame(windowUpdate, 0, 0, number32(0))]],
    ['settings of an odd size', ErrorCode.frameSizeError, [frame(settings, 0, 0, [1])]],
    ['a ping of an odd size', ErrorCode.frameSizeError, [frame(ping, 0, 0, [1])]],
    ['a reset of no stream', ErrorCode.protocolError, [frame(rstStream, 0, 5, number32(0))]],
    [
      'continuations without end',
      ErrorCode.enhanceYourCalm,
      [request(1, 0), ...Array.from({ length: 8000 }, () => frame(continuation, 0, 1, []))],
    ],
  ])('%s', (_what, code, frames) => {
    expect(new Scene().failure(...frames)).toBe(code);
  });

  test('another preface', () => {
    const connection = new ServerConnection({
      onRequest: () => expect.fail('no request'),
      onOutput: () => {},
      now: () => 0,
    });
    connection.receive(new TextEncoder().encode('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    expect(connection.failed).toBe(true);
  });
});

describe('bounds of what a client may do', () => {
  const octets = [1, 2, 3, 4, 5, 6, 7, 8];
  const opened = (count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, i) => request(2 * i + 1, Flag.endHeaders | Flag.endStream));

  test('streams: as many as announced, each more is refused, and one that ends makes room', () => {
    const connection = new ServerConnection({
      onRequest: () => expect.fail('no request'),
      onOutput: () => {},
      now: () => 0,
    });
    const [announced] = parse(connection.take());
    expect([...announced!.payload.subarray(0, 6)]).toEqual([0, 3, ...number32(MAX_STREAMS)]);
    const scene = new Scene();
    scene.send(...opened(MAX_STREAMS));
    const next = 2 * MAX_STREAMS + 1;
    const [refused, ...others] = scene.send(request(next));
    expect([refused!.type, refused!.stream, read32(refused!.payload, 0)]).toEqual([
      rstStream,
      next,
      ErrorCode.refusedStream,
    ]);
    expect([others, scene.streams.length]).toEqual([[], MAX_STREAMS]);
    // Its data is on its way already.
    expect(scene.failure(frame(data, Flag.endStream, next, [1]))).toBeUndefined();
    scene.streams[0]!.headers(encodeHeaders([['grpc-status', '0']]), true);
    scene.send(request(next + 2));
    expect([scene.streams.length, scene.connection.failed]).toEqual([MAX_STREAMS + 1, false]);
  });

  const { burst, perSecond } = IDLE_FRAMES;
  describe.each<[string, (i: number) => readonly Uint8Array[]]>([
    ['resets', (i) => [request(2 * i + 3), frame(rstStream, 0, 2 * i + 3, number32(ErrorCode.cancel))]],
    [
      'resets that the client makes the server send',
      (i) => [request(2 * i + 3), frame(windowUpdate, 0, 2 * i + 3, number32(0))],
    ],
    ['PINGs', () => [frame(ping, 0, 0, octets)]],
    ['acknowledgements of nothing', () => [frame(ping, Flag.ack, 0, octets)]],
    ['SETTINGS', () => [frame(settings, 0, 0, [])]],
    ['priorities', () => [frame(FrameType.priority, 0, 1, [0, 0, 0, 0, 1])]],
    ['frames of data without octets', () => [frame(data, 0, 1, [])]],
    ['headers of streams that are over', () => [request(1), frame(headers, Flag.endHeaders, 1, REQUEST)]],
  ])('%s', (what, frames) => {
    test('in a flood end the connection', () => {
      const scene = new Scene();
      scene.send(request(1));
      if (what.startsWith('headers')) scene.streams[0]!.reset(ErrorCode.cancel);
      let sent = 0;
      let code: number | undefined;
      for (; code === undefined && sent <= burst; sent++) code = scene.failure(...frames(sent));
      expect(code).toBe(ErrorCode.enhanceYourCalm);
    });

    test('at a steady rate do not', () => {
      const scene = new Scene();
      scene.send(request(1));
      if (what.startsWith('headers')) scene.streams[0]!.reset(ErrorCode.cancel);
      for (let i = 0; i < 2 * burst; i++) {
        scene.now += 2000 / perSecond;
        scene.send(...frames(i));
      }
      expect(scene.connection.failed).toBe(false);
    });
  });

  test('acknowledgements that nobody reads', () => {
    const scene = new Scene();
    const pings = Array.from({ length: MAX_UNREAD_ANSWERS }, () => frame(ping, 0, 0, octets));
    for (let i = 0; i < 3; i++) {
      scene.connection.pause(true);
      expect(scene.failure(...pings)).toBeUndefined();
      scene.connection.pause(false);
    }
    scene.connection.pause(true);
    expect(scene.failure(...pings, pings[0]!)).toBe(ErrorCode.enhanceYourCalm);
  });

  test('a list of headers that is small on the wire and large for who decodes it', () => {
    // An entry of 4000 octets for the dynamic table, and then 20 times its number there.
    const block = [
      0x40,
      1,
      0x78,
      0x7f,
      0xa1,
      0x1e,
      ...new Array(4000).fill(0x79),
      ...new Array(20).fill(0xbe),
    ];
    const scene = new Scene();
    expect(scene.failure(frame(headers, Flag.endHeaders, 1, block))).toBe(ErrorCode.enhanceYourCalm);
    expect(scene.told).toEqual([]);
  });
});
