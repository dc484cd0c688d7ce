import { expect, test } from 'vitest';
import { RedisLeases } from '../../../agents/store/redis-leases.ts';
import type { Deadlines, RedisLog } from '../../../agents/store/redis-log.ts';
import { SimClock } from '../../support/sim-net.ts';
import { commit, newStore } from '../etcd/helpers.ts';

test('stopped while Redis is asked for deadlines, it looks no more', async () => {
  const clock = new SimClock();
  const machine = newStore();
  commit(machine, (draft) => draft.grant(7n, 5n));
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<Deadlines>();
  const deadlines = (): Promise<Deadlines> => {
    asked.resolve();
    return answered.promise;
  };
  const leases = new RedisLeases({
    redisLog: { deadlines } as unknown as RedisLog,
    clock,
    log: undefined,
    machine: () => machine,
    revoke: async () => {},
    ready: () => true,
  });
  leases.arm();
  clock.run(5000);
  await asked.promise;
  leases.stop();
  answered.resolve({ now: 0, deadlines: ['60000'] });
  await new Promise(setImmediate);
  expect(clock.pending).toBe(0);
});
