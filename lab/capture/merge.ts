import type { AgentControl, CaptureFilter } from '../../agents/control/types.ts';
import type { Clock, Timer } from '../../agents/ports.ts';
import { type EnhancedPacket, encodeEnhancedPacket } from '../../protocol/pcapng/enhanced-packet.ts';
import { encodeNameResolution } from '../../protocol/pcapng/name-resolution.ts';
import { type Block, PcapngReader } from '../../protocol/pcapng/reader.ts';
import { encodeSectionHeader } from '../../protocol/pcapng/section-header.ts';
import { timestampNanos } from '../../protocol/pcapng/timestamp.ts';
import { MergedInterfaces, type SourceInterface } from './merged-interfaces.ts';
import { type CaptureOutput, isReaderGone, OutputQueue } from './output.ts';
import { ReorderBuffer } from './reorder-buffer.ts';

/** One pcapng stream to merge. */
export interface CaptureSource {
  /** For messages: the node's name. */
  readonly name: string;
  /** As {@link AgentControl.capture}, with the filter already chosen. */
  capture(
    onBytes: (bytes: Uint8Array) => void | Promise<void>,
    signal: AbortSignal,
    onReady: () => void,
  ): Promise<void>;
}

export interface MergeOptions {
  readonly clock: Clock;
  /** Stops after this many packets. */
  readonly count?: number;
  /** Stops after this time. */
  readonly durationMs?: number;
  /** Stops in order. */
  readonly signal?: AbortSignal;
  /** Name and version of the program, and comments, for the section header. */
  readonly application?: string;
  readonly os?: string;
  readonly hardware?: string;
  readonly comments?: readonly string[];
  /** How long a packet waits for earlier ones of other sources; default 50 ms. */
  readonly reorderMs?: number;
  /** Called when every later packet of every source (but failed ones) will be captured. */
  readonly onReady?: () => void;
}

export interface MergeResult {
  /** Packets written. */
  readonly packets: number;
  /** Packets that are missing because a reader was too slow. */
  readonly lost: bigint;
  readonly reason: 'count' | 'duration' | 'aborted' | 'reader-gone' | 'ended';
  /** Sources that ended with an error; the capture went on without them. */
  readonly failures: readonly { readonly source: string; readonly message: string }[];
}

/** Bytes that may wait for the output before the sources are told to wait. */
const OUTPUT_LIMIT = 1 << 20;
/** Packets that may wait for their order; beyond it the sources wait, too. */
const REORDER_LIMIT = 16384;
/** How long sources may take to end in order, ms. */
const GRACE = 1000;

/** A source that captures on an agent. */
export function agentSource(agent: AgentControl, filter: CaptureFilter): CaptureSource {
  return {
    name: agent.node,
    capture: (onBytes, signal, onReady) => agent.capture(filter, onBytes, signal, onReady),
  };
}

/**
 * Merges live pcapng streams into one section on `output`: interfaces renumbered, packets in the order of their times
 * within a small window, statistics at the end. Each packet is handed to the output at most `reorderMs` after it came.
 * Resolves when all is written; rejects where the output fails for another reason than a reader that went away.
 */
export function mergeCaptures(
  sources: readonly CaptureSource[],
  output: CaptureOutput,
  options: MergeOptions,
): Promise<MergeResult> {
  return new Merge(output, options).run(sources);
}

class Merge {
  readonly #options: MergeOptions;
  readonly #clock: Clock;
  readonly #queue: OutputQueue;
  readonly #gone: AbortSignal | undefined;
  readonly #interfaces: MergedInterfaces;
  readonly #reorder: ReorderBuffer<Omit<EnhancedPacket, 'kind'>>;
  readonly #stop = new AbortController();
  readonly #failures: { source: string; message: string }[] = [];
  #reason: MergeResult['reason'] = 'ended';
  #outputError: unknown;
  #packets = 0;
  /** Sources that did not end in time may still speak; nobody listens any more. */
  #finished = false;
  #release: Timer | undefined;

  constructor(output: CaptureOutput, options: MergeOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#gone = output.gone;
    this.#queue = new OutputQueue(output, OUTPUT_LIMIT, (error) => this.#outputFailed(error));
    this.#interfaces = new MergedInterfaces(options.clock.wallNanos());
    this.#reorder = new ReorderBuffer(options.reorderMs ?? 50);
  }

