// A lab that keeps its store in Redis: what is there, what happens without it, and what others change in it.
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type {
  AgentStatus,
  IpamRow,
  NeighborRow,
  PodRow,
  RouteRow,
  StoreRow,
} from '../../agents/control/types.ts';
import { type RedisServer, startRedis } from '../interop/redis-server.ts';
import { tool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { leftovers } from './support/leftovers.ts';
import { podAddresses } from './support/pods.ts';
import { openLabStore, type SharedStore } from './support/redis.ts';
import { Workspace } from './support/workspace.ts';

const HOSTS = ['host1', 'host2', 'host3'];
const redisServer = tool('redis-server');

describe.skipIf(redisServer.missing)(redisServer.title('a lab with its store in Redis'), () => {
  let workspace: Workspace;
  let redis: RedisServer;

  beforeAll(async () => {
    workspace = new Workspace('redis');
    redis = await startRedis(redisServer.path);
    await workspace.ok(['up', '-d', '--store', redis.url]);
  });

  afterAll(async () => {
    await workspace.clean();
    await redis?.stop();
  });

  const inspect = <T>(topic: string, ...options: string[]): Promise<readonly T[]> =>
    workspace.json<readonly T[]>(['inspect', topic, ...options]);

  const storeRows = (): Promise<readonly StoreRow[]> => inspect<StoreRow>('store');

  /** What nothing may change while nobody writes. */
  const kept = (rows: readonly StoreRow[]): object[] =>
    rows.map(({ key, value, createRevision, modRevision }) => ({ key, value, createRevision, modRevision }));

  async function keysInRedis(): Promise<string[]> {
    const client = new Redis(redis.url, { lazyConnect: true });
    try {
      await client.connect();
      return (await client.keys('*')).sort();
    } finally {
      client.disconnect();
    }
  }

  const pings = (from: string, to: string): Promise<boolean> =>
    workspace.podwire(['ping', from, to, '-c', '1', '-W', '1']).then(({ code }) => code === 0);

  /** The sessions between hosts, those of the full mesh: `host1 host2`, both directions. */
  async function meshSessions(): Promise<string[]> {
    const rows = await inspect<NeighborRow>('bgp');
    return rows
      .filter(({ type, state }) => type === 'node-to-node mesh' && state === 'Established')
      .map(({ node_name, node }) => `${node_name} ${node}`)
      .sort();
  }

  test('is there under its name, and says so', async () => {
    expect(await workspace.ok(['inspect'])).toContain(`store ${redis.url}`);
    const keys = await keysInRedis();
    expect(keys).toContain(`podwire:{${workspace.lab}}:log`);
    expect(keys.every((key) => key.startsWith(`podwire:{${workspace.lab}}:`))).toBe(true);
    expect((await storeRows()).length).toBeGreaterThan(20);
    expect(await pings('web-1', 'web-2')).toBe(true);
  });

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'Redis ends by %s and comes back: packets go on meanwhile, nothing is lost, agents follow again',
    async (signal) => {
      const [before, addresses] = [kept(await storeRows()), await podAddresses(workspace)];
      await redis.kill(signal);
      // The agents have what they need; sessions and tunnels do not ask the store.
      expect(await pings('web-1', 'web-2')).toBe(true);
      await redis.start();
      const after = await until('the store answers', async () => {
        const ran = await workspace.podwire(['--format', 'json', 'inspect', 'store']);
        return ran.code === 0 && (JSON.parse(ran.stdout) as readonly StoreRow[]);
      });
      expect(kept(after)).toEqual(before);
      // A host that starts now reads its block from the store, and writes there.
      await workspace.ok(['stop', 'host2']);
      await workspace.ok(['start', 'host2']);
      await until('host2 is reached again', () => pings('web-1', 'web-2'));
      expect(await podAddresses(workspace)).toEqual(addresses);
      const rows = await inspect<IpamRow>('ipam');
      expect(rows.map(({ affinity, inUse }) => `${affinity} ${inUse}`).sort()).toEqual(
        HOSTS.map((host) => `host:${host} 3`),
      );
    },
  );

  test('a host that starts while Redis is away comes up when Redis is back', async () => {
    const addresses = await podAddresses(workspace);
    await workspace.ok(['stop', 'host3']);
    await redis.kill('SIGKILL');
    const start = workspace.start(['start', 'host3']);
    const soon = new Promise<string>((resolve) => setTimeout(resolve, 700, 'it waits'));
    expect(await Promise.race([start.ended, soon])).toBe('it waits');
    await redis.start();
    expect(await start.ended).toMatchObject({ code: 0 });
    await until('host3 is reached again', () => pings('web-1', 'web-3'));
    expect(await podAddresses(workspace)).toEqual(addresses);
  });

  describe('what another process changes in the store', () => {
    let store: SharedStore;

    beforeAll(async () => {
      store = await openLabStore(redis.url, workspace.lab);
    });

    afterAll(() => store?.close());

    test('BGPConfiguration: the full mesh comes and goes, without a restart', async () => {
      const configuration = (await store.resources.get('BGPConfiguration', 'default'))!;
      expect(await meshSessions()).toEqual([]);
      const { pid } = (await workspace.json<{ lab: { pid: number } }>(['inspect'])).lab;
      await store.resources.apply({
        ...configuration,
        spec: { ...configuration.spec, nodeToNodeMeshEnabled: true },
      });
      const wanted = HOSTS.flatMap((host) =>
        HOSTS.filter((other) => other !== host).map((other) => `${host} ${other}`),
      );
      await until('the mesh is Established', async () => (await meshSessions()).length === wanted.length);
      expect(await meshSessions()).toEqual(wanted.sort());
      await store.resources.apply(configuration);
      await until('the mesh is gone', async () => (await meshSessions()).length === 0);
      expect((await workspace.json<{ lab: { pid: number } }>(['inspect'])).lab.pid).toBe(pid);
    });

    test('BGPPeer: without it no sessions and no routes, with it both again', async () => {
      const [name] = (await store.resources.list('BGPPeer')).map(({ metadata }) => metadata.name);
      const peer = (await store.resources.get('BGPPeer', name!))!;
      await store.resources.delete('BGPPeer', name!);
      await until('all sessions are gone', async () => (await inspect<NeighborRow>('bgp')).length === 0);
      const learnt = async (): Promise<number> =>
        (await inspect<RouteRow>('routes')).filter(({ protocol }) => protocol === 'bird').length;
      await until('all learnt routes are gone', async () => (await learnt()) === 0);
      expect(await pings('web-1', 'web-2')).toBe(false);
      await store.resources.create({ ...peer, metadata: { name: name! } });
      await until('all routes are back', async () => (await learnt()) === 6);
      expect(await pings('web-1', 'web-2')).toBe(true);
    });

    test('IPPool: disableBGPExport withdraws the blocks from the others', async () => {
      const pool = (await store.resources.get('IPPool', 'default-ipv4-ippool'))!;
      const reachable = async (): Promise<number> => {
        const { nodes } = await workspace.json<{ nodes: readonly AgentStatus[] }>(['inspect']);
        return nodes.flatMap((node) => node.reachable).length;
      };
      expect(await reachable()).toBe(6);
      await store.resources.apply({ ...pool, spec: { ...pool.spec, disableBGPExport: true } });
      await until('nobody reaches another block', async () => (await reachable()) === 0);
      await store.resources.apply(pool);
      await until('everybody reaches all', async () => (await reachable()) === 6);
    });

    test('BGPConfiguration: another AS number, in all sessions', async () => {
      const configuration = (await store.resources.get('BGPConfiguration', 'default'))!;
      await store.resources.apply({ ...configuration, spec: { ...configuration.spec, asNumber: 64999 } });
      await until('all sessions are Established with the new number', async () => {
        const rows = await inspect<NeighborRow>('bgp');
        return rows.length === 14 && rows.every(({ state, asn }) => state === 'Established' && asn === 64999);
      });
      await until('packets go', () => pings('web-1', 'web-3'));
    });
  });

  test('down leaves nothing in Redis, neither does a crash after the next down', async () => {
    const pods = await inspect<PodRow>('pods');
    expect(pods).toHaveLength(6);
    await workspace.ok(['down']);
    expect(await keysInRedis()).toEqual([]);
    expect(leftovers(workspace)).toEqual([]);
    await workspace.ok(['up', '-d', '--store', redis.url]);
    const { pid } = (await workspace.json<{ lab: { pid: number } }>(['inspect'])).lab;
    process.kill(pid, 'SIGKILL');
    await until('it is dead', async () => (await workspace.podwire(['inspect'])).code === 1);
    expect(await keysInRedis()).not.toEqual([]);
    await workspace.ok(['down']);
    expect(await keysInRedis()).toEqual([]);
    expect(leftovers(workspace)).toEqual([]);
  });

  test('down while Redis is away ends the lab; the next lab of its name replaces what stayed', async () => {
    await workspace.ok(['up', '-d', '--store', redis.url]);
    await redis.kill();
    await workspace.ok(['down']);
    expect(leftovers(workspace)).toEqual([]);
    await redis.start();
    expect(await keysInRedis()).not.toEqual([]);
    const file = workspace.file('one.yaml', 'name: one\nnodes: { only: {} }\npods: { single: {} }\n');
    await workspace.ok(['up', '-d', '--store', redis.url, file]);
    const pods = await inspect<PodRow>('pods');
    expect(pods.map(({ name }) => name)).toEqual(['single']);
    await workspace.ok(['down']);
  });
});
