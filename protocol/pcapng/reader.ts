import { DecodeError } from '../bytes/decode-error.ts';
import { BodyReader } from './body-reader.ts';
import { decodeEnhancedPacket, ENHANCED_PACKET_TYPE, type EnhancedPacket } from './enhanced-packet.ts';
import {
  decodeInterfaceDescription,
  INTERFACE_DESCRIPTION_TYPE,
  type InterfaceDescription,
} from './interface-description.ts';
import {
  decodeInterfaceStatistics,
  INTERFACE_STATISTICS_TYPE,
  type InterfaceStatistics,
} from './interface-statistics.ts';
import { decodeNameResolution, NAME_RESOLUTION_TYPE, type NameResolution } from './name-resolution.ts';
import { decodeObsoletePacket, OBSOLETE_PACKET_TYPE } from './obsolete-packet.ts';
import {
  BYTE_ORDER_MAGIC,
  decodeSectionHeader,
  SECTION_HEADER_TYPE,
  type SectionHeader,
} from './section-header.ts';
import { decodeSimplePacket, SIMPLE_PACKET_TYPE, type SimplePacket } from './simple-packet.ts';

/** A block of a type that podwire does not interpret; `body` is what stands between the two lengths. */
export interface OtherBlock {
  readonly kind: 'other';
  readonly type: number;
  readonly body: Uint8Array;
}

export type Block =
  | SectionHeader
  | InterfaceDescription
  | EnhancedPacket
  | SimplePacket
  | NameResolution
  | InterfaceStatistics
  | OtherBlock;

/** A larger block is taken for garbage, so that a wrong length cannot make the reader hoard memory. */
const MAX_BLOCK_LENGTH = 1 << 24;

const BLOCK_NAMES: Readonly<Record<number, string>> = {
  [SECTION_HEADER_TYPE]: 'pcapng section header',
  [INTERFACE_DESCRIPTION_TYPE]: 'pcapng interface description',
  [ENHANCED_PACKET_TYPE]: 'pcapng enhanced packet',
  [OBSOLETE_PACKET_TYPE]: 'pcapng packet',
  [SIMPLE_PACKET_TYPE]: 'pcapng simple packet',
  [NAME_RESOLUTION_TYPE]: 'pcapng name resolution',
  [INTERFACE_STATISTICS_TYPE]: 'pcapng interface statistics',
};

/**
 * Reads a pcapng stream as it comes, in pieces of any size and in both byte orders. Any bytes are safe: what is no
 * pcapng throws a {@link DecodeError} whose offset counts from the start of the stream, and the reader stays failed.
 */
export class PcapngReader {
  #pending: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  /** Stream offset of `#pending[#start]`. */
  #offset = 0;
  #littleEndian = true;
  #inSection = false;
  #interfaces: InterfaceDescription[] = [];
  #failure: DecodeError | undefined;

  /** Interfaces of the current section, by interface id. */
  get interfaces(): readonly InterfaceDescription[] {
    return this.#interfaces;
  }

