import { Duplex } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { serveHttp2 } from '../../../agents/store/grpc/http2-socket.ts';
import { Flag, FrameType, FrameWriter, PREFACE } from '../../../protocol/http2/frame.ts';
import { encodeHeaders } from '../../../protocol/http2/hpack.ts';
import type { ServerStream } from '../../../protocol/http2/server-stream.ts';

beforeEach(
  () => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] }),
);
afterEach(() => void vi.useRealTimers());

/** A connection whose client reads nothing of what it is sent, or all of it. */
class Socket extends Duplex {
  readonly #reads: boolean;
  written: number[] = [];

  constructor(reads: boolean) {
    super();
    this.#reads = reads;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written.push(...chunk);
    if (this.#reads) done();
  }
}

const ANSWER = encodeHeaders([[':status', '200']]);

/** Octets of a client: its preface, and what `write` adds. */
function octets(write: (writer: FrameWriter) => void): Uint8Array {
  const writer = new FrameWriter();
  writer.settings([]);
  write(writer);
  return Buffer.concat([PREFACE, writer.take()]);
}

test('a connection that cannot go on is dropped after a second, although its client does not read why', async () => {
  const socket = new Socket(false);
  serveHttp2(socket, () => expect.fail('no request'));
  socket.emit('data', Buffer.from(octets((writer) => writer.numbers(FrameType.pushPromise, 1, 0))));
  await vi.advanceTimersByTimeAsync(900);
  expect(socket.destroyed).toBe(false);
  await vi.advanceTimersByTimeAsync(200);
  expect(socket.destroyed).toBe(true);
});

test('the acknowledgement of a PING behind an answer goes with a later answer, or by itself', async () => {
  const socket = new Socket(true);
  const streams: ServerStream[] = [];
  serveHttp2(socket, (_headers, stream) => {
    streams.push(stream);
    return { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };
  });
  /** Types of the frames written since the last call. */
  const types = (): number[] => {
    const bytes = socket.written.splice(0);
    const found: number[] = [];
    for (let at = 0; at < bytes.length; at += 9 + (bytes[at + 1]! << 8) + bytes[at + 2]!)
      found.push(bytes[at + 3]!);
    return found;
  };
  const ask = async (writer: FrameWriter): Promise<void> => {
    socket.emit('data', Buffer.from(writer.take()));
    await vi.advanceTimersByTimeAsync(1);
  };
  const answer = async (): Promise<void> => {
    streams[0]!.data(Uint8Array.of(1), false);
    await vi.advanceTimersByTimeAsync(1);
  };
  socket.emit(
    'data',
    Buffer.from(octets((writer) => writer.frame(FrameType.headers, Flag.endHeaders, 1, ANSWER))),
  );
  await answer();
  types();
  const writer = new FrameWriter();
  writer.frame(FrameType.ping, 0, 0, new Uint8Array(8));
  await ask(writer);
  await answer();
  expect(types()).toEqual([FrameType.data]);
  await vi.advanceTimersByTimeAsync(300);
  expect(types()).toEqual([]);
  await answer();
  expect(types()).toEqual([FrameType.data, FrameType.ping]);
  writer.frame(FrameType.ping, 0, 0, new Uint8Array(8));
  await ask(writer);
  expect(types()).toEqual([]);
  await vi.advanceTimersByTimeAsync(500);
  expect(types()).toEqual([FrameType.ping]);
});
