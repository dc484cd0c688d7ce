import type { Forwarder } from '../../protocol/forwarder/forwarder.ts';
import { formatPacketId } from '../../protocol/forwarder/packet-id.ts';
import type { TraceFilter as ForwarderFilter, TraceStep } from '../../protocol/forwarder/types.ts';
import { parseIpv4 } from '../../protocol/ip/ipv4.ts';
import type { TraceFilter, TraceStepRow } from '../control/types.ts';
import type { Clock } from '../ports.ts';

const PROTOCOLS = { icmp: 1, tcp: 6, udp: 17 } as const;
/** Packets whose addresses are remembered between their steps. */
const REMEMBERED = 1024;

interface Subscription {
  readonly filter: TraceFilter;
  readonly onStep: (step: TraceStepRow) => void;
}

/** Hands the forwarder's steps to whoever traces. The forwarder has one filter; several people may trace at once. */
export class Tracing {
  readonly #forwarder: Forwarder;
  readonly #node: string;
  readonly #clock: Clock;
  readonly #subscriptions = new Set<Subscription>();
  readonly #addresses = new Map<bigint, { readonly source: string; readonly destination: string }>();

  constructor(forwarder: Forwarder, node: string, clock: Clock) {
    this.#forwarder = forwarder;
    this.#node = node;
    this.#clock = clock;
  }

  /** Reports steps until `signal` aborts. */
  async trace(
    filter: TraceFilter,
    onStep: (step: TraceStepRow) => void,
    signal: AbortSignal,
    onReady?: () => void,
  ): Promise<void> {
    if (signal.aborted) return;
    const subscription = { filter, onStep };
    this.#subscriptions.add(subscription);
    this.#setFilter();
    onReady?.();
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    this.#subscriptions.delete(subscription);
    this.#setFilter();
  }

  /** A step of the forwarder. */
  step(packetId: bigint, step: TraceStep): void {
    const { source, destination } = this.#packet(packetId, step);
    const row: TraceStepRow = {
      node: this.#node,
      time: this.#clock.wallNanos().toString(),
      packetId: formatPacketId(packetId),
      source,
      destination,
      at: step.at,
      text: step.text,
      fields: step.fields,
    };
    for (const { filter, onStep } of this.#subscriptions) {
      if (this.#subscriptions.size === 1 || matches(filter, row)) onStep(row);
    }
  }

  #setFilter(): void {
    const [first, second] = this.#subscriptions;
    if (first === undefined) this.#forwarder.setTraceFilter(undefined);
    else this.#forwarder.setTraceFilter(second === undefined ? forwarderFilter(first.filter) : {});
  }

  /** A packet's first step names its addresses; the later ones belong to the same id. */
  #packet(packetId: bigint, step: TraceStep): { readonly source: string; readonly destination: string } {
    const [, source, destination] = /^(\S+) > (\S+)/.exec(String(step.fields.packet ?? '')) ?? [];
    if (source !== undefined && destination !== undefined) {
      if (this.#addresses.size >= REMEMBERED) this.#addresses.clear();
      this.#addresses.set(packetId, { source, destination });
    }
    return this.#addresses.get(packetId) ?? { source: '', destination: '' };
  }
}

function forwarderFilter(filter: TraceFilter): ForwarderFilter {
  return {
    ...(filter.a === undefined ? {} : { a: parseIpv4(filter.a) }),
    ...(filter.b === undefined ? {} : { b: parseIpv4(filter.b) }),
    ...(filter.protocol === undefined ? {} : { protocol: PROTOCOLS[filter.protocol] }),
  };
}

function matches(filter: TraceFilter, row: TraceStepRow): boolean {
  const ends = [row.source, row.destination];
  return [filter.a, filter.b].every((address) => address === undefined || ends.includes(address));
}
