import type { ResourceKind } from '../../protocol/calico/keys.ts';
import { parseKey, resourcePrefix } from '../../protocol/calico/keys.ts';
import type { BgpConfiguration } from '../../protocol/calico/resources/bgp-configuration.ts';
import type { BgpPeer } from '../../protocol/calico/resources/bgp-peer.ts';
import type { IpPool } from '../../protocol/calico/resources/ip-pool.ts';
import { type Node, nodeAddress } from '../../protocol/calico/resources/node.ts';
import { type CalicoResources, parseResourceOf } from '../../protocol/calico/resources/parse.ts';
import type { KeyValue } from '../../protocol/etcd/types.ts';
import { type IpVersion, parsePrefix, prefixContains } from '../../protocol/ip/prefix.ts';
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
 * cannot be read (somebody put nonsense under a key) are logged and left out.
 */
export class ClusterView {
  readonly nodes: Map<string, Node> = new Map();
  readonly pools: Map<string, IpPool> = new Map();
  readonly bgpConfigurations: Map<string, BgpConfiguration> = new Map();
  readonly bgpPeers: Map<string, BgpPeer> = new Map();
  readonly #affinities = new Map<string, ConfirmedBlock>();
  readonly #byAddress = new Map<string, Node>();
  readonly #follows: { close(): void }[] = [];
  readonly #log: Log;
  readonly #onChange: (change: ViewChange) => void;

  constructor(log: Log, onChange: (change: ViewChange) => void) {
    this.#log = log;
    this.#onChange = onChange;
  }

  /** Starts following; resolves when everything that exists has been read once. */
  async open(kv: KvClient, clock: Clock): Promise<void> {
    const synced = [
      this.#followKind(kv, clock, 'Node', this.nodes, 'nodes'),
      this.#followKind(kv, clock, 'IPPool', this.pools, 'pools'),
      this.#followKind(kv, clock, 'BGPConfiguration', this.bgpConfigurations, 'peering'),
      this.#followKind(kv, clock, 'BGPPeer', this.bgpPeers, 'peering'),
      this.#follow(kv, clock, AFFINITIES, {
        put: (key, value) => this.#affinityPut(key, value),
        remove: (key) => this.#affinityGone(key),
      }),
    ];
    await Promise.all(synced);
  }

  close(): void {
    for (const follow of this.#follows) follow.close();
  }

  /** The node that has this underlay address. */
  nodeAt(address: string): Node | undefined {
    return this.#byAddress.get(address);
  }

  /** All blocks with confirmed affinity, of all nodes. */
  confirmedBlocks(): readonly ConfirmedBlock[] {
    return [...this.#affinities.values()];
  }

  /** Blocks with confirmed affinity to one node. */
  blocksOf(node: string): readonly string[] {
    return this.confirmedBlocks().flatMap((each) => (each.node === node ? [each.block] : []));
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
    return this.#follow(kv, clock, resourcePrefix(kind), {
      put: (key, value) => {
        try {
          const resource = parseResourceOf(kind, JSON.parse(value), 'ignore');
          this.#index(into.get(resource.metadata.name), resource);
          into.set(resource.metadata.name, resource);
          this.#onChange(change);
        } catch (error) {
          this.#log.warn({ key, error: (error as Error).message }, 'a resource in the store cannot be read');
        }
      },
      remove: (key) => {
        const parsed = parseKey(key);
        if (parsed?.kind !== 'resource') return;
        this.#index(into.get(parsed.name), undefined);
        into.delete(parsed.name);
        this.#onChange(change);
      },
    });
  }

  #index(
    before: CalicoResources[WatchedKind] | undefined,
    after: CalicoResources[WatchedKind] | undefined,
  ): void {
    for (const version of [4, 6] satisfies IpVersion[]) {
      const old = before?.kind === 'Node' ? nodeAddress(before, version) : undefined;
      if (old !== undefined) this.#byAddress.delete(old);
      const now = after?.kind === 'Node' ? nodeAddress(after, version) : undefined;
      if (now !== undefined) this.#byAddress.set(now, after as Node);
    }
  }

  #affinityPut(key: string, value: string): void {
    const parsed = parseKey(key);
    if (parsed?.kind !== 'affinity') return;
    if (isConfirmed(value)) this.#affinities.set(key, { node: parsed.owner, block: parsed.cidr });
    else this.#affinities.delete(key);
    this.#onChange('affinities');
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
    const { state } = JSON.parse(value) as { state?: string };
    return state === undefined || state === 'confirmed';
  } catch {
    return false;
  }
}
