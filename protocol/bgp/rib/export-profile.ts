/** What peers have in common that get the same messages of a family: everything that changes a byte. */
import type { Family } from '../family.ts';
import type { Policy } from '../policy/policy.ts';
import { requiresPolicy } from './import.ts';
import { otcApplies } from './role.ts';
import type { RibConfig, RibPeer } from './route.ts';

export interface ExportProfile
  extends Pick<
    RibPeer,
    | 'peerType'
    | 'client'
    | 'nextHopSelf'
    | 'sharesSubnet'
    | 'localAddress'
    | 'localAddresses'
    | 'fourOctetAs'
    | 'maxMessageLength'
  > {
  readonly family: Family;
  readonly nextHopUnchanged: boolean;
  /** The AS that goes in front of AS_PATH. */
  readonly localAs: number;
  /** IPv6 next hops for routes of this IPv4 family are understood (RFC 8950). */
  readonly extendedNextHop: boolean;
  readonly policy: Policy | undefined;
  /** Nothing goes out for want of a policy (RFC 8212). */
  readonly denied: boolean;
  /** Our role, where it matters to the family (RFC 9234 §5). */
  readonly role: RibPeer['role'];
  /** Long-lived stale routes are understood (RFC 9494 §4.3). */
  readonly longLived: boolean;
  readonly gracefulShutdown: boolean;
  /** The peer by whose route targets routes are chosen (RFC 4684); then it is alone in its group. */
  readonly targetsOf: number | undefined;
  /** Most paths of a prefix; 0: one, without path identifiers (RFC 7911). */
  readonly addPath: number;
  /** ms */
  readonly mrai: number;
}

/** Families whose routes are chosen by route targets (RFC 4684 §1). */
const BY_TARGET: readonly Family[] = [
  'ipv4-vpn',
  'ipv6-vpn',
  'l2vpn-vpls',
  'l2vpn-evpn',
  'ipv4-vpn-flowspec',
  'ipv6-vpn-flowspec',
];

/** The profile of a peer for a family. */
export function profileOf(peer: RibPeer, family: Family, config: RibConfig): ExportProfile {
  const { peerType, client, nextHopSelf, sharesSubnet, localAddress, localAddresses } = peer;
  const outside = peerType === 'external' ? (config.confederation?.id ?? config.asn) : config.asn;
  return {
    family,
    peerType,
    client,
    nextHopSelf,
    nextHopUnchanged: peer.nextHopUnchanged ?? false,
    sharesSubnet,
    localAddress,
    localAddresses,
    localAs: peer.localAs ?? outside,
    fourOctetAs: peer.fourOctetAs,
    maxMessageLength: peer.maxMessageLength,
    extendedNextHop: peer.extendedNextHop?.includes(family) ?? false,
    policy: peer.exportPolicy,
    denied: peer.exportPolicy === undefined && requiresPolicy(peer, config),
    role: otcApplies(family) ? peer.role : undefined,
    longLived: peer.longLived?.includes(family) ?? false,
    gracefulShutdown: peer.gracefulShutdown ?? false,
    targetsOf: peer.rtConstraint && BY_TARGET.includes(family) ? peer.id : undefined,
    addPath: peer.addPathSend?.find((each) => each.family === family)?.max ?? 0,
    mrai: peer.mrai ?? 0,
  };
}

/** Numbers of objects that have no other identity: policies and functions. */
const IDENTITIES = new WeakMap<object, number>();
let lastIdentity = 0;

function identityOf(object: object | undefined): number {
  if (object === undefined) return 0;
  let identity = IDENTITIES.get(object);
  if (identity === undefined) {
    identity = ++lastIdentity;
    IDENTITIES.set(object, identity);
  }
  return identity;
}

/** Peers with equal keys get equal messages. */
export function profileKey(profile: ExportProfile): string {
  const { localAddress, localAddresses: others, policy, sharesSubnet, ...rest } = profile;
  return [
    ...Object.values(rest),
    localAddress.join('.'),
    others?.ipv4?.join('.'),
    others?.ipv6?.join('.'),
    others?.ipv6LinkLocal?.join('.'),
    identityOf(policy),
    identityOf(sharesSubnet),
  ].join('/');
}