  /**
   * Takes the next bytes (copied) and returns the blocks that they complete.
   * @param visit called with each block as it is read, also with those before a fault.
   * @throws DecodeError
   */
  push(bytes: Uint8Array, visit?: (block: Block) => void): Block[] {
    if (this.#failure !== undefined) throw this.#failure;
    this.#append(bytes);
    const blocks: Block[] = [];
    try {
      for (let block = this.#next(); block !== undefined; block = this.#next()) {
        blocks.push(block);
        visit?.(block);
      }
    } catch (error) {
      if (error instanceof DecodeError) this.#failure = error;
      throw error;
    }
    return blocks;
  }

  /** The stream is over. @throws DecodeError where it ends inside a block. */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#end > this.#start) {
      throw new DecodeError(
        'pcapng block',
        this.#offset,
        `stream ends after ${this.#end - this.#start} bytes of a block`,
      );
    }
  }

  #append(bytes: Uint8Array): void {
    const length = this.#end - this.#start;
    if (this.#end + bytes.length > this.#pending.length) {
      const room =
        length + bytes.length > this.#pending.length
          ? new Uint8Array(Math.max(4096, 2 * (length + bytes.length)))
          : this.#pending;
      room.set(this.#pending.subarray(this.#start, this.#end));
      this.#pending = room;
      this.#start = 0;
      this.#end = length;
    }
    this.#pending.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  #next(): Block | undefined {
    const available = this.#end - this.#start;
    if (available < 12) return undefined;
    const view = new DataView(this.#pending.buffer, this.#start, available);
    // The section header's type reads the same in both byte orders, and says which one follows.
    if (view.getUint32(0) === SECTION_HEADER_TYPE) this.#openSection(view);
    else if (!this.#inSection) {
      throw new DecodeError('pcapng stream', this.#offset, 'no section header block at its start');
    }
    const type = view.getUint32(0, this.#littleEndian);
    const total = view.getUint32(4, this.#littleEndian);
    if (total < 12 || total % 4 !== 0 || total > MAX_BLOCK_LENGTH) {
      const limits = `expected a multiple of 4 from 12 to ${MAX_BLOCK_LENGTH}`;
      throw new DecodeError('pcapng block', this.#offset + 4, `block total length ${total}, ${limits}`);
    }
    if (available < total) return undefined;
    const trailer = view.getUint32(total - 4, this.#littleEndian);
    if (trailer !== total) {
      const fault = `closing length ${trailer} differs from block total length ${total}`;
      throw new DecodeError('pcapng block', this.#offset + total - 4, fault);
    }
    // A copy, because the buffer is reused and packets outlive this call.
    const body = this.#pending.slice(this.#start + 8, this.#start + total - 4);
    const block = this.#decode(type, body);
    this.#start += total;
    this.#offset += total;
    return block;
  }

  #openSection(view: DataView): void {
    const magic = view.getUint32(8, true);
    if (magic !== BYTE_ORDER_MAGIC && view.getUint32(8) !== BYTE_ORDER_MAGIC) {
      const found = magic.toString(16).padStart(8, '0');
      throw new DecodeError(
        BLOCK_NAMES[SECTION_HEADER_TYPE]!,
        this.#offset + 8,
        `no byte-order magic: ${found}`,
      );
    }
    this.#littleEndian = magic === BYTE_ORDER_MAGIC;
    this.#inSection = true;
    this.#interfaces = [];
  }

  #decode(type: number, bytes: Uint8Array): Block {
    const body = new BodyReader(
      bytes,
      this.#littleEndian,
      this.#offset + 8,
      BLOCK_NAMES[type] ?? 'pcapng block',
    );
    switch (type) {
      case SECTION_HEADER_TYPE:
        return decodeSectionHeader(body);
      case INTERFACE_DESCRIPTION_TYPE: {
        const description = decodeInterfaceDescription(body);
        this.#interfaces.push(description);
        return description;
      }
      case ENHANCED_PACKET_TYPE:
        return this.#known(decodeEnhancedPacket(body));
      case OBSOLETE_PACKET_TYPE:
        return this.#known(decodeObsoletePacket(body));
      case SIMPLE_PACKET_TYPE:
        return decodeSimplePacket(body, this.#first().snapLength);
      case NAME_RESOLUTION_TYPE:
        return decodeNameResolution(body);
      case INTERFACE_STATISTICS_TYPE:
        return this.#known(decodeInterfaceStatistics(body));
      default:
        return { kind: 'other', type, body: bytes };
    }
  }

  /** The interface of packets that name none. */
  #first(): InterfaceDescription {
    const [first] = this.#interfaces;
    if (first !== undefined) return first;
    throw new DecodeError('pcapng simple packet', this.#offset, 'no interface described so far');
  }

  #known<T extends EnhancedPacket | InterfaceStatistics>(block: T): T {
    if (block.interfaceId < this.#interfaces.length) return block;
    const fault = `interface ${block.interfaceId}, but only ${this.#interfaces.length} described so far`;
    throw new DecodeError(`pcapng ${block.kind.replace('-', ' ')}`, this.#offset + 8, fault);
  }
}
