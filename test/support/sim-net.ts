// A network and a clock that exist only in memory: TCP between addresses with a fixed delay, virtual time, and the same
// run for the same seed. Nothing happens until `run` or `runUntil` is called.
import type {
  Clock,
  Endpoint,
  Millis,
  Random,
  TcpConnection,
  TcpHandler,
  TcpListener,
  TcpPort,
  Timer,
  UdpPort,
  UdpSocket,
} from '../../agents/ports.ts';
import { PortError } from '../../agents/ports.ts';

interface Event {
  readonly at: number;
  readonly order: number;
  cancelled: boolean;
  readonly run: () => void;
}

/** Virtual time: events run in order of time, those of one time in order of their making. */
export class SimClock implements Clock {
  #now = 0;
  #order = 0;
  #events: Event[] = [];

  now(): Millis {
    return this.#now;
  }

  wallNanos(): bigint {
    return BigInt(Math.round(this.#now * 1e6));
  }

  setTimer(delay: Millis, callback: () => void): Timer {
    const event: Event = { at: this.#now + delay, order: this.#order++, cancelled: false, run: callback };
    this.#events.push(event);
    return {
      cancel: () => {
        event.cancelled = true;
      },
    };
  }

  /** Pending timers that were not cancelled. */
  get pending(): number {
    return this.#events.filter(({ cancelled }) => !cancelled).length;
  }

  /** Runs everything due within `duration` ms, and lets the time pass. */
  run(duration: Millis): void {
    const end = this.#now + duration;
    while (this.#step(end));
    this.#now = end;
  }

  /** Runs until `condition` holds. @throws Error when it does not within `limit` ms. */
  runUntil(condition: () => boolean, limit: Millis = 60_000): void {
    const end = this.#now + limit;
    while (!condition()) {
      if (!this.#step(end)) throw new Error(`condition not met within ${limit} ms of virtual time`);
    }
  }

  /** As `run`, for what also waits for promises: they settle before each event, and after the last. */
  async pass(duration: Millis): Promise<void> {
    const end = this.#now + duration;
    await settled();
    while (this.#step(end)) await settled();
    this.#now = end;
  }

  /** As `runUntil`, for what also waits for promises. */
  async until(condition: () => boolean, limit: Millis = 60_000): Promise<void> {
    const end = this.#now + limit;
    await settled();
    while (!condition()) {
      if (!this.#step(end)) throw new Error(`condition not met within ${limit} ms of virtual time`);
      await settled();
    }
  }

  /** What a promise comes to, while time passes. */
  async outcome<T>(promise: Promise<T>, limit: Millis = 60_000): Promise<T> {
    let done = false;
    const finish = (): void => {
      done = true;
    };
    promise.then(finish, finish);
    await this.until(() => done, limit);
    return promise;
  }

  #step(end: number): boolean {
    this.#events = this.#events.filter(({ cancelled }) => !cancelled);
    let next: Event | undefined;
    for (const event of this.#events) {
      if (next === undefined || event.at < next.at || (event.at === next.at && event.order < next.order))
        next = event;
    }
    if (next === undefined || next.at > end) return false;
    this.#now = Math.max(this.#now, next.at);
    this.#events.splice(this.#events.indexOf(next), 1);
    next.run();
    return true;
  }
}

/** Resolves when every promise that can settle without I/O or time has. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** xorshift32: enough for jitter, equal for equal seeds. */
export function seededRandom(seed: number): Random {
  let state = seed | 1;
  const uint32 = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  return { uint32, float: () => uint32() / 2 ** 32 };
}

type Accept = (connection: TcpConnection) => TcpHandler | undefined;

/** A network in memory. `delay` (ms) is how long a segment or datagram travels; `chunk` cuts what TCP is given to write. */
export class SimNet {
  readonly clock: SimClock;
  readonly delay: Millis;
  chunk: number = Number.POSITIVE_INFINITY;
  readonly #listeners = new Map<string, Accept>();
  readonly #connections = new Set<SimConnection>();
  readonly #sockets = new Map<string, (bytes: Uint8Array, remote: Endpoint) => void>();
  readonly #crashed = new Set<string>();
  #nextPort = 40_000;

  constructor(clock: SimClock, delay: Millis = 1) {
    this.clock = clock;
    this.delay = delay;
  }

  /** The TCP port of a host that has `address`. */
  tcp(address: string): TcpPort {
    return {
      listen: async (local, accept) => this.#listen(local, accept),
      connect: (remote, options, handler) => {
        const local = { address: options.localAddress ?? address, port: this.#nextPort++ };
        return this.#connect(local, remote, handler);
      },
    };
  }

  /** The UDP port of a host that has `address`. Datagrams to nobody are lost. */
  udp(address: string): UdpPort {
    return { bind: async (local, _options, onMessage) => this.#bind(address, local, onMessage) };
  }

  /** Bound TCP and UDP ports, as `address port`. */
  get bound(): readonly string[] {
    return [...this.#listeners.keys(), ...this.#sockets.keys()].sort();
  }

  /** Cuts every connection of an address without a word, as a crash of the host would; nothing goes in or out again. */
  crash(address: string): void {
    this.#crashed.add(address);
    for (const bound of [this.#listeners, this.#sockets])
      for (const key of [...bound.keys()]) if (key.startsWith(`${address} `)) bound.delete(key);
    for (const connection of this.#connections) if (connection.local.address === address) connection.vanish();
  }

  /** A connection is closed. */
  forget(connection: SimConnection): void {
    this.#connections.delete(connection);
  }

  #listen(local: Endpoint, accept: Accept): TcpListener {
    const key = `${local.address} ${local.port}`;
    if (this.#listeners.has(key))
      throw new PortError('EADDRINUSE', `listen on ${key}: address already in use`);
    this.#listeners.set(key, accept);
    return { local, close: async () => void this.#listeners.delete(key) };
  }

  #bind(
    address: string,
    { port }: Endpoint,
    onMessage: (bytes: Uint8Array, remote: Endpoint) => void,
  ): UdpSocket {
    const local = { address, port: port === 0 ? this.#nextPort++ : port };
    const key = `${address} ${local.port}`;
    if (this.#sockets.has(key)) throw new PortError('EADDRINUSE', `bind UDP ${key}: address already in use`);
    this.#sockets.set(key, onMessage);
    return {
      local,
      send: (bytes, remote) => {
        const copy = bytes.slice();
        this.clock.setTimer(this.delay, () =>
          this.#sockets.get(`${remote.address} ${remote.port}`)?.(copy, local),
        );
      },
      close: async () => void this.#sockets.delete(key),
    };
  }

  #connect(local: Endpoint, remote: Endpoint, handler: TcpHandler): TcpConnection {
    const near = new SimConnection(this, local, remote, handler);
    this.clock.setTimer(this.delay, () => {
      const accept = this.#listeners.get(`${remote.address} ${remote.port}`);
      if (near.closed || this.#crashed.has(local.address)) return;
      if (accept === undefined) {
        near.close('ECONNREFUSED');
        return;
      }
      const far = new SimConnection(this, remote, local, undefined);
      this.#connections.add(near).add(far);
      near.join(far);
      // Before anything that the accepting side writes at once.
      this.clock.setTimer(this.delay, () => near.up());
      far.handler = accept(far);
      if (far.handler === undefined) far.destroy();
    });
    return near;
  }
}

class SimConnection implements TcpConnection {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  handler: TcpHandler | undefined;
  closed = false;
  readonly #net: SimNet;
  #other: SimConnection | undefined;
  #ended = false;

  constructor(net: SimNet, local: Endpoint, remote: Endpoint, handler: TcpHandler | undefined) {
    this.#net = net;
    this.local = local;
    this.remote = remote;
    this.handler = handler;
  }

  join(other: SimConnection): void {
    this.#other = other;
    other.#other = this;
  }

  up(): void {
    if (!this.closed) this.handler?.onConnect?.();
  }

  write(bytes: Uint8Array): boolean {
    if (this.closed || this.#ended) return false;
    for (let at = 0; at < bytes.length; at += this.#net.chunk) {
      const part = bytes.slice(at, Math.min(bytes.length, at + this.#net.chunk));
      this.#travel((other) => other.handler?.onData(part));
    }
    return true;
  }

  end(): void {
    if (this.closed || this.#ended) return;
    this.#ended = true;
    this.#travel((other) => {
      // The other side ends too when it reads the end, as sockets that are not half-open do.
      other.#travel((back) => back.close());
      other.close();
    });
  }

  destroy(): void {
    if (this.closed) return;
    this.#travel((other) => other.close('ECONNRESET'));
    this.#net.clock.setTimer(0, () => this.close());
  }

  close(error?: string): void {
    if (this.closed) return;
    this.closed = true;
    this.#net.forget(this);
    this.handler?.onClose(error);
  }

  vanish(): void {
    this.closed = true;
    this.handler = undefined;
  }

  #travel(deliver: (other: SimConnection) => void): void {
    const other = this.#other;
    if (other === undefined) return;
    this.#net.clock.setTimer(this.#net.delay, () => {
      if (!other.closed) deliver(other);
    });
  }
}
