import { Readable, Writable } from 'node:stream';
import { ErrorCode } from '../../../protocol/http2/frame.ts';
import { encodeHeaders, type HeaderField } from '../../../protocol/http2/hpack.ts';
import type { ServerStream, StreamHandler } from '../../../protocol/http2/server-stream.ts';
import type { HttpRequest, HttpResponse } from '../gateway-exchange.ts';
import { headerOf } from './server.ts';

/** A request that came over HTTP/2 and is no gRPC call, as the gateway takes it. */
export interface Exchange {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  /** Takes what the stream tells. */
  readonly handler: StreamHandler;
}

/** Makes a request and its response of a stream. */
export function openExchange(fields: readonly HeaderField[], stream: ServerStream): Exchange {
  const request = new Request(fields);
  const response = new Response(stream);
  return {
    request,
    response,
    handler: {
      onData: (bytes) => request.push(bytes.slice()),
      onEnd: () => request.push(null),
      onDrain: () => response.drained(),
      onClose: () => {
        request.destroy();
        response.destroy();
      },
    },
  };
}

class Request extends Readable implements HttpRequest {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: Record<string, string>;

  constructor(fields: readonly HeaderField[]) {
    super();
    this.method = headerOf(fields, ':method');
    this.url = headerOf(fields, ':path');
    this.headers = Object.fromEntries(fields.filter(([name]) => !name.startsWith(':')));
  }

  override _read(): void {
    // Data is pushed as it comes; the connection's window bounds it.
  }
}

class Response extends Writable implements HttpResponse {
  readonly #stream: ServerStream;
  headersSent = false;
  #resume: (() => void) | undefined;

  constructor(stream: ServerStream) {
    super();
    this.#stream = stream;
  }

  writeHead(status: number, headers: Readonly<Record<string, string | number>>): this {
    this.headersSent = true;
    const fields = Object.entries(headers).map(([name, value]) => [name, String(value)] as const);
    this.#stream.headers(encodeHeaders([[':status', String(status)], ...fields]), false);
    return this;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, written: () => void): void {
    this.#stream.data(new Uint8Array(chunk), false);
    if (this.#stream.waiting > 0) this.#resume = written;
    else written();
  }

  /** What waited has gone. */
  drained(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  override _final(finished: () => void): void {
    this.#stream.data(new Uint8Array(0), true);
    finished();
  }

  override _destroy(error: Error | null, destroyed: (error: Error | null) => void): void {
    // After the end of the response this does nothing.
    this.#stream.reset(ErrorCode.cancel);
    destroyed(error);
  }
}
