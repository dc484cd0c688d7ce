/** Judging the peer's OPEN, and what both OPENs together settle: RFC 4271 §6.2 and the RFCs of the capabilities. */

import { formatIpv4 } from '../../ip/ipv4.ts';
import type { Capability } from '../capability/capability.ts';
import { BASE_CONTEXT, type CodecContext, type PeerType } from '../context.ts';
import { BgpError } from '../error.ts';
import { type Family, familyOf } from '../family.ts';
import { HEADER_LENGTH } from '../message/header.ts';
import {
  BAD_BGP_IDENTIFIER,
  BAD_PEER_AS,
  OPEN_MESSAGE_ERROR,
  UNACCEPTABLE_HOLD_TIME,
} from '../message/notification-codes.ts';
import { AS_TRANS, type OpenMessage } from '../message/open.ts';
import { type CapabilitySet, capabilitySet } from './capability-set.ts';
import type { CompleteConfig } from './config.ts';
import type { Negotiated, PeerGracefulRestart, PeerLongLivedGracefulRestart } from './negotiated.ts';
import { requireCapabilities } from './required.ts';
import { negotiateRole } from './roles.ts';

/** The context in which an OPEN is read. */
export const OPENING_CONTEXT: CodecContext = BASE_CONTEXT;

/**
 * Checks the peer's OPEN against the configuration and settles the session's parameters.
 * @param offered capabilities in our OPEN.
 * @throws BgpError 2/2 (AS), 2/3 (identifier), 2/6 (hold time), 2/7 (capability that we need) or 2/11 (role).
 */
export function negotiate(
  config: CompleteConfig,
  offered: readonly Capability[],
  open: OpenMessage,
): Negotiated {
  const local = capabilitySet(offered);
  const remote = capabilitySet(open.capabilities);
  const peerAs = checkedAs(config, local, remote, open);
  const peerType = peerTypeOf(config, peerAs);
  checkIdentifier(config, open, peerType);
  const holdTime = checkedHoldTime(config, open);
  const role = negotiateRole(config, peerType, remote.roles);
  requireCapabilities(config, offered, open.capabilities);
  const families = config.families.filter(
    (family) => local.families.includes(family) && remote.families.includes(family),
  );
  const within = (list: readonly Family[]): Family[] => list.filter((family) => families.includes(family));
  const addPathSend = within(meet(local.addPathSend, remote.addPathReceive));
  const addPathReceive = within(meet(local.addPathReceive, remote.addPathSend));
  const fourOctetAs = local.fourOctetAs !== undefined && remote.fourOctetAs !== undefined;
  const gracefulRestart = peerGracefulRestart(local, remote, families);
  const longLived = gracefulRestart === undefined ? undefined : peerLongLived(local, remote, families);
  return {
    localAs: config.localAs,
    peerAs,
    peerId: open.bgpId,
    peerType,
    holdTime,
    families,
    routeRefresh: local.routeRefresh && remote.routeRefresh,
    enhancedRouteRefresh: local.enhancedRouteRefresh && remote.enhancedRouteRefresh,
    addPathSend,
    addPathReceive,
    extendedMessageSend: remote.extendedMessage,
    extendedNextHop: within(meet(local.extendedNextHop, remote.extendedNextHop)),
    ...(gracefulRestart === undefined ? {} : { gracefulRestart }),
    ...(longLived === undefined ? {} : { longLived }),
    ...(role === undefined ? {} : { role }),
    ...shown(remote, families),
    context: {
      fourOctetAs,
      // RFC 8654 §4: who advertised it takes long messages, whatever the other side advertised.
      extendedMessage: local.extendedMessage,
      peerType,
      ...firstAsOf(config, peerType, peerAs),
      families,
      addPath: addPathReceive,
      extendedNextHop: within(local.extendedNextHop),
    },
    sendContext: {
      fourOctetAs,
      extendedMessage: remote.extendedMessage,
      peerType,
      families,
      addPath: addPathSend,
      extendedNextHop: within(remote.extendedNextHop),
    },
    peerCapabilities: open.capabilities,
  };
}

/** The peer's AS: of its capability, where both sides have it (RFC 6793 §4.1); AS 0 is nobody's (RFC 7607 §2). */
function checkedAs(
  config: CompleteConfig,
  local: CapabilitySet,
  remote: CapabilitySet,
  open: OpenMessage,
): number {
  const asn = local.fourOctetAs === undefined ? open.myAs : (remote.fourOctetAs ?? open.myAs);
  const isZero = open.myAs === 0 || remote.fourOctetAs === 0;
  if (!isZero && acceptableAs(config.peerAs, asn)) return asn;
  const wanted =
    config.peerAs === undefined ? 'of somebody' : `the configured ${[config.peerAs].flat().join(' or ')}`;
  const expected = isZero ? 'not be 0' : `be ${wanted}`;
  throw new BgpError(
    'OPEN',
    HEADER_LENGTH + 1,
    `AS ${isZero ? 0 : asn} must ${expected}`,
    OPEN_MESSAGE_ERROR,
    BAD_PEER_AS,
  );
}

