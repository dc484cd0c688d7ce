// One BGP peer of a tester process.
import { connect, type Socket } from 'node:net';
import type { ReceivedTable } from './received-table.ts';
import type { Setup, TesterPeer } from './tester-messages.ts';
import { KEEPALIVE, KEEPALIVE_MESSAGE, MessageCutter, NOTIFICATION, OPEN, open, UPDATE } from './wire.ts';

/** Until it dials again, ms: the speaker may not know its peers yet. */
const RETRY = 50;
const KEEPALIVE_INTERVAL = 20_000;
/** Octets that are written at once. */
const WRITE_SIZE = 1 << 18;

export interface PeerEvents {
  established(): void;
  /** UPDATEs have come. */
  received(): void;
  /** The session ended after it was established. */
  failed(reason: string): void;
}

export class Peer {
  readonly table: ReceivedTable | undefined;
  readonly #setup: Setup;
  readonly #peer: TesterPeer;
  readonly #events: PeerEvents;
  #socket: Socket | undefined;
  #established = false;
  #ended = false;

  constructor(setup: Setup, peer: TesterPeer, table: ReceivedTable | undefined, events: PeerEvents) {
    this.#setup = setup;
    this.#peer = peer;
    this.table = table;
    this.#events = events;
  }

  dial(): void {
    const { address: host, port } = this.#setup.speaker;
    const { address, asn } = this.#peer;
    const socket = connect({ host, port, localAddress: address, noDelay: true });
    const cutter = new MessageCutter();
    let alive: NodeJS.Timeout | undefined;
    this.#socket = socket;
    socket.on('connect', () => socket.write(open(asn, address, this.#setup.version)));
    socket.on('data', (chunk: Buffer) => {
      let updates = false;
      cutter.push(chunk, (bytes, start, end) => {
        const type = bytes[start + 18];
        if (type === UPDATE) {
          this.table?.push(bytes, start, end);
          updates = true;
        } else if (type === OPEN) socket.write(KEEPALIVE_MESSAGE);
        else if (type === KEEPALIVE && !this.#established) {
          this.#established = true;
          alive = setInterval(() => socket.write(KEEPALIVE_MESSAGE), KEEPALIVE_INTERVAL);
          this.#events.established();
        } else if (type === NOTIFICATION && this.#established && !this.#ended) {
          this.#events.failed(`NOTIFICATION ${bytes[start + 19]}/${bytes[start + 20]}`);
        }
      });
      if (updates) this.#events.received();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(alive);
      if (this.#ended) return;
      if (this.#established) this.#events.failed(`the session of ${address} ended`);
      else setTimeout(() => this.dial(), RETRY);
    });
  }

  /** Writes octets as fast as the speaker takes them. */
  async send(bytes: Buffer): Promise<void> {
    const socket = this.#socket!;
    for (let at = 0; at < bytes.length; at += WRITE_SIZE) {
      if (socket.write(bytes.subarray(at, at + WRITE_SIZE))) continue;
      await new Promise<void>((resolve) => {
        socket.once('drain', resolve);
      });
    }
  }

  end(): void {
    this.#ended = true;
    this.#socket?.destroy();
  }
}
