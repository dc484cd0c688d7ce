import { describe } from 'vitest';
import { systemClock } from '../../agents/io/clock.ts';
import { connectStore } from '../../agents/store/http-client.ts';
import { tool } from '../support/tools.ts';
import { compliance } from '../unit/store/compliance.ts';
import { startEtcd } from './etcd-server.ts';

const etcd = tool('etcd');

// The same expectations as of podwire's own stores: what they promise is what etcd does.
describe.skipIf(etcd.missing)(etcd.title('Debian etcd through its JSON gateway'), () => {
  compliance('a real etcd', async () => {
    const server = await startEtcd(etcd.path);
    const clock = systemClock();
    return { client: () => connectStore(server.endpoint, { clock }), stop: () => server.stop() };
  });
});
