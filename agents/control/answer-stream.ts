import type { ServerResponse } from 'node:http';
import type { ErrorLine } from './routes.ts';

/** Bytes that may wait for a reader of lines before it counts as too slow. */
const LIMIT = 8 << 20;

/** What of an HTTP response a stream needs. */
export type StreamResponse = Pick<
  ServerResponse,
  | 'headersSent'
  | 'writableEnded'
  | 'writableLength'
  | 'writableNeedDrain'
  | 'destroyed'
  | 'writeHead'
  | 'flushHeaders'
  | 'write'
  | 'end'
  | 'destroy'
  | 'on'
  | 'off'
>;

/**
 * A streamed answer: JSON lines, or bytes. Its headers wait for `start` or the first of it, so that an error before
 * that is an ordinary answer. `signal` aborts when the client goes away or reads too slowly.
 */
export class AnswerStream {
  readonly #response: StreamResponse;
  readonly #type: 'application/x-ndjson' | 'application/octet-stream';
  readonly #controller = new AbortController();
  /** What `latest` has not written yet. */
  #newest: object | undefined;

  constructor(response: StreamResponse, type: 'application/x-ndjson' | 'application/octet-stream') {
    this.#response = response;
    this.#type = type;
    response.on('close', () => this.#controller.abort());
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Sends the headers. */
  readonly start = (): void => {
    if (this.#response.headersSent || this.#over) return;
    this.#response.writeHead(200, { 'content-type': this.#type });
    this.#response.flushHeaders();
  };

  /** Writes a line. What a slow reader does not take is kept up to a limit; then the stream ends with an error. */
  readonly line = (value: object): void => {
    this.start();
    if (this.#over) return;
    if (this.#response.writableLength > LIMIT) {
      this.fail(new Error(`the reader is too slow: ${LIMIT >> 20} MiB wait for it`));
      this.#controller.abort();
    } else {
      this.#response.write(`${JSON.stringify(value)}\n`);
    }
  };

  /** Writes a line that makes all earlier ones worthless: a slow reader gets only the newest. */
  readonly latest = (value: object): void => {
    const waiting = this.#newest !== undefined;
    if (waiting || this.#response.writableNeedDrain) {
      this.#newest = value;
      if (!waiting) this.#response.on('drain', this.#writeNewest);
    } else {
      this.line(value);
    }
  };

  /** Writes bytes; the promise resolves when the reader has taken what waits, or is gone. */
  readonly bytes = (bytes: Uint8Array): void | Promise<void> => {
    this.start();
    if (this.#over || this.#response.write(bytes)) return;
    return this.#drained();
  };

  end(): void {
    if (this.#over) return;
    this.#writeNewest();
    this.start();
    this.#response.end();
  }

  /** After the headers: an error is the last line, or where there are no lines an end in the middle. */
  fail(error: Error): void {
    if (this.#over) return;
    if (this.#type === 'application/octet-stream') this.#response.destroy(error);
    else this.#response.end(`${JSON.stringify({ error: error.message } satisfies ErrorLine)}\n`);
  }

  get #over(): boolean {
    return this.#response.writableEnded || this.#response.destroyed;
  }

  readonly #writeNewest = (): void => {
    this.#response.off('drain', this.#writeNewest);
    const newest = this.#newest;
    this.#newest = undefined;
    if (newest !== undefined) this.line(newest);
  };

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#response.off('drain', done).off('close', done);
        resolve();
      };
      this.#response.on('drain', done).on('close', done);
    });
  }
}
