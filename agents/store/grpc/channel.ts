import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import {
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { auth } from '../../../protocol/etcd/api/auth.ts';
import { kv } from '../../../protocol/etcd/api/kv.ts';
import type { Method } from '../../../protocol/etcd/api/method.ts';
import {
  type WatchCreateMessage,
  type WatchMessage,
  type WatchResponseMessage,
  watch,
} from '../../../protocol/etcd/api/watch.ts';
import { ETCD_ERRORS } from '../../../protocol/etcd/errors.ts';
import { EtcdError } from '../../../protocol/etcd/types.ts';
import type { Clock, Log, Millis } from '../../ports.ts';
import { type EtcdAddress, hostAndPortOf } from '../etcd-url.ts';
import { closedError } from '../local-client.ts';
import { pauseAfter, type WatchStreamEvents, type WatchTransport } from '../resuming-watch.ts';
import { type ClientTlsFiles, loadClientTls } from '../tls.ts';
import { type CallFailure, failureOf, isPassing } from './failure.ts';
import { isTokenRefused, MOST_TOKENS, TokenSource } from './token.ts';

export interface EtcdClientPorts {
  readonly clock: Clock;
  readonly log?: Log;
  /** How long a request may take, waiting for a connection included; default 10 s. */
  readonly patience?: Millis;
}

const PATIENCE: Millis = 10_000;

const OPTIONS: ClientOptions = {
  // An answer or an event may be larger than grpc-js' 4 MiB.
  'grpc.max_receive_message_length': -1,
  'grpc.keepalive_time_ms': 15_000,
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.min_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 1000,
  // Clients of one process do not share a connection, as their closing ends it.
  'grpc.use_local_subchannel_pool': 1,
};

/** What a new watch asks first where there are tokens; nobody has such a key. */
const PROBE = { key: new TextEncoder().encode('podwire'), countOnly: true, serializable: true };

type Attempt<T> = (client: Client, left: Millis) => Promise<T>;

/**
 * Calls of an etcd, whichever of its members answers. A member that is lost is given up for the next; connections are made when they are
 * first used and again whenever they are lost. The user's token is renewed when the server no longer takes it.
 */
export class Channel implements WatchTransport {
  readonly endpoint: string;
  readonly clock: Clock;
  readonly log: Log | undefined;
  readonly #patience: Millis;
  readonly #members: readonly Client[];
  #member = 0;
  readonly #tokens: TokenSource | undefined;
  #closed = false;

  /** @throws Error with one line where a file for TLS cannot be used. */
  constructor({ endpoints, user, tls, shown }: EtcdAddress, ports: EtcdClientPorts) {
    this.endpoint = shown;
    this.clock = ports.clock;
    this.log = ports.log;
    this.#patience = ports.patience ?? PATIENCE;
    const files = tls === undefined ? undefined : loadClientTls(tls);
    this.#members = endpoints.map((endpoint) => memberAt(endpoint, files));
    this.#tokens = user === undefined ? undefined : new TokenSource(() => this.#authenticate(user));
  }

  /** @throws EtcdError 1 on a closed client. */
  checkOpen(): void {
    if (this.#closed) throw closedError();
  }

  close(): void {
    this.#closed = true;
    for (const member of this.#members) member.close();
  }

  /** A request's answer; one that is `repeatable` is made again where its answer was lost. @throws EtcdError. */
  call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    repeatable = false,
  ): Promise<Response> {
    return this.#withToken((token) =>
      this.#try((client, left) => unary(client, method, request, token, left), repeatable),
    );
  }

  /** The first answer of a stream to one request, which may be made again. @throws EtcdError. */
  first<Request, Response>(method: Method<Request, Response>, request: Request): Promise<Response> {
    return this.#withToken((token) =>
      this.#try((client, left) => firstAnswer(client, method, request, token, left), true),
    );
  }

  /** Does it with the user's token, and again with another where that is refused. */
  async #withToken<T>(request: (token: string | undefined) => Promise<T>): Promise<T> {
    for (let tokens = 1; ; tokens++) {
      this.checkOpen();
      const token = await this.#tokens?.current();
      try {
        return await request(token);
      } catch (error) {
        if (this.#tokens === undefined || tokens === MOST_TOKENS || !isTokenRefused(error)) throw error;
        this.#tokens.refused(token);
      }
    }
  }

  async #authenticate({ name, password }: NonNullable<EtcdAddress['user']>): Promise<string | undefined> {
    try {
      const request = { name, password };
      const attempt: Attempt<{ readonly token: string }> = (client, left) =>
        unary(client, auth.authenticate, request, undefined, left);
      return (await this.#try(attempt, true)).token;
    } catch (error) {
      const { code, message } = error as EtcdError;
      // As etcd's own client: then it needs none.
      if (message === ETCD_ERRORS.authNotEnabled[1]) return undefined;
      if (message !== ETCD_ERRORS.authFailed[1]) throw error;
      throw new EtcdError(
        code,
        `store ${this.endpoint}: user ${name}: ${message.replace('etcdserver: ', '')}`,
      );
    }
  }

  /** Tries until the patience ends: what was not sent for sure, and what is `repeatable`. @throws EtcdError. */
  async #try<T>(attempt: Attempt<T>, repeatable: boolean): Promise<T> {
    const deadline = this.clock.now() + this.#patience;
    for (let attempts = 0; ; attempts++) {
      this.checkOpen();
      const left = deadline - this.clock.now();
      const member = this.#member;
      try {
        return await attempt(this.#members[member]!, left);
      } catch (error) {
        if (this.#closed) throw closedError();
        const failure = this.#failed(error as ServiceError, member);
        // Others are asked at once, and all again after a while.
        const round = Math.floor((attempts + 1) / this.#members.length);
        const pause = (attempts + 1) % this.#members.length === 0 ? pauseAfter(round - 1) : 0;
        const again = (failure.unsent || (failure.lost && repeatable)) && !(failure.final && round > 0);
        if (!again || pause >= left) throw failure.error;
        await new Promise<void>((resolve) => this.clock.setTimer(pause, resolve));
      }
    }
  }

  /** Judges an error of a member's, and turns to the next where this one is lost. */
  #failed(error: ServiceError, member: number): CallFailure {
    const failure = failureOf(error, this.endpoint);
    const gone = failure.lost || failure.passing;
    if (gone && member === this.#member) this.#member = (member + 1) % this.#members.length;
    return failure;
  }

  openWatch(createRequest: WatchCreateMessage, events: WatchStreamEvents): { cancel(): void } {
    let stream: { cancel(): void } | undefined;
    let canceled = false;
    const start = (token: string | undefined): void => {
      if (!canceled) stream = this.#startWatch(createRequest, events, token);
    };
    if (this.#tokens === undefined) start(undefined);
    else {
      this.goodToken().then(start, (error: EtcdError) => {
        if (canceled) return;
        if (isPassing(error.code)) events.onLost(error);
        else events.onRefused(error);
      });
    }
    return {
      cancel: () => {
        canceled = true;
        stream?.cancel();
      },
    };
  }

  /** The user's token, for who makes requests otherwise; undefined: none is needed. Rejects as requests do. */
  async token(): Promise<string | undefined> {
    return this.#tokens?.current();
  }

  /** A request with that token was refused for it: the next token is another. */
  tokenRefused(token: string | undefined): void {
    this.#tokens?.refused(token);
  }

  /** A token that the server still takes: etcd 3.4 refuses a watch with another as one that is not permitted. */
  async goodToken(): Promise<string | undefined> {
    if (this.#tokens === undefined) return undefined;
    await this.call(kv.range, PROBE, true).catch((error: EtcdError) => {
      if (error.message !== ETCD_ERRORS.permissionDenied[1]) throw error;
    });
    return this.#tokens.current();
  }

  #startWatch(
    createRequest: WatchCreateMessage,
    events: WatchStreamEvents,
    token: string | undefined,
  ): { cancel(): void } {
    const member = this.#member;
    const metadata = metadataOf(token);
    // A member that has lost the others has no events to tell, and says so.
    metadata.set('hasleader', 'true');
    const stream: ClientDuplexStream<WatchMessage, WatchResponseMessage> = openStream(
      this.#members[member]!,
      watch.watch,
      metadata,
      Number.POSITIVE_INFINITY,
    );
    stream.on('data', (message: WatchResponseMessage) => events.onMessage(message));
    stream.on('error', (error: ServiceError) => {
      const failure = this.#failed(error, member);
      if (failure.passing) events.onLost(failure.error);
      else events.onRefused(failure.error);
    });
    stream.on('end', () => events.onLost(new Error('the stream ended')));
    stream.write({ createRequest });
    return stream;
  }
}

/** Stands for an address where TLS has room for names only (RFC 6066 §3); no host ever has it (RFC 2606). */
const NO_NAME = 'etcd.invalid';

function memberAt(endpoint: string, tls: ClientTlsFiles | undefined): Client {
  if (tls === undefined) return new Client(endpoint, credentials.createInsecure(), OPTIONS);
  const { host } = hostAndPortOf(endpoint);
  const isAddress = isIP(host) !== 0;
  // @grpc/grpc-js would give the address as the server's name, which Node refuses.
  const options = isAddress ? { ...OPTIONS, 'grpc.ssl_target_name_override': NO_NAME } : OPTIONS;
  const secure = credentials.createSsl(bufferOf(tls.ca), bufferOf(tls.key), bufferOf(tls.cert), {
    checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
  });
  return new Client(endpoint, secure, options);
}

function bufferOf(pem: string | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}

function metadataOf(token: string | undefined): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('token', token);
  return metadata;
}

function unary<Request, Response>(
  client: Client,
  { path, request: requests, response: responses }: Method<Request, Response>,
  request: Request,
  token: string | undefined,
  left: Millis,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      (message: Request) => Buffer.from(requests.encode(message)),
      (bytes: Buffer) => responses.decode(bytes),
      request,
      metadataOf(token),
      { deadline: Date.now() + left },
      (error, response) => (error === null ? resolve(response!) : reject(error)),
    );
  });
}

function openStream<Request, Response>(
  client: Client,
  { path, request, response }: Method<Request, Response>,
  metadata: Metadata,
  deadline: number,
): ClientDuplexStream<Request, Response> {
  return client.makeBidiStreamRequest(
    path,
    (message: Request) => Buffer.from(request.encode(message)),
    (bytes: Buffer) => response.decode(bytes),
    metadata,
    { deadline },
  );
}

/** A stream that ended in order, but too early, as @grpc/grpc-js tells of what is lost. */
const NO_ANSWER: Partial<ServiceError> = {
  code: status.UNAVAILABLE,
  details: 'the stream ended without an answer',
};

function firstAnswer<Request, Response>(
  client: Client,
  method: Method<Request, Response>,
  request: Request,
  token: string | undefined,
  left: Millis,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const stream = openStream(client, method, metadataOf(token), Date.now() + left);
    stream.on('data', (response: Response) => {
      resolve(response);
      stream.cancel();
    });
    stream.on('error', reject);
    // After the error of a stream that ends with one.
    stream.on('end', () => reject(NO_ANSWER));
    stream.write(request);
  });
}
