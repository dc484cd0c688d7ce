import { afterEach, describe, expect, test } from 'vitest';
import { Cluster } from '../store-checks/cluster.ts';
import { faketime } from '../store-checks/fake-clock.ts';
import { killRun } from '../store-checks/kill-run.ts';
import { all, tool } from '../support/tools.ts';

/** PODWIRE_STORE_KILLS makes it longer (nightly: 100). */
const KILLS = Number(process.env.PODWIRE_STORE_KILLS ?? 6);

const redis = tool('redis-server');
const needs = all(redis, faketime);

describe.skipIf(needs.missing)(needs.title('store servers and a Redis that are killed with kill -9'), () => {
  let cluster: Cluster | undefined;
  afterEach(async () => {
    await cluster?.stop();
    cluster = undefined;
  });

  test(
    `with appendfsync always no acknowledged write is lost over ${KILLS} kills`,
    async () => {
      cluster = await Cluster.start(redis.path, ['--appendfsync', 'always']);
      const { kills, acknowledged, unanswered, wrong } = await killRun(cluster, KILLS);
      console.info(`${kills} kills, ${acknowledged} writes acknowledged, ${unanswered} unanswered`);
      expect(wrong).toEqual([]);
      expect(acknowledged).toBeGreaterThan(KILLS * 50);
    },
    60_000 + KILLS * 10_000,
  );

  test('that this would be seen: without an AOF acknowledged writes are lost', async () => {
    cluster = await Cluster.start(redis.path, ['--appendonly', 'no']);
    const { wrong } = await killRun(cluster, 1);
    expect(wrong.filter((line) => line.endsWith('is lost')).length).toBeGreaterThan(50);
  });
});
