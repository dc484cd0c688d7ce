import type { Duplex } from 'node:stream';
import { etcdError, UNIMPLEMENTED } from '../../../protocol/etcd/errors.ts';
import { EtcdError } from '../../../protocol/etcd/types.ts';
import type { HeaderField } from '../../../protocol/http2/hpack.ts';
import type { ServerStream, StreamHandler } from '../../../protocol/http2/server-stream.ts';
import type { Log } from '../../ports.ts';
import type { Clients } from '../rpc/clients.ts';
import type { Route, Served } from '../rpc/route.ts';
import { ROUTES } from '../rpc/routes.ts';
import { Call, refuse } from './call.ts';

/** What the calls of all connections are served from. */
export interface Serving {
  readonly store: Served['store'];
  readonly clients: Clients;
  readonly clientUrls: readonly string[];
  readonly log: Log | undefined;
}

const routes: ReadonlyMap<string, Route> = new Map(ROUTES.map((route) => [route.method.path, route]));
const services: ReadonlySet<string> = new Set(ROUTES.map(({ method }) => serviceOf(method.path)));

function serviceOf(path: string): string {
  return path.slice(1, path.lastIndexOf('/'));
}

/** Whether a request of HTTP/2 is a gRPC call. */
export function isGrpc(headers: readonly HeaderField[]): boolean {
  return headerOf(headers, 'content-type')?.startsWith('application/grpc') === true;
}

/** The first value of a header. */
export function headerOf(headers: readonly HeaderField[], name: string): string | undefined {
  return headers.find((field) => field[0] === name)?.[1];
}

/** Serves a gRPC call. `commonName`: what the connection's verified certificate calls the client. */
export function serveCall(
  { store, clients, clientUrls }: Serving,
  headers: readonly HeaderField[],
  stream: ServerStream,
  commonName: string | undefined,
): StreamHandler {
  const path = headerOf(headers, ':path') ?? '';
  const route = routes.get(path);
  if (route === undefined) return refuse(stream, unknownMethod(path));
  const needsLeader = headerOf(headers, 'hasleader') === 'true';
  if (needsLeader && !store.available) return refuse(stream, etcdError('noLeader'));
  const token = headerOf(headers, 'token') ?? headerOf(headers, 'authorization');
  const call = new Call(stream, route, { store, client: clients.of(token, commonName), clientUrls });
  if (needsLeader && route.kind === 'stream') call.endWithoutLeader();
  return call;
}

/** In the words of grpc-go. */
function unknownMethod(path: string): EtcdError {
  const service = serviceOf(path);
  const method = path.slice(path.lastIndexOf('/') + 1);
  return new EtcdError(
    UNIMPLEMENTED,
    services.has(service) ? `unknown method ${method} for service ${service}` : `unknown service ${service}`,
  );
}

/** For a connection: who its client is by its verified certificate; undefined without one. */
export type NameOf = (connection: Duplex) => string | undefined;
