// What the proxy does with a real etcd that the test stands for; with etcd itself: test/interop/etcd/secure-client.test.ts.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../agents/io/clock.ts';
import { serveEtcdProxy } from '../../../agents/store/etcd-proxy.ts';

async function listening(): Promise<{ readonly server: Server; readonly host: string }> {
  const server = createServer();
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, host: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Makes requests over a proxy to that etcd. */
async function proxied(url: string): Promise<(path: string) => ClientRequest> {
  const folder = mkdtempSync(join(tmpdir(), 'podwire-proxy-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const socketPath = join(folder, 'store.sock');
  const proxy = await serveEtcdProxy(socketPath, url, { clock: systemClock() });
  onTestFinished(() => proxy.close());
  return (path) => {
    const client = request({ socketPath, method: 'POST', path });
    // Some end it themselves.
    client.on('error', () => {});
    client.end('{"key":"Zm9v"}');
    return client;
  };
}

const asked = (server: Server): Promise<[IncomingMessage, ServerResponse]> =>
  once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>;

test('a request whose client has gone before etcd answered ends at etcd too', async () => {
  const { server, host } = await listening();
  const ask = await proxied(`etcd://${host}`);
  const question = asked(server);
  const client = ask('/v3/watch');
  const [, answer] = await question;
  const ended = once(answer, 'close');
  client.destroy();
  await ended;
  expect(answer.writableFinished).toBe(false);
});

test('a member that does not answer is not asked next', async () => {
  const [silent, other] = [await listening(), await listening()];
  const ask = await proxied(`etcd://${silent.host},${other.host}`);
  const question = asked(silent.server);
  const client = ask('/v3/kv/range');
  const [, unanswered] = await question;
  const ended = once(unanswered, 'close');
  client.destroy();
  await ended;
  other.server.on('request', (_, response: ServerResponse) => response.end('{}'));
  const [response] = (await once(ask('/v3/kv/range'), 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
});
