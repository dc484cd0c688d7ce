import type { ServerHttp2Stream } from 'node:http2';
import { DecodeError } from '../../../protocol/bytes/decode-error.ts';
import { EtcdError } from '../../../protocol/etcd/types.ts';
import type { Incoming, Outgoing, Route, Served } from '../rpc/route.ts';
import { toEtcdError } from '../rpc/route.ts';
import { MessageReader, PREFIX, setPrefix } from './framing.ts';

/** Largest request that is read at all: etcd's --max-request-bytes and 512 KiB (etcd `v3rpc/grpc.go`). */
const MAX_RECEIVE = 2 * 1024 * 1024;
/** Octets that may wait in a stream before its sender is told to pause. */
const MAX_WAITING = 256 * 1024;

const OK = 0;
const INTERNAL = 13;

const RESPONSE_HEADERS = { ':status': 200, 'content-type': 'application/grpc' } as const;

/** Text as gRPC writes it into a header: everything but printable ASCII, and `%`, as %XX of its UTF-8. */
function percentEncode(text: string): string {
  return text.replace(/[^\x20-\x24\x26-\x7e]/gu, (character) => {
    const octets = [...new TextEncoder().encode(character)];
    return octets.map((octet) => `%${octet.toString(16).toUpperCase().padStart(2, '0')}`).join('');
  });
}

function statusHeaders(error: EtcdError | undefined): Record<string, string> {
  if (error === undefined) return { 'grpc-status': String(OK) };
  return { 'grpc-status': String(error.code), 'grpc-message': percentEncode(error.message) };
}

/** Answers a call at once with an error. */
export function refuse(stream: ServerHttp2Stream, error: EtcdError): void {
  stream.respond({ ...RESPONSE_HEADERS, ...statusHeaders(error) }, { endStream: true });
  // What the caller still sends is of no use to anybody.
  stream.resume();
  stream.on('error', () => {});
}

/** A call under way on a stream of HTTP/2. */
export class Call implements Outgoing<unknown> {
  readonly #stream: ServerHttp2Stream;
  readonly #route: Route;
  readonly #served: Served;
  readonly #reader: MessageReader = new MessageReader(MAX_RECEIVE);
  #incoming: Incoming<unknown> | undefined;
  #asked = false;
  #ended = false;
  #status: EtcdError | undefined;

  constructor(stream: ServerHttp2Stream, route: Route, served: Served) {
    this.#stream = stream;
    this.#route = route;
    this.#served = served;
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('end', () => this.#halfClosed());
    stream.on('error', () => {});
    stream.on('close', () => this.#closed());
    if (route.kind === 'stream') {
      stream.on('drain', () => this.#incoming?.drained?.());
      this.#guard(() => {
        this.#incoming = route.open(served, this);
      });
    }
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.end(
        error instanceof DecodeError
          ? new EtcdError(INTERNAL, `grpc: error unmarshalling request: ${error.message}`)
          : toEtcdError(error),
      );
    }
  }

  #receive(chunk: Buffer): void {
    if (this.#ended) return;
    this.#guard(() => {
      this.#reader.push(chunk, (message) => {
        if (!this.#ended) this.#message(this.#route.method.request.decode(message));
      });
    });
  }

  #message(request: unknown): void {
    if (this.#incoming !== undefined) {
      this.#incoming.message(request);
    } else if (this.#route.kind === 'unary' && !this.#asked) {
      this.#asked = true;
      this.#route.answer(this.#served, request).then(
        (response) => this.#answer(response),
        (error) => this.end(toEtcdError(error)),
      );
    }
  }

  #answer(response: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#respond();
    this.#stream.end(this.#encode(response));
  }

  #encode(response: unknown): Uint8Array {
    return setPrefix(this.#route.method.response.encode(response, PREFIX));
  }

  #respond(): void {
    this.#stream.respond(RESPONSE_HEADERS, { waitForTrailers: true });
    this.#stream.on('wantTrailers', () => this.#stream.sendTrailers(statusHeaders(this.#status)));
  }

  send(response: unknown): boolean {
    if (this.#ended) return true;
    if (!this.#stream.headersSent) this.#respond();
    this.#stream.write(this.#encode(response));
    return this.#stream.writableLength < MAX_WAITING;
  }

  end(error?: EtcdError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#status = error;
    if (this.#stream.destroyed) return;
    if (this.#stream.headersSent) {
      this.#stream.end();
      return;
    }
    this.#stream.respond({ ...RESPONSE_HEADERS, ...statusHeaders(error) }, { endStream: true });
  }

  #halfClosed(): void {
    if (this.#incoming !== undefined) this.#incoming.halfClosed();
    else if (!this.#asked) this.end(new EtcdError(INTERNAL, 'grpc: the request ended without a message'));
  }

  #closed(): void {
    this.#ended = true;
    this.#incoming?.closed();
  }
}
