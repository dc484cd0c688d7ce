import type { MessageType } from '../../protobuf/message.ts';

/** A method of a gRPC service. */
export interface Method<Request, Response> {
  /** `/package.Service/Method`, the HTTP/2 `:path`. */
  readonly path: string;
  /** Who sends a stream of messages instead of one. */
  readonly streams: 'none' | 'server' | 'both';
  readonly request: MessageType<Request>;
  readonly response: MessageType<Response>;
  /** Paths of the JSON gateway (`google.api.http` in etcd's .proto files). */
  readonly http: readonly string[];
}

/** A method with one request and one response. */
export function unary<Request, Response>(
  path: string,
  request: MessageType<Request>,
  response: MessageType<Response>,
  ...http: readonly string[]
): Method<Request, Response> {
  return { path, streams: 'none', request, response, http };
}

/** A method whose answer, or whose requests too, are streams. */
export function streaming<Request, Response>(
  streams: 'server' | 'both',
  path: string,
  request: MessageType<Request>,
  response: MessageType<Response>,
  ...http: readonly string[]
): Method<Request, Response> {
  return { path, streams, request, response, http };
}
