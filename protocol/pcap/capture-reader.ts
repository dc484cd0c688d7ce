import { DecodeError } from '../bytes/decode-error.ts';
import type { InterfaceDescription } from '../pcapng/interface-description.ts';
import { type Block, PcapngReader } from '../pcapng/reader.ts';
import { SECTION_HEADER_TYPE } from '../pcapng/section-header.ts';
import { timestampNanos } from '../pcapng/timestamp.ts';
import { isPcap, PcapReader } from './reader.ts';

/** A packet of a capture in either format. */
export interface CapturedPacket {
  /** Place in the file, from 1, as Wireshark numbers frames. */
  readonly number: number;
  /** Nanoseconds since the epoch; undefined where the capture does not say. */
  readonly nanos: bigint | undefined;
  /** LINKTYPE_ value. */
  readonly linkType: number;
  readonly data: Uint8Array;
  /** Length on the wire, at least `data.length`. */
  readonly originalLength: number;
}

/** Whether a stream that begins with these octets (4 or more) is a capture: pcap or pcapng. */
export function isCapture(bytes: Uint8Array): boolean {
  return isPcap(bytes) || isPcapng(bytes);
}

function isPcapng(bytes: Uint8Array): boolean {
  if (bytes.length < 4) return false;
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) === SECTION_HEADER_TYPE;
}

/** What is done with each packet. */
type Visit = (packet: CapturedPacket) => void;

/** Reads pcap or pcapng, whichever the first bytes are, as they come. Other bytes throw a {@link DecodeError}. */
export class CaptureReader {
  #reader: PcapReader | PcapngReader | undefined;
  #start = new Uint8Array(0);
  #packets = 0;

  /**
   * Takes the next bytes (copied) and visits the packets that they complete, also those before a fault.
   * @throws DecodeError
   */
  push(bytes: Uint8Array, visit: Visit): void {
    if (this.#reader !== undefined) {
      this.#feed(this.#reader, bytes, visit);
      return;
    }
    const start = new Uint8Array(this.#start.length + bytes.length);
    start.set(this.#start);
    start.set(bytes, this.#start.length);
    this.#start = start;
    if (start.length < 4) return;
    if (!isCapture(start)) throw new DecodeError('capture', 0, 'expected the magic number of pcap or pcapng');
    this.#reader = isPcap(start) ? new PcapReader() : new PcapngReader();
    this.#start = new Uint8Array(0);
    this.#feed(this.#reader, start, visit);
  }

  /** The stream is over. @throws DecodeError where it ends inside a packet. */
  end(): void {
    if (this.#reader === undefined)
      throw new DecodeError('capture', 0, `ends after ${this.#start.length} bytes`);
    this.#reader.end();
  }

  #feed(reader: PcapReader | PcapngReader, bytes: Uint8Array, visit: Visit): void {
    if (reader instanceof PcapReader) {
      reader.push(bytes, (packet) =>
        visit({ ...packet, number: ++this.#packets, linkType: reader.linkType! }),
      );
      return;
    }
    reader.push(bytes, (block) => {
      const packet = packetOf(block, reader.interfaces);
      if (packet !== undefined) visit({ ...packet, number: ++this.#packets });
    });
  }
}

/** The packet of a block, if it is one. @param interfaces of the block's section, as far as it was read. */
function packetOf(
  block: Block,
  interfaces: readonly InterfaceDescription[],
): Omit<CapturedPacket, 'number'> | undefined {
  if (block.kind === 'simple-packet') {
    const { data, originalLength } = block;
    return { nanos: undefined, linkType: interfaces[0]!.linkType, data, originalLength };
  }
  if (block.kind !== 'enhanced-packet') return undefined;
  const { interfaceId, timestamp, data, originalLength } = block;
  const description = interfaces[interfaceId]!;
  const nanos = timestampNanos(timestamp, description);
  return {
    nanos,
    linkType: description.linkType,
    data,
    originalLength: Math.max(originalLength, data.length),
  };
}
