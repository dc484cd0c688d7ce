import { Outbound } from './outbound.ts';
import type { ServerStream, StreamHandler } from './server-stream.ts';

/** What a stream needs of its connection. */
export interface StreamOwner {
  /** There is something to send. */
  queued(stream: Stream): void;
  /** The stream is to end at once, with this error code. */
  reset(stream: Stream, code: number): void;
}

/** A stream of a connection, from the request's headers until it is over. */
export class Stream implements ServerStream {
  readonly id: number;
  readonly out: Outbound;
  readonly #owner: StreamOwner;
  handler: StreamHandler | undefined;
  /** The client has sent everything. */
  ended = false;
  /** Octets taken since its window was last opened. */
  taken = 0;
  /** It is over: nothing more is sent on it. */
  closed = false;

  /** `window`: octets that the client takes on a new stream. */
  constructor(id: number, window: number, owner: StreamOwner) {
    this.id = id;
    this.out = new Outbound(id, window);
    this.#owner = owner;
  }

  get waiting(): number {
    return this.out.waiting;
  }

  headers(block: Uint8Array, end: boolean): void {
    if (!this.closed && this.out.headers(block, end)) this.#owner.queued(this);
  }

  data(bytes: Uint8Array, end: boolean): void {
    if (!this.closed && this.out.data(bytes, end)) this.#owner.queued(this);
  }

  reset(code: number): void {
    if (!this.closed) this.#owner.reset(this, code);
  }
}
