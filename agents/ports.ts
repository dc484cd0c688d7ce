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

/** Makes of passwords what may be stored. Slow by intention, and off the event loop. */
export interface PasswordHasher {
  /** A new hash, with a salt of its own. */
  hash(password: string): Promise<string>;
  /** Whether `hash` was made of the password; false also where it is no hash. */
  verify(password: string, hash: string): Promise<boolean>;
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

/**
 * A TCP-MD5 key for the peers in a prefix (RFC 2385). Where prefixes overlap, the longest counts. What the peers send
 * without this signature is dropped as if it had been lost, and so is what others send with any.
 */
export interface TcpMd5Peer {
  readonly address: string;
  /** Default: the address alone. */
  readonly prefixLength?: number;
  /** 1 to 80 octets as UTF-8. */
  readonly key: string;
}

/** A master key tuple of TCP-AO (RFC 5925 §3.1), without the addresses that it is for. */
export interface TcpAoKey {
  /** KeyID in segments that we send, 0 to 255. */
  readonly sendId: number;
  /** KeyID in segments that we receive, 0 to 255. */
  readonly receiveId: number;
  /** MAC and key derivation function: the two of RFC 5926, and what Linux has besides. */
  readonly algorithm: 'hmac-sha-1-96' | 'aes-128-cmac-96' | 'hmac-sha-256';
  /** 1 to 80 octets as UTF-8. */
  readonly key: string;
  /** The MAC leaves out the other TCP options, for middleboxes that change them. */
  readonly excludeOptions?: boolean;
}

/** TCP-AO keys for the peers in a prefix, as {@link TcpMd5Peer}. */
export interface TcpAoPeer {
  readonly address: string;
  readonly prefixLength?: number;
  readonly keys: readonly TcpAoKey[];
}

/** Which peers of a listener must sign, and with what. Both kinds for one peer is an error of the platform. */
export interface TcpKeys {
  readonly md5?: readonly TcpMd5Peer[];
  readonly ao?: readonly TcpAoPeer[];
}

/** How far segments travel (IPv6: hop limits). */
export interface TcpTtl {
  /** TTL of what we send, 1 to 255; default as the system has it. */
  readonly ttl?: number;
  /** Segments that arrive with a lower TTL are dropped: 255 is GTSM for a neighbour (RFC 5082), 256 - N for N hops. */
  readonly minTtl?: number;
}

/** What a listener hands on to the connections that it accepts. */
export interface TcpListenOptions extends TcpKeys, TcpTtl {
  /** As in {@link TcpConnectOptions}. */
  readonly userTimeout?: Millis;
}

export interface TcpConnectOptions extends TcpTtl {
  readonly localAddress?: string;
  readonly localPort?: number;
  /** TCP-MD5 key (RFC 2385). */
  readonly md5?: string;
  /** TCP-AO keys (RFC 5925); the first one signs, until the peer asks for another. */
  readonly ao?: readonly TcpAoKey[];
  /**
   * How long what was sent may stay unacknowledged, the SYN too, before the connection closes with ETIMEDOUT (RFC 5482).
   * Default as the system has it: minutes. A peer that drops our segments, for a wrong key or too low a TTL, shows so.
   */
  readonly userTimeout?: Millis;
}

export interface TcpConnection {
  /** Valid once connected. */
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /**
   * Octets that `write` took and the system did not yet: above 0 from when `write` returned false until `onDrain`, and
   * falling meanwhile where the peer still reads. Absent where a port has no queue.
   */
  readonly queued?: number;
  /** Queues bytes; false asks the caller to wait for `onDrain`. The bytes must not change afterwards. */
  write(bytes: Uint8Array): boolean;
  /** Sends what is queued, then FIN. */
  end(): void;
  /** Drops the connection at once. */
  destroy(): void;
  /**
   * Sets the TTLs of an accepted connection, once it is known whose it is; called before its handler is returned.
   * Absent where a port has no TTLs.
   * @returns false where the connection was opened from further away than `minTtl` allows: refuse it. (Known only of
   * a listener with any of {@link TcpListenOptions}.)
   * @throws PortError where the platform cannot.
   */
  setTtl?(ttl: TcpTtl): boolean;
  /** Says something about what was just received, for people who read a capture. Absent where nothing captures. */
  annotate?(text: string): void;
}

export interface TcpListener {
  readonly local: Endpoint;
  /**
   * Replaces the keys; connections keep those that they were accepted with. Absent where a port has no keys.
   * @throws PortError where one cannot be used; those before it are in force then.
   */
  setKeys?(keys: TcpKeys): void;
  close(): Promise<void>;
}

export interface TcpPort {
  /**
   * Listens; `accept` is asked for a handler for each inbound connection (undefined refuses it by closing).
   * Rejects with a {@link PortError} naming address, port and cause (EADDRINUSE, EACCES, EADDRNOTAVAIL; ENOTSUP,
   * ENOPROTOOPT for options that the platform lacks).
   */
  listen(
    local: Endpoint,
    accept: (connection: TcpConnection) => TcpHandler | undefined,
    options?: TcpListenOptions,
  ): Promise<TcpListener>;
  /**
   * Dials; the outcome reaches `handler` as onConnect or onClose, and so does an option that the platform lacks.
   * `localAddress` and `localPort` bind the source.
   */
  connect(remote: Endpoint, options: TcpConnectOptions, handler: TcpHandler): TcpConnection;
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
