import type { RequestListener, ServerResponse } from 'node:http';
import { createServer, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type EtcdAddress, hostAndPortOf, parseEtcdUrl } from './etcd-url.ts';
import { sendError } from './gateway-answers.ts';
import { Channel, type EtcdClientPorts } from './grpc/channel.ts';
import { isTokenRefused, MOST_TOKENS } from './grpc/token.ts';
import { answerOf, readText } from './http-gateway.ts';
import { toEtcdError } from './rpc/route.ts';
import { loadClientTls } from './tls.ts';

const WATCH = '/v3/watch';

/**
 * Serves a real etcd's JSON gateway at a Unix socket, for clients that have no way to it: with its TLS, to the member that can be
 * reached, and as its user, whose password they never learn. For `url` see etcd-url.ts. Requests are whole before they are passed on,
 * as podwire's client makes them; answers go back as they come.
 * Rejects where it cannot listen.
 */
export async function serveEtcdProxy(
  socketPath: string,
  url: string,
  ports: EtcdClientPorts,
): Promise<{ close(): Promise<void> }> {
  const proxy = new EtcdProxy(parseEtcdUrl(url), ports);
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, proxy.serve);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  return {
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      proxy.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A request to pass on. */
interface Asked {
  readonly path: string;
  readonly body: string;
  readonly token: string | undefined;
  /** Aborted once nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

class EtcdProxy {
  readonly #channel: Channel;
  readonly #ports: EtcdClientPorts;
  readonly #members: readonly { readonly host: string; readonly port: number }[];
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #request: typeof httpsRequest;
  #member = 0;

  constructor(address: EtcdAddress, ports: EtcdClientPorts) {
    const { endpoints, tls } = address;
    this.#channel = new Channel(address, ports);
    this.#ports = ports;
    this.#members = endpoints.map(hostAndPortOf);
    this.#agent =
      tls === undefined
        ? new HttpAgent({ keepAlive: true })
        : new HttpsAgent({ keepAlive: true, ...loadClientTls(tls) });
    this.#request = tls === undefined ? httpRequest : httpsRequest;
  }

  readonly serve: RequestListener = (near, response) => {
    this.#serve(near, response).catch((error: unknown) => {
      this.#ports.log?.debug({ err: error, path: near.url }, 'a request to etcd was not answered');
      // As if etcd itself were away: the client knows what may be asked again.
      response.destroy();
    });
  };

  async #serve(near: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = near.url ?? '/';
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const body = await readText(near);
    for (let tokens = 1; ; tokens++) {
      let token: string | undefined;
      try {
        token = await (path === WATCH ? this.#channel.goodToken() : this.#channel.token());
      } catch (error) {
        return sendError(response, toEtcdError(error));
      }
      const far = await this.#ask({ path, body, token, signal: gone.signal });
      if (far.statusCode === 200) {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.flushHeaders();
        far.on('error', () => response.destroy());
        far.on('close', () => response.end());
        far.pipe(response);
        return;
      }
      const text = await readText(far);
      if (tokens < MOST_TOKENS && isRefusedFor(far.statusCode, text)) {
        this.#channel.tokenRefused(token);
        continue;
      }
      response.writeHead(far.statusCode ?? 502, { 'content-type': 'application/json' });
      response.end(text);
      return;
    }
  }

  /** Asks the member at hand, and the others where it cannot be reached; one that somebody gave up waiting for is not asked next. */
  async #ask(asked: Asked): Promise<IncomingMessage> {
    for (let attempts = 1; ; attempts++) {
      const member = this.#member;
      try {
        return await this.#post(this.#members[member]!, asked);
      } catch (error) {
        if (member === this.#member) this.#member = (member + 1) % this.#members.length;
        const unsent = (error as NodeJS.ErrnoException).syscall === 'connect';
        if (!unsent || attempts === this.#members.length) throw error;
      }
    }
  }

  #post(
    member: { readonly host: string; readonly port: number },
    { path, body, token, signal }: Asked,
  ): Promise<IncomingMessage> {
    const bytes = Buffer.from(body);
    const headers = {
      'content-type': 'application/json',
      'content-length': bytes.length,
      ...(token === undefined ? {} : { authorization: token }),
    };
    return new Promise((resolve, reject) => {
      const options = { ...member, method: 'POST', path, headers, agent: this.#agent, signal };
      const posted = this.#request(options, resolve);
      posted.setNoDelay(true);
      posted.on('error', reject);
      posted.end(bytes);
    });
  }

  close(): void {
    this.#channel.close();
    this.#agent.destroy();
  }
}

function isRefusedFor(status: number | undefined, text: string): boolean {
  try {
    answerOf(status ?? 0, text);
    return false;
  } catch (error) {
    return isTokenRefused(error);
  }
}
