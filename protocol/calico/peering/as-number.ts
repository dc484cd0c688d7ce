import type { BgpConfiguration } from '../resources/bgp-configuration.ts';
import type { Node } from '../resources/node.ts';

/** AS number of nodes where neither the node nor BGPConfiguration `default` sets one. */
export const DEFAULT_AS_NUMBER = 64512;

/** AS number of a node: its own, or that of BGPConfiguration `default`. */
export function nodeAsNumber(node: Node, bgpConfiguration?: BgpConfiguration): number {
  return node.spec.bgp?.asNumber ?? bgpConfiguration?.spec.asNumber ?? DEFAULT_AS_NUMBER;
}
