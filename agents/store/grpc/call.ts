import { DecodeError } from '../../../protocol/bytes/decode-error.ts';
import { maxMessageBytes } from '../../../protocol/etcd/check.ts';
import { etcdError, INTERNAL } from '../../../protocol/etcd/errors.ts';
import { EtcdError } from '../../../protocol/etcd/types.ts';
import { encodeHeaders, type HeaderField } from '../../../protocol/http2/hpack.ts';
import type { ServerStream, StreamHandler } from '../../../protocol/http2/server-stream.ts';
import { type Incoming, type Outgoing, type Route, type Served, toEtcdError } from '../rpc/route.ts';
import { MessageReader, PREFIX, setPrefix } from './framing.ts';

/** Octets that may wait in a stream before its sender is told to pause. */
const MAX_WAITING = 256 * 1024;

const OK = 0;

const RESPONSE_FIELDS: readonly HeaderField[] = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
];
const RESPONSE_HEADERS = encodeHeaders(RESPONSE_FIELDS);
const OK_TRAILERS = encodeHeaders(statusFields(undefined));

/** Text as gRPC writes it into a header: everything but printable ASCII, and `%`, as %XX of its UTF-8. */
function percentEncode(text: string): string {
  return text.replace(/[^\x20-\x24\x26-\x7e]/gu, (character) => {
    const octets = [...new TextEncoder().encode(character)];
    return octets.map((octet) => `%${octet.toString(16).toUpperCase().padStart(2, '0')}`).join('');
  });
}

function statusFields(error: EtcdError | undefined): readonly HeaderField[] {
  if (error === undefined) return [['grpc-status', String(OK)]];
  return [
    ['grpc-status', String(error.code)],
    ['grpc-message', percentEncode(error.message)],
  ];
}

/** Takes what comes on a stream that is answered already. */
export const IGNORE: StreamHandler = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };

/** Answers a call at once with an error. */
export function refuse(stream: ServerStream, error: EtcdError): StreamHandler {
  stream.headers(encodeHeaders([...RESPONSE_FIELDS, ...statusFields(error)]), true);
  return IGNORE;
}

/** A call under way on a stream of HTTP/2 (grpc `doc/PROTOCOL-HTTP2.md`). */
export class Call implements Outgoing<unknown>, StreamHandler {
  readonly #stream: ServerStream;
  readonly #route: Route;
  readonly #served: Served;
  readonly #reader: MessageReader;
  #incoming: Incoming<unknown> | undefined;
  #unsubscribe: (() => void) | undefined;
  #asked = false;
  #answered = false;
  #ended = false;

  constructor(stream: ServerStream, route: Route, served: Served) {
    this.#stream = stream;
    this.#route = route;
    this.#served = served;
    this.#reader = new MessageReader(maxMessageBytes(served.store.limits));
    if (route.kind === 'unary') return;
    this.#guard(() => {
      this.#incoming = route.open(served, this);
    });
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

  onData(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#guard(() => {
      this.#reader.push(bytes, (message) => {
        if (!this.#ended) this.#message(this.#route.method.request.view(message));
      });
    });
  }

  #message(request: unknown): void {
    if (this.#incoming !== undefined) {
      this.#incoming.message(request);
    } else if (this.#route.kind === 'unary' && !this.#asked) {
      this.#asked = true;
      this.#route
        .answer(this.#served, request)
        .then((response) => this.#answer(response))
        .catch((error: unknown) => this.end(toEtcdError(error)));
    }
  }

  #answer(response: unknown): void {
    if (this.#ended) return;
    // Before anything is sent: what cannot be encoded is answered with an error.
    const message = this.#encode(response);
    this.#ended = true;
    this.#stream.headers(RESPONSE_HEADERS, false);
    this.#stream.data(message, false);
    this.#stream.headers(OK_TRAILERS, true);
  }

  #encode(response: unknown): Uint8Array {
    return setPrefix(this.#route.method.response.encode(response, PREFIX));
  }

  send(response: unknown): boolean {
    if (this.#ended) return true;
    const message = this.#encode(response);
    if (!this.#answered) this.#stream.headers(RESPONSE_HEADERS, false);
    this.#answered = true;
    this.#stream.data(message, false);
    return this.#stream.waiting < MAX_WAITING;
  }

  end(error?: EtcdError): void {
    if (this.#ended) return;
    this.#ended = true;
    const fields = statusFields(error);
    this.#stream.headers(encodeHeaders(this.#answered ? fields : [...RESPONSE_FIELDS, ...fields]), true);
  }

  onEnd(): void {
    if (this.#ended) return;
    if (this.#incoming !== undefined) this.#incoming.halfClosed();
    else if (!this.#asked) this.end(new EtcdError(INTERNAL, 'grpc: the request ended without a message'));
  }

  onDrain(): void {
    if (!this.#ended) this.#incoming?.drained?.();
  }

  /** Ends the stream when what keeps the data goes out of reach (metadata `hasleader`; etcd `v3rpc/interceptor.go`). */
  endWithoutLeader(): void {
    this.#unsubscribe = this.#served.store.onAvailability((available) => {
      if (!available) this.end(etcdError('noLeader'));
    });
  }

  onClose(): void {
    this.#ended = true;
    this.#unsubscribe?.();
    this.#incoming?.closed();
  }
}
