/** Route leaks and the Only to Customer attribute, RFC 9234 §5, by our own role towards a peer. */
import type { Family } from '../family.ts';
import type { BgpRole } from '../session/config.ts';

/** Whether the rules of §5 hold for a family: IPv4 and IPv6 unicast only. */
export function otcApplies(family: Family): boolean {
  return family === 'ipv4-unicast' || family === 'ipv6-unicast';
}

/**
 * Whether a received route is a leak.
 * @param otc its Only to Customer attribute, 0 where absent.
 */
export function isLeak(role: BgpRole, otc: number, peerAs: number | undefined): boolean {
  if (otc === 0) return false;
  if (role === 'provider' || role === 'rs-server') return true;
  return role === 'peer' && otc !== peerAs;
}

/** Whether a received route without the attribute gets it, with the peer's AS: those from above and from beside. */
export function marksReceived(role: BgpRole): boolean {
  return role === 'customer' || role === 'peer' || role === 'rs-client';
}

/** Whether a route without the attribute gets it, with our AS, when it is sent: those to below and to beside. */
export function marksSent(role: BgpRole): boolean {
  return role === 'provider' || role === 'peer' || role === 'rs-server';
}

/** Whether a route with the attribute is not sent: not up, and not to the side. */
export function withholdsMarked(role: BgpRole): boolean {
  return role === 'customer' || role === 'peer' || role === 'rs-client';
}
