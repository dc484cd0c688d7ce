import { Ipam } from '../../../agents/calico/ipam.ts';
import { ResourceClient } from '../../../agents/calico/resources.ts';
import { systemClock } from '../../../agents/io/clock.ts';
import type { Clock, Random } from '../../../agents/ports.ts';
import type { KvClient } from '../../../agents/store/client.ts';
import { keyBytes, keyText, prefixEnd } from '../../../agents/store/keys.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import { BLOCK, type Block, IPAM_HANDLE } from '../../../protocol/calico/ipam/values.ts';
import { HANDLE_PREFIX } from '../../../protocol/calico/keys.ts';
import type { IpPool, IpPoolSpec } from '../../../protocol/calico/resources/ip-pool.ts';
import type { Node } from '../../../protocol/calico/resources/node.ts';
import { parseResourceOf } from '../../../protocol/calico/resources/parse.ts';

/** A wall clock that stands still until told otherwise; timers are the machine's. */
export class TestClock implements Clock {
  readonly #system: Clock = systemClock();
  nanos = 1_790_000_000_123_456_789n;

  now(): number {
    return this.#system.now();
  }

  wallNanos(): bigint {
    return this.nanos;
  }

  setTimer(delay: number, callback: () => void): ReturnType<Clock['setTimer']> {
    return this.#system.setTimer(delay, callback);
  }
}

/** Reproducible random numbers (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed;
  const uint32 = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  return { uint32, float: () => uint32() / 2 ** 32 };
}

export interface Cluster {
  readonly client: KvClient;
  readonly clock: TestClock;
  readonly random: Random;
  readonly resources: ResourceClient;
  /** Each call is another process: nothing is shared but the store. */
  ipam(client?: KvClient): Ipam;
}

/** A store with the given pools and nodes. */
export async function cluster(
  pools: Readonly<Record<string, Partial<IpPoolSpec> & { readonly cidr: string }>>,
  nodes: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Promise<Cluster> {
  const clock = new TestClock();
  const random = seededRandom(1);
  const client = createMemoryStore({ clock, random }).client();
  const resources = new ResourceClient(client, { clock, random });
  for (const [name, spec] of Object.entries(pools)) await resources.create(pool(name, spec));
  for (const [name, labels] of Object.entries(nodes)) await resources.create(node(name, labels));
  return { client, clock, random, resources, ipam: (own = client) => new Ipam(own, { clock, random }) };
}

export function pool(name: string, spec: Partial<IpPoolSpec> & { readonly cidr: string }): IpPool {
  return parseResourceOf('IPPool', {
    apiVersion: 'projectcalico.org/v3',
    kind: 'IPPool',
    metadata: { name },
    spec,
  });
}

export function node(name: string, labels: Readonly<Record<string, string>> = {}): Node {
  return { apiVersion: 'projectcalico.org/v3', kind: 'Node', metadata: { name, labels }, spec: {} };
}

/** All keys of the store below a prefix with their values as text. */
export async function dump(client: KvClient, prefix: string): Promise<Record<string, string>> {
  const key = keyBytes(prefix);
  const { kvs } = await client.range({ key, rangeEnd: prefixEnd(key) });
  return Object.fromEntries(kvs.map((kv) => [keyText(kv.key), keyText(kv.value)]));
}

export async function blocksIn(client: KvClient): Promise<Block[]> {
  return Object.values(await dump(client, '/calico/ipam/v2/assignment/')).map((json) => BLOCK.parse(json));
}

/** What must hold in every quiet state: throws naming the first rule that does not. */
export async function checkInvariants(client: KvClient): Promise<void> {
  const counts = new Map<string, Record<string, number>>();
  for (const block of await blocksIn(client)) {
    checkBlock(block);
    for (const index of block.allocations) {
      if (index === null) continue;
      const handle = block.attributes[index]!.handle_id!;
      const ofHandle = counts.get(handle) ?? {};
      counts.set(handle, { ...ofHandle, [block.cidr]: (ofHandle[block.cidr] ?? 0) + 1 });
    }
  }
  const handles = Object.entries(await dump(client, HANDLE_PREFIX)).map(
    ([key, json]) => [key.slice(HANDLE_PREFIX.length), IPAM_HANDLE.parse(json).block] as const,
  );
  const sorted = (entries: Iterable<readonly [string, object]>): string =>
    JSON.stringify([...entries].map(([id, counted]) => [id, Object.entries(counted).toSorted()]).toSorted());
  if (sorted(handles) !== sorted(counts)) {
    throw new Error(`handles count ${sorted(handles)}, blocks hold ${sorted(counts)}`);
  }
}

function checkBlock(block: Block): void {
  const used = block.allocations.flatMap((index, offset) => (index === null ? [] : [offset]));
  const all = [...used, ...block.unallocated].toSorted((a, b) => a - b);
  if (all.some((offset, i) => offset !== i) || all.length !== block.allocations.length) {
    throw new Error(`${block.cidr}: an address is neither free nor in use, or both`);
  }
  const referred = new Set(block.allocations.filter((index) => index !== null));
  if (referred.size !== block.attributes.length || block.attributes.some((_, i) => !referred.has(i))) {
    throw new Error(`${block.cidr}: attributes and allocations do not match`);
  }
  const sequenced = Object.keys(block.sequenceNumberForAllocation)
    .map(Number)
    .toSorted((a, b) => a - b);
  if (sequenced.join() !== used.join())
    throw new Error(`${block.cidr}: sequence numbers of ${sequenced}, in use ${used}`);
}
