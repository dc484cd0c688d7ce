import { describe, expect, test } from 'vitest';
import { systemClock } from '../../agents/io/clock.ts';
import { connectStore } from '../../agents/store/http-client.ts';
import { tool } from '../support/tools.ts';
import { compliance } from '../unit/store/compliance.ts';
import { b, below, eventLine, record } from '../unit/store/support.ts';
import { startEtcd } from './etcd-server.ts';

const etcd = tool('etcd');

// The same expectations as of podwire's own stores: what they promise is what etcd does.
describe.skipIf(etcd.missing)(etcd.title('Debian etcd through its JSON gateway'), () => {
  compliance('a real etcd', async () => {
    const server = await startEtcd(etcd.path);
    const clock = systemClock();
    return { client: () => connectStore(server.endpoint, { clock }), stop: () => server.stop() };
  });

  test('the client outlives a restart of etcd: requests wait, watches resume', async () => {
    const server = await startEtcd(etcd.path);
    const client = connectStore(server.endpoint, { clock: systemClock() });
    const seen = record(client, below('/'));
    await seen.untilCreated();
    await client.put({ key: b('/a'), value: b('1') });
    await seen.until(1);
    const restarted = server.restart();
    await seen.untilCreated(2);
    await restarted;
    await client.put({ key: b('/b'), value: b('2') });
    expect((await seen.until(2)).map(eventLine)).toEqual(['PUT /a=1', 'PUT /b=2']);
    await client.close();
    await server.stop();
  });
});
