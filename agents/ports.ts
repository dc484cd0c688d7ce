/**
 * The ports: everything through which an agent reaches the world outside its own memory. Each has a real
 * implementation in `agents/io/` and (later) a simulated one; no other code knows which of them it has.
 */

/** Milliseconds on the monotonic clock of the process (fractions allowed), for intervals and timers. */
export type Millis = number;

/** A pending timer. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Monotonic time. */
  now(): Millis;
  /** Wall-clock time in nanoseconds since the Unix epoch, strictly from one monotonic source (captures, logs). */
  wallNanos(): bigint;
  /** Calls `callback` once, `delay` ms from now (0: in the next turn of the loop). */
  setTimer(delay: Millis, callback: () => void): Timer;
}

export interface Random {
  /** Uniform 32-bit unsigned integer. */
  uint32(): number;
  /** Uniform in [0, 1). */
  float(): number;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** What a TCP connection tells its owner. `onClose` is called exactly once, also after `destroy()`. */
export interface TcpHandler {
  onConnect?(): void;
  /** `bytes` belongs to the handler until it returns; copy what must live longer. */
  onData(bytes: Uint8Array): void;
  /** The send buffer emptied after `write` had returned false. */
  onDrain?(): void;
  /** The connection is gone; `error` (an errno-style code such as ECONNREFUSED, or text) where it was not orderly. */
  onClose(error?: string): void;
}

export interface TcpConnection {
  /** Valid once connected. */
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** Queues bytes; false asks the caller to wait for `onDrain`. The bytes must not change afterwards. */
  write(bytes: Uint8Array): boolean;
  /** Sends what is queued, then FIN. */
  end(): void;
  /** Drops the connection at once. */
  destroy(): void;
}

export interface TcpListener {
  readonly local: Endpoint;
  close(): Promise<void>;
}

export interface TcpPort {
  /**
   * Listens; `accept` is asked for a handler for each inbound connection (undefined refuses it by closing).
   * Rejects with a {@link PortError} naming address, port and cause (EADDRINUSE, EACCES, EADDRNOTAVAIL).
   */
  listen(
    local: Endpoint,
    accept: (connection: TcpConnection) => TcpHandler | undefined,
  ): Promise<TcpListener>;
  /** Dials; the outcome reaches `handler` as onConnect or onClose. `localAddress` binds the source. */
  connect(remote: Endpoint, options: { readonly localAddress?: string }, handler: TcpHandler): TcpConnection;
}

export interface UdpSocket {
  readonly local: Endpoint;
  /** Sends one datagram; errors other than misuse are dropped like lost packets and counted. */
  send(bytes: Uint8Array, remote: Endpoint): void;
  close(): Promise<void>;
}

export interface UdpPort {
  /** Binds; rejects with a {@link PortError}. `onMessage`'s bytes belong to it until it returns. */
  bind(
    local: Endpoint,
    options: {
      /** Outer UDP checksum 0, as the Linux kernel's VXLAN sends (where the platform allows it). */ readonly noChecksum?: boolean;
    },
    onMessage: (bytes: Uint8Array, remote: Endpoint) => void,
  ): Promise<UdpSocket>;
}

/** An Ethernet interface that the agent owns one end of: a TAP, a wire. Frames have no FCS. */
export interface FrameDevice {
  readonly name: string;
  /** MAC of the interface as its owner (the pod) sees it, `"02:00:00:00:00:01"`. */
  readonly mac: string;
  /** Sends a frame to the other side; copied before return. */
  write(frame: Uint8Array): void;
  /** Registers the one receiver; its `frame` is valid until it returns. */
  onFrame(receive: (frame: Uint8Array) => void): void;
  close(): void;
}

/** The part of pino's logger that agents use. */
export interface Log {
  trace(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Log;
}

/** A port could not do what was asked: the operating system's code and one line for people. */
export class PortError extends Error {
  override readonly name = 'PortError';
  /** errno name, e.g. `"EADDRINUSE"`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
