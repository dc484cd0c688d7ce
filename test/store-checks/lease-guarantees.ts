import type { HeldLease, Sighting } from './lease-holder.ts';

/**
 * That no lease ended early (rule LSE-5): from the moment that a grant or renewal was asked for which was answered, it is there for
 * its TTL at least. And that what is said to be left of it is never more than all of it, and not less than it must be by then.
 *
 * Returns what is wrong, one line each.
 */
export function checkLeases(leases: readonly HeldLease[], sightings: readonly Sighting[]): string[] {
  const byId = new Map(leases.map((lease) => [lease.id, lease]));
  return sightings.flatMap(({ id, called, returned, left }) => {
    const { ttl, renewed } = byId.get(id)!;
    const until = Math.max(...renewed.filter((at) => at <= called)) + ttl;
    // Whole seconds are told, rounded down.
    const least = until - returned - 1000;
    if (left === undefined) {
      return returned < until ? [`lease ${id} was gone ${Math.round(until - returned)} ms early`] : [];
    }
    if (left > ttl) return [`lease ${id} of ${ttl} ms has ${left} ms left`];
    return left < least ? [`lease ${id} has ${left} ms left instead of ${Math.round(least)}`] : [];
  });
}
