// Cutting one direction of a captured session into messages.
import { describe, expect, test } from 'vitest';
import { SessionMessages } from '../../../protocol/bgp/dissect/session-messages.ts';
import { toHex } from '../../../protocol/bytes/hex.ts';
import { BIRD_UPDATE, KEEPALIVE } from './golden.ts';

/** What the pieces of a stream, of which the beginning is missing, are cut into. */
function cut(pieces: readonly Uint8Array[]): string[] {
  const found: string[] = [];
  const messages = new SessionMessages(
    {
      message: (bytes) => found.push(toHex(bytes)),
      skipped: (octets) => found.push(`skipped ${octets}`),
    },
    () => 4096,
  );
  for (const piece of pieces) messages.push(piece);
  messages.end();
  return found;
}

describe('a stream whose beginning is missing', () => {
  const stream = Uint8Array.from([1, 2, 3, ...BIRD_UPDATE, ...KEEPALIVE]);
  const expected = ['skipped 3', toHex(BIRD_UPDATE), toHex(KEEPALIVE)];

  test('is picked up at the first marker', () => {
    expect(cut([stream])).toEqual(expected);
  });

  test.each(Array.from(stream.keys()))('also where a piece ends after %i octets', (at) => {
    expect(cut([stream.subarray(0, at), stream.subarray(at)])).toEqual(expected);
  });
});
