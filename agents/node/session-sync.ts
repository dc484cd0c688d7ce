import type { NeighborStatus } from '../bgp/types.ts';

/**
 * How long to wait for the End-of-RIB marker of a peer, milliseconds. RFC 4724 §2 recommends the marker to everybody,
 * but some (FRR) send it only to speakers that offer graceful restart: such a peer counts as done after this time. FRR
 * begins to send after the first half of it.
 */
export const END_OF_RIB_PATIENCE = 2000;

/**
 * How many sessions are Established and have brought the peer's initial routes, as far as can be told.
 * @param now wall-clock nanoseconds.
 */
export function countSynced(neighbors: readonly NeighborStatus[], now: bigint): number {
  const latest = now - BigInt(END_OF_RIB_PATIENCE) * 1_000_000n;
  return neighbors.filter(
    ({ state, families, endOfRibReceived, since }) =>
      state === 'Established' && (endOfRibReceived.length >= families.length || since <= latest),
  ).length;
}
