import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../agents/io/clock.ts';
import { createMemoryStore } from '../../agents/store/memory.ts';
import type { Store } from '../../agents/store/store.ts';
import { AuthStepMaker, type Users } from '../store-checks/auth-steps.ts';
import { Dice } from '../store-checks/random.ts';
import { type RealEtcd, realEtcd } from '../store-checks/real-etcd.ts';
import { storeLike } from '../store-checks/store-like.ts';
import { outcome } from '../store-checks/text.ts';
import { tool } from '../support/tools.ts';
import { startEtcd } from './etcd-server.ts';

/** PODWIRE_STORE_SEED chooses other requests; these are always the same, so that a failure is about the change that is tested. */
const SEED = Number(process.env.PODWIRE_STORE_SEED ?? 1);
const STEPS = 2500;

const etcd = tool('etcd');
const clock = systemClock();

function usersOfEtcd(address: string): Users & { readonly close: () => Promise<void> } {
  const clients = new Map<string | undefined, RealEtcd>();
  const as = (token: string | undefined): RealEtcd => {
    const client = clients.get(token) ?? realEtcd(address, token);
    clients.set(token, client);
    return client;
  };
  const close = async (): Promise<void> => {
    for (const client of clients.values()) await client.close();
  };
  return { as, tokens: new Map(), close };
}

function usersOfStore(store: Store): Users {
  const as = (token: string | undefined) => storeLike(store.client(token === undefined ? {} : { token }));
  return { as, tokens: new Map() };
}

describe.skipIf(etcd.missing)(etcd.title('users, roles and permissions as in a real etcd'), () => {
  test(`${STEPS} random requests about users and by them: every answer`, async () => {
    const server = await startEtcd(etcd.path, ['--bcrypt-cost', '4']);
    const real = usersOfEtcd(server.endpoint.replace('http://', ''));
    const store = createMemoryStore({ clock, passwords: PLAIN });
    onTestFinished(async () => {
      await store.close();
      await real.close();
      await server.stop();
    });
    const ours = usersOfStore(store);
    const maker = new AuthStepMaker(new Dice(SEED));
    const seen = new Map<string, number>();
    for (let i = 0; i < STEPS; i++) {
      const step = maker.next();
      const [expected, actual] = [await outcome(step.run(real)), await outcome(step.run(ours))];
      expect(`seed ${SEED}, step ${i}, ${step.name}: ${actual}`).toBe(
        `seed ${SEED}, step ${i}, ${step.name}: ${expected}`,
      );
      const error = /^\d+ [a-z]+: .*/.exec(actual)?.[0] ?? 'done';
      seen.set(error, (seen.get(error) ?? 0) + 1);
      // A token is over when its user changes: the same one asks again, so that not everything is refused.
      if (error === '16 etcdserver: invalid auth token')
        for (const { tokens } of [real, ours]) tokens.clear();
    }
    expect(seen.get('done')).toBeGreaterThan(STEPS / 10);
    expect(seen.get('7 etcdserver: permission denied')).toBeGreaterThan(10);
  });
});

/** Hashes that cost nothing. */
const PLAIN = {
  hash: async (password: string): Promise<string> => `${password}:${Math.random()}`,
  verify: async (password: string, hash: string): Promise<boolean> => hash.split(':')[0] === password,
};
