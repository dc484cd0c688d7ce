import { systemRandom } from '../../agents/io/random.ts';
import type { Clock, Log } from '../../agents/ports.ts';
import type { KvClient } from '../../agents/store/client.ts';
import { isEtcdUrl, parseEtcdUrl } from '../../agents/store/etcd-url.ts';
import {
  type ServeOptions,
  type StoreAddress,
  type StoreServer,
  serveStore,
} from '../../agents/store/http-server.ts';
import type { Store } from '../../agents/store/store.ts';
import { keyBytes, prefixEnd } from '../../protocol/etcd/keys.ts';
import type { LabPlan } from '../plan/plan.ts';
import { applyResources } from './resources.ts';
import { labPaths } from './state.ts';

/** etcd's own port, which etcdctl and others ask where they are told nothing else. */
const ETCD_PORT = 2379;
/** Where Calico keeps everything. */
const CALICO = keyBytes('/calico/');

/** The store of a running lab. */
export interface LabStore {
  /** A client for an agent in this process; every agent has its own. */
  client(): KvClient;
  /** Where it serves etcd's API, for `etcdctl --endpoints`: `127.0.0.1:2379`. */
  readonly endpoint: string;
}

interface Ports {
  readonly clock: Clock;
  readonly log: Log;
  /** Takes what undoes each step, for when the lab ends. */
  readonly undo: (() => Promise<void> | void)[];
  /** Told before the first key is written: what is in the store from then on is the lab's, and goes with it. */
  readonly onOwned: () => void;
}

/**
 * Opens a lab's store: in memory, on Redis, or a real etcd's (`etcd://...`), with the lab's resources in it. Agents of the
 * netns runtime find it at the Unix socket of the lab's folder. Rejects with one line.
 */
export async function openLabStore(plan: LabPlan, ports: Ports): Promise<LabStore> {
  return isEtcdUrl(plan.store) ? openEtcd(plan, ports) : openOwn(plan, ports);
}

async function openOwn(plan: LabPlan, ports: Ports): Promise<LabStore> {
  const { clock, log, undo } = ports;
  const store = await createStore(plan, ports);
  await fill(plan, store.client(), clock);
  const server = await serveOnLoopback(store, { log });
  undo.push(() => server.close());
  if (plan.runtime === 'netns') {
    const local = await serveStore(store, { socketPath: labPaths(plan.name).store }, { log });
    undo.push(() => local.close());
  }
  return { client: () => store.client(), endpoint: new URL(server.endpoint).host };
}

async function createStore(plan: LabPlan, { clock, log, undo, onOwned }: Ports): Promise<Store> {
  if (plan.store === 'memory') {
    const { createMemoryStore } = await import('../../agents/store/memory.ts');
    const store = createMemoryStore({ clock, log });
    undo.push(() => store.close());
    return store;
  }
  const { createRedisStore, destroyRedisStore } = await import('../../agents/store/redis.ts');
  // What an earlier lab of this name could not remove when it ended, for want of its Redis, is no part of this one.
  await destroyRedisStore(plan.store, plan.name);
  onOwned();
  const store = await createRedisStore(plan.store, { namespace: plan.name, clock, log });
  undo.push(() => store.destroy());
  return store;
}

async function fill(plan: LabPlan, client: KvClient, clock: Clock): Promise<void> {
  try {
    await applyResources(plan, client, { clock, random: systemRandom() });
  } finally {
    await client.close();
  }
}

/** On etcd's own port, or, where another lab or an etcd has that, on a free one. */
async function serveOnLoopback(store: Store, options: ServeOptions): Promise<StoreServer> {
  const at = (port: number): StoreAddress => ({ address: '127.0.0.1', port });
  try {
    return await serveStore(store, at(ETCD_PORT), options);
  } catch (error) {
    if ((error as { readonly code?: string }).code !== 'EADDRINUSE') throw error;
    return serveStore(store, at(0), options);
  }
}

/** A real etcd. What is below /calico/ has to be the lab's alone, as it is removed when the lab ends. */
async function openEtcd(plan: LabPlan, { clock, log, undo, onOwned }: Ports): Promise<LabStore> {
  const { connectEtcd } = await import('../../agents/store/grpc/client.ts');
  const { shown, endpoints, tls } = parseEtcdUrl(plan.store);
  const connect = (): KvClient => connectEtcd(plan.store, { clock, log });
  const client = connect();
  undo.push(() => client.close());
  const count = await countOfKeys(client, shown);
  if (count > 0n) {
    throw new Error(
      `${shown} has ${count} keys below /calico/ already, and a lab removes them all when it ends; ` +
        'if nobody needs them: etcdctl del --prefix /calico/',
    );
  }
  onOwned();
  undo.push(() => removeAll(client));
  await fill(plan, connect(), clock);
  if (plan.runtime === 'netns') {
    // Network namespaces have no way to the machine's etcd.
    const { serveEtcdProxy } = await import('../../agents/store/etcd-proxy.ts');
    const proxy = await serveEtcdProxy(labPaths(plan.name).store, plan.store, { clock, log });
    undo.push(() => proxy.close());
  }
  const scheme = tls === undefined ? '' : 'https://';
  return { client: connect, endpoint: endpoints.map((endpoint) => `${scheme}${endpoint}`).join(',') };
}

/** Says whose answer it is where etcd's own does not. */
async function countOfKeys(client: KvClient, shown: string): Promise<bigint> {
  try {
    return (await client.range({ key: CALICO, rangeEnd: prefixEnd(CALICO), countOnly: true })).count;
  } catch (error) {
    const { message } = error as Error;
    throw new Error(message.startsWith('store ') ? message : `store ${shown}: ${message}`);
  }
}

async function removeAll(client: KvClient): Promise<void> {
  await client.deleteRange({ key: CALICO, rangeEnd: prefixEnd(CALICO) });
}

/** Removes what a dead lab left in its store; what cannot be reached stays. */
export async function cleanLabStore(url: string, name: string, clock: Clock): Promise<void> {
  if (url === 'memory') return;
  if (!isEtcdUrl(url)) {
    const { destroyRedisStore } = await import('../../agents/store/redis.ts');
    // A Redis that is gone keeps its keys; the next lab of this name removes them.
    await destroyRedisStore(url, name).catch(() => undefined);
    return;
  }
  const { connectEtcd } = await import('../../agents/store/grpc/client.ts');
  try {
    const client = connectEtcd(url, { clock, patience: 2000 });
    await removeAll(client).finally(() => client.close());
  } catch {
    // Also where a file for TLS has gone meanwhile: the lab's own remains are to be removed all the same.
  }
}
