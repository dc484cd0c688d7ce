/** What happens to all routes of a peer at once: the long-lived phase of a restart, and import by other policies. */
import { LLGR_STALE } from '../attribute/communities.ts';
import { HAS_NO_LLGR } from './attribute-summary.ts';
import type { AttributeTable } from './attribute-table.ts';
import type { FamilyRib } from './family-rib.ts';
import { ELIGIBLE, importRoute } from './import.ts';
import { LONG_LIVED, REASON, STALE } from './path-table.ts';
import type { RibConfig, RibPeer } from './route.ts';

/**
 * The long-lived phase begins for the peer's stale routes (RFC 9494 §4.2): they get LLGR_STALE, and those with NO_LLGR
 * go.
 */
export function startLongLived(family: FamilyRib, attributes: AttributeTable, peer: number): void {
  const { rib } = family;
  const { paths } = rib;
  let dropped = 0;
  rib.eachOf(peer, (path) => {
    const flags = paths.flags(path);
    const set = paths.selected(path);
    if ((flags & STALE) === 0) return;
    if ((attributes.flags(set) & HAS_NO_LLGR) !== 0) {
      rib.drop(path);
      dropped += 1;
      return;
    }
    paths.setFlags(path, flags | LONG_LIVED);
    if ((flags & REASON) !== ELIGIBLE) return;
    const marked = attributes.edit(set, { addCommunity: LLGR_STALE });
    rib.reselect(path, marked, ELIGIBLE);
    attributes.release(marked);
  });
  family.count(peer, -dropped);
}

/** Import of everything that a peer sent, as if it came now. */
export function importAgain(
  { family, rib }: FamilyRib,
  attributes: AttributeTable,
  peer: RibPeer,
  config: RibConfig,
): void {
  const { paths, prefixes } = rib;
  rib.eachOf(peer.id, (path) => {
    const prefix = prefixes.prefix(paths.prefix(path));
    const received = paths.received(path);
    const { set, reason } = importRoute(attributes, received, peer, config, family, prefix);
    const longLived = (paths.flags(path) & LONG_LIVED) !== 0 && reason === ELIGIBLE;
    const selected = longLived ? attributes.edit(set, { addCommunity: LLGR_STALE }) : set;
    rib.reselect(path, selected, reason);
    attributes.release(set);
    if (longLived) attributes.release(selected);
  });
}
