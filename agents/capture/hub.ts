import type { PacketDirection } from '../../protocol/pcapng/enhanced-packet.ts';
import { encodeSectionHeader } from '../../protocol/pcapng/section-header.ts';
import type { CaptureFilter } from '../control/types.ts';
import type { Clock } from '../ports.ts';
import { framePacketId } from './frame-id.ts';
import { type CaptureInterface, encodeInterface, filterIncludes, type InterfaceId } from './interface.ts';
import { type CaptureSink, type RecordedFrame, Subscription } from './subscription.ts';

/** What is known of a frame beside its bytes. */
export interface RecordDetails {
  /** Id of the innermost packet where the caller knows it; otherwise it is computed from the frame. */
  readonly packetId?: bigint;
  /** Shown with the packet, e.g. where it was learnt where to send it. */
  readonly comment?: string;
  /** The node dropped the packet here, and why. */
  readonly dropped?: string;
  /** Wall-clock nanoseconds; absent: now. */
  readonly time?: bigint;
}

export interface CaptureHubOptions {
  readonly clock: Clock;
  /** Name and version of the program, `podwire 0.1.0`. */
  readonly application?: string;
  /** Comments of the section: lab, node. */
  readonly comments?: readonly string[];
  /** Bytes that may wait for one slow reader; packets beyond it are dropped and counted. Default 4 MiB. */
  readonly bufferBytes?: number;
}

interface Registered {
  readonly description: CaptureInterface;
  readonly subscriptions: Set<Subscription>;
}

/**
 * Where one agent's frames are recorded: taps register interfaces and hand in frames, readers get them as pcapng.
 * While nobody captures, `record` is one boolean check.
 */
export class CaptureHub {
  readonly #options: CaptureHubOptions;
  readonly #interfaces = new Map<InterfaceId, Registered>();
  readonly #readers = new Map<Subscription, CaptureFilter>();
  #nextId: InterfaceId = 0;
  #active = false;
  #closed = false;

  constructor(options: CaptureHubOptions) {
    this.#options = options;
  }

  /** Whether anybody captures anything. */
  get active(): boolean {
    return this.#active;
  }

  /** Wall-clock nanoseconds, for frames whose time is known before they are recorded. */
  now(): bigint {
    return this.#options.clock.wallNanos();
  }

  /** Whether anybody captures on the interface: lets a caller skip making a frame that nobody wants. */
  wants(id: InterfaceId): boolean {
    return this.#active && (this.#interfaces.get(id)?.subscriptions.size ?? 0) > 0;
  }

  /** Registers an interface; captures that run and select it include it from now on. @throws RangeError on a bad address. */
  addInterface(description: CaptureInterface): InterfaceId {
    encodeInterface(description);
    const id = this.#nextId++;
    const registered: Registered = { description, subscriptions: new Set() };
    this.#interfaces.set(id, registered);
    for (const [subscription, filter] of this.#readers) this.#join(subscription, filter, id, registered);
    return id;
  }

  /** The interface is gone; frames recorded on it later are ignored. */
  removeInterface(id: InterfaceId): void {
    this.#interfaces.delete(id);
  }

  /**
   * Records an Ethernet frame (no FCS; copied before return) as seen by the interface: `inbound` it received it,
   * `outbound` it sent it, undefined on a link that has no side.
   */
  record(
    id: InterfaceId,
    direction: PacketDirection | undefined,
    bytes: Uint8Array,
    details?: RecordDetails,
  ): void {
    if (!this.#active) return;
    const registered = this.#interfaces.get(id);
    if (registered === undefined || registered.subscriptions.size === 0) return;
    const frame: RecordedFrame = {
      ...details,
      time: details?.time ?? this.#options.clock.wallNanos(),
      direction,
      bytes,
      packetId: details?.packetId ?? framePacketId(bytes),
    };
    for (const subscription of registered.subscriptions) subscription.record(id, frame);
  }

  /**
   * Streams pcapng to `sink` until `signal` aborts or the hub closes: first (during this call) the section header and
   * the interfaces selected, last the statistics. `onReady` is called when every later frame will be recorded.
   * Rejects where the sink throws or rejects.
   */
  capture(
    filter: CaptureFilter,
    sink: CaptureSink,
    signal: AbortSignal,
    onReady?: () => void,
  ): Promise<void> {
    if (signal.aborted || this.#closed) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { clock, bufferBytes = 4 << 20 } = this.#options;
    const abort = (): void => subscription.end();
    const subscription = new Subscription(clock, sink, bufferBytes, (error) => {
      signal.removeEventListener('abort', abort);
      this.#leave(subscription);
      if (error === undefined) resolve();
      else reject(error);
    });
    signal.addEventListener('abort', abort);
    this.#readers.set(subscription, filter);
    for (const [id, registered] of this.#interfaces) this.#join(subscription, filter, id, registered);
    this.#active = true;
    subscription.start(this.#sectionHeader());
    if (this.#readers.has(subscription)) onReady?.();
    return promise;
  }

  /** Ends all captures in order; none can be started afterwards. */
  close(): void {
    this.#closed = true;
    for (const subscription of [...this.#readers.keys()]) subscription.end();
  }

  #join(subscription: Subscription, filter: CaptureFilter, id: InterfaceId, registered: Registered): void {
    if (!filterIncludes(filter, registered.description.scope)) return;
    subscription.addInterface(id, registered.description);
    registered.subscriptions.add(subscription);
  }

  #leave(subscription: Subscription): void {
    for (const { subscriptions } of this.#interfaces.values()) subscriptions.delete(subscription);
    this.#readers.delete(subscription);
    this.#active = this.#readers.size > 0;
  }

  #sectionHeader(): Uint8Array {
    const { application, comments } = this.#options;
    return encodeSectionHeader({
      majorVersion: 1,
      minorVersion: 0,
      ...(application === undefined ? {} : { userApplication: application }),
      ...(comments === undefined ? {} : { comments }),
    });
  }
}
