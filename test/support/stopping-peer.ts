// A BGP peer on a real socket that can stop reading. It knows the MED of each IPv4 prefix that it was sent.
import { connect, type Socket } from 'node:net';
import {
  HEADER_LENGTH,
  KEEPALIVE,
  KEEPALIVE_MESSAGE,
  MessageCutter,
  message,
  OPEN,
  open,
  UPDATE,
} from '../bench/bgp/wire.ts';

/** Octets that {@link StoppingPeer.send} writes at once. */
const WRITE_SIZE = 1 << 18;

export class StoppingPeer {
  /** MED by address of the prefix, as a number. */
  readonly table: Map<number, number> = new Map();
  /** Routes announced and withdrawn in what was read. */
  announced = 0;
  withdrawn = 0;
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
    else if (type === UPDATE) this.#update(bytes);
  }

  /** RFC 4271 §4.3, as far as the table is concerned. */
  #update(bytes: Buffer): void {
    const attributesAt = 21 + bytes.readUInt16BE(19);
    const routesAt = attributesAt + 2 + bytes.readUInt16BE(attributesAt);
    for (const prefix of prefixes(bytes, 21, attributesAt)) {
      this.table.delete(prefix);
      this.withdrawn += 1;
    }
    const med = medOf(bytes, attributesAt + 2, routesAt);
    for (const prefix of prefixes(bytes, routesAt, bytes.length)) {
      this.table.set(prefix, med);
      this.announced += 1;
    }
  }
}

function* prefixes(bytes: Buffer, start: number, end: number): Generator<number> {
  for (let at = start; at < end; ) {
    const octets = (bytes[at]! + 7) >> 3;
    yield bytes.readUIntBE(at + 1, octets) * 2 ** (8 * (4 - octets));
    at += 1 + octets;
  }
}

/** MULTI_EXIT_DISC (RFC 4271 §5.1.4); -1 where there is none. */
function medOf(bytes: Buffer, start: number, end: number): number {
  for (let at = start; at < end; ) {
    const extended = (bytes[at]! & 0x10) !== 0;
    const length = extended ? bytes.readUInt16BE(at + 2) : bytes[at + 2]!;
    const value = at + (extended ? 4 : 3);
    if (bytes[at + 1] === 4) return bytes.readUInt32BE(value);
    at = value + length;
  }
  return -1;
}

/** A route for {@link updates}; without a MED it is withdrawn. Prefixes are /24s. */
export interface Change {
  readonly prefix: number;
  readonly med: number | undefined;
}

/** UPDATEs of an internal peer, one for each change. */
export function updates(changes: readonly Change[]): Uint8Array {
  const bytes = new Uint8Array(changes.length * ANNOUNCEMENT.length);
  let at = 0;
  for (const { prefix, med } of changes) {
    const template = med === undefined ? WITHDRAWAL : ANNOUNCEMENT;
    bytes.set(template, at);
    if (med !== undefined) put(bytes, at + MED_AT, med, 4);
    at += template.length;
    // The withdrawn routes stand before the length of the attributes.
    put(bytes, med === undefined ? at - 5 : at - 3, prefix >>> 8, 3);
  }
  return bytes.subarray(0, at);
}

/** Writes the low octets of a number. */
function put(bytes: Uint8Array, at: number, value: number, octets: number): void {
  for (let i = 0; i < octets; i++) bytes[at + i] = value >>> (8 * (octets - 1 - i));
}

// ORIGIN, AS_PATH of eight AS numbers, NEXT_HOP 192.0.2.1, MULTI_EXIT_DISC, LOCAL_PREF.
const AS_PATH = Array.from({ length: 8 }, (_, i) => [0, 1, 0, i]).flat();
const BEFORE_MED = [
  0x40,
  1,
  1,
  0,
  0x40,
  2,
  2 + AS_PATH.length,
  2,
  8,
  ...AS_PATH,
  0x40,
  3,
  4,
  192,
  0,
  2,
  1,
  0x80,
  4,
  4,
];
const ATTRIBUTES = [...BEFORE_MED, 0, 0, 0, 0, 0x40, 5, 4, 0, 0, 0, 100];
const NLRI = [24, 0, 0, 0];
const ANNOUNCEMENT = message(UPDATE, Uint8Array.from([0, 0, 0, ATTRIBUTES.length, ...ATTRIBUTES, ...NLRI]));
const WITHDRAWAL = message(UPDATE, Uint8Array.from([0, NLRI.length, ...NLRI, 0, 0]));
/** Where the MED stands in {@link ANNOUNCEMENT}. */
const MED_AT = HEADER_LENGTH + 4 + BEFORE_MED.length;
