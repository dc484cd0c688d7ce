import type { WatchCreateMessage, WatchResponseMessage } from '../../protocol/etcd/api/watch.ts';
import type { EtcdError, WatchRequest, WatchResponse } from '../../protocol/etcd/types.ts';
import type { Clock, Log, Millis, Timer } from '../ports.ts';
import type { WatchHandler } from './client.ts';
import { watchEndError } from './watch-hub.ts';

/** Pauses between attempts: doubled from the first to the last. */
const FIRST_PAUSE: Millis = 50;
const LAST_PAUSE: Millis = 1000;

/** The pause before attempt `attempt` + 1. */
export function pauseAfter(attempt: number): Millis {
  return Math.min(LAST_PAUSE, FIRST_PAUSE * 2 ** Math.min(attempt, 10));
}

/** What a stream with one watch tells; nothing after `cancel`. */
export interface WatchStreamEvents {
  onMessage(message: WatchResponseMessage): void;
  /** The store does not serve such a watch, now or later. */
  onRefused(error: EtcdError): void;
  /** The stream ended, for a reason that may pass. */
  onLost(error: Error): void;
}

/** How to open a stream to a store, over whatever carries it. */
export interface WatchTransport {
  readonly endpoint: string;
  readonly clock: Clock;
  readonly log: Log | undefined;
  openWatch(create: WatchCreateMessage, events: WatchStreamEvents): { cancel(): void };
}

/** A watch on a stream of its own, opened again behind the last revision it saw whenever that stream is lost. */
export class ResumingWatch {
  readonly #transport: WatchTransport;
  readonly #request: WatchRequest;
  readonly #handler: WatchHandler;
  /** First revision not seen yet; undefined until the store has said where "from now on" begins. */
  #next: bigint | undefined;
  #attempt = 0;
  #stream: { cancel(): void } | undefined;
  #timer: Timer | undefined;
  #ended = false;

  constructor(transport: WatchTransport, request: WatchRequest, handler: WatchHandler) {
    this.#transport = transport;
    this.#request = request;
    this.#handler = handler;
    const start = request.startRevision ?? 0n;
    this.#next = start > 0n ? start : undefined;
  }

  open(): void {
    const request =
      this.#next === undefined ? this.#request : { ...this.#request, startRevision: this.#next };
    // What an earlier stream still has to say does not count any more.
    const current = {};
    this.#current = current;
    this.#stream = this.#transport.openWatch(
      { ...request, watchId: 0n, fragment: false },
      {
        onMessage: (message) => {
          if (this.#current === current) this.#take(message);
        },
        onRefused: (error) => {
          if (this.#current === current) this.end(error);
        },
        onLost: (error) => {
          if (this.#current === current) this.#lost(error);
        },
      },
    );
  }

  #current: object | undefined;

  #take(response: WatchResponseMessage): void {
    if (response.canceled) {
      this.#call(() => this.#handler.onResponse(response));
      this.end(watchEndError(response));
    } else if (response.created) {
      this.#attempt = 0;
      this.#next ??= response.header.revision + 1n;
      this.#call(() => this.#handler.onCreated?.(response.header.revision));
    } else {
      this.#next = afterResponse(response);
      this.#call(() => this.#handler.onResponse(response));
    }
  }

  #call(handler: () => void): void {
    if (this.#ended) return;
    try {
      handler();
    } catch (error) {
      this.#transport.log?.error({ err: error }, 'a watch handler failed');
    }
  }

  #lost(error: Error): void {
    if (this.#ended) return;
    this.#current = undefined;
    const { endpoint, log, clock } = this.#transport;
    log?.debug({ err: error, endpoint }, 'a watch lost its connection, opening it again');
    this.#timer = clock.setTimer(pauseAfter(this.#attempt++), () => this.open());
  }

  cancel(): void {
    this.#ended = true;
    this.#current = undefined;
    this.#timer?.cancel();
    this.#stream?.cancel();
  }

  /** Ends it for good and says why. */
  end(error: Error): void {
    if (this.#ended) return;
    this.cancel();
    this.#handler.onEnd(error);
  }
}

/**
 * The revision to go on from. etcd stamps responses from the history with the current revision, ahead of what they
 * hold, so the events count; one without events promises everything up to its header's revision.
 */
function afterResponse({ header, events }: WatchResponse): bigint {
  const last = events.at(-1);
  return (last === undefined ? header.revision : last.kv.modRevision) + 1n;
}

/** The open watches of a client. */
export class Watches {
  readonly #open: Set<ResumingWatch> = new Set();

  /** Starts a watch; what it returns ends it without a word. */
  start(transport: WatchTransport, request: WatchRequest, handler: WatchHandler): { cancel(): void } {
    const watch = new ResumingWatch(transport, request, {
      ...(handler.onCreated === undefined ? {} : { onCreated: (revision) => handler.onCreated?.(revision) }),
      onResponse: (response) => handler.onResponse(response),
      onEnd: (error) => {
        this.#open.delete(watch);
        handler.onEnd(error);
      },
    });
    this.#open.add(watch);
    watch.open();
    return {
      cancel: () => {
        this.#open.delete(watch);
        watch.cancel();
      },
    };
  }

  /** Ends all of them, telling their handlers why. */
  endAll(error: Error): void {
    for (const watch of [...this.#open]) watch.end(error);
  }
}
