// A peer of the speaker that is soaked, on a network in memory: an internal neighbour that announces, reads, or both.
import type { TcpConnection } from '../../agents/ports.ts';
import { KEEPALIVE, KEEPALIVE_MESSAGE, MessageCutter, OPEN, open, UPDATE } from '../bench/bgp/wire.ts';
import { type Change, MedTable, updates } from '../support/med-table.ts';
import type { SimNet } from '../support/sim-net.ts';

/** ms; the hold time is 90 s. */
const KEEPALIVE_INTERVAL = 30_000;

/** What a peer announces: it wins by the higher LOCAL_PREF, then by the lower MED. */
export interface SoakRoute {
  readonly localPref: number;
  /** Each route has another one. */
  readonly med: number;
}

export class SoakPeer {
  readonly address: string;
  /** What it was sent since its session came up. */
  table: MedTable = new MedTable();
  /** What it announced since then. */
  readonly announced: Map<number, SoakRoute> = new Map();
  established = false;
  readonly #asn: number;
  readonly #net: SimNet;
  #connection: TcpConnection | undefined;

  constructor(asn: number, address: string, net: SimNet) {
    this.#asn = asn;
    this.address = address;
    this.#net = net;
  }

  dial(speaker: string): void {
    const cutter = new MessageCutter();
    this.table = new MedTable();
    const remote = { address: speaker, port: 179 };
    const connection = this.#net.tcp(this.address).connect(
      remote,
      {},
      {
        onConnect: () => connection.write(open(this.#asn, this.address, 4)),
        onData: (bytes) =>
          cutter.push(Buffer.from(bytes), (chunk, start, end) => this.#message(chunk.subarray(start, end))),
        onClose: () => this.#down(connection),
      },
    );
    this.#connection = connection;
  }

  announce(changes: readonly Change[]): void {
    this.#connection!.write(updates(changes));
  }

  /** Ends the session without a word. */
  hangUp(): void {
    this.#connection?.destroy();
    this.#down(this.#connection);
  }

  #down(connection: TcpConnection | undefined): void {
    if (connection !== this.#connection) return;
    this.#connection = undefined;
    this.established = false;
    this.announced.clear();
  }

  #message(bytes: Buffer): void {
    const type = bytes[18];
    if (type === OPEN) this.#stayAlive(this.#connection!);
    else if (type === KEEPALIVE) this.established = true;
    else if (type === UPDATE) this.table.read(bytes);
  }

  #stayAlive(connection: TcpConnection): void {
    if (connection !== this.#connection) return;
    connection.write(KEEPALIVE_MESSAGE);
    this.#net.clock.setTimer(KEEPALIVE_INTERVAL, () => this.#stayAlive(connection));
  }
}
