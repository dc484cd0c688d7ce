import { describe } from 'vitest';
import { systemClock } from '../../../agents/io/clock.ts';
import { connectEtcd } from '../../../agents/store/grpc/client.ts';
import { serveStore } from '../../../agents/store/http-server.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import { compliance } from './compliance.ts';

const clock = systemClock();

describe('gRPC, the client and the server', () => {
  compliance('the memory store over gRPC', async () => {
    const store = createMemoryStore({ clock });
    const server = await serveStore(store, { address: '127.0.0.1', port: 0 });
    const stop = async (): Promise<void> => {
      await server.close();
      await store.close();
    };
    const url = server.endpoint.replace('http:', 'etcd:');
    return { client: () => connectEtcd(url, { clock }), stop };
  });
});
