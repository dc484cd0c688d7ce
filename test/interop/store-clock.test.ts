import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster } from '../store-checks/cluster.ts';
import { EventLog, eventText } from '../store-checks/event-log.ts';
import { faketime } from '../store-checks/fake-clock.ts';
import { type RealEtcd, realEtcd } from '../store-checks/real-etcd.ts';
import { all, tool } from '../support/tools.ts';
import { b, below } from '../unit/store/support.ts';

const redis = tool('redis-server');
const needs = all(redis, faketime);
const HOUR = 3600;

describe.skipIf(needs.missing)(needs.title('wall clocks that jump'), () => {
  let cluster: Cluster;
  let stores: RealEtcd[];

  beforeAll(async () => {
    cluster = await Cluster.start(redis.path, ['--appendfsync', 'always']);
    stores = cluster.servers.map(({ address }) => realEtcd(address));
  });

  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await cluster.stop();
  });

  /** Redis' own time, seconds. */
  const redisTime = async (): Promise<number> => Number(((await cluster.ask('TIME')) as [string, string])[0]);

  test.each([
    ['ahead', 2 * HOUR],
    ['back', -3 * HOUR],
  ])('%s: leases end when their TTL is over, not before, and the revision goes on', async (name, offset) => {
    const prefix = `${name}/`;
    const [one, two] = stores as [RealEtcd, RealEtcd];
    const long = await one.leaseGrant(600n);
    await one.put({ key: b(`${prefix}long`), value: b('1'), lease: long.id });
    const kept = await two.leaseGrant(2n);
    await two.put({ key: b(`${prefix}kept`), value: b('1'), lease: kept.id });
    const log = new EventLog(two, { ...below(prefix), prevKv: true });
    const { header } = await log.created();
    const asked = performance.now();
    const short = await one.leaseGrant(2n);
    await one.put({ key: b(`${prefix}short`), value: b('1'), lease: short.id });

    const before = await redisTime();
    for (const clock of [cluster.redisClock, ...cluster.servers.map((server) => server.clock)])
      clock.set(offset);
    expect(Math.abs((await redisTime()) - (Date.now() / 1000 + offset))).toBeLessThan(60);
    expect(Math.abs((await redisTime()) - before)).toBeGreaterThan(HOUR);

    // One is renewed through the other server for longer than it lasts; the short one ends by itself meanwhile.
    let renewals = 0;
    const gone = log.response(({ events }) => events.some(({ type }) => type === 'DELETE'));
    let over = false;
    void gone.then(() => {
      over = true;
    });
    while (!over) {
      expect(await one.leaseKeepAlive(kept.id)).toBe(2n);
      renewals++;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(performance.now() - asked).toBeGreaterThanOrEqual(2000);
    expect(renewals).toBeGreaterThan(5);
    expect(log.events.map((event) => eventText(event, prefix))).toEqual([
      `PUT short=1@${header.revision + 1n}`,
      `DELETE short@${header.revision + 2n} (1)`,
    ]);
    for (const store of stores) {
      const left = await store.leaseTimeToLive(long.id);
      expect(left.ttl).toBeGreaterThan(580n);
      expect(left.ttl).toBeLessThanOrEqual(600n);
    }

    // Who starts with the jumped clock finds the same.
    await cluster.servers[0]!.kill();
    await cluster.servers[0]!.start();
    await one.close();
    const again = realEtcd(cluster.servers[0]!.address);
    stores[0] = again;
    const { kvs, header: last } = await again.range(below(prefix));
    expect(kvs.map(({ key }) => Buffer.from(key).toString())).toEqual([`${prefix}kept`, `${prefix}long`]);
    expect(last.revision).toBe(header.revision + 2n);
    expect((await again.leaseTimeToLive(long.id)).ttl).toBeGreaterThan(580n);
    for (const { id } of [long, kept]) await again.leaseRevoke(id).catch(() => {});
    log.close();
  });
});
