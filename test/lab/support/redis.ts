import { ResourceClient } from '../../../agents/calico/resources.ts';
import { systemClock } from '../../../agents/io/clock.ts';
import { systemRandom } from '../../../agents/io/random.ts';
import { createRedisStore } from '../../../agents/store/redis.ts';

/** The store of a running lab, opened by another process (this one), as `calicoctl` opens the datastore of a cluster. */
export interface SharedStore {
  readonly resources: ResourceClient;
  close(): Promise<void>;
}

/** Opens the store that a lab keeps in a Redis. */
export async function openLabStore(url: string, lab: string): Promise<SharedStore> {
  const clock = systemClock();
  const store = await createRedisStore(url, { namespace: lab, clock });
  const client = store.client();
  const resources = new ResourceClient(client, { clock, random: systemRandom() });
  return {
    resources,
    close: async () => {
      await client.close();
      await store.close();
    },
  };
}
