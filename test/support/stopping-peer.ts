// A BGP peer on a real socket that can stop reading. It knows what it was sent.
import { connect, type Socket } from 'node:net';
import { KEEPALIVE, KEEPALIVE_MESSAGE, MessageCutter, OPEN, open, UPDATE } from '../bench/bgp/wire.ts';
import { MedTable } from './med-table.ts';

/** Octets that {@link StoppingPeer.send} writes at once. */
const WRITE_SIZE = 1 << 18;

export class StoppingPeer {
  readonly table: MedTable = new MedTable();
  established = false;
  closed = false;
  readonly #socket: Socket;
  readonly #waiting = new Set<() => void>();

  constructor(asn: number, address: string, speaker: { readonly address: string; readonly port: number }) {
    const cutter = new MessageCutter();
    this.#socket = connect({ host: speaker.address, port: speaker.port, localAddress: address });
    this.#socket.on('connect', () => this.#socket.write(open(asn, address, 4)));
    this.#socket.on('data', (chunk: Buffer) => {
      cutter.push(chunk, (bytes, start, end) => this.#message(bytes.subarray(start, end)));
      this.#changed();
    });
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      this.closed = true;
      this.#changed();
    });
  }

  /** Reads no more until {@link resume}. */
  stop(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += WRITE_SIZE) {
      if (this.#socket.write(bytes.subarray(at, at + WRITE_SIZE))) continue;
      await new Promise<void>((resolve) => {
        this.#socket.once('drain', resolve);
      });
    }
  }

  /** Resolves when the condition holds; looked at whenever something was read. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #changed(): void {
    for (const look of [...this.#waiting]) look();
  }

  #message(bytes: Buffer): void {
    const type = bytes[18];
    if (type === OPEN) this.#socket.write(KEEPALIVE_MESSAGE);
    else if (type === KEEPALIVE) this.established = true;
    else if (type === UPDATE) this.table.read(bytes);
  }
}
