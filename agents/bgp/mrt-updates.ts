/** What the sessions of a speaker receive, and how they change state, as BGP4MP_ET records (RFC 6396 §4.4). */
import { ByteWriter, readUint16 } from '../../protocol/bgp/byte-writer.ts';
import { HEADER_LENGTH, UPDATE } from '../../protocol/bgp/message/header.ts';
import type { Negotiated } from '../../protocol/bgp/session/negotiated.ts';
import type { SessionState } from '../../protocol/bgp/session/state.ts';
import type { MrtSession } from '../../protocol/mrt/bgp4mp.ts';
import { type MrtMessage, writeRecord } from '../../protocol/mrt/message.ts';
import type { MrtTime } from '../../protocol/mrt/record.ts';
import { familyOfUpdate } from '../../protocol/mrt/update.ts';
import type { TcpConnection } from '../ports.ts';
import { addressBytes } from './address.ts';

/** Told what sessions receive, as it comes; where nobody listens, that costs nothing. */
export interface SessionTap {
  /**
   * @param asn of the peer, as far as it is configured.
   * @param negotiated what both ends agreed on; `undefined` before that.
   */
  received(
    connection: TcpConnection,
    bytes: Uint8Array,
    asn: number,
    negotiated: Negotiated | undefined,
  ): void;
  state(peer: TapPeer, state: SessionState): void;
}

/** Whose state changed. */
export interface TapPeer {
  readonly address: string;
  /** 0 where it is not known. */
  readonly asn: number;
  readonly localAddress: string | undefined;
}

/** States by their numbers in RFC 6396 §4.4.1. */
const STATES: Readonly<Record<SessionState, number>> = {
  Idle: 1,
  Connect: 2,
  Active: 3,
  OpenSent: 4,
  OpenConfirm: 5,
  Established: 6,
};

/** Hands every record on to those who listen. */
export class UpdateTap implements SessionTap {
  readonly #wallNanos: () => bigint;
  readonly #asn: number;
  readonly #listeners = new Set<(record: Uint8Array) => void>();
  readonly #framers = new WeakMap<TcpConnection, MessageFramer>();
  /** Last state of each peer, by address. */
  readonly #states = new Map<string, SessionState>();
  readonly #writer = new ByteWriter(4096);

  /** @param asn our own, where a session does not say. @param wallNanos wall-clock time, nanoseconds since 1970. */
  constructor(asn: number, wallNanos: () => bigint) {
    this.#asn = asn;
    this.#wallNanos = wallNanos;
  }

  /** Calls for each record from now on, with octets that are the listener's own; returns what ends that. */
  listen(listener: (record: Uint8Array) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  received(
    connection: TcpConnection,
    bytes: Uint8Array,
    asn: number,
    negotiated: Negotiated | undefined,
  ): void {
    if (this.#listeners.size === 0) {
      // Who comes later begins with a whole message.
      this.#framers.delete(connection);
      return;
    }
    let framer = this.#framers.get(connection);
    if (framer === undefined) {
      framer = new MessageFramer();
      this.#framers.set(connection, framer);
    }
    const session = sessionOf(connection, negotiated ?? { peerAs: asn, localAs: this.#asn });
    for (const message of framer.messages(bytes)) this.#message(session, message, negotiated);
  }

  state({ address, asn, localAddress }: TapPeer, state: SessionState): void {
    const before = this.#states.get(address) ?? 'Idle';
    this.#states.set(address, state);
    if (this.#listeners.size === 0) return;
    const peerAddress = addressBytes(address);
    const own = localAddress === undefined ? new Uint8Array(0) : addressBytes(localAddress);
    this.#write({
      kind: 'state-change',
      peerAs: asn,
      localAs: this.#asn,
      interfaceIndex: 0,
      peerAddress,
      localAddress: own.length === peerAddress.length ? own : new Uint8Array(peerAddress.length),
      as4: true,
      before: STATES[before],
      after: STATES[state],
    });
  }

  #message(session: MrtSession, message: Uint8Array, negotiated: Negotiated | undefined): void {
    const context = negotiated?.context;
    let as4 = true;
    let addPath = false;
    if (message[18] === UPDATE && context !== undefined) {
      as4 = context.fourOctetAs;
      const family = context.addPath?.length ? familyOfUpdate(message) : undefined;
      addPath = family !== undefined && context.addPath!.includes(family);
    }
    this.#write({ kind: 'bgp-message', ...session, as4, local: false, addPath, message });
  }

  #write(message: MrtMessage): void {
    this.#writer.position = 0;
    writeRecord(this.#writer, message, mrtTime(this.#wallNanos()));
    for (const listener of this.#listeners) listener(this.#writer.finish());
  }
}

/** Wall-clock nanoseconds as records have them. */
export function mrtTime(nanos: bigint): Required<MrtTime> {
  return {
    seconds: Number(nanos / 1_000_000_000n),
    microseconds: Number((nanos / 1000n) % 1_000_000n),
  };
}

function sessionOf(
  { remote, local }: TcpConnection,
  { peerAs, localAs }: Pick<Negotiated, 'peerAs' | 'localAs'>,
): MrtSession {
  const peerAddress = addressBytes(remote.address);
  return { peerAs, localAs, interfaceIndex: 0, peerAddress, localAddress: addressBytes(local.address) };
}

/**
 * Messages in a stream that may be joined in the middle: what stands before the first marker is passed over, and so is
 * whatever has a length that no message has.
 */
export class MessageFramer {
  #rest: Uint8Array = new Uint8Array(0);
  /** A message has ended where the rest begins. */
  #synced = false;

  /** The messages that are complete with these octets; views that are valid until the next call. */
  *messages(bytes: Uint8Array): Generator<Uint8Array> {
    let data = bytes;
    if (this.#rest.length > 0) {
      data = new Uint8Array(this.#rest.length + bytes.length);
      data.set(this.#rest);
      data.set(bytes, this.#rest.length);
    }
    let at = 0;
    for (;;) {
      at = markerAt(data, at);
      if (at + HEADER_LENGTH > data.length) break;
      if (!this.#synced && data[at + 16] === 0xff) {
        // Ones of what we came into the middle of stand before the marker; no message is as long as that would say.
        at += 1;
        continue;
      }
      const length = readUint16(data, at + 16);
      if (length < HEADER_LENGTH) {
        this.#synced = false;
        at += 1;
        continue;
      }
      if (at + length > data.length) break;
      this.#synced = true;
      yield data.subarray(at, at + length);
      at += length;
    }
    this.#rest = data.slice(at);
  }
}

/** Where the next 16 octets of ones stand, or as many of them as are there at the end. */
function markerAt(data: Uint8Array, from: number): number {
  for (let at = from; at < data.length; at++) {
    const end = Math.min(at + 16, data.length);
    let i = at;
    while (i < end && data[i] === 0xff) i += 1;
    if (i === end) return at;
    at = i;
  }
  return data.length;
}
