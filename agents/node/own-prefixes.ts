import { parsePrefix, prefixContains } from '../../protocol/ip/prefix.ts';
import type { ClusterView } from './cluster-view.ts';

/**
 * What a node announces: its blocks, unless their pool is not to be exported, and each address that its pods have of
 * somebody else's block (Calico `confd/etc/calico/confd/templates/bird_aggr.cfg.template`).
 */
export function ownPrefixes(
  blocks: readonly string[],
  podAddresses: readonly string[],
  view: Pick<ClusterView, 'poolOf'>,
): string[] {
  const exported = blocks.filter((block) => view.poolOf(block)?.spec.disableBGPExport !== true);
  const prefixes = blocks.map((block) => parsePrefix(block));
  const borrowed = podAddresses
    .map((address) => `${address}/32`)
    .filter((address) => !prefixes.some((block) => prefixContains(block, parsePrefix(address))));
  return [...exported, ...borrowed];
}
