import { DecodeError } from '../bytes/decode-error.ts';

/**
 * Classic pcap (draft-ietf-opsawg-pcap §4, §5). A file header of 24 octets:
 *
 *   0: 4 magic · 4: 2 major · 6: 2 minor · 8: 8 unused · 16: 4 snap length · 20: 4 link type (low 16 bits)
 *
 * and per packet 16 octets before its data:
 *
 *   0: 4 seconds · 4: 4 microseconds or nanoseconds · 8: 4 captured length · 12: 4 original length
 *
 * all in the byte order that the magic shows.
 */
const FILE_HEADER_LENGTH = 24;
const PACKET_HEADER_LENGTH = 16;

/** Magic of timestamps in microseconds, and in nanoseconds. */
export const PCAP_MICROSECONDS = 0xa1b2c3d4;
export const PCAP_NANOSECONDS = 0xa1b23c4d;

/** Larger than any snap length that tools use: a wrong length cannot make the reader hoard memory. */
const MAX_CAPTURED_LENGTH = 1 << 24;

export interface PcapPacket {
  /** Nanoseconds since the epoch. */
  readonly nanos: bigint;
  readonly data: Uint8Array;
  /** Length on the wire, at least `data.length`. */
  readonly originalLength: number;
}

/** Whether a stream that begins with these octets is classic pcap, of either byte order and resolution. */
export function isPcap(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && formOf(bytes) !== undefined;
}

function formOf(
  bytes: Uint8Array,
): { readonly littleEndian: boolean; readonly nanosPerTick: bigint } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 4);
  for (const littleEndian of [true, false]) {
    const magic = view.getUint32(0, littleEndian);
    if (magic === PCAP_MICROSECONDS) return { littleEndian, nanosPerTick: 1000n };
    if (magic === PCAP_NANOSECONDS) return { littleEndian, nanosPerTick: 1n };
  }
  return undefined;
}

/**
 * Reads a classic pcap stream as it comes, in pieces of any size. Any bytes are safe: what is no pcap throws a
 * {@link DecodeError} whose offset counts from the start of the stream, and the reader stays failed.
 */
export class PcapReader {
  /** LINKTYPE_ value of every packet; undefined until the file header is there. */
  linkType: number | undefined;
  #pending: Uint8Array = new Uint8Array(0);
  /** Stream offset of `#pending[0]`. */
  #offset = 0;
  #littleEndian = true;
  #nanosPerTick = 1000n;
  #failure: DecodeError | undefined;

  /**
   * Takes the next bytes (copied) and visits the packets that they complete, also those before a fault.
   * @throws DecodeError
   */
  push(bytes: Uint8Array, visit: (packet: PcapPacket) => void): void {
    if (this.#failure !== undefined) throw this.#failure;
    const data = new Uint8Array(this.#pending.length + bytes.length);
    data.set(this.#pending);
    data.set(bytes, this.#pending.length);
    let at = 0;
    try {
      if (this.linkType === undefined && data.length >= FILE_HEADER_LENGTH) {
        this.#readFileHeader(data);
        at = FILE_HEADER_LENGTH;
      }
      if (this.linkType !== undefined) at = this.#readPackets(data, at, visit);
    } catch (error) {
      if (error instanceof DecodeError) this.#failure = error;
      throw error;
    }
    this.#pending = data.subarray(at);
    this.#offset += at;
  }

  /** The stream is over. @throws DecodeError where it ends inside a packet, as one that is still being written may. */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#pending.length === 0 && this.linkType !== undefined) return;
    const what = this.linkType === undefined ? 'the file header' : 'a packet';
    throw new DecodeError('pcap stream', this.#offset, `ends after ${this.#pending.length} bytes of ${what}`);
  }

  #readFileHeader(data: Uint8Array): void {
    const form = formOf(data);
    if (form === undefined)
      throw new DecodeError('pcap file header', 0, 'expected one of the four magic numbers');
    this.#littleEndian = form.littleEndian;
    this.#nanosPerTick = form.nanosPerTick;
    const view = new DataView(data.buffer, data.byteOffset, FILE_HEADER_LENGTH);
    const major = view.getUint16(4, form.littleEndian);
    if (major !== 2) throw new DecodeError('pcap file header', 4, `version ${major}, expected 2`);
    // The upper bits tell of a frame check sequence.
    this.linkType = view.getUint32(20, form.littleEndian) & 0xffff;
  }

  /** Returns where the first packet begins that is not whole yet. */
  #readPackets(data: Uint8Array, start: number, visit: (packet: PcapPacket) => void): number {
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    let at = start;
    while (data.length - at >= PACKET_HEADER_LENGTH) {
      const length = view.getUint32(at + 8, this.#littleEndian);
      if (length > MAX_CAPTURED_LENGTH) {
        const limits = `captured length ${length}, expected at most ${MAX_CAPTURED_LENGTH}`;
        throw new DecodeError('pcap packet', this.#offset + at + 8, limits);
      }
      if (data.length - at < PACKET_HEADER_LENGTH + length) break;
      const seconds = BigInt(view.getUint32(at, this.#littleEndian));
      const ticks = BigInt(view.getUint32(at + 4, this.#littleEndian));
      const from = at + PACKET_HEADER_LENGTH;
      visit({
        nanos: seconds * 1_000_000_000n + ticks * this.#nanosPerTick,
        data: data.subarray(from, from + length),
        originalLength: Math.max(length, view.getUint32(at + 12, this.#littleEndian)),
      });
      at = from + length;
    }
    return at;
  }
}
