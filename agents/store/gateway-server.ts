import type { Limits } from '../../protocol/etcd/check.ts';
import { toJson } from '../../protocol/protobuf/json.ts';
import { sendError, sendJson, sendText } from './gateway-answers.ts';
import type { HttpRequest, HttpResponse } from './gateway-exchange.ts';
import { maxBody, readMessage, tooLarge } from './gateway-messages.ts';
import { sendMetrics } from './gateway-metrics.ts';
import { GatewayStream } from './gateway-stream.ts';
import type { Serving } from './grpc/server.ts';
import { type Route, type Served, toEtcdError } from './rpc/route.ts';
import { ROUTES } from './rpc/routes.ts';
import { CLUSTER_VERSION, ETCD_VERSION } from './rpc/version.ts';

const routes: ReadonlyMap<string, Route> = new Map(
  ROUTES.flatMap((route) => route.method.http.map((path) => [path, route] as const)),
);

/**
 * Answers what comes over HTTP/1.1, as etcd does: its JSON gateway below /v3 (and /v3beta, as 3.4 has it), /health, /version and
 * /metrics.
 */
export async function serveHttp(
  serving: Serving,
  commonName: string | undefined,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  const path = (request.url ?? '/').split('?')[0]!;
  const { clients, store, clientUrls } = serving;
  if (request.method === 'GET' && path === '/health') return sendHealth(serving, response);
  if (request.method === 'GET' && path === '/metrics') return sendMetrics(serving, response);
  if (request.method === 'GET' && path === '/version') {
    sendJson(response, 200, { etcdserver: ETCD_VERSION, etcdcluster: CLUSTER_VERSION });
    return;
  }
  const route = routes.get(path.replace(/^\/v3beta\//, '/v3/'));
  if (route === undefined) {
    sendText(response, 404, /^\/v3(beta)?\//.test(path) ? 'Not Found\n' : '404 page not found\n');
    return;
  }
  if (request.method !== 'POST') {
    sendText(response, 405, 'Method Not Allowed\n');
    return;
  }
  const token = request.headers['grpc-metadata-token'] ?? request.headers.authorization;
  const client = clients.of(Array.isArray(token) ? token[0] : token, commonName);
  const served: Served = { store, client, clientUrls };
  if (route.kind === 'stream') new GatewayStream(route, served, request, response);
  else await answer(route, served, request, response);
}

async function answer(
  route: Route & { readonly kind: 'unary' },
  served: Served,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  try {
    const message = readMessage(route, await readBody(request, served.store.limits));
    sendJson(response, 200, toJson(route.method.response, await route.answer(served, message)));
  } catch (error) {
    sendError(response, toEtcdError(error));
  }
}

async function readBody(request: HttpRequest, limits: Limits): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBody(limits)) throw tooLarge(size, limits);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Healthy: the store answers a linearizable read. */
async function sendHealth({ store }: Serving, response: HttpResponse): Promise<void> {
  const client = store.client();
  const healthy = await client.range({ key: new TextEncoder().encode('health') }).then(
    () => true,
    () => false,
  );
  await client.close();
  sendJson(response, healthy ? 200 : 503, { health: healthy ? 'true' : 'false' });
}
