// What the proxy does with a real etcd that the test stands for; with etcd itself: test/interop/etcd/secure-client.test.ts.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../agents/io/clock.ts';
import { serveEtcdProxy } from '../../../agents/store/etcd-proxy.ts';

test('a watch whose client has gone before etcd answered ends at etcd too', async () => {
  const etcd = createServer();
  onTestFinished(() => {
    etcd.closeAllConnections();
    etcd.close();
  });
  etcd.listen(0, '127.0.0.1');
  await once(etcd, 'listening');
  const folder = mkdtempSync(join(tmpdir(), 'podwire-proxy-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const socketPath = join(folder, 'store.sock');
  const { port } = etcd.address() as AddressInfo;
  const proxy = await serveEtcdProxy(socketPath, `etcd://127.0.0.1:${port}`, { clock: systemClock() });
  onTestFinished(() => proxy.close());

  const client = request({ socketPath, method: 'POST', path: '/v3/watch' });
  client.on('error', () => {});
  const asked = once(etcd, 'request') as Promise<[IncomingMessage, ServerResponse]>;
  client.end('{"create_request":{"key":"Zm9v"}}');
  const [, answer] = await asked;
  const ended = once(answer, 'close');
  client.destroy();
  await ended;
  expect(answer.writableFinished).toBe(false);
});
