import net, { connect, createServer, isIP, isIPv6, type ListenOptions, type Server, Socket } from 'node:net';
import {
  type Endpoint,
  PortError,
  type TcpConnection,
  type TcpConnectOptions,
  type TcpHandler,
  type TcpKeys,
  type TcpListener,
  type TcpListenOptions,
  type TcpPort,
  type TcpTtl,
} from '../ports.ts';
import { errorCode, formatEndpoint, portErrorFrom } from './errors.ts';
import { requireLinux } from './linux/sockopt.ts';
import { ListenerKeys } from './linux/tcp-keys.ts';
import { boundTcpSocket, diallingTcpSocket } from './linux/tcp-socket.ts';
import { setTtl, synTtl } from './linux/tcp-ttl.ts';
import { plainBytes } from './plain-bytes.ts';
import { ReadTurns, TurnReader } from './read-turns.ts';

/**
 * TCP of the operating system, through node:net, with TCP_NODELAY. Addresses are literals, never names. Keys and TTLs
 * need Linux; a connection without them touches nothing of that.
 */
export function nodeTcp(): TcpPort {
  return { listen, connect: dial };
}

/** @throws PortError (as rejection) where the address cannot be listened on, or an option cannot be had. */
async function listen(
  local: Endpoint,
  accept: (connection: TcpConnection) => TcpHandler | undefined,
  options: TcpListenOptions = {},
): Promise<TcpListener> {
  const what = `listen on ${formatEndpoint(local)}`;
  if (isIP(local.address) === 0) throw portErrorFrom(what, new Error('not an IP address'));
  const special = Object.values(options).some((value) =>
    Array.isArray(value) ? value.length > 0 : value !== undefined,
  );
  if (special) requireLinux(`${what} with keys or TTLs`);
  const bound = special ? boundTcpSocket(local, options) : undefined;
  const server = createServer({ noDelay: true }, (socket) => {
    const connection = new NodeConnection(socket);
    const handler = accept(connection);
    if (handler === undefined) connection.refuse();
    else connection.serve(handler);
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', (error) => reject(portErrorFrom(what, error)));
  try {
    server.listen(bound === undefined ? whereToListen(local) : { fd: bound.fd }, resolve);
  } catch (error) {
    throw portErrorFrom(what, error);
  }
  await promise;
  // Errors of a listening server concern one connection that could not be accepted (EMFILE): it is lost.
  server.removeAllListeners('error').on('error', () => undefined);
  return new NodeListener(server, what, bound?.keys);
}

/**
 * A socket that is bound already, where Node has that (26.4): listening on an address, it would look the name up, and
 * compile the largest regular expression of its own to see that the answer is no link-local IPv6 address.
 */
function whereToListen({ address, port }: Endpoint): ListenOptions {
  const options = { host: address, port, ipv6Only: address.includes(':') };
  return 'BoundSocket' in net ? { handle: new net.BoundSocket(options) } : options;
}

class NodeListener implements TcpListener {
  readonly local: Endpoint;
  readonly #server: Server;
  readonly #what: string;
  #keys: ListenerKeys | undefined;

  constructor(server: Server, what: string, keys: ListenerKeys | undefined) {
    const bound = server.address() as { readonly address: string; readonly port: number };
    this.local = { address: bound.address, port: bound.port };
    this.#server = server;
    this.#what = what;
    this.#keys = keys;
  }

  setKeys(keys: TcpKeys): void {
    // After close() the descriptor may be somebody else's.
    const fd = descriptor(this.#server);
    if (fd === undefined) return;
    if (this.#keys === undefined) {
      if ((keys.md5?.length ?? 0) + (keys.ao?.length ?? 0) === 0) return;
      requireLinux(`${this.#what} with keys`);
      this.#keys = new ListenerKeys(fd);
    }
    this.#keys.replace(keys);
  }

  /** The port is free as soon as this returns; the server's callback would wait for the accepted connections too. */
  async close(): Promise<void> {
    if (this.#server.listening) this.#server.close();
  }
}

/** File descriptor of a server or socket, which Node has but does not show; undefined once it is closed. */
function descriptor(owner: Server | Socket): number | undefined {
  const { fd } = (owner as unknown as { readonly _handle: { readonly fd: number } | null })._handle ?? {};
  return fd === undefined || fd < 0 ? undefined : fd;
}

function dial(remote: Endpoint, options: TcpConnectOptions, handler: TcpHandler): TcpConnection {
  const { localAddress, localPort, ...others } = options;
  const bad = [remote.address, localAddress].find((address) => address !== undefined && isIP(address) === 0);
  if (bad !== undefined) return failed(`not an IP address: ${JSON.stringify(bad)}`, remote, handler);
  if (Object.values(others).some((value) => value !== undefined))
    return dialSpecial(remote, options, handler);
  const socket = connect({
    host: remote.address,
    port: remote.port,
    noDelay: true,
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(localPort === undefined ? {} : { localPort }),
  });
  const connection = new NodeConnection(socket);
  connection.serve(handler);
  return connection;
}

/** Dials with a socket that has keys or TTLs before its SYN leaves. */
function dialSpecial(remote: Endpoint, options: TcpConnectOptions, handler: TcpHandler): TcpConnection {
  let fd: number;
  try {
    requireLinux(`connect to ${formatEndpoint(remote)} with keys or TTLs`);
    fd = diallingTcpSocket(remote, options);
  } catch (error) {
    if (error instanceof PortError) return failed(error.message, remote, handler);
    throw error;
  }
  const socket = new Socket({ fd });
  const signed = options.md5 !== undefined || options.ao !== undefined;
  const connection = new NodeConnection(socket, remote, signed);
  connection.serve(handler);
  socket.connect({ host: remote.address, port: remote.port }).setNoDelay(true);
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

/** All connections of the process share its turns. */
const TURNS = new ReadTurns();

const UNKNOWN: Endpoint = { address: '', port: 0 };

class NodeConnection implements TcpConnection {
  local: Endpoint = UNKNOWN;
  remote: Endpoint;
  readonly #socket: Socket;
  readonly #signed: boolean;

  constructor(socket: Socket, remote: Endpoint = UNKNOWN, signed = false) {
    this.#socket = socket;
    this.remote = remote;
    this.#signed = signed;
    if (!socket.connecting) this.#learnEndpoints();
  }

  get queued(): number {
    return this.#socket.writableLength;
  }

  serve(handler: TcpHandler): void {
    const socket = this.#socket;
    let failure: string | undefined;
    socket.on('connect', () => {
      this.#learnEndpoints();
      handler.onConnect?.();
    });
    const reader = new TurnReader(TURNS, socket, (bytes) => handler.onData(bytes));
    socket.on('data', (bytes: Uint8Array) => reader.read(plainBytes(bytes)));
    socket.on('drain', () => handler.onDrain?.());
    socket.on('error', (error) => {
      failure = this.#explain(errorCode(error));
    });
    socket.on('close', () => {
      reader.finish();
      handler.onClose(failure);
    });
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

  setTtl(ttl: TcpTtl): boolean {
    requireLinux('set the TTL of a connection');
    const fd = descriptor(this.#socket);
    // Closed already: nothing is left to refuse.
    if (fd === undefined) return true;
    setTtl(fd, isIPv6(this.local.address), ttl);
    const opened = ttl.minTtl === undefined ? undefined : synTtl(fd);
    return opened === undefined || opened >= ttl.minTtl!;
  }

  /** A peer that drops what we sign shows only as silence. */
  #explain(code: string): string {
    if (code !== 'ETIMEDOUT' || !this.#signed) return code;
    return 'ETIMEDOUT (no answer; does the peer have the same TCP-MD5 or TCP-AO key?)';
  }

  /** Kept as values: Node forgets a socket's addresses once it is closed, but logs want them then. */
  #learnEndpoints(): void {
    const { localAddress, localPort, remoteAddress, remotePort } = this.#socket;
    if (localAddress === undefined || remoteAddress === undefined) return;
    this.local = { address: localAddress, port: localPort ?? 0 };
    this.remote = { address: remoteAddress, port: remotePort ?? 0 };
  }
}
