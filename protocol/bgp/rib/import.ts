/**
 * What becomes of a route that a peer sent before it takes part in selection: RFC 4271 §9.1.1, §9.1.2 and §5.1.3,
 * RFC 4456 §8, RFC 8212, RFC 8326, RFC 9234. A route that is refused stays in the Adj-RIB-In with the reason.
 */

import { readUint32 } from '../byte-writer.ts';
import { type Family, isFlowspec } from '../family.ts';
import type { PolicyPrefix, PolicySource } from '../policy/policy.ts';
import { hasWord, typeMask } from './attribute-edit.ts';
import {
  AIGP,
  AS_PATH,
  attributeEnd,
  attributesStart,
  CLUSTER_LIST,
  ORIGINATOR_ID,
  valueStart,
} from './attribute-set.ts';
import { HAS_AIGP, HAS_GRACEFUL_SHUTDOWN } from './attribute-summary.ts';
import type { AttributeTable } from './attribute-table.ts';
import { isLeak, marksReceived, otcApplies } from './role.ts';
import type { RibConfig, RibPeer } from './route.ts';

/** Why a path in an Adj-RIB-In takes no part in selection; 0 means that it does. */
export const ELIGIBLE = 0;
export const OWN_AS_IN_PATH = 1;
export const OWN_ORIGINATOR_ID = 2;
export const OWN_CLUSTER_ID = 3;
export const OWN_NEXT_HOP = 4;
export const NO_POLICY = 5;
export const REJECTED_BY_POLICY = 6;
export const ROUTE_LEAK = 7;
/** Not kept with the path, since it comes and goes with the next hop (RFC 4271 §9.1.2.1). */
export const UNREACHABLE_NEXT_HOP = 8;
/** An own route whose MAC address another PE has (RFC 7432 §15). */
export const MAC_MOVED = 9;

/** The same in words. */
export const INELIGIBLE_TEXT: readonly string[] = [
  'eligible',
  'own AS in AS_PATH',
  'own identifier as ORIGINATOR_ID',
  'own cluster in CLUSTER_LIST',
  'own address as next hop',
  'no import policy (RFC 8212)',
  'rejected by import policy',
  'route leak (RFC 9234)',
  'next hop unreachable',
  'MAC address is at another PE (RFC 7432)',
];

/** What is applied to routes with GRACEFUL_SHUTDOWN: RFC 8326 §4.2. */
const LAST_RESORT = 0;
const AIGP_ONLY = typeMask(AIGP);

/** Judges a set as received by what RFCs say, before any policy: from its octets, since that is done for every one. */
function eligibility(
  table: AttributeTable,
  set: number,
  peer: RibPeer,
  config: RibConfig,
  family: Family,
): number {
  const bytes = table.arena;
  const end = table.offset(set) + table.size(set);
  for (let at = attributesStart(bytes, table.offset(set)); at < end; ) {
    const after = attributeEnd(bytes, at);
    const type = bytes[at + 1]!;
    const value = valueStart(bytes, at);
    if (type === AS_PATH) {
      if (ownAsCount(bytes, value, after, peer, config) > (peer.allowAsIn ?? 0)) return OWN_AS_IN_PATH;
    } else if (type === ORIGINATOR_ID) {
      if (readUint32(bytes, value) === config.routerId) return OWN_ORIGINATOR_ID;
    } else if (type === CLUSTER_LIST) {
      if (hasWord(bytes, value, after, config.clusterId ?? config.routerId)) return OWN_CLUSTER_ID;
    }
    at = after;
  }
  return leadsToUs(table, set, peer) && !isFlowspec(family) ? OWN_NEXT_HOP : ELIGIBLE;
}

/** How often an AS of ours stands in the path: that of our member, of the confederation, or the one for this peer. */
function ownAsCount(
  bytes: Uint8Array,
  start: number,
  end: number,
  { localAs }: RibPeer,
  { asn: own, confederation }: RibConfig,
): number {
  let count = 0;
  for (let at = start; at < end; ) {
    const after = at + 2 + 4 * bytes[at + 1]!;
    for (at += 2; at < after; at += 4) {
      const asn = readUint32(bytes, at);
      if (asn === own || asn === confederation?.id || asn === localAs) count += 1;
    }
  }
  return count;
}

