import type { ClientRequest, IncomingMessage } from 'node:http';
import { type WatchResponseMessage, watch } from '../../protocol/etcd/api/watch.ts';
import { UNAVAILABLE } from '../../protocol/etcd/errors.ts';
import { EtcdError, type WatchRequest, type WatchResponse } from '../../protocol/etcd/types.ts';
import { toJson } from '../../protocol/protobuf/json.ts';
import type { Timer } from '../ports.ts';
import type { WatchHandler } from './client.ts';
import { answerOf, fromAnswer, type Gateway, pauseAfter, readText } from './http-gateway.ts';
import { watchEndError } from './watch-hub.ts';

/** A watch over its own connection, opened again behind the last revision it saw whenever that connection ends. */
export class HttpWatch {
  readonly #gateway: Gateway;
  readonly #request: WatchRequest;
  readonly #handler: WatchHandler;
  /** First revision not seen yet; undefined until the store has said where "from now on" begins. */
  #next: bigint | undefined;
  #attempt = 0;
  #posted: ClientRequest | undefined;
  #timer: Timer | undefined;
  #ended = false;

  constructor(gateway: Gateway, request: WatchRequest, handler: WatchHandler) {
    this.#gateway = gateway;
    this.#request = request;
    this.#handler = handler;
    const start = request.startRevision ?? 0n;
    this.#next = start > 0n ? start : undefined;
  }

  open(): void {
    const request =
      this.#next === undefined ? this.#request : { ...this.#request, startRevision: this.#next };
    const createRequest = { ...request, watchId: 0n, fragment: false };
    const { http, request: type } = watch.watch;
    const posted = this.#gateway.post(http[0]!, toJson(type, { createRequest }));
    this.#posted = posted;
    posted.on('error', (error) => this.#lost(posted, error));
    posted.on('response', (response) => this.#read(posted, response));
  }

  #read(posted: ClientRequest, response: IncomingMessage): void {
    if (response.statusCode !== 200) {
      this.#refused(posted, response);
      return;
    }
    let text = '';
    response.socket.setKeepAlive(true, 15_000);
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      const lines = (text + chunk).split('\n');
      text = lines.pop()!;
      for (const line of lines) if (posted === this.#posted) this.#line(posted, line);
    });
    response.on('error', (error) => this.#lost(posted, error));
    response.on('close', () => this.#lost(posted, new Error('the stream ended')));
  }

  /** An answer that is no stream: an error of the request itself is final, anything else may pass. */
  #refused(posted: ClientRequest, response: IncomingMessage): void {
    readText(response).then(
      (text) => {
        try {
          answerOf(response.statusCode ?? 0, text);
        } catch (error) {
          if (error instanceof EtcdError && error.code !== UNAVAILABLE) this.end(error);
          else this.#lost(posted, error as Error);
        }
      },
      (error: Error) => this.#lost(posted, error),
    );
  }

  #line(posted: ClientRequest, line: string): void {
    if (line.trim() === '') return;
    let message: WatchResponseMessage;
    try {
      // A line that is an error throws it.
      const { result } = answerOf(line.includes('"result"') ? 200 : 0, line);
      message = fromAnswer(watch.watch.response, result);
    } catch (error) {
      posted.destroy();
      this.#lost(posted, error as Error);
      return;
    }
    this.#take(message);
  }

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
      this.#gateway.log?.error({ err: error }, 'a watch handler failed');
    }
  }

  #lost(posted: ClientRequest, error: Error): void {
    if (this.#ended || posted !== this.#posted) return;
    this.#posted = undefined;
    const pause = pauseAfter(this.#attempt++);
    const { endpoint, log, clock } = this.#gateway;
    log?.debug({ err: error, endpoint }, 'a watch lost its connection, opening it again');
    this.#timer = clock.setTimer(pause, () => this.open());
  }

  cancel(): void {
    this.#ended = true;
    this.#timer?.cancel();
    this.#posted?.destroy();
    this.#posted = undefined;
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
