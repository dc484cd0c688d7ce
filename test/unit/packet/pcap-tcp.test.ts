import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type TcpConversation, TcpFollower } from '../../../protocol/tcp/follower.ts';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../../../protocol/tcp/header.ts';
import { TcpStream } from '../../../protocol/tcp/stream.ts';

/** What a stream tells: its octets, and gaps as negative lengths. */
class Recorder {
  readonly told: number[] = [];
  readonly stream: TcpStream = new TcpStream({
    data: (bytes) => {
      for (const octet of bytes) this.told.push(octet);
    },
    gap: (length) => {
      this.told.push(-length);
    },
  });
}

const octets = (from: number, count: number): Uint8Array =>
  Uint8Array.from({ length: count }, (_, i) => (from + i) & 0xff);

describe('TcpStream', () => {
  const range = fc.tuple(fc.nat(199), fc.integer({ min: 1, max: 40 }));

  test('any cutting, order, repetition and overlap of segments gives the same stream, past the wrap of numbers too', () => {
    fc.assert(
      fc.property(
        fc.array(range, { maxLength: 30 }),
        fc.integer({ min: 1, max: 50 }),
        fc.constantFrom(0, 1000, 0xffffff00, 0x7fffff80, 0xffffffff),
        fc.infiniteStream(fc.nat()),
        (extra, size, origin, random) => {
          const whole = octets(1, 200);
          const segments = extra.map(([at, length]): [number, Uint8Array] => [
            at,
            whole.slice(at, at + length),
          ]);
          for (let at = 0; at < whole.length; at += size) segments.push([at, whole.slice(at, at + size)]);
          const shuffled = segments
            .map((segment) => ({ segment, key: random.next().value as number }))
            .sort((a, b) => a.key - b.key)
            .map(({ segment }) => segment);
          const { stream, told } = new Recorder();
          stream.begin(origin);
          for (const [at, bytes] of shuffled) stream.push((origin + at) >>> 0, bytes);
          expect(told).toEqual([...whole]);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('acknowledgments of what the capture has change nothing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.nat(), (size, seed) => {
        const whole = octets(1, 200);
        const { stream, told } = new Recorder();
        stream.begin(5);
        for (let at = 0; at < whole.length; at += size) {
          stream.push(5 + at, whole.subarray(at, at + size));
          if ((seed >> (at % 31)) & 1) stream.acknowledged(5 + Math.min(200, at + size));
        }
        stream.end();
        expect(told).toEqual([...whole]);
      }),
    );
  });

  test('segments that are missing are gaps of their size, whichever they are', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 2, maxLength: 40 }), (present) => {
        const { stream, told } = new Recorder();
        stream.begin(0);
        present.forEach((there, i) => {
          if (there) stream.push(10 * i, octets(10 * i, 10));
        });
        stream.end();
        const last = present.lastIndexOf(true);
        const expected: number[] = [];
        for (let i = 0; i <= last; i++) {
          if (present[i]) expected.push(...octets(10 * i, 10));
          else if (expected.length > 0 && expected.at(-1)! < 0) expected.push(expected.pop()! - 10);
          else expected.push(-10);
        }
        // The octet 0 is no gap.
        expect(told).toEqual(expected);
      }),
    );
  });

  test('what was acknowledged and does not come in a while never comes', () => {
    const { stream, told } = new Recorder();
    stream.begin(100);
    stream.push(110, octets(10, 5));
    expect(told).toEqual([]);
    stream.acknowledged(115);
    for (let i = 0; i < 40; i++) stream.push(115 + i, octets(15 + i, 1));
    expect(told).toEqual([-10, ...octets(10, 45)]);
  });

  test('what was not acknowledged may still be sent again', () => {
    const { stream, told } = new Recorder();
    stream.begin(100);
    for (let i = 0; i < 100; i++) stream.push(110 + i, octets(10 + i, 1));
    stream.acknowledged(100);
    expect(told).toEqual([]);
    stream.push(100, octets(0, 10));
    expect(told).toEqual([...octets(0, 110)]);
  });

  test('without a SYN the stream begins with its first segment, or with what was acknowledged before', () => {
    const first = new Recorder();
    first.stream.push(7, octets(1, 3));
    first.stream.push(5, octets(9, 2));
    expect(first.told).toEqual([1, 2, 3]);
    const acknowledged = new Recorder();
    acknowledged.stream.acknowledged(8);
    acknowledged.stream.push(10, octets(3, 2));
    acknowledged.stream.push(8, octets(1, 2));
    expect(acknowledged.told).toEqual([1, 2, 3, 4]);
  });

  test('of an overlap, the first segment counts', () => {
    const { stream, told } = new Recorder();
    stream.begin(0);
    stream.push(2, Uint8Array.of(3, 4));
    stream.push(0, Uint8Array.of(1, 2, 99, 99, 5));
    expect(told).toEqual([1, 2, 3, 4, 5]);
    stream.push(1, Uint8Array.of(7, 7, 7, 7, 6));
    expect(told).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('what waits is bounded', () => {
    const { stream, told } = new Recorder();
    stream.begin(0);
    for (let i = 0; i < 10_000; i++) stream.push(10 + 2 * i, Uint8Array.of(1));
    expect(told.length).toBeGreaterThan(5_000);
    const gaps: number[] = [];
    const large = new TcpStream({ data: () => undefined, gap: (length) => void gaps.push(length) });
    large.begin(0);
    for (let i = 0; i < 17; i++) large.push(1 + i * (1 << 20), new Uint8Array(1 << 20));
    expect(gaps).toEqual([1]);
  });
});

const CLIENT = Uint8Array.of(192, 0, 2, 1);
const SERVER = Uint8Array.of(192, 0, 2, 2);

