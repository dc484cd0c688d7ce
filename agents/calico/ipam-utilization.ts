import { borrowedOf, inUse } from '../../protocol/calico/ipam/block.ts';
import { poolContaining } from '../../protocol/calico/ipam/pool.ts';
import type { Block } from '../../protocol/calico/ipam/values.ts';
import type { IpPool } from '../../protocol/calico/resources/ip-pool.ts';
import type { IpamRow } from '../control/types.ts';

/**
 * A row per block, grouped by pool (its CIDR; empty for blocks whose pool was deleted) in the order given. Nothing is
 * reserved: there are no IPReservation resources here.
 */
export function utilizationRows(pools: readonly IpPool[], blocks: readonly Block[]): IpamRow[] {
  const poolOf = new Map(blocks.map((block) => [block, poolContaining(pools, block.cidr)]));
  return [...pools, undefined].flatMap((pool) =>
    blocks.filter((block) => poolOf.get(block) === pool).map((block) => row(pool?.spec.cidr ?? '', block)),
  );
}

function row(pool: string, block: Block): IpamRow {
  return {
    pool,
    block: block.cidr,
    affinity: block.affinity,
    total: block.allocations.length,
    inUse: inUse(block),
    reserved: 0,
    free: block.unallocated.length,
    borrowed: borrowedOf(block).map(({ address, secondary, handle_id }) => ({
      address,
      node: secondary.node ?? '',
      handle: handle_id ?? '',
    })),
  };
}
