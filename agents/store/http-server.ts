import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import { type Log, PortError } from '../ports.ts';
import type { HttpRequest, HttpResponse } from './gateway-exchange.ts';
import { serveHttp } from './gateway-server.ts';
import { openExchange } from './grpc/http2-exchange.ts';
import { serveHttp2 } from './grpc/http2-socket.ts';
import { isGrpc, type Serving, serveCall } from './grpc/server.ts';
import { Clients } from './rpc/clients.ts';
import type { Store } from './store.ts';
import type { ServerTls } from './tls.ts';

export type StoreAddress =
  | { readonly address: string; readonly port: number }
  | { readonly socketPath: string };

export interface StoreServer {
  /** `http://127.0.0.1:2379`, `https://127.0.0.1:2379` or `unix:/path`: what clients of the store are given. */
  readonly endpoint: string;
  /** Stops listening and drops every connection; the store stays open. */
  close(): Promise<void>;
}

export interface ServeOptions {
  readonly log?: Log;
  /** Serve over TLS only. */
  readonly tls?: ServerTls;
}

/** The first octets of HTTP/2 with prior knowledge (RFC 9113 §3.4), as many as tell it from any request of HTTP/1.1. */
const PREFACE = 'PRI';

/**
 * Serves `store` as etcd does: on one port the gRPC API (HTTP/2), and over HTTP/1.1 the JSON gateway, /health, /version and
 * /metrics. Port 0 takes a free one. Rejects with a line naming address and cause where it cannot listen.
 */
export async function serveStore(
  store: Store,
  address: StoreAddress,
  options: ServeOptions = {},
): Promise<StoreServer> {
  const { log, tls } = options;
  const clients = new Clients(store);
  const clientUrls: string[] = [];
  const serving: Serving = { store, clients, clientUrls, log };
  const commonNameOf = nameOf(tls);
  const http = httpServer(serving, commonNameOf);
  const http2 = (socket: Duplex): void => takeHttp2(serving, socket, commonNameOf(socket));
  const sockets = new Set<Duplex>();
  const accept = (socket: Duplex): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // Also while nobody serves it yet: a connection that breaks harms nobody.
    socket.on('error', (error) => log?.debug({ err: error }, 'a connection to the store failed'));
    route(socket, http2, http);
  };
  const server = tls === undefined ? createServer(accept) : createTlsServer(tls.options, accept);
  server.on('tlsClientError', (error: Error) => log?.info({ err: error }, 'a TLS handshake failed'));
  server.on('connection', (socket: Socket) => socket.setNoDelay(true));
  await listen(server, address);
  const endpoint = endpointOf(server, address, tls === undefined ? 'http' : 'https');
  clientUrls.push(endpoint);
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await clients.close();
    await closed;
  };
  return { endpoint, close };
}

/**
 * Rejects as {@link serveStore} would where it could not listen: to be asked before something is done for a store that is
 * not to be done for nothing.
 */
export async function assertCanListen(address: StoreAddress): Promise<void> {
  const server = createServer();
  await listen(server, address);
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

/** Hands a connection to what speaks its protocol, which its first octets tell. */
function route(socket: Duplex, http2: (socket: Duplex) => void, http: HttpServer): void {
  if (socket instanceof TLSSocket && socket.alpnProtocol === 'h2') {
    http2(socket);
    return;
  }
  const look = (): void => {
    const first = socket.read() as Buffer | null;
    if (first === null) {
      socket.once('readable', look);
      return;
    }
    socket.unshift(first);
    const start = first.toString('latin1', 0, PREFACE.length);
    if (start.length < PREFACE.length && PREFACE.startsWith(start)) socket.once('readable', look);
    else if (start === PREFACE) http2(socket);
    else http.emit('connection', socket);
  };
  look();
}

/** gRPC calls, and, as etcd does with TLS, whatever else comes over HTTP/2. */
function takeHttp2(serving: Serving, socket: Duplex, commonName: string | undefined): void {
  serveHttp2(socket, (headers, stream) => {
    if (isGrpc(headers)) return serveCall(serving, headers, stream, commonName);
    const { request, response, handler } = openExchange(headers, stream);
    answer(serving, commonName, request, response);
    return handler;
  });
}

/** How to learn a client's name from a connection: only a certificate that was verified counts. */
function nameOf(tls: ServerTls | undefined): (socket: Duplex) => string | undefined {
  if (tls?.clientCertAuth !== true) return () => undefined;
  return (socket) => {
    if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
    const { CN } = socket.getPeerCertificate().subject;
    return Array.isArray(CN) ? CN[0] : CN;
  };
}

function httpServer(serving: Serving, nameOf: (socket: Duplex) => string | undefined): HttpServer {
  return createHttpServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) =>
    answer(serving, nameOf(request.socket), request, response),
  );
}

function answer(
  serving: Serving,
  commonName: string | undefined,
  request: HttpRequest,
  response: HttpResponse,
): void {
  serveHttp(serving, commonName, request, response).catch((error: unknown) => {
    serving.log?.error({ err: error, path: request.url }, 'a store request failed');
    response.destroy();
  });
}

function listen(server: Server, address: StoreAddress): Promise<void> {
  const options: ListenOptions =
    'socketPath' in address ? { path: address.socketPath } : { host: address.address, port: address.port };
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = 'socketPath' in address ? address.socketPath : `${address.address}:${address.port}`;
      reject(
        new PortError(error.code ?? '', `store cannot listen on ${where}: ${error.code ?? error.message}`),
      );
    });
    server.listen(options, resolve);
  });
}

function endpointOf(server: Server, address: StoreAddress, scheme: string): string {
  if ('socketPath' in address) return `unix:${address.socketPath}`;
  const { port } = server.address() as AddressInfo;
  const host = address.address.includes(':') ? `[${address.address}]` : address.address;
  return `${scheme}://${host}:${port}`;
}
