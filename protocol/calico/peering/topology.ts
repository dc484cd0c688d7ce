import {
  type BgpConfiguration,
  GLOBAL_BGP_CONFIGURATION,
  nodeBgpConfigurationName,
} from '../resources/bgp-configuration.ts';
import { type Node, nodeAddress } from '../resources/node.ts';
import { evaluateSelector } from '../selector/evaluate.ts';
import { parseSelector } from '../selector/parser.ts';
import { DEFAULT_AS_NUMBER, nodeAsNumber } from './as-number.ts';

/** The nodes and the BGP configuration, asked by name, address and label. */
export class Topology {
  /** In order of their names, so that results do not depend on the store's order. */
  readonly nodes: readonly Node[];
  readonly meshEnabled: boolean;
  readonly #byName: ReadonlyMap<string, Node>;
  readonly #byAddress: ReadonlyMap<string, Node>;
  readonly #configurations: ReadonlyMap<string, BgpConfiguration>;
  readonly #global: BgpConfiguration | undefined;

  constructor(nodes: readonly Node[], configurations: readonly BgpConfiguration[]) {
    this.nodes = nodes.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    this.#byName = new Map(nodes.map((node) => [node.metadata.name, node]));
    this.#byAddress = new Map(
      nodes.flatMap((node) =>
        ([4, 6] as const).flatMap((version) => {
          const address = nodeAddress(node, version);
          return address === undefined ? [] : [[address, node] as const];
        }),
      ),
    );
    this.#configurations = new Map(configurations.map((each) => [each.metadata.name, each]));
    this.#global = this.#configurations.get(GLOBAL_BGP_CONFIGURATION);
    this.meshEnabled = this.#global?.spec.nodeToNodeMeshEnabled ?? true;
  }

  node(name: string): Node | undefined {
    return this.#byName.get(name);
  }

  nodeAt(address: string): Node | undefined {
    return this.#byAddress.get(address);
  }

  matching(selector: string): Node[] {
    const parsed = parseSelector(selector);
    return this.nodes.filter((node) => evaluateSelector(parsed, node.metadata.labels ?? {}));
  }

  asn(node: Node): number {
    return nodeAsNumber(node, this.#global);
  }

  /** AS number of nodes that have none of their own. */
  get globalAsn(): number {
    return this.#global?.spec.asNumber ?? DEFAULT_AS_NUMBER;
  }

  /** Port that the node's own configuration or the cluster's names; `undefined`: 179 by default. */
  listenPort(node: string): number | undefined {
    return (
      this.#configurations.get(nodeBgpConfigurationName(node))?.spec.listenPort ??
      this.#global?.spec.listenPort
    );
  }
}
