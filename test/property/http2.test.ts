import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DecodeError } from '../../protocol/bytes/decode-error.ts';
import { FrameWriter, PREFACE } from '../../protocol/http2/frame.ts';
import { encodeHeaders, HpackDecoder } from '../../protocol/http2/hpack.ts';
import { ServerConnection } from '../../protocol/http2/server-connection.ts';

const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });

test('header fields survive, whatever their octets', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(latin1, latin1), { maxLength: 20 }), (fields) => {
      expect(new HpackDecoder(1 << 20).decode(encodeHeaders(fields))).toEqual(fields);
    }),
  );
});

test('whatever the block, it is decoded or refused', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 5 }), (blocks) => {
      const decoder = new HpackDecoder(4096);
      for (const block of blocks) {
        try {
          decoder.decode(block);
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error;
          return;
        }
      }
    }),
    { numRuns: 2000 },
  );
});

const anyFrame = fc.record({
  type: fc.nat(10),
  flags: fc.nat(63),
  stream: fc.constantFrom(0, 1, 1, 1, 3, 5, 2, 0x7fff_ffff),
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constant(encodeHeaders([[':path', '/x']])),
    fc.constant(Uint8Array.of(0, 4, 0, 0, 1, 0)),
    fc.constant(Uint8Array.of(0, 0, 0, 200)),
  ),
});

test('whatever the frames and however they are cut, a connection answers or fails, and closes each stream once', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 30 }), fc.integer({ min: 1, max: 50 }), (frames, cut) => {
      let open = 0;
      const connection = new ServerConnection({
        onRequest: (_fields, stream) => {
          open++;
          let closed = false;
          stream.headers(encodeHeaders([[':status', '200']]), false);
          stream.data(new Uint8Array(700), false);
          return {
            onData: (bytes) => stream.data(bytes.slice(), false),
            onEnd: () => stream.headers(encodeHeaders([['grpc-status', '0']]), true),
            onDrain: () => {},
            onClose: () => {
              expect(closed).toBe(false);
              closed = true;
              open--;
            },
          };
        },
        onOutput: () => {},
        now: () => 0,
      });
      const writer = new FrameWriter();
      for (const { type, flags, stream, payload } of frames) writer.frame(type, flags, stream, payload);
      const bytes = Uint8Array.from([...PREFACE, ...writer.take()]);
      for (let at = 0; at < bytes.length; at += cut) connection.receive(bytes.subarray(at, at + cut));
      connection.take();
      connection.closed();
      expect(open).toBe(0);
    }),
    { numRuns: 1000 },
  );
});
