// Streams of messages in pieces of any size, as TCP hands them over.
import type { CodecContext } from '../../../protocol/bgp/context.ts';
import { SessionDissector, type SessionVisitor } from '../../../protocol/bgp/dissect/session.ts';
import { BgpError } from '../../../protocol/bgp/error.ts';
import { MessageStream } from '../../../protocol/bgp/message/stream.ts';
import { toHex } from '../../../protocol/bytes/hex.ts';
import { joined, mutateBytes } from '../mutate.ts';
import { mutateMessage } from '../mutate-message.ts';
import type { FuzzRandom } from '../random.ts';
import { MESSAGES, POOL } from '../seeds.ts';
import type { FuzzTarget } from '../target.ts';
import { anyContext } from './message.ts';

interface StreamCase {
  readonly context: CodecContext;
  /** Sizes of the pieces, used in turn. */
  readonly sizes: readonly number[];
}

/** Sizes of pieces, 1 among them. */
export function pieceSizes(random: FuzzRandom): number[] {
  return Array.from({ length: 1 + random.below(5) }, () => 1 + random.below(random.pick([2, 20, 400])));
}

/** The octets in pieces of these sizes. */
export function pieces(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const list: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    list.push(bytes.subarray(at, at + size));
    at += size;
  }
  return list;
}

/** Some messages in a row, of which one or all are not what they were. */
export function anyStream(random: FuzzRandom): Uint8Array {
  const all = random.oneIn(2);
  const messages = Array.from({ length: 1 + random.below(5) }, () => {
    const seed = random.pick(MESSAGES);
    return all ? mutateMessage(seed, random, POOL) : seed;
  });
  const stream = joined(...messages);
  return all ? stream : mutateBytes(stream, random, MESSAGES);
}

/** The receiving side of a session cuts out the same messages, however they arrive. */
export const streamTarget: FuzzTarget<StreamCase> = {
  name: 'stream',
  weight: 4,
  make: (random) => ({ bytes: anyStream(random), context: anyContext(random), sizes: pieceSizes(random) }),
  check(bytes, { context, sizes }) {
    const whole = cut([bytes], context);
    const inPieces = cut(pieces(bytes, sizes), context);
    if (whole !== inPieces) throw new Error(`in pieces: ${inPieces}\nwhole: ${whole}`);
  },
};

function cut(parts: readonly Uint8Array[], context: CodecContext): string {
  const stream = new MessageStream();
  const lines: string[] = [];
  try {
    for (const part of parts) {
      const copy = part.slice();
      stream.push(
        copy,
        () => context,
        (message) => {
          lines.push(toHex(message));
          return true;
        },
      );
      // What it keeps is its own.
      copy.fill(0xee);
    }
    lines.push(`pending ${toHex(stream.pending)}`);
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    lines.push(error.message);
  }
  return lines.join('\n');
}

interface DissectorCase {
  readonly sizes: readonly number[];
  readonly begins: boolean;
}

/** The reader of captured sessions shows every octet once, however they arrive. */
export const dissectorTarget: FuzzTarget<DissectorCase> = {
  name: 'dissector',
  weight: 2,
  make: (random) => ({ bytes: anyStream(random), sizes: pieceSizes(random), begins: !random.oneIn(3) }),
  check(bytes, { sizes, begins }) {
    const whole = dissect([bytes], begins);
    if (whole.octets !== bytes.length) throw new Error(`${whole.octets} of ${bytes.length} octets are shown`);
    const inPieces = dissect(pieces(bytes, sizes), begins);
    if (whole.text !== inPieces.text) throw new Error(`in pieces: ${inPieces.text}\nwhole: ${whole.text}`);
  },
};

function dissect(parts: readonly Uint8Array[], begins: boolean): { text: string; octets: number } {
  const lines: string[] = [];
  let octets = 0;
  const visitor: SessionVisitor = {
    message: ({ field }) => {
      octets += field.length;
      lines.push(`${field.name} ${field.length} ${field.error?.outcome}`);
    },
    skipped: (length) => {
      octets += length;
      lines.push(`skipped ${length}`);
    },
  };
  const session = new SessionDissector({}, [visitor, visitor]);
  if (begins) session.begin(0);
  for (const part of parts) session.push(0, part);
  session.end(0);
  return { text: lines.join('\n'), octets };
}
