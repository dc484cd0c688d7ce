import { Ipam } from '../../agents/calico/ipam.ts';
import { ResourceClient } from '../../agents/calico/resources.ts';
import type { Clock, Random } from '../../agents/ports.ts';
import type { KvClient } from '../../agents/store/client.ts';
import { parseResource } from '../../protocol/calico/resources/parse.ts';
import type { LabPlan } from '../plan/plan.ts';

/**
 * Puts a lab's Calico resources into the store, as `calicoctl apply` would, and what foreign nodes cannot write
 * themselves: their blocks and tunnel addresses in IPAM.
 */
export async function applyResources(
  plan: LabPlan,
  kv: KvClient,
  ports: { readonly clock: Clock; readonly random: Random },
): Promise<void> {
  const resources = new ResourceClient(kv, ports);
  for (const resource of plan.resources) await resources.apply(parseResource(resource));
  const ipam = new Ipam(kv, ports);
  for (const node of plan.nodes) {
    for (const block of node.foreignBlocks) {
      const claimed = await ipam.claimAffinity(node.name, block);
      if (!claimed) throw new Error(`node ${node.name}: block ${block} belongs to another node`);
    }
    if (node.kind !== 'linux' || node.tunnelAddress === undefined) continue;
    const handleId = `vxlan-tunnel-addr-${node.name}`;
    const attributes = { type: 'vxlanTunnelAddress' };
    const held = await ipam.ipsByHandle(handleId);
    if (held.includes(node.tunnelAddress)) continue;
    await ipam.assignIp({ node: node.name, address: node.tunnelAddress, handleId, attributes });
  }
}
