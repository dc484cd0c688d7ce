import { BLOCK_AFFINITY } from '../../protocol/calico/ipam/values.ts';
import { parseKey, type ResourceKind, resourcePrefix } from '../../protocol/calico/keys.ts';
import type { BgpConfiguration } from '../../protocol/calico/resources/bgp-configuration.ts';
import type { BgpFilter } from '../../protocol/calico/resources/bgp-filter.ts';
import type { BgpPeer } from '../../protocol/calico/resources/bgp-peer.ts';
import type { IpPool } from '../../protocol/calico/resources/ip-pool.ts';
import { type Node, nodeAddress } from '../../protocol/calico/resources/node.ts';
import { type CalicoResources, parseResourceOf } from '../../protocol/calico/resources/parse.ts';
import type { KeyValue } from '../../protocol/etcd/types.ts';
import { parsePrefix, prefixContains } from '../../protocol/ip/prefix.ts';
import type { Clock, Log } from '../ports.ts';
import type { KvClient } from '../store/client.ts';
import { keyBytes, keyText } from '../store/keys.ts';
import { listWatch } from '../store/list-watch.ts';

/** Every node's affinities lie below; Calico has no key that lists them all. */
const AFFINITIES = '/calico/ipam/v2/host/';

/** What of the cluster changed, coarse enough to say what must be looked at again. */
export type ViewChange = 'peering' | 'nodes' | 'pools' | 'affinities';

/** A block that belongs to a node for good. */
export interface ConfirmedBlock {
  readonly node: string;
  readonly block: string;
}

type WatchedKind = Exclude<ResourceKind, 'WorkloadEndpoint'>;

/**
 * The cluster as the store has it, followed by watches: what confd and Felix know of it in Calico. Resources that
 * cannot be read (somebody put nonsense under a key) are logged and left out, as if they were not there. A resource is
 * never changed but replaced, so that the same object means the same content.
 */
export class ClusterView {
  readonly nodes: Map<string, Node> = new Map();
  readonly pools: Map<string, IpPool> = new Map();
  readonly bgpConfigurations: Map<string, BgpConfiguration> = new Map();
  readonly bgpPeers: Map<string, BgpPeer> = new Map();
  readonly bgpFilters: Map<string, BgpFilter> = new Map();
  readonly #affinities = new Map<string, ConfirmedBlock>();
  readonly #byAddress = new Map<string, Node>();
  readonly #follows: { close(): void }[] = [];
  readonly #closed = Promise.withResolvers<never>();
  readonly #log: Log;
  readonly #onChange: (change: ViewChange) => void;

  constructor(log: Log, onChange: (change: ViewChange) => void) {
    this.#log = log;
    this.#onChange = onChange;
    this.#closed.promise.catch(() => undefined);
  }

