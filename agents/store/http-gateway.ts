import { Agent, type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { UNAVAILABLE } from '../../protocol/etcd/errors.ts';
import { EtcdError } from '../../protocol/etcd/types.ts';
import { fromJson, JsonMappingError, type JsonObject, parseJson } from '../../protocol/protobuf/json.ts';
import type { MessageType } from '../../protocol/protobuf/message.ts';
import type { Clock, Log, Millis, Timer } from '../ports.ts';
import { closedError } from './local-client.ts';
import { pauseAfter } from './resuming-watch.ts';

export interface GatewayPorts {
  readonly clock: Clock;
  readonly log?: Log;
  /** How long a request may wait for a connection, and then for its answer; default 10 s. */
  readonly patience?: Millis;
}

const PATIENCE: Millis = 10_000;
/** Idle time after which TCP asks whether the peer is still there. */
const TCP_KEEPALIVE: Millis = 15_000;

/** Errors that mean that not a byte of the request left: trying again cannot do it twice. */
const NOT_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
]);

const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection lost',
  ENOENT: 'no such socket',
  ENOTFOUND: 'unknown host',
  EHOSTUNREACH: 'host unreachable',
  ETIMEDOUT: 'no answer in time',
};

function parseEndpoint(endpoint: string): RequestOptions {
  if (endpoint.startsWith('unix:')) {
    const path = endpoint.slice('unix:'.length).replace(/^\/\//, '');
    if (path.startsWith('/')) return { socketPath: path };
  } else if (URL.canParse(endpoint)) {
    const { protocol, hostname, port } = new URL(endpoint);
    const host = hostname.replace(/^\[|\]$/g, '');
    if (protocol === 'http:' && host !== '') return { host, port: port === '' ? 80 : Number(port) };
  }
  throw new RangeError(`store endpoint ${endpoint}: expected http://host:port or unix:/path`);
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
}

/** One store endpoint: pooled connections, retries, timeouts and etcd's errors. */
export class Gateway {
  readonly clock: Clock;
  readonly log: Log | undefined;
  readonly endpoint: string;
  readonly #target: RequestOptions;
  readonly #agent: Agent = new Agent({ keepAlive: true, keepAliveMsecs: TCP_KEEPALIVE });
  readonly #patience: Millis;
  readonly #open: Set<(error: EtcdError) => void> = new Set();
  #closed = false;

  constructor(endpoint: string, ports: GatewayPorts) {
    this.endpoint = endpoint;
    this.#target = parseEndpoint(endpoint);
    this.clock = ports.clock;
    this.log = ports.log;
    this.#patience = ports.patience ?? PATIENCE;
  }

  /** @throws EtcdError 1 on a closed client. */
  checkOpen(): void {
    if (this.#closed) throw closedError();
  }

  unavailable(error: unknown): EtcdError {
    const code = codeOf(error);
    return new EtcdError(UNAVAILABLE, `store ${this.endpoint}: ${CAUSES[code] ?? code}`);
  }

  /**
   * Posts a message and gives the answer's first. A request that surely did not leave is tried again until the client's
   * patience ends, one whose answer was lost only where it is `repeatable`.
   * @throws EtcdError the store's, or 14.
   */
  async call(path: string, body: JsonObject, repeatable: boolean): Promise<JsonObject> {
    const deadline = this.clock.now() + this.#patience;
    for (let attempt = 0; ; attempt++) {
      this.checkOpen();
      try {
        return await this.#attempt(path, body);
      } catch (error) {
        if (error instanceof EtcdError) throw error;
        const again = repeatable || NOT_SENT.has(codeOf(error));
        const pause = pauseAfter(attempt);
        if (!again || this.clock.now() + pause >= deadline) throw this.unavailable(error);
        await this.#sleep(pause);
      }
    }
  }

  #attempt(path: string, body: JsonObject): Promise<JsonObject> {
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined;
      const posted = this.post(path, body);
      const abort = (error: Error): void => {
        settle(() => reject(error));
        posted.destroy();
      };
      const settle = (outcome: () => void): void => {
        timer?.cancel();
        this.#open.delete(abort);
        outcome();
      };
      this.#open.add(abort);
      timer = this.clock.setTimer(this.#patience, () => abort(this.unavailable({ code: 'ETIMEDOUT' })));
      posted.on('error', (error) => settle(() => reject(error)));
      posted.on('response', (response) => {
        readText(response).then(
          (text) =>
            settle(() => {
              try {
                resolve(answerOf(response.statusCode ?? 0, text));
              } catch (error) {
                reject(error);
              }
            }),
          (error) => settle(() => reject(error)),
        );
      });
    });
  }

  /** Sends a message; the caller takes the request's events. */
  post(path: string, body: JsonObject): ClientRequest {
    const bytes = Buffer.from(JSON.stringify(body));
    const headers = { 'content-type': 'application/json', 'content-length': bytes.length };
    const posted = request({ ...this.#target, method: 'POST', path, headers, agent: this.#agent });
    posted.setNoDelay(true);
    posted.end(bytes);
    return posted;
  }

  #sleep(pause: Millis): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (error: EtcdError): void => {
        timer.cancel();
        this.#open.delete(abort);
        reject(error);
      };
      const timer = this.clock.setTimer(pause, () => {
        this.#open.delete(abort);
        resolve();
      });
      this.#open.add(abort);
    });
  }

  /** Fails everything under way and drops the connections. */
  close(): void {
    this.#closed = true;
    for (const abort of [...this.#open]) abort(closedError());
    this.#agent.destroy();
  }
}

/** The whole body as text. */
export async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** The JSON object of an answer. @throws EtcdError that the answer is, or 14 where it is no gateway's. */
export function answerOf(status: number, text: string): JsonObject {
  const answer = parseObject(text);
  if (answer === undefined) {
    throw new EtcdError(UNAVAILABLE, `store answered HTTP ${status}: ${text.slice(0, 100).trim()}`);
  }
  if (status === 200) return answer;
  // A stream that failed at once has its error in an object of its own.
  const error =
    typeof answer.error === 'object' && answer.error !== null ? (answer.error as JsonObject) : answer;
  const code = error.code ?? error.grpc_code;
  const message = error.message ?? error.error;
  throw new EtcdError(typeof code === 'number' ? code : UNAVAILABLE, String(message ?? `HTTP ${status}`));
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const answer = parseJson(text);
    return typeof answer === 'object' && answer !== null ? (answer as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

/** The message in an answer. @throws EtcdError 14 where it is none of that type. */
export function fromAnswer<T>(type: MessageType<T>, answer: unknown): T {
  try {
    return fromJson(type, answer);
  } catch (error) {
    if (!(error instanceof JsonMappingError)) throw error;
    throw new EtcdError(
      UNAVAILABLE,
      `store answered with something else than ${type.name}: ${error.message}`,
    );
  }
}
