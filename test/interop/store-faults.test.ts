import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster } from '../store-checks/cluster.ts';
import { faketime } from '../store-checks/fake-clock.ts';
import { faultRun } from '../store-checks/fault-run.ts';
import { FAULTS } from '../store-checks/faults.ts';
import { all, tool } from '../support/tools.ts';

/** PODWIRE_STORE_FAULT_RUNS makes it longer (nightly: 200), PODWIRE_STORE_SEED repeats a failure. */
const RUNS = Number(process.env.PODWIRE_STORE_FAULT_RUNS ?? 20);
const SEED = Number(process.env.PODWIRE_STORE_SEED ?? Date.now() % 0x7fff_ffff);

const redis = tool('redis-server');
const needs = all(redis, faketime);

describe.skipIf(needs.missing)(
  needs.title('two store servers on one Redis that syncs every write, while things go wrong'),
  () => {
    // One cluster for all runs: what one of them left behind, the next has to live with.
    let cluster: Cluster;
    beforeAll(async () => {
      cluster = await Cluster.start(redis.path, ['--appendfsync', 'always']);
    });
    afterAll(() => cluster.stop());
    const inflicted = new Set<string>();

    const runs = Array.from({ length: RUNS }, (_, i) => [SEED + i] as const);
    test.each(runs)(
      'no acknowledged write is lost, the history is linearizable, the watches keep their guarantees; seed %i',
      async (seed) => {
        const { wrong, faults, operations } = await faultRun(cluster, seed);
        expect(wrong, `seed ${seed}, after: ${faults.join(', ')}`).toEqual([]);
        expect(operations).toBeGreaterThan(150);
        for (const fault of faults) inflicted.add(fault);
      },
    );

    test.skipIf(RUNS < FAULTS.length)('everything went wrong that can', () => {
      expect([...inflicted].sort()).toEqual(FAULTS.map(([name]) => name).sort());
    });
  },
);
