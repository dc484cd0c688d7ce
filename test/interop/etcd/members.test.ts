// podwire's client and a real etcd of three members, of which one after the other is killed.
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../agents/io/clock.ts';
import { connectEtcd } from '../../../agents/store/grpc/client.ts';
import { tool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { b, below, failure, record, t } from '../../unit/store/support.ts';
import { startEtcdCluster } from '../etcd-server.ts';

const etcd = tool('etcd');
const ROUNDS = 3;

describe.skipIf(etcd.missing)(etcd.title('a real etcd of three members'), () => {
  test('whichever member is killed, requests go on and a watch misses nothing and sees nothing twice', async () => {
    const { members, stop } = await startEtcdCluster(etcd.path, 3);
    onTestFinished(stop);
    const url = `etcd://${members.map(({ host }) => host).join(',')}`;
    const client = connectEtcd(url, { clock: systemClock() });
    onTestFinished(() => client.close());
    const seen = record(client, below('k'));
    await seen.untilCreated();
    // A value that was acknowledged is seen, once; one whose answer was lost may be.
    const acknowledged: string[] = [];
    let number = 0;
    const write = async (): Promise<boolean> => {
      const value = String(number++);
      const answer = await failure(client.put({ key: b('k'), value: b(value) }));
      if (answer.startsWith('no error')) acknowledged.push(value);
      else expect(answer).toMatch(/^14 /);
      return answer.startsWith('no error');
    };
    for (let round = 0; round < ROUNDS; round++) {
      const member = members[round]!;
      expect(await write()).toBe(true);
      await member.kill();
      await until('writes are acknowledged without it', write);
      await member.start();
    }
    await until('the last write is seen', () =>
      seen.events.some(({ kv }) => t(kv.value) === acknowledged.at(-1)),
    );
    const values = seen.events.map(({ kv }) => t(kv.value));
    expect(values).toEqual([...new Set(values)]);
    expect(values.filter((value) => acknowledged.includes(value))).toEqual(acknowledged);
    expect(acknowledged.length).toBeGreaterThanOrEqual(2 * ROUNDS);
  }, 120_000);

  test('a watch on a member that has lost the others does not wait there in silence', async () => {
    const { members, stop } = await startEtcdCluster(etcd.path, 3);
    onTestFinished(stop);
    const [lone, ...others] = members;
    const client = connectEtcd(`etcd://${lone!.host}`, { clock: systemClock() });
    onTestFinished(() => client.close());
    const seen = record(client, below('k'));
    await seen.untilCreated();
    for (const member of others) await member.kill();
    // Without a majority nothing can be written: the member knows by now.
    expect(await failure(client.put({ key: b('k'), value: b('0') }))).toMatch(/^14 /);
    await Promise.all(others.map((member) => member.start()));
    // It is opened again, although its connection never broke.
    await seen.untilCreated(2);
    await until('a write is acknowledged', async () =>
      (await failure(client.put({ key: b('k'), value: b('1') }))).startsWith('no error'),
    );
    await until('it is seen', () => seen.events.some(({ kv }) => t(kv.value) === '1'));
  }, 120_000);
});
