import { resourceKey, resourcePrefix } from '../../protocol/calico/keys.ts';
import type { IpPool } from '../../protocol/calico/resources/ip-pool.ts';
import type { Node } from '../../protocol/calico/resources/node.ts';
import type { Labels } from '../../protocol/calico/selector/evaluate.ts';
import type { KvClient } from '../store/client.ts';
import { IpamError } from './ipam-error.ts';
import { resourceCodec } from './resource-codec.ts';
import { TypedKv } from './typed-kv.ts';

/** The pools and nodes that IPAM asks about, as the store has them at that moment. */
export class PoolSource {
  readonly #pools: TypedKv<IpPool>;
  readonly #nodes: TypedKv<Node>;

  constructor(client: KvClient) {
    this.#pools = new TypedKv(client, resourceCodec('IPPool'));
    this.#nodes = new TypedKv(client, resourceCodec('Node'));
  }

  /** All pools, also disabled ones, by name. */
  async pools(): Promise<IpPool[]> {
    return (await this.#pools.list(resourcePrefix('IPPool'))).map(({ value }) => value);
  }

  /** @throws IpamError where the store has no such Node: which pools select it is then unknown */
  async nodeLabels(node: string): Promise<Labels> {
    const found = await this.#nodes.get(resourceKey('Node', node));
    if (found === undefined) throw new IpamError('node', `ipam: there is no Node ${node} in the store`);
    return found.value.metadata.labels ?? {};
  }
}
