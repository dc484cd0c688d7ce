import {
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { kv } from '../../../protocol/etcd/api/kv.ts';
import { lease } from '../../../protocol/etcd/api/lease.ts';
import type { Method } from '../../../protocol/etcd/api/method.ts';
import { fromTxnResponseMessage, toTxnMessage } from '../../../protocol/etcd/api/txn.ts';
import {
  type WatchCreateMessage,
  type WatchMessage,
  type WatchResponseMessage,
  watch,
} from '../../../protocol/etcd/api/watch.ts';
import { etcdError, UNAVAILABLE } from '../../../protocol/etcd/errors.ts';
import { EtcdError } from '../../../protocol/etcd/types.ts';
import type { Clock, Log, Millis } from '../../ports.ts';
import type { KvClient } from '../client.ts';
import { closedError } from '../local-client.ts';
import { pauseAfter, Watches, type WatchStreamEvents, type WatchTransport } from '../resuming-watch.ts';

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

/**
 * A client of an etcd server over gRPC. `url` is `etcd://host:port`. It connects when first used and again whenever the connection
 * is lost: requests wait for that up to `patience` and then fail with Unavailable (14), watches go on where they stopped. A
 * write whose answer was lost fails with 14 too, and may have happened.
 * @throws RangeError on another kind of URL.
 */
export function connectEtcd(url: string, ports: EtcdClientPorts): KvClient {
  const channel = new Channel(url, ports);
  const watches = new Watches();
  return {
    range: (request) => channel.call(kv.range, request, true),
    put: (request) => channel.call(kv.put, request),
    deleteRange: (request) => channel.call(kv.deleteRange, request),
    txn: async (request) => fromTxnResponseMessage(await channel.call(kv.txn, toTxnMessage(request))),
    compact: (revision) => channel.call(kv.compact, { revision, physical: false }),
    leaseGrant: (ttl, id = 0n) => channel.call(lease.grant, { ttl, id }),
    leaseRevoke: (id) => channel.call(lease.revoke, { id }),
    leaseKeepAlive: async (id) => {
      const { ttl } = await channel.first(lease.keepAlive, { id });
      if (ttl <= 0n) throw etcdError('leaseNotFound');
      return ttl;
    },
    watch: (request, handler) => {
      channel.checkOpen();
      return watches.start(channel, request, handler);
    },
    close: async () => {
      channel.close();
      watches.endAll(closedError());
    },
  };
}

function targetOf(url: string): string {
  if (URL.canParse(url)) {
    const { protocol, host, port } = new URL(url);
    if (protocol === 'etcd:' && port !== '') return host;
  }
  throw new RangeError(`store ${url}: expected etcd://host:port`);
}

/** A connection to one server, made again when it is lost. */
class Channel implements WatchTransport {
  readonly endpoint: string;
  readonly clock: Clock;
  readonly log: Log | undefined;
  readonly #client: Client;
  readonly #patience: Millis;
  #closed = false;

  constructor(url: string, ports: EtcdClientPorts) {
    const target = targetOf(url);
    this.endpoint = url;
    this.clock = ports.clock;
    this.log = ports.log;
    this.#patience = ports.patience ?? PATIENCE;
    this.#client = new Client(target, credentials.createInsecure(), OPTIONS);
  }

  /** @throws EtcdError 1 on a closed client. */
  checkOpen(): void {
    if (this.#closed) throw closedError();
  }

  close(): void {
    this.#closed = true;
    this.#client.close();
  }

  /** A request's answer; one that is `repeatable` is made again where its answer was lost. @throws EtcdError. */
  async call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    repeatable = false,
  ): Promise<Response> {
    const deadline = this.clock.now() + this.#patience;
    for (let attempt = 0; ; attempt++) {
      this.checkOpen();
      const left = deadline - this.clock.now();
      try {
        return await this.#attempt(method, request, left);
      } catch (error) {
        if (this.#closed) throw closedError();
        const pause = pauseAfter(attempt);
        const lost = (error as ServiceError).code === status.UNAVAILABLE;
        if (!repeatable || !lost || pause >= left) throw this.#toEtcdError(error as ServiceError);
        await new Promise<void>((resolve) => this.clock.setTimer(pause, resolve));
      }
    }
  }

  #attempt<Request, Response>(
    { path, request: requests, response: responses }: Method<Request, Response>,
    request: Request,
    patience: Millis,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        (message: Request) => Buffer.from(requests.encode(message)),
        (bytes: Buffer) => responses.decode(bytes),
        request,
        new Metadata({ waitForReady: true }),
        { deadline: Date.now() + patience },
        (error, response) => (error === null ? resolve(response!) : reject(error)),
      );
    });
  }

  /** The first answer of a stream to one request. @throws EtcdError. */
  first<Request, Response>(method: Method<Request, Response>, request: Request): Promise<Response> {
    this.checkOpen();
    return new Promise((resolve, reject) => {
      const stream = this.#stream(method, Date.now() + this.#patience);
      stream.on('data', (response: Response) => {
        resolve(response);
        stream.cancel();
      });
      stream.on('error', (error: ServiceError) =>
        reject(this.#closed ? closedError() : this.#toEtcdError(error)),
      );
      stream.write(request);
    });
  }

  #stream<Request, Response>(
    { path, request, response }: Method<Request, Response>,
    deadline: number,
  ): ClientDuplexStream<Request, Response> {
    return this.#client.makeBidiStreamRequest(
      path,
      (message: Request) => Buffer.from(request.encode(message)),
      (bytes: Buffer) => response.decode(bytes),
      new Metadata({ waitForReady: true }),
      { deadline },
    );
  }

  openWatch(createRequest: WatchCreateMessage, events: WatchStreamEvents): { cancel(): void } {
    const stream = this.#stream<WatchMessage, WatchResponseMessage>(watch.watch, Number.POSITIVE_INFINITY);
    stream.on('data', (message: WatchResponseMessage) => events.onMessage(message));
    stream.on('error', (error: ServiceError) => {
      const etcd = this.#toEtcdError(error);
      if (PASSING.has(error.code)) events.onLost(etcd);
      else events.onRefused(etcd);
    });
    stream.on('end', () => events.onLost(new Error('the stream ended')));
    stream.write({ createRequest });
    return { cancel: () => stream.cancel() };
  }

  #toEtcdError({ code, details, message }: ServiceError): EtcdError {
    if (code === status.DEADLINE_EXCEEDED) {
      return new EtcdError(UNAVAILABLE, `store ${this.endpoint}: no answer in time`);
    }
    if (code === status.UNAVAILABLE && !details.startsWith('etcdserver:')) {
      return new EtcdError(UNAVAILABLE, `store ${this.endpoint}: ${details || message}`);
    }
    return new EtcdError(code, details);
  }
}

/** Errors of a stream after which it is worth opening another: the server, or what is between, was gone for a while. */
const PASSING: ReadonlySet<number> = new Set([
  status.CANCELLED,
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.INTERNAL,
  status.UNAVAILABLE,
]);
