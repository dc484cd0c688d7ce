/** The collector's side of BMP: takes connections from routers, and hands on each message (RFC 7854 §3.2). */

import { type BmpMessage, decodeBmp } from '../../protocol/bmp/message.ts';
import { BmpPeers } from '../../protocol/bmp/peers.ts';
import { BmpStream } from '../../protocol/bmp/stream.ts';
import { tlvText } from '../../protocol/bmp/tlv.ts';
import { SYS_NAME } from '../../protocol/bmp/types.ts';
import { DecodeError } from '../../protocol/bytes/decode-error.ts';
import type { Endpoint, TcpConnection, TcpListener, TcpPort } from '../ports.ts';

/** A router that is connected. */
export interface BmpRouter {
  readonly remote: Endpoint;
  /** As its Initiation says. */
  sysName: string | undefined;
  /** Who is up, before the message that is being handed on. */
  readonly peers: BmpPeers;
}

/** What a router did; views on octets are valid during the call. */
export type StationEvent =
  | { readonly kind: 'connected' }
  /** @see BmpFrame for octets and offset. */
  | {
      readonly kind: 'message';
      readonly message: BmpMessage;
      readonly bytes: Uint8Array;
      readonly offset: number;
    }
  /** A message of an unknown type, which is passed over. */
  | { readonly kind: 'unknown'; readonly type: number; readonly length: number }
  /** A message that cannot be read. `fatal`: nothing behind it can be found either, and the connection is closed. */
  | { readonly kind: 'malformed'; readonly reason: string; readonly fatal: boolean }
  | { readonly kind: 'closed'; readonly error: string | undefined; readonly unread: number };

export class BmpStation {
  readonly #visit: (router: BmpRouter, event: StationEvent) => void;
  readonly #connections = new Set<TcpConnection>();
  #listener: TcpListener | undefined;
  #drained: (() => void) | undefined;

  constructor(visit: (router: BmpRouter, event: StationEvent) => void) {
    this.#visit = visit;
  }

  /** Where it listens. */
  get local(): Endpoint | undefined {
    return this.#listener?.local;
  }

  /** Listens. Rejects with a PortError (one line) where it cannot. */
  async listen(tcp: TcpPort, local: Endpoint): Promise<void> {
    this.#listener = await tcp.listen(local, (connection) => this.#accept(connection));
  }

  /** Takes no more connections, and closes those that are open; resolves when they are. */
  async close(): Promise<void> {
    await this.#listener?.close();
    if (this.#connections.size === 0) return;
    const drained = new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
    for (const connection of this.#connections) connection.destroy();
    await drained;
  }

  #accept(connection: TcpConnection): ReturnType<Parameters<TcpPort['listen']>[1]> {
    const stream = new BmpStream();
    const router: BmpRouter = { remote: connection.remote, sysName: undefined, peers: new BmpPeers() };
    this.#connections.add(connection);
    this.#visit(router, { kind: 'connected' });
    let broken = false;
    return {
      onData: (bytes) => {
        if (broken) return;
        try {
          for (const frame of stream.messages(bytes))
            this.#message(router, frame.bytes, frame.offset, frame.type);
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error;
          broken = true;
          this.#visit(router, { kind: 'malformed', reason: error.message, fatal: true });
          connection.destroy();
        }
      },
      onClose: (error) => {
        this.#connections.delete(connection);
        this.#visit(router, { kind: 'closed', error, unread: broken ? 0 : stream.pending });
        if (this.#connections.size === 0) this.#drained?.();
      },
    };
  }

  #message(router: BmpRouter, bytes: Uint8Array, offset: number, type: number): void {
    let message: BmpMessage | undefined;
    try {
      message = decodeBmp(bytes, offset);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#visit(router, { kind: 'malformed', reason: error.message, fatal: false });
      return;
    }
    if (message === undefined) {
      this.#visit(router, { kind: 'unknown', type, length: bytes.length });
      return;
    }
    if (message.kind === 'initiation') {
      router.sysName = tlvText(message.information, SYS_NAME) ?? router.sysName;
    }
    // The OPENs of a Peer Up hold for it already.
    if (message.kind === 'peer-up') router.peers.up(message);
    this.#visit(router, { kind: 'message', message, bytes, offset });
    if (message.kind === 'peer-down') router.peers.down(message.peer);
  }
}
