/**
 * What a route looks like to a peer, or that it is not for that peer: RFC 4271 §5.1, §9.1.3, §9.2; RFC 1997; RFC 4456
 * §6, §8; RFC 5065 §4; RFC 8212; RFC 8326; RFC 9234 §5; RFC 9494 §4.3.
 */
import { GRACEFUL_SHUTDOWN } from '../attribute/communities.ts';
import { choseNextHop, type PolicyPrefix } from '../policy/policy.ts';
import { AS_CONFED_SEQUENCE, AS_SEQUENCE, type AttributeEdits, typeMask } from './attribute-edit.ts';
import { AIGP, CLUSTER_LIST, LOCAL_PREF, MED, ORIGINATOR_ID } from './attribute-set.ts';
import {
  HAS_CONFEDERATION_SEGMENT,
  HAS_LLGR_STALE,
  HAS_MED,
  HAS_NO_ADVERTISE,
  HAS_NO_EXPORT,
  HAS_NO_EXPORT_SUBCONFED,
} from './attribute-summary.ts';
import type { AttributeTable } from './attribute-table.ts';
import { exportNextHop, ownNextHop, replacesNextHops } from './export-next-hop.ts';
import type { ExportProfile } from './export-profile.ts';
import { policySource } from './import.ts';
import { marksSent, withholdsMarked } from './role.ts';
import type { RibConfig, RibPeer } from './route.ts';

/** What is meant for the inside of an AS, RFC 4271 §5.1.5, RFC 4456 §8, RFC 7311 §3.2. */
const INSIDE_AS = typeMask(LOCAL_PREF, ORIGINATOR_ID, CLUSTER_LIST, AIGP);
const INSIDE_AS_AND_MED = typeMask(LOCAL_PREF, ORIGINATOR_ID, CLUSTER_LIST, AIGP, MED);
/** What is meant for the inside of a member AS (RFC 5065 §5). */
const INSIDE_MEMBER = typeMask(ORIGINATOR_ID, CLUSTER_LIST);

/**
 * The attribute set with which a route goes to peers of a profile, with a reference for the caller; 0 where it does
 * not go there.
 * @param set its set after import.
 * @param source peer it was learnt from; `undefined` for an own route.
 * @param prefix the prefix, for a policy that looks at it.
 */
export function exportRoute(
  table: AttributeTable,
  set: number,
  source: RibPeer | undefined,
  profile: ExportProfile,
  config: RibConfig,
  prefix: PolicyPrefix | undefined,
): number {
  if (isWithheld(table, set, source, profile)) return 0;
  if (profile.policy === undefined) return finish(table, set, source, false, profile, config);
  const before = withoutForeignMed(table, set, source, profile);
  const route = {
    family: profile.family,
    prefix,
    attributes: table.get(before),
    source: policySource(source, config),
  };
  const after = profile.policy.apply(route);
  if (after === undefined) {
    table.release(before);
    return 0;
  }
  const chosen = choseNextHop(route.attributes, after);
  const accepted = table.intern(after);
  table.release(before);
  const result = finish(table, accepted, source, chosen, profile, config);
  table.release(accepted);
  return result;
}

/** What does not depend on policies. */
function isWithheld(
  table: AttributeTable,
  set: number,
  source: RibPeer | undefined,
  { peerType, client, denied, role, longLived }: ExportProfile,
): boolean {
  const flags = table.flags(set);
  if (denied || (flags & HAS_NO_ADVERTISE) !== 0) return true;
  // Inside a confederation NO_EXPORT goes on to other members (RFC 1997, RFC 5065 §5.2).
  if (peerType === 'external' && (flags & HAS_NO_EXPORT) !== 0) return true;
  if (peerType !== 'internal' && (flags & HAS_NO_EXPORT_SUBCONFED) !== 0) return true;
  if (!longLived && (flags & HAS_LLGR_STALE) !== 0) return true;
  if (role !== undefined && table.otc(set) !== 0 && withholdsMarked(role)) return true;
  const reflected = source?.peerType === 'internal' && peerType === 'internal';
  return reflected && !source.client && !client;
}

/**
 * A policy towards another AS does not see the MED of others, so that one that it finds or sets is ours to send
 * (RFC 4271 §5.1.4). The result has a reference for the caller.
 */
function withoutForeignMed(
  table: AttributeTable,
  set: number,
  source: RibPeer | undefined,
  profile: ExportProfile,
): number {
  if (profile.peerType === 'external' && source !== undefined && (table.flags(set) & HAS_MED) !== 0) {
    return table.edit(set, { drop: MED_ONLY });
  }
  table.retain(set);
  return set;
}

const MED_ONLY = typeMask(MED);

/**
 * What is changed of the set that is exported now. Filled anew for each, since a full table asks hundred thousands of
 * times.
 */
const edits: { -readonly [K in keyof AttributeEdits]-?: AttributeEdits[K] } = {
  nextHop: undefined,
  drop: undefined,
  prepend: undefined,
  stripConfederation: false,
  localPref: undefined,
  addCommunity: undefined,
  originatorId: undefined,
  clusterId: undefined,
  otc: undefined,
  partial: false,
};

/** What the speaker itself changes, after policies. */
function finish(
  table: AttributeTable,
  set: number,
  source: RibPeer | undefined,
  hopChosen: boolean,
  profile: ExportProfile,
  config: RibConfig,
): number {
  const hop =
    !hopChosen && replacesNextHops(profile)
      ? ownNextHop(profile)
      : exportNextHop(table.nextHop(set), hopChosen, profile);
  if (hop === undefined) return 0;
  edits.nextHop = hop === 'keep' ? undefined : hop;
  edits.partial = source !== undefined;
  edits.addCommunity =
    profile.gracefulShutdown && profile.peerType === 'external' ? GRACEFUL_SHUTDOWN : undefined;
  edits.otc = profile.role !== undefined && marksSent(profile.role) ? profile.localAs : undefined;
  editPath(table, set, source, profile, config);
  return table.editToSend(set, edits);
}

function editPath(
  table: AttributeTable,
  set: number,
  source: RibPeer | undefined,
  profile: ExportProfile,
  config: RibConfig,
): void {
  const { peerType, localAs: asn } = profile;
  edits.originatorId = undefined;
  edits.clusterId = undefined;
  edits.stripConfederation = false;
  edits.localPref = peerType === 'external' ? undefined : table.localPref(set);
  if (peerType === 'external') {
    edits.prepend = prepended(AS_SEQUENCE, asn);
    edits.stripConfederation = (table.flags(set) & HAS_CONFEDERATION_SEGMENT) !== 0;
    // MED of an own route, or one that a policy set, is ours to send.
    edits.drop = source !== undefined && profile.policy === undefined ? INSIDE_AS_AND_MED : INSIDE_AS;
  } else if (peerType === 'confederation') {
    edits.prepend = prepended(AS_CONFED_SEQUENCE, asn);
    edits.drop = INSIDE_MEMBER;
  } else {
    edits.prepend = undefined;
    edits.drop = undefined;
    if (source?.peerType !== 'internal') return;
    // RFC 4456 §8. A reflector without a cluster identifier uses its own.
    edits.originatorId = source.routerId;
    edits.clusterId = config.clusterId ?? config.routerId;
  }
}

/** Nearly always the same as the last time. */
function prepended(segment: number, asn: number): AttributeEdits['prepend'] {
  const { prepend } = edits;
  return prepend?.segment === segment && prepend.asn === asn ? prepend : { segment, asn };
}
