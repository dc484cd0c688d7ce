// BMP messages and streams of them.

import { ByteWriter } from '../../../protocol/bgp/byte-writer.ts';
import { dissectBmp } from '../../../protocol/bmp/dissect.ts';
import { type BmpMessage, decodeBmp, writeBmp } from '../../../protocol/bmp/message.ts';
import { BmpPeers } from '../../../protocol/bmp/peers.ts';
import { monitoredUpdate } from '../../../protocol/bmp/routes.ts';
import { BmpStream } from '../../../protocol/bmp/stream.ts';
import { DecodeError } from '../../../protocol/bytes/decode-error.ts';
import { toHex } from '../../../protocol/bytes/hex.ts';
import { GOLDEN } from '../../unit/bmp/golden.ts';
import { guarded } from '../guard.ts';
import { joined, mutateBytes } from '../mutate.ts';
import type { FuzzTarget } from '../target.ts';
import { pieceSizes, pieces } from './stream.ts';

const SEEDS = Object.values(GOLDEN);

/** One message: read within its octets or refused with where; what is read is written again as it was; never lost on people. */
export const bmpTarget: FuzzTarget = {
  name: 'bmp',
  weight: 3,
  make(random) {
    const bytes = mutateBytes(random.pick(SEEDS), random, SEEDS);
    // Mostly of the length that it says, so that more than the header is looked at.
    if (!random.oneIn(8) && bytes.length >= 6) {
      bytes[0] = 3;
      bytes.set([0, 0, bytes.length >>> 8, bytes.length & 0xff], 1);
    }
    return { bytes };
  },
  check(bytes) {
    const { value } = guarded(bytes, (view) => read(view), [DecodeError]);
    dissectBmp(bytes, new BmpPeers());
    if (value === undefined) return;
    // What a header's flags and addresses have beside what is told is not kept, so it is read once more.
    const again = read(written(value));
    if (toHex(written(again!)) !== toHex(written(value))) throw new Error('is another message when written');
  },
};

function read(bytes: Uint8Array): BmpMessage | undefined {
  const message = decodeBmp(bytes);
  if (message?.kind === 'peer-up') new BmpPeers().up(message);
  if (message?.kind === 'route-monitoring') {
    try {
      monitoredUpdate(message, new BmpPeers(), 0);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  }
  return message;
}

function written(message: BmpMessage): Uint8Array {
  const writer = new ByteWriter();
  writeBmp(writer, message);
  return writer.finish();
}

interface StreamCase {
  readonly sizes: readonly number[];
}

/** A stream is cut alike however it comes, and an error stands at the same octet. */
export const bmpStreamTarget: FuzzTarget<StreamCase> = {
  name: 'bmp-stream',
  weight: 2,
  make(random) {
    const messages = Array.from({ length: 1 + random.below(5) }, () => random.pick(SEEDS));
    const stream = joined(...messages);
    return {
      bytes: random.oneIn(2) ? stream : mutateBytes(stream, random, SEEDS),
      sizes: [...pieceSizes(random), 100],
    };
  },
  check(bytes, { sizes }) {
    const whole = cut([bytes]);
    const inPieces = cut(pieces(bytes, sizes));
    if (whole !== inPieces) throw new Error(`in pieces: ${inPieces}\nwhole: ${whole}`);
  },
};

function cut(parts: readonly Uint8Array[]): string {
  const stream = new BmpStream();
  const lines: string[] = [];
  try {
    for (const part of parts) {
      for (const { type, bytes, offset } of stream.messages(part))
        lines.push(`${offset} ${type} ${toHex(bytes)}`);
    }
    lines.push(`${stream.pending} left`);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    lines.push(error.message);
  }
  return lines.join('\n');
}
