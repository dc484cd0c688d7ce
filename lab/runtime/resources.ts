import { Ipam } from '../../agents/calico/ipam.ts';
import { BlockClaims } from '../../agents/calico/ipam-claims.ts';
import { untilUnchanged } from '../../agents/calico/ipam-error.ts';
import type { Clock, Random } from '../../agents/ports.ts';
import type { KvClient } from '../../agents/store/client.ts';
import { keyBytes } from '../../agents/store/keys.ts';
import { resourceKey } from '../../protocol/calico/keys.ts';
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
  const encoder = new TextEncoder();
  for (const resource of plan.resources) {
    const key = keyBytes(resourceKey(resource.kind, resource.metadata.name));
    await kv.put({ key, value: encoder.encode(JSON.stringify(resource)) });
  }
  const claims = new BlockClaims(kv, ports);
  const ipam = new Ipam(kv, ports);
  for (const node of plan.nodes) {
    for (const block of node.foreignBlocks) {
      const claimed = await untilUnchanged(`block ${block}`, () => claims.claim(node.name, block));
      if (claimed === 'lost') throw new Error(`node ${node.name}: block ${block} belongs to another node`);
    }
    if (node.kind !== 'linux' || node.tunnelAddress === undefined) continue;
    const handleId = `vxlan-tunnel-addr-${node.name}`;
    const attributes = { type: 'vxlanTunnelAddress' };
    const held = await ipam.ipsByHandle(handleId);
    if (held.includes(node.tunnelAddress)) continue;
    await ipam.assignIp({ node: node.name, address: node.tunnelAddress, handleId, attributes });
  }
}
