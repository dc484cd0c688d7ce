import type { KeyValue } from '../../protocol/etcd/types.ts';
import { b, below } from '../unit/store/support.ts';
import type { Cluster } from './cluster.ts';
import { text } from './history.ts';
import { realEtcd } from './real-etcd.ts';

const WRITERS = 6;
/** Acknowledged writes between two kills. */
const BETWEEN = 60;
const PREFIX = 'kills/';

/** What came of writing while processes were killed again and again. */
export interface KillReport {
  readonly kills: number;
  readonly acknowledged: number;
  /** Nobody knows of these whether they were done. */
  readonly unanswered: number;
  readonly wrong: readonly string[];
}

/**
 * Clients put new keys without pause while Redis is killed so many times, each other time together with all store servers, so that
 * nothing is left of what it acknowledged but its files. Then everything is killed once more, and what a new server finds is compared.
 */
export async function killRun(cluster: Cluster, kills: number): Promise<KillReport> {
  const stores = cluster.servers.map(({ address }) => realEtcd(address, undefined, { deadline: 10_000 }));
  /** Keys with the revision that was acknowledged; undefined: no answer. */
  const written = new Map<string, bigint | undefined>();
  let acknowledged = 0;
  let stopped = false;
  const writer = async (name: number): Promise<void> => {
    const store = stores[name % stores.length]!;
    for (let i = 0; !stopped; i++) {
      const key = `${PREFIX}${name}-${i}`;
      written.set(key, undefined);
      const answer = await store.put({ key: b(key), value: b(key) }).catch(() => undefined);
      if (answer === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      written.set(key, answer.header.revision);
      acknowledged++;
    }
  };
  const more = async (): Promise<void> => {
    const target = acknowledged + BETWEEN;
    for (const end = performance.now() + 30_000; acknowledged < target; ) {
      if (performance.now() > end) throw new Error('writes are no longer acknowledged');
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const killAll = (): Promise<unknown> =>
    Promise.all([cluster.redis.kill(), ...cluster.servers.map((server) => server.kill())]);
  const startAll = async (): Promise<void> => {
    await cluster.redis.start();
    await Promise.all(cluster.servers.map((server) => server.start()));
  };
  const writing = Promise.all(Array.from({ length: WRITERS }, (_, name) => writer(name)));
  for (let kill = 0; kill < kills; kill++) {
    await more();
    if (kill % 2 === 0) {
      await killAll();
      await startAll();
    } else {
      await cluster.redis.kill();
      await cluster.redis.start();
    }
  }
  await more();
  await killAll();
  stopped = true;
  await writing;
  await startAll();
  await Promise.all(stores.map((store) => store.close()));
  // The clients of before wait with their next attempt to connect.
  const reader = realEtcd(cluster.servers[0]!.address);
  const { kvs } = await reader.range(below(PREFIX));
  await reader.close();
  const unanswered = [...written.values()].filter((revision) => revision === undefined).length;
  return { kills: kills + 1, acknowledged, unanswered, wrong: compare(written, kvs) };
}

function compare(written: ReadonlyMap<string, bigint | undefined>, kvs: readonly KeyValue[]): string[] {
  const wrong: string[] = [];
  const found = new Map(kvs.map((kv) => [text(kv.key), kv]));
  for (const [key, revision] of written) {
    const kv = found.get(key);
    if (kv === undefined) {
      if (revision !== undefined) wrong.push(`${key}, acknowledged at ${revision}, is lost`);
    } else if (revision !== undefined && kv.modRevision !== revision) {
      wrong.push(`${key}, acknowledged at ${revision}, is there at ${kv.modRevision}`);
    } else if (kv.version !== 1n || text(kv.value) !== key) {
      wrong.push(`${key} was put ${kv.version} times, and is ${text(kv.value)}`);
    }
  }
  for (const key of found.keys()) if (!written.has(key)) wrong.push(`${key} was never written`);
  return wrong;
}
