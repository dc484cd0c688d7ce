import { connect, createServer, isIP, type Server, Socket } from 'node:net';
import type { Endpoint, TcpConnection, TcpHandler, TcpListener, TcpPort } from '../ports.ts';
import { errorCode, formatEndpoint, portErrorFrom } from './errors.ts';

/** TCP of the operating system, through node:net, with TCP_NODELAY. Addresses are literals, never names. */
export function nodeTcp(): TcpPort {
  return { listen, connect: dial };
}

/** @throws PortError (as rejection) where the address cannot be listened on. */
function listen(
  local: Endpoint,
  accept: (connection: TcpConnection) => TcpHandler | undefined,
): Promise<TcpListener> {
  const what = `listen on ${formatEndpoint(local)}`;
  return new Promise((resolve, reject) => {
    if (isIP(local.address) === 0) throw portErrorFrom(what, new Error('not an IP address'));
    const server = createServer({ noDelay: true }, (socket) => {
      const connection = new NodeConnection(socket);
      const handler = accept(connection);
      if (handler === undefined) connection.refuse();
      else connection.serve(handler);
    });
    server.once('error', (error) => reject(portErrorFrom(what, error)));
    server.listen({ host: local.address, port: local.port, ipv6Only: true }, () => {
      // Errors of a listening server concern one connection that could not be accepted (EMFILE): it is lost.
      server.removeAllListeners('error').on('error', () => undefined);
      resolve(listener(server));
    });
  });
}

function listener(server: Server): TcpListener {
  const bound = server.address() as { readonly address: string; readonly port: number };
  return {
    local: { address: bound.address, port: bound.port },
    // The port is free as soon as close() returns; its callback would wait for the accepted connections to end too.
    async close(): Promise<void> {
      if (server.listening) server.close();
    },
  };
}

function dial(
  remote: Endpoint,
  options: { readonly localAddress?: string },
  handler: TcpHandler,
): TcpConnection {
  const { localAddress } = options;
  const bad = [remote.address, localAddress].find((address) => address !== undefined && isIP(address) === 0);
  if (bad !== undefined) return failed(`not an IP address: ${JSON.stringify(bad)}`, remote, handler);
  const socket = connect({
    host: remote.address,
    port: remote.port,
    noDelay: true,
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  const connection = new NodeConnection(socket);
  connection.serve(handler);
  return connection;
}

/** A connection that never was: the handler hears of it as of any other failure, after `connect` has returned. */
function failed(error: string, remote: Endpoint, handler: TcpHandler): TcpConnection {
  const socket = new Socket();
  const connection = new NodeConnection(socket, remote);
  connection.serve(handler);
  socket.destroy(new Error(error));
  return connection;
}

const UNKNOWN: Endpoint = { address: '', port: 0 };

class NodeConnection implements TcpConnection {
  local: Endpoint = UNKNOWN;
  remote: Endpoint;
  readonly #socket: Socket;

  constructor(socket: Socket, remote: Endpoint = UNKNOWN) {
    this.#socket = socket;
    this.remote = remote;
    if (!socket.connecting) this.#learnEndpoints();
  }

  serve(handler: TcpHandler): void {
    const socket = this.#socket;
    let failure: string | undefined;
    socket.on('connect', () => {
      this.#learnEndpoints();
      handler.onConnect?.();
    });
    socket.on('data', (bytes: Uint8Array) => handler.onData(bytes));
    socket.on('drain', () => handler.onDrain?.());
    socket.on('error', (error) => {
      failure = errorCode(error);
    });
    socket.on('close', () => handler.onClose(failure));
  }

  refuse(): void {
    this.#socket.on('error', () => undefined);
    this.#socket.destroy();
  }

  write(bytes: Uint8Array): boolean {
    // What is written after the end is lost with the connection; onClose tells, so no error is raised here.
    if (!this.#socket.writable) return false;
    return this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Kept as values: Node forgets a socket's addresses once it is closed, but logs want them then. */
  #learnEndpoints(): void {
    const { localAddress, localPort, remoteAddress, remotePort } = this.#socket;
    if (localAddress === undefined || remoteAddress === undefined) return;
    this.local = { address: localAddress, port: localPort ?? 0 };
    this.remote = { address: remoteAddress, port: remotePort ?? 0 };
  }
}
