import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, ListenOptions } from 'node:net';
import { UNAVAILABLE } from '../../protocol/etcd/errors.ts';
import { EtcdError } from '../../protocol/etcd/types.ts';
import type { Log } from '../ports.ts';
import type { KvClient } from './client.ts';
import { serveKeepAlive, serveWatch } from './gateway-streams.ts';
import { UNARY } from './gateway-unary.ts';
import { type JsonObject, parseJson } from './gateway-values.ts';
import type { Store } from './store.ts';

/** The etcd release whose JSON gateway this one answers like. */
const ETCD_VERSION = '3.4.23';
const CLUSTER_VERSION = '3.4.0';

/** etcd's limit for a message is 2 MiB; in base64 it takes a third more. */
const MAX_BODY = 3 * 1024 * 1024;
const MAX_MESSAGE = 2 * 1024 * 1024;
const RESOURCE_EXHAUSTED = 8;

/** HTTP status for each gRPC code, as grpc-gateway maps them. */
const HTTP_STATUS: Readonly<Record<number, number>> = {
  1: 408,
  3: 400,
  4: 504,
  5: 404,
  6: 409,
  7: 403,
  8: 429,
  9: 412,
  10: 409,
  11: 400,
  12: 501,
  14: 503,
  16: 401,
};

export type StoreAddress =
  | { readonly address: string; readonly port: number }
  | { readonly socketPath: string };

export interface StoreServer {
  /** What {@link connectStore} takes: `http://127.0.0.1:2379` or `unix:/path`. */
  readonly endpoint: string;
  /** Stops listening and drops every connection; the store stays open. */
  close(): Promise<void>;
}

/**
 * Serves `store` over etcd's JSON gateway: KV, Lease and Watch below /v3, /health and /version. Port 0 takes a free one.
 * Rejects with a line naming address and cause where it cannot listen.
 */
export async function serveStore(
  store: Store,
  address: StoreAddress,
  ports: { readonly log?: Log } = {},
): Promise<StoreServer> {
  const client = store.client();
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
    serve({ store, client }, request, response).catch((error: unknown) => {
      ports.log?.error({ err: error, path: request.url }, 'a store request failed');
      response.destroy();
    });
  });
  await listen(server, address);
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await client.close();
    await closed;
  };
  return { endpoint: endpointOf(server, address), close };
}

function listen(server: Server, address: StoreAddress): Promise<void> {
  const options: ListenOptions =
    'socketPath' in address ? { path: address.socketPath } : { host: address.address, port: address.port };
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = 'socketPath' in address ? address.socketPath : `${address.address}:${address.port}`;
      reject(new Error(`store cannot listen on ${where}: ${error.code ?? error.message}`));
    });
    server.listen(options, resolve);
  });
}

function endpointOf(server: Server, address: StoreAddress): string {
  if ('socketPath' in address) return `unix:${address.socketPath}`;
  const { port } = server.address() as AddressInfo;
  const host = address.address.includes(':') ? `[${address.address}]` : address.address;
  return `http://${host}:${port}`;
}

/** What a request is served from. */
export interface Served {
  readonly store: Store;
  readonly client: KvClient;
}

async function serve(served: Served, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?')[0]!;
  if (request.method === 'GET' && path === '/health') return sendHealth(served, response);
  if (request.method === 'GET' && path === '/version') {
    return sendJson(response, 200, { etcdserver: ETCD_VERSION, etcdcluster: CLUSTER_VERSION });
  }
  const unary = UNARY[path];
  const stream =
    path === '/v3/watch' ? serveWatch : path === '/v3/lease/keepalive' ? serveKeepAlive : undefined;
  if (unary === undefined && stream === undefined) {
    return sendText(response, 404, path.startsWith('/v3/') ? 'Not Found' : '404 page not found\n');
  }
  if (request.method !== 'POST') return sendText(response, 405, 'Method Not Allowed\n');
  try {
    if (unary !== undefined) sendJson(response, 200, await unary(served, parseJson(await readBody(request))));
    else await stream!(served, await readMessage(request), response);
  } catch (error) {
    sendError(response, error);
  }
}

/** Healthy: the store answers a linearizable read. */
async function sendHealth({ client }: Served, response: ServerResponse): Promise<void> {
  const healthy = await client.range({ key: new TextEncoder().encode('health') }).then(
    () => true,
    () => false,
  );
  sendJson(response, healthy ? 200 : 503, { health: healthy ? 'true' : 'false' });
}

function tooLarge(size: number): EtcdError {
  return new EtcdError(
    RESOURCE_EXHAUSTED,
    `grpc: received message larger than max (${size} vs. ${MAX_MESSAGE})`,
  );
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw tooLarge(size);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The first message of a stream of them, whose sender may keep the body open. */
function readMessage(request: IncomingMessage): Promise<JsonObject> {
  return new Promise((resolve, reject) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > MAX_BODY) return reject(tooLarge(text.length));
      if (!text.trimEnd().endsWith('}')) return;
      try {
        resolve(parseJson(text));
      } catch {
        // More of it is to come, or the end tells what is wrong.
      }
    });
    request.on('end', () => {
      try {
        resolve(parseJson(text));
      } catch (error) {
        reject(error);
      }
    });
    request.on('error', reject);
  });
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
}

function sendJson(response: ServerResponse, status: number, body: JsonObject): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length })
    .end(bytes);
}

/** The gateway's error body; what is no EtcdError is reported as Unavailable, with its text. */
function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const code = error instanceof EtcdError ? error.code : UNAVAILABLE;
  const message = error instanceof Error ? error.message : String(error);
  sendJson(response, HTTP_STATUS[code] ?? 500, { error: message, message, code });
}
