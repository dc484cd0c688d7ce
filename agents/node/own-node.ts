import { resourceKey } from '../../protocol/calico/keys.ts';
import type { Node, NodeSpec } from '../../protocol/calico/resources/node.ts';
import { resourceCodec } from '../calico/resource-codec.ts';
import { TypedKv } from '../calico/typed-kv.ts';
import type { KvClient } from '../store/client.ts';
import type { NodeAgentConfig } from './config.ts';

/** Tries of a compare-and-swap before giving up, as many as Calico's client makes. */
const RETRIES = 100;

/** The agent's own Node resource: created at first, changed by compare-and-swap after. */
export class OwnNode {
  readonly #nodes: TypedKv<Node>;
  readonly #key: string;
  readonly #config: NodeAgentConfig;

  constructor(kv: KvClient, config: NodeAgentConfig) {
    this.#nodes = new TypedKv(kv, resourceCodec('Node'));
    this.#key = resourceKey('Node', config.node);
    this.#config = config;
  }

  /**
   * Writes what the node is: labels, addresses, AS number and cluster id where the lab sets them. What else it had
   * stays: its tunnel, an AS number that somebody gave it.
   */
  register(): Promise<Node> {
    const { address, prefixLength, asn, clusterId } = this.#config;
    return this.#change((spec) => ({
      ...spec,
      bgp: {
        ...spec.bgp,
        ipv4Address: `${address}/${prefixLength}`,
        ...(asn === undefined ? {} : { asNumber: asn }),
        ...(clusterId === undefined ? {} : { routeReflectorClusterID: clusterId }),
      },
      addresses: [{ address, type: 'InternalIP' }],
    }));
  }

  /** Writes the VTEP by which other nodes reach this one's pods. */
  setVtep(tunnelAddress: string, mac: string): Promise<Node> {
    return this.#change((spec) => ({ ...spec, ipv4VXLANTunnelAddr: tunnelAddress, vxlanTunnelMACAddr: mac }));
  }

  async #change(change: (spec: NodeSpec) => NodeSpec): Promise<Node> {
    for (let attempt = 0; attempt < RETRIES; attempt++) {
      const found = await this.#nodes.get(this.#key);
      const node = this.#node(found?.value, change);
      if (found !== undefined && JSON.stringify(found.value) === JSON.stringify(node)) return node;
      const written =
        found === undefined
          ? await this.#nodes.create(this.#key, node)
          : await this.#nodes.update(this.#key, node, found.modRevision);
      if (written !== undefined) return written.value;
    }
    throw new Error(`Node ${this.#config.node}: changed by others ${RETRIES} times in a row`);
  }

  #node(before: Node | undefined, change: (spec: NodeSpec) => NodeSpec): Node {
    return {
      ...before,
      apiVersion: 'projectcalico.org/v3',
      kind: 'Node',
      metadata: { ...before?.metadata, name: this.#config.node, labels: this.#config.labels },
      spec: change(before?.spec ?? {}),
    };
  }
}