  async run(sources: readonly CaptureSource[]): Promise<MergeResult> {
    const { signal, durationMs } = this.#options;
    const abort = (): void => this.#end('aborted');
    const gone = (): void => this.#end('reader-gone');
    signal?.addEventListener('abort', abort);
    this.#gone?.addEventListener('abort', gone);
    if (signal?.aborted === true) abort();
    if (this.#gone?.aborted === true) gone();
    const timer =
      durationMs === undefined ? undefined : this.#clock.setTimer(durationMs, () => this.#end('duration'));
    this.#queue.push(encodeSectionHeader(this.#section()));
    await this.#captureAll(sources);
    timer?.cancel();
    signal?.removeEventListener('abort', abort);
    this.#gone?.removeEventListener('abort', gone);
    await this.#finish();
    if (this.#outputError !== undefined) throw this.#outputError;
    return {
      packets: this.#packets,
      lost: this.#interfaces.lost(),
      reason: this.#reason,
      failures: this.#failures,
    };
  }

  #section(): Parameters<typeof encodeSectionHeader>[0] {
    const { application, os, hardware, comments } = this.#options;
    return {
      majorVersion: 1,
      minorVersion: 0,
      ...(hardware === undefined ? {} : { hardware }),
      ...(os === undefined ? {} : { os }),
      ...(application === undefined ? {} : { userApplication: application }),
      ...(comments === undefined ? {} : { comments }),
    };
  }

  /** Resolves when all sources have ended, or a little after the stop for those that do not. */
  async #captureAll(sources: readonly CaptureSource[]): Promise<void> {
    let waiting = sources.length;
    const oneReady = (): void => {
      waiting--;
      if (waiting === 0) this.#options.onReady?.();
    };
    if (waiting === 0) this.#options.onReady?.();
    const all = Promise.all(sources.map((source) => this.#capture(source, oneReady)));
    const { promise: late, resolve } = Promise.withResolvers<void>();
    let grace: Timer | undefined;
    const startGrace = (): void => {
      grace = this.#clock.setTimer(GRACE, resolve);
    };
    if (this.#stop.signal.aborted) startGrace();
    else this.#stop.signal.addEventListener('abort', startGrace, { once: true });
    await Promise.race([all, late]);
    this.#stop.signal.removeEventListener('abort', startGrace);
    grace?.cancel();
  }

  async #capture(source: CaptureSource, onReady: () => void): Promise<void> {
    const reader = new PcapngReader();
    let shares: SourceInterface[] = [];
    let ready = false;
    const once = (): void => {
      if (!ready) onReady();
      ready = true;
    };
    const onBytes = (bytes: Uint8Array): void | Promise<void> => {
      if (this.#finished) return undefined;
      for (const block of reader.push(bytes)) {
        if (block.kind === 'section-header') shares = [];
        else this.#take(block, shares);
      }
      return this.#room();
    };
    try {
      if (!this.#stop.signal.aborted) await source.capture(onBytes, this.#stop.signal, once);
    } catch (error) {
      if (!this.#stop.signal.aborted) {
        this.#failures.push({
          source: source.name,
          message: error instanceof Error ? error.message : String(error),
        });
      }
    } finally {
      once();
    }
  }

  #take(block: Block, shares: SourceInterface[]): void {
    switch (block.kind) {
      case 'interface-description': {
        const { share, block: bytes } = this.#interfaces.add(block);
        shares.push(share);
        if (bytes !== undefined) this.#queue.push(bytes);
        return;
      }
      case 'name-resolution':
        this.#queue.push(encodeNameResolution(block));
        return;
      case 'enhanced-packet':
        this.#takePacket(block, shares[block.interfaceId]!);
        return;
      case 'interface-statistics':
        shares[block.interfaceId]!.statistics = block;
        return;
    }
  }

  #takePacket(packet: EnhancedPacket, share: SourceInterface): void {
    share.packets++;
    share.lost += packet.dropCount ?? 0n;
    const timestamp = timestampNanos(packet.timestamp, share.description);
    const now = this.#clock.now();
    this.#reorder.add(timestamp, { ...packet, interfaceId: share.mergedId, timestamp }, now);
    if (this.#release === undefined) this.#armRelease(now);
  }

  /** Undefined where the source may go on; otherwise it waits for the output. */
  #room(): Promise<void> | undefined {
    if (this.#reorder.size > REORDER_LIMIT) this.#write(this.#reorder.drain());
    return this.#queue.ready();
  }

  #armRelease(now: number): void {
    const deadline = this.#reorder.nextDeadline();
    this.#release = undefined;
    if (deadline === undefined) return;
    this.#release = this.#clock.setTimer(Math.max(0, deadline - now), () => {
      const later = this.#clock.now();
      this.#write(this.#reorder.release(later));
      this.#armRelease(later);
    });
  }

  #write(packets: readonly Omit<EnhancedPacket, 'kind'>[]): void {
    for (const packet of packets) {
      if (this.#packets === this.#options.count) return;
      this.#packets++;
      this.#interfaces.delivered(packet.interfaceId);
      this.#queue.push(encodeEnhancedPacket(packet));
      if (this.#packets === this.#options.count) this.#end('count');
    }
  }

  #end(reason: MergeResult['reason']): void {
    if (this.#stop.signal.aborted) return;
    this.#reason = reason;
    this.#stop.abort();
  }

  #outputFailed(error: unknown): void {
    if (!isReaderGone(error)) this.#outputError = error;
    this.#end('reader-gone');
  }

  async #finish(): Promise<void> {
    this.#finished = true;
    this.#release?.cancel();
    if (this.#reason === 'reader-gone') return;
    this.#write(this.#reorder.drain());
    for (const block of this.#interfaces.statistics(this.#clock.wallNanos())) this.#queue.push(block);
    // A reader that goes away only now changes nothing: the capture is over.
    await this.#queue.drained();
  }
}
