import { Ipam } from '../../agents/calico/ipam.ts';
import { ResourceClient } from '../../agents/calico/resources.ts';
import type { Clock, Random } from '../../agents/ports.ts';
import type { KvClient } from '../../agents/store/client.ts';
import { tunnelHandleId } from '../../protocol/calico/names.ts';
import { parseResource } from '../../protocol/calico/resources/parse.ts';
import type { LabPlan } from '../plan/plan.ts';

/**
 * Puts a lab's Calico resources into the store, as `calicoctl apply` would, and what foreign nodes cannot write
 * themselves: their blocks and tunnel addresses in IPAM. May be called again on a store that has them. Rejects with one
 * line naming the node whose block or address somebody else has.
 */
export async function applyResources(
  plan: Pick<LabPlan, 'nodes' | 'resources'>,
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
    await holdTunnelAddress(ipam, node.name, node.tunnelAddress);
  }
}

async function holdTunnelAddress(ipam: Ipam, node: string, address: string): Promise<void> {
  const handleId = tunnelHandleId('vxlan', node);
  if ((await ipam.ipsByHandle(handleId)).includes(address)) return;
  try {
    await ipam.assignIp({ node, address, handleId, attributes: { type: 'vxlanTunnelAddress' } });
  } catch (error) {
    throw new Error(`node ${node}: tunnel address ${address}: ${(error as Error).message}`);
  }
}
