// Capture files, the packets in them, and the TCP connections that those make.
import { CaptureDecoder } from '../../../lab/cli/bgp-decode-decoders.ts';
import type { DecodeRecord } from '../../../lab/cli/bgp-decode-record.ts';
import { DecodeError } from '../../../protocol/bytes/decode-error.ts';
import { toHex } from '../../../protocol/bytes/hex.ts';
import { encodeEnhancedPacket } from '../../../protocol/pcapng/enhanced-packet.ts';
import { encodeInterfaceDescription } from '../../../protocol/pcapng/interface-description.ts';
import { encodeSectionHeader } from '../../../protocol/pcapng/section-header.ts';
import { TcpStream } from '../../../protocol/tcp/stream.ts';
import { packet, pcap, type Segment, session } from '../../unit/bgp/decode-cli-capture.ts';
import { joined, mutateBytes } from '../mutate.ts';
import type { FuzzRandom } from '../random.ts';
import { MESSAGES, OPENS } from '../seeds.ts';
import type { FuzzTarget } from '../target.ts';
import { anyStream, pieceSizes, pieces } from './stream.ts';

const LINKTYPE_RAW = 101;

function anySegments(random: FuzzRandom): Segment[] {
  const says: (readonly [0 | 1, Uint8Array])[] = [
    [0, random.pick(OPENS)],
    [1, random.pick(OPENS)],
    [0, random.oneIn(2) ? anyStream(random) : random.pick(MESSAGES)],
    [1, random.pick(MESSAGES)],
  ];
  const cut = says.flatMap(([from, bytes]) =>
    pieces(bytes, [1 + random.below(300)]).map((piece) => [from, piece] as const),
  );
  const segments = session(cut, !random.oneIn(4));
  // Lost, repeated, and in another order.
  for (let left = random.below(4); left > 0; left--) {
    const at = random.below(segments.length);
    const [taken] = segments.splice(at, 1);
    if (taken !== undefined && !random.oneIn(3)) segments.splice(random.below(segments.length + 1), 0, taken);
    if (taken !== undefined && random.oneIn(3)) segments.push(taken);
  }
  return segments;
}

function pcapng(frames: readonly Uint8Array[]): Uint8Array {
  return joined(
    encodeSectionHeader({ majorVersion: 1, minorVersion: 0 }),
    encodeInterfaceDescription({ linkType: LINKTYPE_RAW, snapLength: 0 }),
    ...frames.map((data, i) =>
      encodeEnhancedPacket({ interfaceId: 0, timestamp: BigInt(i), data, originalLength: data.length }),
    ),
  );
}

interface CaptureCase {
  readonly sizes: readonly number[];
}

/** Whole files as `podwire bgp decode` reads them: the same records, however the octets arrive, or a DecodeError. */
export const captureTarget: FuzzTarget<CaptureCase> = {
  name: 'capture',
  weight: 2,
  make(random) {
    const frames = anySegments(random).map(packet);
    if (random.oneIn(2)) {
      const at = random.below(frames.length);
      frames[at] = mutateBytes(frames[at]!, random, frames);
    }
    const file = random.oneIn(2) ? pcap(frames) : pcapng(frames);
    return {
      bytes: random.oneIn(2) ? file : mutateBytes(file, random, [file]),
      sizes: [...pieceSizes(random), 400],
    };
  },
  check(bytes, { sizes }) {
    const whole = decode([bytes]);
    const inPieces = decode(pieces(bytes, sizes));
    if (whole !== inPieces) throw new Error(`in pieces: ${inPieces}\nwhole: ${whole}`);
  },
};

function decode(parts: readonly Uint8Array[]): string {
  const lines: string[] = [];
  const emit = (record: DecodeRecord): void => {
    const length = record.kind === 'message' ? JSON.stringify(record, plain).length : 0;
    lines.push(`${record.kind} ${JSON.stringify(record.place, plain)} ${length}`);
  };
  const decoder = new CaptureDecoder({}, [179], emit);
  try {
    for (const part of parts) decoder.push(part);
    decoder.end();
    lines.push(...decoder.remarks());
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    lines.push(error.message);
  }
  return lines.join('\n');
}

function plain(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  return typeof value === 'bigint' ? value.toString() : value;
}

interface TcpCase {
  readonly origin: number;
  /** Where segments start in the stream, and how long they are, in the order in which they come. */
  readonly segments: readonly (readonly [number, number])[];
}

/** Segments of a stream in any order, lost, repeated, overlapping: what comes out are its octets, each once, with gaps. */
export const tcpTarget: FuzzTarget<TcpCase> = {
  name: 'tcp',
  weight: 2,
  make(random) {
    const bytes = random.bytes(1 + random.below(400));
    const segments: [number, number][] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + random.below(60);
      segments.push([Math.max(0, at - (random.oneIn(4) ? random.below(40) : 0)), length]);
      at += length;
    }
    for (let left = random.below(8); left > 0; left--) {
      const [taken] = segments.splice(random.below(segments.length), 1);
      if (taken !== undefined && !random.oneIn(4))
        segments.splice(random.below(segments.length + 1), 0, taken);
    }
    return { bytes, segments, origin: random.oneIn(3) ? 2 ** 32 - random.below(400) : random.uint32() };
  },
  check(bytes, { segments, origin }) {
    let at = 0;
    const stream = new TcpStream({
      data: (part) => {
        if (toHex(part) !== toHex(bytes.subarray(at, at + part.length)))
          throw new Error(`other octets at ${at}`);
        at += part.length;
      },
      gap: (length) => {
        if (!(length > 0)) throw new Error(`gap of ${length}`);
        at += length;
      },
    });
    stream.begin(origin);
    for (const [start, length] of segments) {
      const part = bytes.slice(start, start + length);
      stream.push((origin + start) >>> 0, part);
      part.fill(0xee);
    }
    stream.end();
    const last = segments.reduce(
      (most, [start, length]) => Math.max(most, Math.min(start + length, bytes.length)),
      0,
    );
    if (segments.length > 0 && at !== last) throw new Error(`ends at ${at} of ${last}`);
  },
};
