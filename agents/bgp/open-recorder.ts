/** The two OPENs of a connection as octets, for who wants to see them as they were (RFC 7854 §4.10). */
import { readUint16 } from '../../protocol/bgp/byte-writer.ts';
import { HEADER_LENGTH, MAX_MESSAGE_LENGTH, OPEN } from '../../protocol/bgp/message/header.ts';

/** Whole messages, marker to end; none where it was not seen. */
export interface OpenPair {
  readonly sent: Uint8Array;
  readonly received: Uint8Array;
}

interface Recording {
  sent: Uint8Array;
  received: Uint8Array;
  /** Nothing more of what is received is of interest. */
  done: boolean;
}

const EMPTY = new Uint8Array(0);

/** Remembers the OPEN that went out on each connection, and the first message that came in. */
export class OpenRecorder {
  readonly #recordings = new Map<number, Recording>();

  /** A message goes out. */
  sent(connection: number, message: Uint8Array): void {
    if (message[HEADER_LENGTH - 1] === OPEN) this.#of(connection).sent = message.slice();
  }

  /** The next octets have come in, whatever they are. */
  received(connection: number, bytes: Uint8Array): void {
    const recording = this.#of(connection);
    if (recording.done) return;
    const data = new Uint8Array(recording.received.length + bytes.length);
    data.set(recording.received);
    data.set(bytes, recording.received.length);
    const length = data.length < HEADER_LENGTH ? Number.POSITIVE_INFINITY : readUint16(data, 16);
    recording.done = data.length >= Math.min(length, MAX_MESSAGE_LENGTH);
    recording.received = recording.done ? data.slice(0, Math.min(length, MAX_MESSAGE_LENGTH)) : data;
  }

  /** Both OPENs of a connection. */
  pair(connection: number): OpenPair {
    const { sent, received } = this.#recordings.get(connection) ?? { sent: EMPTY, received: EMPTY };
    return { sent, received };
  }

  /** A connection is gone. */
  forget(connection: number): void {
    this.#recordings.delete(connection);
  }

  #of(connection: number): Recording {
    let recording = this.#recordings.get(connection);
    if (recording === undefined) {
      recording = { sent: EMPTY, received: EMPTY, done: false };
      this.#recordings.set(connection, recording);
    }
    return recording;
  }
}
