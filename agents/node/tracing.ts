import type { Forwarder } from '../../protocol/forwarder/forwarder.ts';
import { formatPacketId } from '../../protocol/forwarder/packet-id.ts';
import type {
  TraceFilter as ForwarderFilter,
  TracedPacket,
  TraceStep,
} from '../../protocol/forwarder/types.ts';
import { formatIpv4, parseIpv4 } from '../../protocol/ip/ipv4.ts';
import type { TraceFilter, TraceStepRow } from '../control/types.ts';
import type { Clock } from '../ports.ts';
import { aborted } from '../wait.ts';

const PROTOCOLS = { icmp: 1, tcp: 6, udp: 17 } as const;

/** Hands the forwarder's steps to whoever traces; several people may trace different packets at once. */
export class Tracing {
  readonly #forwarder: Forwarder;
  readonly #node: string;
  readonly #clock: Clock;
  /** Listeners by the filter that the forwarder knows them by. */
  readonly #listeners = new Map<ForwarderFilter, (step: TraceStepRow) => void>();
  readonly #closed = new AbortController();

  constructor(forwarder: Forwarder, node: string, clock: Clock) {
    this.#forwarder = forwarder;
    this.#node = node;
    this.#clock = clock;
  }

  /**
   * Reports steps until `signal` aborts or the node ends; `onReady` when every later packet is traced. Rejects with a
   * RangeError where an address of the filter is none, and with what `onStep` throws.
   */
  async trace(
    filter: TraceFilter,
    onStep: (step: TraceStepRow) => void,
    signal: AbortSignal,
    onReady?: () => void,
  ): Promise<void> {
    const key = forwarderFilter(filter);
    if (signal.aborted || this.#closed.signal.aborted) return;
    // Steps come from inside of the packet path, down which an error of a listener must not go.
    const failed = new AbortController();
    this.#listeners.set(key, (row) => {
      try {
        onStep(row);
      } catch (error) {
        this.#remove(key);
        failed.abort(error);
      }
    });
    this.#setFilters();
    try {
      onReady?.();
      await aborted(signal, failed.signal, this.#closed.signal);
    } finally {
      this.#remove(key);
    }
    failed.signal.throwIfAborted();
  }

  /** A step of the forwarder. */
  step(step: TraceStep, packet: TracedPacket): void {
    const row: TraceStepRow = {
      node: this.#node,
      time: this.#clock.wallNanos().toString(),
      packetId: formatPacketId(packet.id),
      source: formatIpv4(packet.source),
      destination: formatIpv4(packet.destination),
      at: step.at,
      text: step.text,
      fields: step.fields,
    };
    for (const filter of packet.filters) this.#listeners.get(filter)?.(row);
  }

  /** Ends every trace. */
  close(): void {
    this.#closed.abort();
  }

  #remove(key: ForwarderFilter): void {
    if (this.#listeners.delete(key)) this.#setFilters();
  }

  #setFilters(): void {
    this.#forwarder.setTraceFilters([...this.#listeners.keys()]);
  }
}

function forwarderFilter(filter: TraceFilter): ForwarderFilter {
  return {
    ...(filter.a === undefined ? {} : { a: parseIpv4(filter.a) }),
    ...(filter.b === undefined ? {} : { b: parseIpv4(filter.b) }),
    ...(filter.protocol === undefined ? {} : { protocol: PROTOCOLS[filter.protocol] }),
  };
}