  /** Starts following; resolves when everything that exists has been read once, rejects when closed before. */
  async open(kv: KvClient, clock: Clock): Promise<void> {
    const synced = [
      this.#followKind(kv, clock, 'Node', this.nodes, 'nodes'),
      this.#followKind(kv, clock, 'IPPool', this.pools, 'pools'),
      this.#followKind(kv, clock, 'BGPConfiguration', this.bgpConfigurations, 'peering'),
      this.#followKind(kv, clock, 'BGPPeer', this.bgpPeers, 'peering'),
      this.#followKind(kv, clock, 'BGPFilter', this.bgpFilters, 'peering'),
      this.#follow(kv, clock, AFFINITIES, {
        put: (key, value) => this.#affinityPut(key, value),
        remove: (key) => this.#affinityGone(key),
      }),
    ];
    await Promise.race([Promise.all(synced), this.#closed.promise]);
  }

  close(): void {
    for (const follow of this.#follows.splice(0)) follow.close();
    this.#closed.reject(new Error('the store is not followed any more'));
  }

  /** The node that has this underlay address, of either IP version. */
  nodeAt(address: string): Node | undefined {
    return this.#byAddress.get(address);
  }

  /** All IPv4 blocks with confirmed affinity, of all nodes: the data plane carries no IPv6. */
  confirmedBlocks(): readonly ConfirmedBlock[] {
    return [...this.#affinities.values()];
  }

  /** Blocks with confirmed affinity to one node. */
  blocksOf(node: string): readonly string[] {
    const blocks: string[] = [];
    for (const each of this.#affinities.values()) if (each.node === node) blocks.push(each.block);
    return blocks;
  }

  /** The pool that a prefix or address lies in. */
  poolOf(cidr: string): IpPool | undefined {
    const prefix = parsePrefix(cidr);
    for (const pool of this.pools.values()) {
      if (prefixContains(parsePrefix(pool.spec.cidr), prefix)) return pool;
    }
    return undefined;
  }

  #followKind<K extends WatchedKind>(
    kv: KvClient,
    clock: Clock,
    kind: K,
    into: Map<string, CalicoResources[K]>,
    change: ViewChange,
  ): Promise<void> {
    const replace = (name: string, resource: CalicoResources[K] | undefined): void => {
      const before = into.get(name);
      if (resource === undefined) into.delete(name);
      else into.set(name, resource);
      if (before === resource) return;
      if (kind === 'Node') this.#index(before as Node | undefined, resource as Node | undefined);
      this.#onChange(change);
    };
    return this.#follow(kv, clock, resourcePrefix(kind), {
      put: (key, value) => {
        const parsed = parseKey(key);
        if (parsed?.kind === 'resource') replace(parsed.name, this.#parse(kind, key, parsed.name, value));
      },
      remove: (key) => {
        const parsed = parseKey(key);
        if (parsed?.kind === 'resource') replace(parsed.name, undefined);
      },
    });
  }

  #parse<K extends WatchedKind>(
    kind: K,
    key: string,
    name: string,
    value: string,
  ): CalicoResources[K] | undefined {
    try {
      const resource = parseResourceOf(kind, JSON.parse(value), 'ignore');
      if (resource.metadata.name === name) return resource;
      throw new Error(`metadata.name: expected ${name}, got ${resource.metadata.name}`);
    } catch (error) {
      this.#log.warn({ key, error: (error as Error).message }, 'a resource in the store cannot be read');
      return undefined;
    }
  }

  /** Keeps the nodes by address; `nodes` has the change already. */
  #index(before: Node | undefined, after: Node | undefined): void {
    for (const version of [4, 6] as const) {
      const old = before === undefined ? undefined : nodeAddress(before, version);
      const now = after === undefined ? undefined : nodeAddress(after, version);
      if (old !== undefined && old !== now) {
        // Two nodes may have the address: by mistake, or while one takes it over from the other.
        const other = [...this.nodes.values()].find((node) => nodeAddress(node, version) === old);
        if (other === undefined) this.#byAddress.delete(old);
        else this.#byAddress.set(old, other);
      }
      if (after !== undefined && now !== undefined) this.#byAddress.set(now, after);
    }
  }

  #affinityPut(key: string, value: string): void {
    const parsed = parseKey(key);
    if (parsed?.kind !== 'affinity' || parsePrefix(parsed.cidr).version !== 4) return;
    if (!isConfirmed(value)) {
      this.#affinityGone(key);
    } else if (!this.#affinities.has(key)) {
      this.#affinities.set(key, { node: parsed.owner, block: parsed.cidr });
      this.#onChange('affinities');
    }
  }

  #affinityGone(key: string): void {
    if (this.#affinities.delete(key)) this.#onChange('affinities');
  }

  #follow(
    kv: KvClient,
    clock: Clock,
    prefix: string,
    handler: { put(key: string, value: string): void; remove(key: string): void },
  ): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const follow = listWatch(
      kv,
      keyBytes(prefix),
      {
        onPut: (entry: KeyValue) => handler.put(keyText(entry.key), keyText(entry.value)),
        onDelete: (entry: KeyValue) => handler.remove(keyText(entry.key)),
        onSynced: () => resolve(),
      },
      { clock, log: this.#log },
    );
    this.#follows.push(follow);
    return promise;
  }
}

/** Old values without a state count as confirmed (Calico `libcalico-go/lib/backend/model/block_affinity.go`). */
function isConfirmed(value: string): boolean {
  if (value === '') return true;
  try {
    const { state, deleted } = BLOCK_AFFINITY.parse(value);
    return (state === 'confirmed' || state === '') && !deleted;
  } catch {
    return false;
  }
}
