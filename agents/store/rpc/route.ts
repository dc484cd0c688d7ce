import type { Method } from '../../../protocol/etcd/api/method.ts';
import { UNIMPLEMENTED, UNKNOWN } from '../../../protocol/etcd/errors.ts';
import { EtcdError } from '../../../protocol/etcd/types.ts';
import type { Store, StoreClient } from '../store.ts';

/** What a call is served from. */
export interface Served {
  readonly store: Store;
  /** The caller's own: what it asks for is checked against its permissions. */
  readonly client: StoreClient;
  /** URLs under which clients reach this server (MemberList). */
  readonly clientUrls: readonly string[];
}

/** Where a stream's answers go. */
export interface Outgoing<Response> {
  /** False where the receiver does not keep up: {@link Incoming.drained} says when it does again. Nothing is ever lost. */
  send(response: Response): boolean;
  /** Ends the stream: in order, or with an error. */
  end(error?: EtcdError): void;
}

/** Where a stream's requests go. */
export interface Incoming<Request> {
  message(request: Request): void;
  /** The caller sends nothing more. */
  halfClosed(): void;
  drained?(): void;
  /** The stream is over, whoever ended it. */
  closed(): void;
}

export type UnaryRoute = {
  readonly kind: 'unary';
  readonly method: Method<unknown, unknown>;
  /** Answers one request; rejects with EtcdError. */
  readonly answer: (served: Served, request: unknown) => Promise<unknown>;
};

export type StreamRoute = {
  readonly kind: 'stream';
  readonly method: Method<unknown, unknown>;
  readonly open: (served: Served, out: Outgoing<unknown>) => Incoming<unknown>;
};

/** A method joined to what serves it, whatever the transport: gRPC or the JSON gateway. */
export type Route = UnaryRoute | StreamRoute;

export function answers<Request, Response>(
  method: Method<Request, Response>,
  answer: (served: Served, request: Request) => Promise<Response>,
): Route {
  return { kind: 'unary', method, answer } as unknown as Route;
}

export function opens<Request, Response>(
  method: Method<Request, Response>,
  open: (served: Served, out: Outgoing<Response>) => Incoming<Request>,
): Route {
  return { kind: 'stream', method, open } as unknown as Route;
}

/** The error of a method that a store without members and disk files has no use for. */
export function unimplemented(what: string): EtcdError {
  return new EtcdError(UNIMPLEMENTED, `etcdserver: ${what} is not supported by this store`);
}

/** Any error as one that a caller may see. */
export function toEtcdError(error: unknown): EtcdError {
  if (error instanceof EtcdError) return error;
  return new EtcdError(UNKNOWN, error instanceof Error ? error.message : String(error));
}
