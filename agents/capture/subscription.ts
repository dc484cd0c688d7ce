import { concatBytes } from '../../protocol/bytes/concat.ts';
import {
  directionFlags,
  encodeEnhancedPacket,
  type PacketDirection,
} from '../../protocol/pcapng/enhanced-packet.ts';
import { encodeInterfaceStatistics } from '../../protocol/pcapng/interface-statistics.ts';
import type { Clock, Timer } from '../ports.ts';
import { type CaptureInterface, encodeInterface, type InterfaceId } from './interface.ts';

/** Takes a capture's bytes. A promise says that the reader is busy until it settles; meanwhile the hub buffers. */
export type CaptureSink = (bytes: Uint8Array) => void | Promise<void>;

/** A frame as it goes to every subscriber. */
export interface RecordedFrame {
  readonly time: bigint;
  readonly direction: PacketDirection | undefined;
  /** Valid during the call only. */
  readonly bytes: Uint8Array;
  readonly packetId: bigint | undefined;
  /** Why the node dropped it; absent: it did not. */
  readonly dropped?: string;
  readonly comment?: string;
}

/** TC_ACT_SHOT of Linux (include/uapi/linux/pkt_cls.h): the packet was dropped. */
const TC_ACT_SHOT = 2n;

interface Announced {
  /** Interface id in this stream; undefined until it is described. */
  streamId: number | undefined;
  readonly blocks: readonly Uint8Array[];
  received: bigint;
  dropped: bigint;
  /** Of the dropped, those that no packet block has told yet. */
  untold: bigint;
}

/**
 * One reader's stream. Blocks are queued up to a limit while the reader is busy; beyond it packets are dropped and
 * counted: in the next packet's epb_dropcount and in the statistics at the end.
 */
export class Subscription {
  readonly #clock: Clock;
  readonly #sink: CaptureSink;
  readonly #limit: number;
  readonly #onEnd: (error?: unknown) => void;
  readonly #startTime: bigint;
  readonly #interfaces = new Map<InterfaceId, Announced>();
  #described = 0;
  #queue: Uint8Array[] = [];
  #queued = 0;
  #busy = false;
  #flush: Timer | undefined;
  #ended = false;

  /** @param limit bytes that may wait for the reader. @param onEnd called once, with an error where the sink failed. */
  constructor(clock: Clock, sink: CaptureSink, limit: number, onEnd: (error?: unknown) => void) {
    this.#clock = clock;
    this.#sink = sink;
    this.#limit = limit;
    this.#onEnd = onEnd;
    this.#startTime = clock.wallNanos();
  }

  /** Delivers the section header and the interfaces added so far, at once, so that a reader can begin. */
  start(sectionHeader: Uint8Array): void {
    this.#enqueue(sectionHeader);
    for (const announced of this.#interfaces.values()) this.#describe(announced);
    this.#deliver();
  }

  /** Makes an interface known; after `start` it is described only before its first packet. */
  addInterface(id: InterfaceId, it: CaptureInterface): void {
    const blocks = encodeInterface(it);
    this.#interfaces.set(id, { streamId: undefined, blocks, received: 0n, dropped: 0n, untold: 0n });
  }

  record(id: InterfaceId, frame: RecordedFrame): void {
    const announced = this.#interfaces.get(id);
    if (announced === undefined || this.#ended) return;
    announced.received++;
    if (this.#queued + frame.bytes.length + 128 > this.#limit) {
      announced.dropped++;
      announced.untold++;
      return;
    }
    const streamId = announced.streamId ?? this.#describe(announced);
    this.#enqueue(packetBlock(streamId, frame, announced.untold));
    announced.untold = 0n;
    this.#scheduleFlush();
  }

  /** Ends the stream with the statistics, unless the reader is busy: then it gets nothing more. */
  end(): void {
    if (this.#ended) return;
    if (!this.#busy) {
      for (const announced of this.#interfaces.values()) this.#enqueueStatistics(announced);
      this.#deliver();
    }
    this.#finish();
  }

  #describe(announced: Announced): number {
    const streamId = this.#described++;
    announced.streamId = streamId;
    for (const block of announced.blocks) this.#enqueue(block);
    return streamId;
  }

  #enqueueStatistics(announced: Announced): void {
    if (announced.streamId === undefined && announced.received === 0n) return;
    const now = this.#clock.wallNanos();
    const statistics = encodeInterfaceStatistics({
      interfaceId: announced.streamId ?? this.#describe(announced),
      timestamp: now,
      startTime: this.#startTime,
      endTime: now,
      received: announced.received,
      dropped: announced.dropped,
      delivered: announced.received - announced.dropped,
    });
    this.#enqueue(statistics);
  }

  #enqueue(block: Uint8Array): void {
    this.#queue.push(block);
    this.#queued += block.length;
  }

  #scheduleFlush(): void {
    if (this.#busy || this.#flush !== undefined) return;
    // The next turn of the loop: what one event causes travels together, and recording never calls the reader.
    this.#flush = this.#clock.setTimer(0, () => {
      this.#flush = undefined;
      this.#deliver();
    });
  }

  #deliver(): void {
    if (this.#ended || this.#busy || this.#queue.length === 0) return;
    const bytes = concatBytes(this.#queue);
    this.#queue = [];
    this.#queued = 0;
    let taken: void | Promise<void>;
    try {
      taken = this.#sink(bytes);
    } catch (error) {
      this.#finish(error);
      return;
    }
    if (taken instanceof Promise) this.#waitFor(taken);
  }

  #waitFor(taken: Promise<void>): void {
    this.#busy = true;
    taken.then(
      () => {
        this.#busy = false;
        this.#deliver();
      },
      (error: unknown) => this.#finish(error),
    );
  }

  #finish(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#flush?.cancel();
    this.#queue = [];
    this.#queued = 0;
    this.#onEnd(error);
  }
}

function packetBlock(interfaceId: number, frame: RecordedFrame, dropCount: bigint): Uint8Array {
  const { direction, packetId, dropped, comment } = frame;
  const comments: string[] = [];
  if (comment !== undefined) comments.push(comment);
  if (dropped !== undefined) comments.push(`dropped: ${dropped}`);
  return encodeEnhancedPacket({
    interfaceId,
    timestamp: frame.time,
    data: frame.bytes,
    originalLength: frame.bytes.length,
    ...(direction === undefined ? {} : { flags: directionFlags(direction) }),
    ...(dropCount === 0n ? {} : { dropCount }),
    ...(packetId === undefined ? {} : { packetId }),
    ...(dropped === undefined ? {} : { verdicts: [{ kind: 'tc', action: TC_ACT_SHOT }] }),
    ...(comments.length === 0 ? {} : { comments }),
  });
}
