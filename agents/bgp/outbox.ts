import type { Clock, TcpConnection, Timer } from '../ports.ts';

/** How often a full connection is looked at, to see whether the peer still reads. ms */
const LOOK = 1000;

/** Told when a connection takes nothing more, took something after all, or has room again. */
export interface OutboxOwner {
  blocked(): void;
  /** It has taken octets, and is still full. */
  progressed(): void;
  unblocked(): void;
}

/** What goes out on the established connection, and whether the peer takes it (RFC 9687 §3.2). */
export class Outbox {
  readonly connection: TcpConnection;
  readonly #clock: Clock;
  readonly #owner: OutboxOwner;
  #look: Timer | undefined;
  #queued = 0;
  #blocked = false;

  constructor(connection: TcpConnection, clock: Clock, owner: OutboxOwner) {
    this.connection = connection;
    this.#clock = clock;
    this.#owner = owner;
  }

  /** Whether the connection is full: what is written now only waits. */
  get blocked(): boolean {
    return this.#blocked;
  }

  write(bytes: Uint8Array): void {
    const room = this.connection.write(bytes);
    if (room || this.#blocked) return;
    this.#blocked = true;
    this.#watch();
    this.#owner.blocked();
  }

  /** The connection's buffer is empty again. */
  drained(): void {
    if (!this.#blocked) return;
    this.close();
    this.#owner.unblocked();
  }

  /** Nothing is watched any more. */
  close(): void {
    this.#blocked = false;
    this.#look?.cancel();
    this.#look = undefined;
  }

  #watch(): void {
    this.#queued = this.connection.queued ?? 0;
    this.#look = this.#clock.setTimer(LOOK, () => {
      const before = this.#queued;
      this.#watch();
      if (this.#queued < before) this.#owner.progressed();
    });
  }
}
