import { parsePrefix, prefixContains, prefixesOverlap } from '../../protocol/ip/prefix.ts';
import type { CalicoResource } from './model.ts';
import type { PlacedNode } from './read-nodes.ts';
import { list } from './read-pods.ts';
import type { Report } from './report.ts';

/** Checks that the blocks of foreign nodes are blocks of a pool, each given once, and their tunnel addresses in a pool. */
export function checkForeignNodes(
  placed: readonly PlacedNode[],
  resources: readonly CalicoResource[],
  report: Report,
): void {
  const pools = resources.filter(({ kind }) => kind === 'IPPool');
  const names = list(pools.map(({ metadata, spec }) => `${metadata.name} ${spec.cidr}`));
  const poolOf = (cidr: string): CalicoResource | undefined =>
    pools.find(({ spec }) => prefixContains(parsePrefix(String(spec.cidr)), parsePrefix(cidr)));
  const given: { readonly cidr: string; readonly node: string }[] = [];
  for (const { node, path } of placed) {
    if (node.kind !== 'linux' || node.calico === undefined) continue;
    for (const [i, cidr] of node.calico.blocks.entries()) {
      const at = [...path, 'calico', 'blocks', i];
      const pool = poolOf(cidr);
      const other = given.find((one) => prefixesOverlap(parsePrefix(one.cidr), parsePrefix(cidr)));
      given.push({ cidr, node: node.name });
      if (pool === undefined) report.value(at, `block ${cidr} is in no pool, expected one inside ${names}`);
      else if (parsePrefix(cidr).length !== pool.spec.blockSize) {
        report.value(
          at,
          `block ${cidr} of IPPool ${pool.metadata.name}, expected a /${pool.spec.blockSize} as its blockSize`,
        );
      }
      if (other !== undefined) {
        report.value(
          at,
          `block ${cidr} overlaps ${other.cidr} of node ${other.node}, expected each block once`,
        );
      }
    }
    const { vxlanTunnelAddr } = node.calico;
    if (vxlanTunnelAddr !== undefined && poolOf(vxlanTunnelAddr) === undefined) {
      const at = [...path, 'calico', 'vxlanTunnelAddr'];
      report.value(at, `tunnel address ${vxlanTunnelAddr} is in no pool, expected one inside ${names}`);
    }
  }
}
