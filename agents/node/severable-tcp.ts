import type { TcpConnection, TcpPort } from '../ports.ts';

/** A TCP port whose connections can all be cut at once. */
export interface SeverableTcp {
  readonly tcp: TcpPort;
  /** Drops every connection without another byte, as the kernel does for a process that was killed. */
  sever(): void;
}

/** Joins a switch to a TCP port, so that an agent in a shared process can die like one with a process of its own. */
export function severable(port: TcpPort): SeverableTcp {
  const open = new Set<TcpConnection>();
  let severed = false;
  const follow = (connection: TcpConnection): TcpConnection => {
    open.add(connection);
    return {
      get local() {
        return connection.local;
      },
      get remote() {
        return connection.remote;
      },
      write: (bytes) => severed || connection.write(bytes),
      end: () => connection.end(),
      destroy: () => connection.destroy(),
    };
  };
  return {
    tcp: {
      listen: (local, accept) =>
        port.listen(local, (connection) => {
          const handler = severed ? undefined : accept(follow(connection));
          if (handler === undefined) return undefined;
          const onClose = (error?: string): void => {
            open.delete(connection);
            handler.onClose(error);
          };
          return { ...bind(handler), onClose };
        }),
      connect: (remote, options, handler) => {
        const onClose = (error?: string): void => {
          open.delete(connection);
          handler.onClose(error);
        };
        const connection: TcpConnection = port.connect(remote, options, { ...bind(handler), onClose });
        return follow(connection);
      },
    },
    sever: () => {
      severed = true;
      for (const connection of [...open]) connection.destroy();
    },
  };
}

/** A handler's methods as own properties, whatever it is an instance of. */
function bind(handler: Parameters<TcpPort['connect']>[2]): Parameters<TcpPort['connect']>[2] {
  return {
    ...(handler.onConnect === undefined ? {} : { onConnect: () => handler.onConnect?.() }),
    ...(handler.onDrain === undefined ? {} : { onDrain: () => handler.onDrain?.() }),
    onData: (bytes) => handler.onData(bytes),
    onClose: (error) => handler.onClose(error),
  };
}
