/**
 * A TCP connection of the tester, below BGP. It uses sockets directly, not podwire's TCP port: tests must be able to
 * stop reading, to end one direction, and to send single octets as segments of their own.
 */
import { createServer, connect as netConnect, type Server, type Socket } from 'node:net';
import { Events } from './events.ts';
import type { TestRecord, WireConnection, WireEvent } from './record.ts';
import { Inconclusive } from './verdict.ts';

export interface Address {
  readonly address: string;
  readonly port: number;
}

/** How a connection ended: the target's FIN, its RST, or an error code of the socket. */
export type CloseReason = 'fin' | 'reset' | 'local' | string;

export class Connection {
  readonly events: Events = new Events();
  /** Called with each chunk received. */
  onData: ((octets: Uint8Array) => void) | undefined;
  /** Called once, when nothing more can come. */
  onEnd: ((reason: CloseReason) => void) | undefined;
  /** How the connection ended, once it has. */
  closed: CloseReason | undefined;
  readonly #socket: Socket;
  readonly #wire: WireConnection;
  readonly #early: Uint8Array[] = [];

  private constructor(socket: Socket, dialled: boolean, record: TestRecord) {
    this.#socket = socket;
    this.#wire = {
      local: { address: socket.localAddress ?? '', port: socket.localPort ?? 0 },
      remote: { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 },
      dialled,
      events: [],
    };
    record.connections.push(this.#wire);
    this.#note('opened');
    socket.setNoDelay(true);
    socket.on('data', (octets: Buffer) => {
      const copy = new Uint8Array(octets);
      this.#note('received', copy);
      if (this.onData === undefined) this.#early.push(copy);
      else this.onData(copy);
      this.events.notify();
    });
    let failure: string | undefined;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      failure = error.code ?? error.message;
    });
    socket.on('end', () => {
      this.#finish('fin');
      socket.end();
    });
    socket.on('close', () => {
      this.#finish(failure === 'ECONNRESET' || failure === 'EPIPE' ? 'reset' : (failure ?? 'local'));
      this.#note('closed', undefined, failure);
    });
  }

  /** Dials from a local address. Rejects with the error code (`"ECONNREFUSED"`) as message. */
  static dial(local: string, remote: Address, record: TestRecord): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = netConnect({
        host: remote.address,
        port: remote.port,
        localAddress: local,
        allowHalfOpen: true,
      });
      socket.once('error', (error: NodeJS.ErrnoException) => reject(new Error(error.code ?? error.message)));
      socket.once('connect', () => {
        socket.removeAllListeners('error');
        resolve(new Connection(socket, true, record));
      });
    });
  }

  /** Takes over an accepted socket. */
  static accepted(socket: Socket, record: TestRecord): Connection {
    return new Connection(socket, false, record);
  }

  get local(): Address {
    return this.#wire.local;
  }

  /** Starts delivery to `onData`, of what came before as well. */
  start(): void {
    for (const octets of this.#early.splice(0)) this.onData?.(octets);
    if (this.closed !== undefined) this.onEnd?.(this.closed);
  }

  /** Sends octets; what is sent after the end is lost. */
  send(octets: Uint8Array): void {
    if (!this.#socket.writable) return;
    this.#note('sent', octets.slice());
    this.#socket.write(octets);
  }

  /** Sends each piece as a segment of its own: the next one only when the kernel has taken the one before. */
  async sendPieces(pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      if (!this.#socket.writable) return;
      this.#note('sent', piece.slice());
      await new Promise<void>((resolve) => this.#socket.write(piece, () => resolve()));
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** Reads no more: the window that we offer closes when the buffers are full. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Sends FIN. */
  end(): void {
    this.#note('ended');
    this.#socket.end();
  }

  /** Sends RST: the connection is lost without an orderly end. */
  reset(): void {
    this.#note('ended');
    this.#socket.resetAndDestroy();
  }

  /** Resolves when the socket is gone, at the latest after `within` milliseconds, when it is dropped. */
  async gone(within: number): Promise<void> {
    if (this.#socket.destroyed) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, within);
      this.#socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.#socket.destroy();
  }

  #finish(reason: CloseReason): void {
    if (this.closed !== undefined) return;
    this.closed = reason;
    this.onEnd?.(reason);
    this.events.notify();
  }

  #note(what: WireEvent['what'], octets?: Uint8Array, error?: string): void {
    const time = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6));
    this.#wire.events.push({ time, what, ...(octets === undefined ? {} : { octets }), error });
  }
}

/** Waits for the target to dial us. */
export class Listener {
  readonly #server: Server;
  readonly #events = new Events();
  readonly #queue: Connection[] = [];
  /** Times of the dials, by the monotonic clock in milliseconds. */
  readonly dials: number[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @throws Inconclusive (as rejection) where the address cannot be listened on. */
  static async open(local: Address, record: TestRecord): Promise<Listener> {
    const server = createServer({ allowHalfOpen: true });
    const listener = new Listener(server);
    server.on('connection', (socket) => {
      listener.dials.push(performance.now());
      listener.#queue.push(Connection.accepted(socket, record));
      listener.#events.notify();
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) =>
        reject(new Inconclusive(`cannot listen on ${local.address} port ${local.port}: ${error.code}`)),
      );
      server.listen({ host: local.address, port: local.port }, () => resolve());
    });
    return listener;
  }

  /** The next connection; undefined where none comes within so many milliseconds. */
  next(within: number): Promise<Connection | undefined> {
    return this.#events.until(() => this.#queue.shift(), within);
  }

  /** Accepts no more; connections that nobody took are dropped. */
  close(): void {
    this.#server.close();
    for (const connection of this.#queue.splice(0)) connection.reset();
  }
}
