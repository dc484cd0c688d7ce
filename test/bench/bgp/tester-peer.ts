// One BGP peer of a tester process.
import { connect, type Socket } from 'node:net';
import type { ReceivedTable } from './received-table.ts';
import type { Setup, TesterPeer } from './tester-messages.ts';
import { KEEPALIVE, KEEPALIVE_MESSAGE, MARKER, MessageCutter, NOTIFICATION, OPEN, open } from './wire.ts';

/** Until it dials again, ms: the speaker may not know its peers yet. */
const RETRY = 50;
const KEEPALIVE_INTERVAL = 20_000;
/** Octets that are written at once. */
const WRITE_SIZE = 1 << 18;

export interface PeerEvents {
  established(): void;
  /** Something has come. */
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
    let last: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      last = chunk;
      this.table?.push(chunk);
      if (this.#established) {
        this.#events.received();
        return;
      }
      cutter.push(chunk, (bytes, start) => {
        const type = bytes[start + 18];
        if (type === OPEN) socket.write(KEEPALIVE_MESSAGE);
        else if (type === KEEPALIVE && !this.#established) {
          this.#established = true;
          alive = setInterval(() => socket.write(KEEPALIVE_MESSAGE), KEEPALIVE_INTERVAL);
          this.#events.established();
        }
      });
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(alive);
      if (this.#ended) return;
      if (this.#established) this.#events.failed(`the session of ${address} ended${notificationIn(last)}`);
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

/** The NOTIFICATION at the end of what came last, in words. */
function notificationIn(chunk: Buffer): string {
  const at = chunk.lastIndexOf(MARKER);
  if (at < 0 || chunk[at + 18] !== NOTIFICATION) return '';
  return ` with NOTIFICATION ${chunk[at + 19]}/${chunk[at + 20]}`;
}
