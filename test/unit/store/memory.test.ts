import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../agents/io/clock.ts';
import { connectStore } from '../../../agents/store/http-client.ts';
import { serveStore } from '../../../agents/store/http-server.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import { compliance } from './compliance.ts';

const clock = systemClock();

compliance('the memory store', async () => {
  const store = createMemoryStore({ clock });
  return { client: () => store.client(), stop: () => store.close() };
});

compliance('the memory store over HTTP', async () => {
  const store = createMemoryStore({ clock });
  const server = await serveStore(store, { address: '127.0.0.1', port: 0 });
  const stop = async (): Promise<void> => {
    await server.close();
    await store.close();
  };
  return { client: () => connectStore(server.endpoint, { clock }), stop };
});

compliance('the memory store over a Unix socket', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'podwire-store-'));
  const store = createMemoryStore({ clock });
  const server = await serveStore(store, { socketPath: join(folder, 'store.sock') });
  const stop = async (): Promise<void> => {
    await server.close();
    await store.close();
    rmSync(folder, { recursive: true });
  };
  return { client: () => connectStore(server.endpoint, { clock }), stop };
});
