import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Duplex } from 'node:stream';
import { EtcdError } from '../../../protocol/etcd/types.ts';
import type { Log } from '../../ports.ts';
import type { Clients } from '../rpc/clients.ts';
import type { Route, Served } from '../rpc/route.ts';
import { ROUTES } from '../rpc/routes.ts';
import { Call, refuse } from './call.ts';

const UNIMPLEMENTED = 12;

/** What a connection's calls are served from. */
export interface Serving {
  readonly store: Served['store'];
  readonly clients: Clients;
  readonly clientUrls: readonly string[];
  readonly log: Log | undefined;
}

/** Octets that may be in flight per stream, and per connection. */
const STREAM_WINDOW = 1024 * 1024;
const CONNECTION_WINDOW = 16 * 1024 * 1024;

const routes: ReadonlyMap<string, Route> = new Map(ROUTES.map((route) => [route.method.path, route]));
const services: ReadonlySet<string> = new Set(ROUTES.map(({ method }) => serviceOf(method.path)));

function serviceOf(path: string): string {
  return path.slice(1, path.lastIndexOf('/'));
}

/** Who a connection's certificate says that its client is; undefined without a verified one. */
export type NameOf = (connection: Duplex) => string | undefined;

/** Serves gRPC on connections that are handed to it. */
export class GrpcServer {
  readonly #serving: Serving;
  readonly #nameOf: NameOf;
  readonly #http2: Http2Server;
  readonly #sessions: Set<ServerHttp2Session> = new Set();

  constructor(serving: Serving, nameOf: NameOf) {
    this.#serving = serving;
    this.#nameOf = nameOf;
    this.#http2 = createServer({
      settings: { initialWindowSize: STREAM_WINDOW, maxConcurrentStreams: 0xffff_ffff },
      // A client may have as many watches as it likes, and drop them all at once.
      maxSessionMemory: 4096,
      streamResetBurst: 1_000_000,
      streamResetRate: 1_000_000,
    });
    this.#http2.on('session', (session) => this.#accept(session));
  }

  /** Takes over a connection on which nothing has been read yet (or what was is put back). */
  take(connection: Duplex): void {
    this.#http2.emit('connection', connection);
  }

  #accept(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    session.setLocalWindowSize(CONNECTION_WINDOW);
    const commonName = this.#nameOf(session.socket);
    session.on('stream', (stream, headers) => this.#call(stream, headers, commonName));
    session.on('error', (error) => {
      this.#serving.log?.debug({ err: error }, 'a gRPC connection failed');
    });
    session.on('close', () => this.#sessions.delete(session));
  }

  #call(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, commonName: string | undefined): void {
    if (headers['content-type']?.startsWith('application/grpc') !== true) {
      stream.respond({ ':status': 415 }, { endStream: true });
      stream.resume();
      return;
    }
    const path = headers[':path'] as unknown as string;
    const route = routes.get(path);
    if (route === undefined) {
      refuse(stream, unknownMethod(path));
      return;
    }
    const { store, clients, clientUrls } = this.#serving;
    const token = headers.token ?? headers.authorization;
    const client = clients.of(Array.isArray(token) ? token[0] : token, commonName);
    new Call(stream, route, { store, client, clientUrls });
  }

  /** Drops all connections. */
  close(): void {
    for (const session of this.#sessions) session.destroy();
    this.#http2.close();
  }
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