interface Segment {
  readonly from: 'client' | 'server';
  readonly flags?: number;
  readonly seq: number;
  readonly ack?: number;
  readonly text?: string;
  readonly port?: number;
}

/** What a follower tells of segments, one line for each thing. */
function follow(segments: readonly Segment[]): string[] {
  const lines: string[] = [];
  const name = ({ id, ends }: TcpConversation): string => `${id} ${ends[0].port}>${ends[1].port}`;
  const follower = new TcpFollower<number>(
    (port) => port === 179,
    (conversation) => ({
      begin: (direction, at) => lines.push(`${name(conversation)} ${direction} begin @${at}`),
      data: (direction, bytes, at) =>
        lines.push(`${name(conversation)} ${direction} ${new TextDecoder().decode(bytes)} @${at}`),
      gap: (direction, length, at) => lines.push(`${name(conversation)} ${direction} gap ${length} @${at}`),
      end: (direction, at) => lines.push(`${name(conversation)} ${direction} end @${at}`),
    }),
  );
  segments.forEach(({ from, flags = TCP_ACK, seq, ack = 0, text = '', port = 40000 }, index) => {
    const payload = new TextEncoder().encode(text);
    const data = new Uint8Array(20 + payload.length);
    const view = new DataView(data.buffer);
    view.setUint16(0, from === 'client' ? port : 179);
    view.setUint16(2, from === 'client' ? 179 : port);
    view.setUint32(4, seq);
    view.setUint32(8, ack);
    data[12] = 0x50;
    data[13] = flags;
    data.set(payload, 20);
    const source = from === 'client' ? CLIENT : SERVER;
    const destination = from === 'client' ? SERVER : CLIENT;
    follower.push({ source, destination, data, length: data.length }, index + 1);
  });
  follower.end();
  return lines;
}

describe('TcpFollower', () => {
  test('a connection from SYN to FIN', () => {
    expect(
      follow([
        { from: 'client', flags: TCP_SYN, seq: 100 },
        { from: 'server', flags: TCP_SYN | TCP_ACK, seq: 500, ack: 101 },
        { from: 'client', seq: 101, ack: 501, text: 'hello' },
        { from: 'server', seq: 501, ack: 106, text: 'world' },
        { from: 'client', flags: TCP_FIN | TCP_ACK, seq: 106, ack: 506, text: '!' },
        { from: 'server', flags: TCP_FIN | TCP_ACK, seq: 506, ack: 108 },
        { from: 'client', seq: 108, ack: 507 },
      ]),
    ).toEqual([
      '1 40000>179 0 begin @1',
      '1 40000>179 1 begin @2',
      '1 40000>179 0 hello @3',
      '1 40000>179 1 world @4',
      '1 40000>179 0 ! @5',
      '1 40000>179 0 end @5',
      '1 40000>179 1 end @6',
    ]);
  });

  test('a capture that begins in the middle knows who was called by the port', () => {
    expect(
      follow([
        { from: 'server', seq: 501, ack: 101, text: 'late' },
        { from: 'client', seq: 101, ack: 505, text: 'yes' },
      ]),
    ).toEqual([
      '1 40000>179 1 late @1',
      '1 40000>179 0 yes @2',
      '1 40000>179 0 end @2',
      '1 40000>179 1 end @2',
    ]);
  });

  test('the same ports again are another connection; a SYN sent again is not', () => {
    const lines = follow([
      { from: 'client', flags: TCP_SYN, seq: 100 },
      { from: 'client', flags: TCP_SYN, seq: 100 },
      { from: 'client', seq: 101, text: 'a' },
      { from: 'server', flags: TCP_RST, seq: 0 },
      { from: 'client', flags: TCP_SYN, seq: 9000 },
      { from: 'client', seq: 9001, text: 'b' },
    ]);
    expect(lines).toEqual([
      '1 40000>179 0 begin @1',
      '1 40000>179 0 a @3',
      '1 40000>179 0 end @5',
      '1 40000>179 1 end @5',
      '2 40000>179 0 begin @5',
      '2 40000>179 0 b @6',
      '2 40000>179 0 end @6',
      '2 40000>179 1 end @6',
    ]);
  });

  test('a gap at the end of the capture comes before what follows it', () => {
    expect(
      follow([
        { from: 'client', flags: TCP_SYN, seq: 0 },
        { from: 'client', seq: 1, text: 'ab' },
        { from: 'client', seq: 8, text: 'cd' },
      ]).slice(1, 4),
    ).toEqual(['1 40000>179 0 ab @2', '1 40000>179 0 gap 5 @3', '1 40000>179 0 cd @3']);
  });

  test('more connections than memory allows: the oldest is taken for closed', () => {
    const segments = Array.from({ length: 5000 }, (_, i) => ({
      from: 'client' as const,
      flags: TCP_SYN,
      seq: 1,
      port: 10_000 + i,
    }));
    const lines = follow(segments);
    expect(lines.filter((line) => line.endsWith('begin @1'))).toEqual(['1 10000>179 0 begin @1']);
    expect(lines.indexOf('1 10000>179 0 end @1')).toBeLessThan(lines.indexOf('4097 14096>179 0 begin @4097'));
    expect(lines).toHaveLength(15_000);
  });

  test('any segments are safe', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 20 }), (all) => {
        const follower = new TcpFollower<number>(
          () => true,
          () => ({ begin: () => {}, data: () => {}, gap: () => {}, end: () => {} }),
        );
        for (const data of all) {
          const length = data.length + (data[0] ?? 0);
          follower.push({ source: CLIENT, destination: SERVER, data, length }, 0);
        }
        follower.end();
      }),
    );
  });
});
