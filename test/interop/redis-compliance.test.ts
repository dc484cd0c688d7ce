import { describe } from 'vitest';
import { systemClock } from '../../agents/io/clock.ts';
import { connectStore } from '../../agents/store/http-client.ts';
import { serveStore } from '../../agents/store/http-server.ts';
import { createRedisStore } from '../../agents/store/redis.ts';
import { tool } from '../support/tools.ts';
import { compliance } from '../unit/store/compliance.ts';
import { startRedis } from './redis-server.ts';

const redis = tool('redis-server');
const clock = systemClock();

describe.skipIf(redis.missing)(redis.title('the store on Redis'), () => {
  compliance('the Redis store', async () => {
    const server = await startRedis(redis.path, ['--appendfsync', 'no']);
    const store = await createRedisStore(server.url, { namespace: 'one', clock });
    const stop = async (): Promise<void> => {
      await store.close();
      await server.stop();
    };
    return { client: () => store.client(), stop };
  });

  compliance('two Redis stores used in turn, over HTTP', async () => {
    const server = await startRedis(redis.path, ['--appendfsync', 'no']);
    const open = async () => {
      const store = await createRedisStore(server.url, { namespace: 'two', clock });
      return { store, http: await serveStore(store, { address: '127.0.0.1', port: 0 }) };
    };
    const both = [await open(), await open()] as const;
    const stop = async (): Promise<void> => {
      for (const { store, http } of both) {
        await http.close();
        await store.close();
      }
      await server.stop();
    };
    let turn = 0;
    return {
      client: () => {
        const one = connectStore(both[0].http.endpoint, { clock });
        const two = connectStore(both[1].http.endpoint, { clock });
        const next = () => (turn++ % 2 === 0 ? one : two);
        return {
          range: (request) => next().range(request),
          put: (request) => next().put(request),
          deleteRange: (request) => next().deleteRange(request),
          txn: (request) => next().txn(request),
          compact: (revision) => next().compact(revision),
          watch: (request, handler) => one.watch(request, handler),
          leaseGrant: (ttl, id) => next().leaseGrant(ttl, id),
          leaseRevoke: (id) => next().leaseRevoke(id),
          leaseKeepAlive: (id) => next().leaseKeepAlive(id),
          close: async () => {
            await one.close();
            await two.close();
          },
        };
      },
      stop,
    };
  });
});
