/** Making our OPEN and judging the peer's: RFC 4271 §4.2, §6.2; RFC 4760 §8; RFC 6793 §4.1; RFC 6286 §2. */

import { formatIpv4 } from '../../ip/ipv4.ts';
import type { Capability } from '../capability/capability.ts';
import { BASE_CONTEXT, type CodecContext } from '../context.ts';
import { BgpError } from '../error.ts';
import { FAMILIES, type Family } from '../family.ts';
import { HEADER_LENGTH } from '../message/header.ts';
import { AS_TRANS, encodeOpen, type OpenMessage } from '../message/open.ts';
import type { Negotiated, SessionConfig } from './config.ts';

/** The capabilities that we advertise. */
export function localCapabilities(config: SessionConfig): Capability[] {
  const families = config.families.map((family): Capability => {
    const { afi, safi } = FAMILIES[family];
    return { kind: 'multiprotocol', afi, safi };
  });
  return [...families, { kind: 'route-refresh' }, { kind: 'four-octet-as', asn: config.localAs }];
}

/** Our OPEN as bytes. */
export function buildOpen(config: SessionConfig): Uint8Array {
  return encodeOpen({
    version: 4,
    myAs: config.localAs > 0xffff ? AS_TRANS : config.localAs,
    holdTime: config.holdTime,
    bgpId: config.localId,
    capabilities: localCapabilities(config),
  });
}

/**
 * Checks the peer's OPEN against the configuration and settles the session's parameters.
 * @throws BgpError 2/2 (AS), 2/3 (identifier) or 2/6 (hold time).
 */
export function negotiate(config: SessionConfig, open: OpenMessage): Negotiated {
  const as4 = find(open, 'four-octet-as');
  const peerAs = as4?.asn ?? open.myAs;
  if (peerAs === 0 || !acceptableAs(config.peerAs, peerAs)) {
    const expected = config.peerAs === undefined ? 'not be 0' : `be the configured ${config.peerAs}`;
    throw new BgpError('OPEN', HEADER_LENGTH + 1, `AS ${peerAs} must ${expected}`, 2, 2);
  }
  const internal = peerAs === config.localAs;
  if (open.bgpId === 0 || (internal && open.bgpId === config.localId)) {
    const why = open.bgpId === 0 ? 'must not be zero' : 'must not be our own';
    throw new BgpError('OPEN', HEADER_LENGTH + 5, `BGP identifier ${formatIpv4(open.bgpId)} ${why}`, 2, 3);
  }
  if (open.holdTime === 1 || open.holdTime === 2) {
    throw new BgpError(
      'OPEN',
      HEADER_LENGTH + 3,
      `hold time ${open.holdTime} s must be 0 or at least 3`,
      2,
      6,
    );
  }
  const families = commonFamilies(config, open);
  const context: CodecContext = {
    fourOctetAs: as4 !== undefined,
    extendedMessage: false,
    peerType: internal ? 'internal' : 'external',
    ...(internal ? {} : { firstAs: peerAs }),
    families,
  };
  return {
    localAs: config.localAs,
    peerAs,
    peerId: open.bgpId,
    peerType: internal ? 'internal' : 'external',
    holdTime: Math.min(config.holdTime, open.holdTime),
    families,
    routeRefresh: find(open, 'route-refresh') !== undefined,
    enhancedRouteRefresh: false,
    addPathSend: [],
    addPathReceive: [],
    extendedMessageSend: false,
    extendedNextHop: [],
    context,
    sendContext: context,
    peerCapabilities: open.capabilities,
  };
}

function acceptableAs(configured: SessionConfig['peerAs'], asn: number): boolean {
  if (configured === undefined) return true;
  return typeof configured === 'number' ? configured === asn : configured.includes(asn);
}

/** A peer that advertises no family at all speaks IPv4 unicast (RFC 4760 §8). */
function commonFamilies(config: SessionConfig, open: OpenMessage): Family[] {
  const offered = open.capabilities.filter((capability) => capability.kind === 'multiprotocol');
  if (offered.length === 0) return config.families.filter((family) => family === 'ipv4-unicast');
  return config.families.filter((family) => {
    const { afi, safi } = FAMILIES[family];
    return offered.some((capability) => capability.afi === afi && capability.safi === safi);
  });
}

function find<K extends Capability['kind']>(
  open: OpenMessage,
  kind: K,
): Extract<Capability, { readonly kind: K }> | undefined {
  return open.capabilities.find((capability) => capability.kind === kind) as never;
}

/** The context in which an OPEN is read. */
export const OPENING_CONTEXT: typeof BASE_CONTEXT = BASE_CONTEXT;

/**
 * Which of two colliding connections stays (RFC 4271 §6.8, for equal identifiers RFC 6286 §2.3): the one that the
 * speaker with the higher identifier, or else the higher AS, initiated.
 */
export function collisionWinner(
  config: Pick<SessionConfig, 'localAs' | 'localId'>,
  peer: { readonly peerAs: number; readonly peerId: number },
): 'outgoing' | 'incoming' {
  if (config.localId !== peer.peerId) return config.localId > peer.peerId ? 'outgoing' : 'incoming';
  return config.localAs > peer.peerAs ? 'outgoing' : 'incoming';
}
