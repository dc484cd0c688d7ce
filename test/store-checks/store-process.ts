/** A store server as a process of its own, to be killed: `store-process.ts REDIS-URL NAMESPACE PORT`; prints a line when it serves. */
import { systemClock } from '../../agents/io/clock.ts';
import { serveStore } from '../../agents/store/http-server.ts';
import { createRedisStore } from '../../agents/store/redis.ts';

const [url, namespace, port] = process.argv.slice(2);
const store = await createRedisStore(url!, { namespace: namespace!, clock: systemClock(), patience: 3000 });
await serveStore(store, { address: '127.0.0.1', port: Number(port) });
process.stdout.write('serving\n');