/** Whether the next hop of a set is an address of ours on the session with a peer. */
function leadsToUs(table: AttributeTable, set: number, { localAddress, localAddresses }: RibPeer): boolean {
  if (table.leadsTo(set, localAddress)) return true;
  if (localAddresses === undefined) return false;
  const { ipv4, ipv6 } = localAddresses;
  return (ipv4 !== undefined && table.leadsTo(set, ipv4)) || (ipv6 !== undefined && table.leadsTo(set, ipv6));
}

/** Whether nothing may come from or go to a peer without a policy (RFC 8212 §2). */
export function requiresPolicy(peer: RibPeer, config: RibConfig): boolean {
  return peer.peerType === 'external' && (peer.ebgpRequiresPolicy ?? config.ebgpRequiresPolicy ?? false);
}

/** Who a policy is told that a route comes from. */
export function policySource(peer: RibPeer | undefined, config: RibConfig): PolicySource {
  if (peer === undefined) return { kind: 'local', asn: config.asn, address: undefined, name: '' };
  const { peerType: kind, address, name } = peer;
  return { kind, asn: peer.asn ?? (kind === 'internal' ? config.asn : 0), address, name };
}

/** Result of {@link importRoute}. */
export interface Imported {
  /** Set to select and send on, with a reference for the caller; that received, where the route is refused. */
  readonly set: number;
  readonly reason: number;
}

/**
 * Applies everything between the Adj-RIB-In and selection.
 * @param set the set as received; its caller keeps its reference.
 */
export function importRoute(
  table: AttributeTable,
  set: number,
  peer: RibPeer,
  config: RibConfig,
  family: Family,
  prefix: PolicyPrefix | undefined,
): Imported {
  let reason = eligibility(table, set, peer, config, family);
  if (reason === ELIGIBLE) reason = refused(table, set, peer, config, family);
  if (reason !== ELIGIBLE) return refuse(table, set, reason);
  const marked = mark(table, set, peer, family);
  const accepted = applyPolicy(table, marked, peer, config, family, prefix);
  if (accepted === 0) return refuse(table, set, REJECTED_BY_POLICY);
  return { set: deprefer(table, accepted, peer), reason: ELIGIBLE };
}

function refuse(table: AttributeTable, set: number, reason: number): Imported {
  table.retain(set);
  return { set, reason };
}

function refused(
  table: AttributeTable,
  set: number,
  peer: RibPeer,
  config: RibConfig,
  family: Family,
): number {
  if (peer.importPolicy === undefined && requiresPolicy(peer, config)) return NO_POLICY;
  if (peer.role === undefined || !otcApplies(family)) return ELIGIBLE;
  return isLeak(peer.role, table.otc(set), peer.asn) ? ROUTE_LEAK : ELIGIBLE;
}

/** OTC from above and beside (RFC 9234 §5); no AIGP from outside (RFC 7311 §3.2: no AIGP session). */
function mark(table: AttributeTable, set: number, peer: RibPeer, family: Family): number {
  const { role, asn } = peer;
  const otc = role !== undefined && otcApplies(family) && marksReceived(role) && table.otc(set) === 0;
  const aigp = peer.peerType === 'external' && (table.flags(set) & HAS_AIGP) !== 0;
  if (!otc && !aigp) {
    table.retain(set);
    return set;
  }
  return table.edit(set, { otc: otc ? asn : undefined, drop: aigp ? AIGP_ONLY : undefined });
}

/** The set that the policy makes of `set`, whose reference it takes over; 0 where it rejects the route. */
function applyPolicy(
  table: AttributeTable,
  set: number,
  peer: RibPeer,
  config: RibConfig,
  family: Family,
  prefix: PolicyPrefix | undefined,
): number {
  const { importPolicy } = peer;
  if (importPolicy === undefined) return set;
  const before = table.get(set);
  const after = importPolicy.apply({
    family,
    prefix,
    attributes: before,
    source: policySource(peer, config),
  });
  if (after === before) return set;
  const result = after === undefined ? 0 : table.intern(after);
  table.release(set);
  return result;
}

/** Routes of a session or a neighbour that is about to go are a last resort (RFC 8326 §4). Takes over the reference. */
function deprefer(table: AttributeTable, set: number, peer: RibPeer): number {
  const leaving = peer.peerType === 'external' && (table.flags(set) & HAS_GRACEFUL_SHUTDOWN) !== 0;
  if ((!leaving && !peer.gracefulShutdown) || table.localPref(set) === LAST_RESORT) return set;
  const result = table.edit(set, { localPref: LAST_RESORT });
  table.release(set);
  return result;
}
