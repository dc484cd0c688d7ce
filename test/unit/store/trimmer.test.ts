import { expect, test } from 'vitest';
import { systemClock } from '../../../agents/io/clock.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import { Trimmer } from '../../../agents/store/trimmer.ts';
import { b, commit, newStore, put } from '../etcd/helpers.ts';

const clock = systemClock();

test('a compaction right behind one that was quickly done is trimmed too', async () => {
  const machine = newStore();
  const trimmer = new Trimmer(() => machine, clock);
  for (let i = 0; i < 10; i++) put(machine, 'k', String(i));
  const compact = (revision: bigint): Promise<void> => {
    commit(machine, (draft) => draft.compact(revision));
    return trimmer.run();
  };
  await Promise.all([compact(5n), compact(8n)]);
  expect(machine.trimming).toBe(false);
});

test('hashes are made of a trimmed history, whenever compactions come', async () => {
  const store = createMemoryStore({ clock });
  const client = store.client();
  for (let i = 0; i < 200; i++) await client.put({ key: b('k'), value: b(String(i)) });
  // Each step one microtask further into the hash.
  for (let steps = 0; steps < 30; steps++) {
    const hashes = [client.hashKv(0n), client.hash()];
    for (let i = 0; i < steps; i++) await undefined;
    const compacted = client.compact(BigInt(5 * steps + 2));
    await Promise.all([...hashes, compacted]);
  }
  await store.close();
});
