import type { HeaderField } from './hpack.ts';

/** What a request's owner is told. */
export interface StreamHandler {
  /** Octets of the body; nobody changes them later. */
  onData(bytes: Uint8Array): void;
  /** The client has sent everything. */
  onEnd(): void;
  /** What waited for the client has gone, after {@link ServerStream.waiting} was above zero. */
  onDrain(): void;
  /** The stream is over: both sides have ended, or one has reset it, or the connection is gone. Called once. */
  onClose(): void;
}

/** A request's stream, as its owner answers on it. Calls after its end do nothing. */
export interface ServerStream {
  /** Octets that the client's flow control holds back. */
  readonly waiting: number;
  /** Sends a block of {@link encodeHeaders}: response headers, or trailers; `end` after the last. */
  headers(block: Uint8Array, end: boolean): void;
  data(bytes: Uint8Array, end: boolean): void;
  /** Ends it from this side at once. */
  reset(code: number): void;
}

/** Takes a request; what it returns is told the rest. */
export type OnRequest = (headers: readonly HeaderField[], stream: ServerStream) => StreamHandler;
