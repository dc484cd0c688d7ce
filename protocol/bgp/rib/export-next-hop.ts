/** NEXT_HOP of routes that are sent: RFC 4271 §5.1.3, RFC 2545 §3, RFC 4364 §4.3.2, RFC 4659 §3.2, RFC 8950 §4. */
import { FAMILIES, type Family, isFlowspec, isVpn } from '../family.ts';
import type { ExportProfile } from './export-profile.ts';

/** Kept as it is, replaced by these octets, or (`undefined`) no next hop that the peer could use. */
export type NextHopChoice = 'keep' | Uint8Array | undefined;

/**
 * The next hop with which a route goes out.
 * @param hop next hop of the route; empty for an own route that is to carry our address.
 * @param chosen a policy chose it, so that only an empty one is replaced.
 */
export function exportNextHop(hop: Uint8Array, chosen: boolean, profile: ExportProfile): NextHopChoice {
  // A flow specification has none (RFC 8955 §4).
  if (isFlowspec(profile.family)) return 'keep';
  if (hop.length === 0 || !(chosen || stays(hop, profile))) return ownNextHop(profile);
  if (!carries(hop, profile)) return undefined;
  // A link-local next hop means nothing beyond the link that it came over (RFC 2545 §3).
  return hop.length === 32 ? hop.slice(0, 16) : 'keep';
}

/** Whether no learnt next hop is passed on unless a policy chose it, so that all routes go out with ours. */
export function replacesNextHops({
  family,
  nextHopSelf,
  peerType,
  nextHopUnchanged,
  sharesSubnet,
}: ExportProfile): boolean {
  if (isFlowspec(family)) return false;
  return nextHopSelf || (peerType === 'external' && !nextHopUnchanged && sharesSubnet === undefined);
}

/** Whether a learnt next hop is passed on: inside the AS and confederation, where configured, and on a shared subnet. */
function stays(hop: Uint8Array, profile: ExportProfile): boolean {
  if (profile.nextHopSelf) return false;
  if (profile.peerType !== 'external' || profile.nextHopUnchanged) return true;
  return profile.sharesSubnet?.(hop) ?? false;
}

/** Whether the peer takes a next hop of that form: IPv6 ones of IPv4 routes only where that was agreed (RFC 8950 §4). */
function carries(hop: Uint8Array, { family, extendedNextHop }: ExportProfile): boolean {
  if (FAMILIES[family].bytes !== 4 || family === 'rt-constraint') return true;
  return hop.length === 4 || hop.length === 12 || extendedNextHop;
}

/**
 * Our address on the session as a next hop of the family, `undefined` where we have none of a form that the peer takes.
 * An IPv6 route over an IPv4 session carries our IPv6 address, or the IPv4-mapped one (as RFC 4798 §2 does).
 */
export function ownNextHop(profile: ExportProfile): Uint8Array | undefined {
  const { family, localAddress } = profile;
  switch (FAMILIES[family].bytes) {
    case 4:
      return family === 'rt-constraint' ? localAddress : withDistinguisher(family, ownForIpv4(profile));
    case 16:
      return isVpn(family) ? withDistinguisher(family, globalIpv6(profile)) : ownForIpv6(profile);
    default:
      return localAddress;
  }
}

function ownForIpv4({
  localAddress,
  localAddresses,
  extendedNextHop,
}: ExportProfile): Uint8Array | undefined {
  if (localAddress.length === 4) return localAddress;
  // Over IPv6, an IPv6 next hop is what the capability was agreed on for.
  if (extendedNextHop)
    return isLinkLocal(localAddress) ? (localAddresses?.ipv6 ?? localAddress) : localAddress;
  return localAddresses?.ipv4;
}

/** With our link-local address beside it, where the peer is on the same link. */
function ownForIpv6(profile: ExportProfile): Uint8Array {
  const global = globalIpv6(profile);
  const linkLocal = profile.localAddresses?.ipv6LinkLocal;
  if (linkLocal === undefined) return global;
  const both = new Uint8Array(32);
  both.set(global);
  both.set(linkLocal, 16);
  return both;
}

function globalIpv6({ localAddress, localAddresses }: ExportProfile): Uint8Array {
  if (localAddress.length === 16 && !isLinkLocal(localAddress)) return localAddress;
  if (localAddresses?.ipv6 !== undefined) return localAddresses.ipv6;
  if (localAddress.length === 16) return localAddress;
  return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...localAddress);
}

/** The next hop of a VPN route has a route distinguisher of 0 before it. */
function withDistinguisher(family: Family, address: Uint8Array | undefined): Uint8Array | undefined {
  if (address === undefined || !isVpn(family)) return address;
  const hop = new Uint8Array(8 + address.length);
  hop.set(address, 8);
  return hop;
}

function isLinkLocal(address: Uint8Array): boolean {
  return address[0] === 0xfe && (address[1]! & 0xc0) === 0x80;
}
