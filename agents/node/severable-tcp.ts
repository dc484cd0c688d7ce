import type { TcpConnection, TcpHandler, TcpPort } from '../ports.ts';

/** A TCP port whose connections can all be cut at once. */
export interface SeverableTcp {
  readonly tcp: TcpPort;
  /** Drops every connection without another byte, as the kernel does for a process that was killed; none opens later. */
  sever(): void;
}

/** Joins a switch to a TCP port, so that an agent in a shared process can die like one with a process of its own. */
export function severable(port: TcpPort): SeverableTcp {
  const open = new Set<TcpConnection>();
  let severed = false;
  const track = (connection: TcpConnection): TcpConnection => {
    open.add(connection);
    return {
      get local() {
        return connection.local;
      },
      get remote() {
        return connection.remote;
      },
      get queued() {
        return connection.queued ?? 0;
      },
      write: (bytes) => severed || connection.write(bytes),
      end: () => connection.end(),
      destroy: () => connection.destroy(),
      setTtl: (ttl) => connection.setTtl?.(ttl) ?? true,
      annotate: (text) => connection.annotate?.(text),
    };
  };
  return {
    tcp: {
      listen: (local, accept, options) =>
        port.listen(
          local,
          (connection) => {
            const handler = severed ? undefined : accept(track(connection));
            if (handler !== undefined) return forgetting(handler, () => open.delete(connection));
            open.delete(connection);
            return undefined;
          },
          options,
        ),
      connect: (remote, options, handler) => {
        if (severed) return dead(remote, handler);
        const forget = (): unknown => open.delete(connection);
        const connection: TcpConnection = port.connect(remote, options, forgetting(handler, forget));
        return track(connection);
      },
    },
    sever: () => {
      severed = true;
      for (const connection of [...open]) connection.destroy();
    },
  };
}

/** The same handler, which also says that the connection is closed. */
function forgetting(handler: TcpHandler, forget: () => unknown): TcpHandler {
  return {
    onConnect: () => handler.onConnect?.(),
    onData: (bytes) => handler.onData(bytes),
    onDrain: () => handler.onDrain?.(),
    onClose: (error) => {
      forget();
      handler.onClose(error);
    },
  };
}

/** A connection that never opens; its handler hears of that after it has been returned. */
function dead(remote: TcpConnection['remote'], handler: TcpHandler): TcpConnection {
  queueMicrotask(() => handler.onClose('ECONNABORTED'));
  return {
    local: { address: '', port: 0 },
    remote,
    write: () => false,
    end: () => undefined,
    destroy: () => undefined,
  };
}