/** Where any AS will do, AS_TRANS still is nobody's (RFC 6793 §9). */
function acceptableAs(configured: CompleteConfig['peerAs'], asn: number): boolean {
  if (configured === undefined) return asn !== AS_TRANS;
  return typeof configured === 'number' ? configured === asn : configured.includes(asn);
}

function peerTypeOf({ localAs, confederation }: CompleteConfig, peerAs: number): PeerType {
  if (peerAs === localAs) return 'internal';
  return confederation?.members.includes(peerAs) ? 'confederation' : 'external';
}

/** RFC 6286 §2.2: any identifier but 0 will do, and within an AS nobody else may have ours. */
function checkIdentifier({ localId }: CompleteConfig, { bgpId }: OpenMessage, peerType: PeerType): void {
  if (bgpId !== 0 && (peerType !== 'internal' || bgpId !== localId)) return;
  const why = bgpId === 0 ? 'must not be zero' : 'must not be our own';
  throw new BgpError(
    'OPEN',
    HEADER_LENGTH + 5,
    `BGP identifier ${formatIpv4(bgpId)} ${why}`,
    OPEN_MESSAGE_ERROR,
    BAD_BGP_IDENTIFIER,
  );
}

/** The smaller hold time; 1 and 2 s are never acceptable, others by configuration (RFC 4271 §4.2, §6.2). Seconds. */
function checkedHoldTime(config: CompleteConfig, open: OpenMessage): number {
  const { holdTime } = open;
  if (holdTime === 1 || holdTime === 2) throw badHoldTime(`hold time ${holdTime} s must be 0 or at least 3`);
  // 0 watches over nothing at all, so it is below every minimum.
  if (holdTime < config.minHoldTime) {
    throw badHoldTime(`hold time ${holdTime} s must be at least ${config.minHoldTime}`);
  }
  return Math.min(config.holdTime, holdTime);
}

function badHoldTime(expected: string): BgpError {
  return new BgpError('OPEN', HEADER_LENGTH + 3, expected, OPEN_MESSAGE_ERROR, UNACCEPTABLE_HOLD_TIME);
}

/**
 * The AS that must come first in AS_PATH. A route server leaves its own out (RFC 7947 §2.2.2.1), and members of a
 * confederation are judged by their segments (RFC 5065 §5).
 */
function firstAsOf(
  config: CompleteConfig,
  peerType: PeerType,
  peerAs: number,
): { readonly firstAs?: number } {
  const enforced = config.enforceFirstAs && config.capabilities.role !== 'rs-client';
  return enforced && peerType === 'external' ? { firstAs: peerAs } : {};
}

function meet(a: readonly Family[], b: readonly Family[]): Family[] {
  return a.filter((family) => b.includes(family));
}

/** What the peer wants kept, if we offered to (RFC 4724 §3); notification as RFC 8538 §4 wants it: from both. */
function peerGracefulRestart(
  local: CapabilitySet,
  remote: CapabilitySet,
  families: readonly Family[],
): PeerGracefulRestart | undefined {
  const [ours, theirs] = [local.gracefulRestart, remote.gracefulRestart];
  if (ours === undefined || theirs === undefined) return undefined;
  return {
    restarting: theirs.restarting,
    notification: ours.notification && theirs.notification,
    restartTime: theirs.restartTime,
    families: theirs.families.flatMap(({ afi, safi, forwarding }) => {
      const family = familyOf(afi, safi);
      return family !== undefined && families.includes(family) ? [{ family, forwarding }] : [];
    }),
  };
}

/** The same for RFC 9494 §3.1. */
function peerLongLived(
  local: CapabilitySet,
  remote: CapabilitySet,
  families: readonly Family[],
): PeerLongLivedGracefulRestart | undefined {
  if (local.longLived === undefined || remote.longLived === undefined) return undefined;
  return {
    families: remote.longLived.families.flatMap(({ afi, safi, forwarding, staleTime }) => {
      const family = familyOf(afi, safi);
      return family !== undefined && families.includes(family) ? [{ family, forwarding, staleTime }] : [];
    }),
  };
}

/** What a peer says about itself, and wants of us, without any negotiation. */
function shown(
  { fqdn, softwareVersion, pathsLimit }: CapabilitySet,
  families: readonly Family[],
): Pick<Negotiated, 'fqdn' | 'softwareVersion' | 'pathsLimit'> {
  const limits = pathsLimit.filter(({ family }) => families.includes(family));
  return {
    ...(fqdn === undefined ? {} : { fqdn: { hostName: fqdn.hostName, domainName: fqdn.domainName } }),
    ...(softwareVersion === undefined ? {} : { softwareVersion }),
    ...(limits.length === 0 ? {} : { pathsLimit: limits }),
  };
}

/** `negotiated` without a family: its routes do not count any more (RFC 4760 §7). */
export function withoutFamily(negotiated: Negotiated, family: Family): Negotiated {
  const rest = (list: readonly Family[]): Family[] => list.filter((each) => each !== family);
  const families = rest(negotiated.families);
  return {
    ...negotiated,
    families,
    context: { ...negotiated.context, families },
    sendContext: { ...negotiated.sendContext, families },
  };
}
