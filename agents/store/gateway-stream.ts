import type { Limits } from '../../protocol/etcd/check.ts';
import type { EtcdError } from '../../protocol/etcd/types.ts';
import { toJson } from '../../protocol/protobuf/json.ts';
import { sendError, streamError } from './gateway-answers.ts';
import type { HttpRequest, HttpResponse } from './gateway-exchange.ts';
import { JsonSplitter } from './gateway-json-splitter.ts';
import { maxBody, readMessage, tooLarge } from './gateway-messages.ts';
import { type Incoming, type Outgoing, type Served, type StreamRoute, toEtcdError } from './rpc/route.ts';

/** Bytes that may wait in a reader's connection before its sender is told to pause. */
const MAX_WAITING = 1024 * 1024;

/** A stream over the gateway: JSON messages one after the other in the request's body, a line for each answer. */
export class GatewayStream implements Outgoing<unknown> {
  readonly #route: StreamRoute;
  readonly #response: HttpResponse;
  readonly #splitter: JsonSplitter = new JsonSplitter();
  readonly #limits: Limits;
  readonly #incoming: Incoming<unknown>;
  #asked = false;
  #ended = false;

  constructor(route: StreamRoute, served: Served, request: HttpRequest, response: HttpResponse) {
    this.#route = route;
    this.#response = response;
    this.#limits = served.store.limits;
    this.#incoming = route.open(served, this);
    request.setEncoding('utf8');
    request.on('data', (text: string) => this.#receive(text));
    request.on('end', () => this.#halfClosed());
    request.on('error', () => {});
    response.on('drain', () => this.#incoming.drained?.());
    response.on('close', () => {
      this.#ended = true;
      this.#incoming.closed();
    });
  }

  #receive(text: string): void {
    if (this.#ended) return;
    for (const message of this.#splitter.push(text)) this.#message(message);
    const { pending } = this.#splitter;
    if (pending > maxBody(this.#limits)) this.#refuse(tooLarge(pending, this.#limits));
  }

  #message(text: string): void {
    if (this.#ended) return;
    this.#asked = true;
    try {
      this.#incoming.message(readMessage(this.#route, text));
    } catch (error) {
      this.#refuse(toEtcdError(error));
    }
  }

  #halfClosed(): void {
    if (this.#ended) return;
    const rest = this.#splitter.rest();
    // A body without a message is an empty message to a method that answers one with a stream.
    if (rest !== '' || (!this.#asked && this.#route.method.streams === 'server')) this.#message(rest);
    else if (!this.#asked) this.end();
    if (!this.#ended) this.#incoming.halfClosed();
  }

  /** An error of the request rather than of the stream. */
  #refuse(error: EtcdError): void {
    if (this.#ended) return;
    this.#ended = true;
    sendError(this.#response, error);
  }

  send(message: unknown): boolean {
    if (this.#ended) return true;
    if (!this.#response.headersSent) this.#response.writeHead(200, { 'content-type': 'application/json' });
    const result = toJson(this.#route.method.response, message);
    this.#response.write(`${JSON.stringify({ result })}\n`);
    return this.#response.writableLength < MAX_WAITING;
  }

  end(error?: EtcdError): void {
    if (this.#ended) return;
    this.#ended = true;
    if (error !== undefined) {
      const { status, line } = streamError(error);
      if (!this.#response.headersSent)
        this.#response.writeHead(status, { 'content-type': 'application/json' });
      this.#response.write(line);
    } else if (!this.#response.headersSent) {
      this.#response.writeHead(200, { 'content-type': 'application/json' });
    }
    this.#response.end();
  }
}
