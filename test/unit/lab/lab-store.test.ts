import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../agents/io/clock.ts';
import { openLog } from '../../../agents/log.ts';
import { serveStore } from '../../../agents/store/http-server.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import type { StoreClient } from '../../../agents/store/store.ts';
import type { LabPlan } from '../../../lab/plan/plan.ts';
import { cleanLabStore, openLabStore } from '../../../lab/runtime/lab-store.ts';
import { b, failure } from '../store/support.ts';

const clock = systemClock();
const { log } = openLog({ write: () => {} }, 'silent', {});

/** What stands for a real etcd, and its URL. */
async function etcd(): Promise<{ readonly client: StoreClient; readonly url: string }> {
  const store = createMemoryStore({ clock });
  const server = await serveStore(store, { address: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    await server.close();
    await store.close();
  });
  return { client: store.client(), url: server.endpoint.replace('http:', 'etcd:') };
}

describe('a lab on a real etcd', () => {
  async function open(store: string, onOwned: () => void): Promise<void> {
    const undo: (() => Promise<void> | void)[] = [];
    onTestFinished(async () => {
      for (const step of undo.reverse()) await step();
    });
    const plan = { name: 'lab', runtime: 'local', store, nodes: [], resources: [] } as unknown as LabPlan;
    await openLabStore(plan, { clock, log, undo, onOwned });
  }

  test("keys that were there before are never taken for the lab's", async () => {
    const { client, url } = await etcd();
    await client.put({ key: b('/calico/theirs'), value: b('1') });
    let owned = false;
    const refused = await failure(
      open(url, () => {
        owned = true;
      }),
    );
    expect(refused).toContain('has 1 keys below /calico/ already');
    expect(owned).toBe(false);
    expect((await client.range({ key: b('/calico/theirs') })).count).toBe(1n);
  });

  test("what is in it once it was empty is the lab's", async () => {
    const { url } = await etcd();
    let owned = false;
    await open(url, () => {
      owned = true;
    });
    expect(owned).toBe(true);
  });

  test('that has lost its CA file can be cleaned up after all the same', async () => {
    const url = 'etcds://me:secret@127.0.0.1:26600?ca=/nowhere/ca.crt';
    await expect(cleanLabStore(url, 'lab', clock)).resolves.toBeUndefined();
  });
});
