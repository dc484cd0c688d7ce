import { newBlock, takeAddress } from '../../protocol/calico/ipam/block.ts';
import { BLOCK, BLOCK_AFFINITY, IPAM_HANDLE } from '../../protocol/calico/ipam/values.ts';
import { affinityKey, blockKey, handleKey, resourceKey } from '../../protocol/calico/keys.ts';
import { tunnelHandleId } from '../../protocol/calico/names.ts';
import { parsePrefix, prefixContains } from '../../protocol/ip/prefix.ts';
import type { LabPlan, PlannedForeignNode } from './types.ts';

/** A key of the store and its value, both text. */
export interface SeedRecord {
  readonly key: string;
  readonly value: string;
}

/**
 * What goes into the store before the agents start: the plan's resources, and the blocks of foreign nodes with their
 * affinities and tunnel addresses, as the nodes themselves would have left them.
 * @param now wall-clock nanoseconds since the epoch, for IPAM's sequence numbers and times.
 */
export function seedRecords(plan: LabPlan, now: bigint): SeedRecord[] {
  const resources = plan.resources.map((resource) => ({
    key: resourceKey(resource.kind, resource.metadata.name),
    value: JSON.stringify(resource),
  }));
  const blocks = plan.nodes.flatMap((node) => (node.kind === 'linux' ? foreignRecords(node, now) : []));
  return [...resources, ...blocks];
}

function foreignRecords(node: PlannedForeignNode, now: bigint): SeedRecord[] {
  const claimTime = new Date(Number(now / 1_000_000n)).toISOString();
  return node.foreignBlocks.flatMap((cidr) => {
    const empty = newBlock({ cidr, affinity: `host:${node.name}`, sequenceNumber: now, claimTime });
    const affinity = BLOCK_AFFINITY.format({ state: 'confirmed', deleted: false });
    const records = [{ key: affinityKey(node.name, cidr), value: affinity }];
    const { tunnelAddress } = node;
    if (tunnelAddress === undefined || !prefixContains(parsePrefix(cidr), parsePrefix(tunnelAddress))) {
      return [...records, { key: blockKey(cidr), value: BLOCK.format(empty) }];
    }
    const handleId = tunnelHandleId('vxlan', node.name);
    const attributes = { node: node.name, type: 'vxlanTunnelAddress' };
    const block = takeAddress(empty, tunnelAddress, { handleId, attributes });
    return [
      ...records,
      { key: handleKey(handleId), value: IPAM_HANDLE.format({ block: { [cidr]: 1 }, deleted: false }) },
      { key: blockKey(cidr), value: BLOCK.format(block) },
    ];
  });
}
