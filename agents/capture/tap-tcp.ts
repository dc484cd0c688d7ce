import type { Endpoint, TcpConnection, TcpHandler, TcpPort } from '../ports.ts';
import type { CaptureHub } from './hub.ts';
import type { InterfaceId } from './interface.ts';
import type { StreamFraming } from './stream-framing.ts';
import { TcpConversation } from './tcp-conversation.ts';
import { type UnderlayOptions, UnderlayRecorder } from './underlay-recorder.ts';

export interface TcpTapOptions extends UnderlayOptions {
  /**
   * What the connections carry. Segments then begin and end with messages, so that both ends of a connection show the
   * same ones; otherwise they are what was written or read at once.
   */
  readonly framing?: StreamFraming;
}

/**
 * The same TCP port, with every connection recorded as segments reconstructed from its byte stream. A connection that
 * never opened is not recorded: its local port is not known.
 */
export function tapTcp(
  tcp: TcpPort,
  hub: CaptureHub,
  interfaceId: InterfaceId,
  options: TcpTapOptions = {},
): TcpPort {
  const recorder = new UnderlayRecorder(hub, interfaceId, options);
  return {
    listen: (local, accept, listenOptions) =>
      tcp.listen(
        local,
        (connection) => {
          const tap = new ConnectionTap(recorder, options.framing);
          tap.open(connection, false);
          const handler = accept(tap.connection(connection));
          if (handler === undefined) tap.conversation?.destroyed();
          return handler === undefined ? undefined : tap.handler(handler, () => connection);
        },
        listenOptions,
      ),
    connect(remote, connectOptions, handler) {
      const tap = new ConnectionTap(recorder, options.framing);
      const connection: TcpConnection = tcp.connect(
        remote,
        connectOptions,
        tap.handler(handler, () => connection),
      );
      return tap.connection(connection);
    },
  };
}

/** One connection's tap: passes everything through and tells the conversation. */
class ConnectionTap {
  conversation: TcpConversation | undefined;
  readonly #recorder: UnderlayRecorder;
  readonly #framing: StreamFraming | undefined;
  readonly #dialledAt: bigint;
  /** Written before the connection opened. */
  #early: Uint8Array[] = [];
  #endedEarly = false;

  constructor(recorder: UnderlayRecorder, framing: StreamFraming | undefined) {
    this.#recorder = recorder;
    this.#framing = framing;
    this.#dialledAt = recorder.now();
  }

  open(connection: TcpConnection, dialled: boolean): void {
    this.conversation = new TcpConversation(
      this.#recorder,
      connection.local,
      connection.remote,
      this.#framing,
    );
    // Loopback and bridges answer within microseconds, so the time of dialling is that of the whole handshake; the
    // socket tells of it only later, when the other end may have sent data already.
    this.conversation.opened(dialled, dialled ? this.#dialledAt : undefined);
    for (const bytes of this.#early) this.conversation.sent(bytes);
    this.#early = [];
    if (this.#endedEarly) this.conversation.ended();
  }

  handler(handler: TcpHandler, connection: () => TcpConnection): TcpHandler {
    return {
      onConnect: () => {
        this.open(connection(), true);
        handler.onConnect?.();
      },
      onData: (bytes) => {
        this.conversation?.received(bytes);
        handler.onData(bytes);
      },
      onDrain: () => handler.onDrain?.(),
      onClose: (error) => {
        this.conversation?.closed(error);
        handler.onClose(error);
      },
    };
  }

  connection(inner: TcpConnection): TcpConnection {
    const tap = this;
    return {
      get local(): Endpoint {
        return inner.local;
      },
      get remote(): Endpoint {
        return inner.remote;
      },
      get queued(): number {
        return inner.queued ?? 0;
      },
      annotate: (text) => tap.conversation?.annotated(text),
      setTtl: (ttl) => inner.setTtl?.(ttl) ?? true,
      write(bytes) {
        if (tap.conversation === undefined) tap.#early.push(bytes);
        else tap.conversation.sent(bytes);
        return inner.write(bytes);
      },
      end() {
        if (tap.conversation === undefined) tap.#endedEarly = true;
        else tap.conversation.ended();
        inner.end();
      },
      destroy() {
        tap.conversation?.destroyed();
        inner.destroy();
      },
    };
  }
}
