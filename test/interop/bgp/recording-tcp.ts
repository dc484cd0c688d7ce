// TCP that keeps the BGP messages that go over it, byte for byte, in both directions.
import { nodeTcp } from '../../../agents/io/tcp.ts';
import type { TcpConnection, TcpHandler, TcpPort } from '../../../agents/ports.ts';
import { BASE_CONTEXT } from '../../../protocol/bgp/context.ts';
import { MessageStream } from '../../../protocol/bgp/message/stream.ts';

/** Messages by direction, in order. */
export interface Recorded {
  readonly received: Uint8Array[];
  readonly sent: Uint8Array[];
}

export class RecordingTcp implements TcpPort {
  readonly #tcp = nodeTcp();
  readonly #recorded = new Map<string, Recorded>();

  /** What went over all connections with an address. */
  with(address: string): Recorded {
    const recorded = this.#recorded.get(address) ?? { received: [], sent: [] };
    this.#recorded.set(address, recorded);
    return recorded;
  }

  listen(...[local, accept, options]: Parameters<TcpPort['listen']>): ReturnType<TcpPort['listen']> {
    return this.#tcp.listen(
      local,
      (connection) => {
        const { received, sent } = this.with(connection.remote.address);
        const handler = accept(recordSent(connection, sent));
        return handler === undefined ? undefined : recordReceived(handler, received);
      },
      options,
    );
  }

  connect(...[remote, options, handler]: Parameters<TcpPort['connect']>): TcpConnection {
    const { received, sent } = this.with(remote.address);
    return recordSent(this.#tcp.connect(remote, options, recordReceived(handler, received)), sent);
  }
}

function recorder(into: Uint8Array[]): (bytes: Uint8Array) => void {
  const stream = new MessageStream();
  const context = { ...BASE_CONTEXT, extendedMessage: true };
  return (bytes) =>
    stream.push(
      bytes,
      () => context,
      (message) => into.push(message.slice()) > 0,
    );
}

function recordSent(connection: TcpConnection, into: Uint8Array[]): TcpConnection {
  const record = recorder(into);
  const write = connection.write.bind(connection);
  connection.write = (bytes) => {
    record(bytes);
    return write(bytes);
  };
  return connection;
}

function recordReceived(handler: TcpHandler, into: Uint8Array[]): TcpHandler {
  const record = recorder(into);
  const onData = handler.onData.bind(handler);
  handler.onData = (bytes) => {
    record(bytes);
    onData(bytes);
  };
  return handler;
}
