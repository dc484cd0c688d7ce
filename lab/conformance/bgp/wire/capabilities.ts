/** Capabilities as octets, RFC 5492 §4: code, length, value. */

import { parameter } from './build.ts';
import { bytes, type Octets, u16, u32 } from './bytes.ts';

export const CAP_MULTIPROTOCOL = 1;
export const CAP_ROUTE_REFRESH = 2;
export const CAP_EXTENDED_NEXT_HOP = 5;
export const CAP_EXTENDED_MESSAGE = 6;
export const CAP_ROLE = 9;
export const CAP_GRACEFUL_RESTART = 64;
export const CAP_FOUR_OCTET_AS = 65;
export const CAP_ADD_PATH = 69;
export const CAP_ENHANCED_ROUTE_REFRESH = 70;
export const CAP_LONG_LIVED_GRACEFUL_RESTART = 71;

/** An address family by its numbers (RFC 4760 §3). */
export interface AfiSafi {
  readonly afi: number;
  readonly safi: number;
}

export const IPV4_UNICAST: AfiSafi = { afi: 1, safi: 1 };
export const IPV6_UNICAST: AfiSafi = { afi: 2, safi: 1 };
export const L2VPN_EVPN: AfiSafi = { afi: 25, safi: 70 };

/** Any capability; `length` overrides what its length octet says. */
export function capability(code: number, value: Octets = [], length?: number): Uint8Array {
  const octets = bytes(value);
  return bytes(code, length ?? octets.length, octets);
}

/** One optional parameter (type 2) with these capabilities. */
export function capabilities(...list: readonly Uint8Array[]): Uint8Array {
  return parameter(2, bytes(...list));
}

/** RFC 4760 §8; `reserved` is the octet between AFI and SAFI. */
export function multiprotocol({ afi, safi }: AfiSafi, reserved = 0): Uint8Array {
  return capability(CAP_MULTIPROTOCOL, bytes(u16(afi), reserved, safi));
}

/** RFC 6793 §3. */
export function fourOctetAs(asn: number): Uint8Array {
  return capability(CAP_FOUR_OCTET_AS, u32(asn));
}

/** RFC 2918 §2. */
export function routeRefreshCapability(): Uint8Array {
  return capability(CAP_ROUTE_REFRESH);
}

/** RFC 7313 §3.1. */
export function enhancedRouteRefresh(): Uint8Array {
  return capability(CAP_ENHANCED_ROUTE_REFRESH);
}

/** RFC 8654 §3. */
export function extendedMessage(): Uint8Array {
  return capability(CAP_EXTENDED_MESSAGE);
}

/** RFC 7911 §4; sendReceive: 1 receive, 2 send, 3 both. */
export function addPath(...families: readonly (AfiSafi & { readonly sendReceive: number })[]): Uint8Array {
  return capability(
    CAP_ADD_PATH,
    bytes(...families.map(({ afi, safi, sendReceive }) => bytes(u16(afi), safi, sendReceive))),
  );
}

/** RFC 4724 §3 with the N bit of RFC 8538 §2; restart time in seconds. */
export function gracefulRestart(
  options: { readonly restartTime: number; readonly restarting?: boolean; readonly notification?: boolean },
  ...families: readonly (AfiSafi & { readonly forwarding?: boolean })[]
): Uint8Array {
  const flags = (options.restarting ? 0x8000 : 0) | (options.notification ? 0x4000 : 0);
  const list = families.map(({ afi, safi, forwarding }) => bytes(u16(afi), safi, forwarding ? 0x80 : 0));
  return capability(CAP_GRACEFUL_RESTART, bytes(u16(flags | options.restartTime), ...list));
}

/** RFC 9494 §3.1; stale time in seconds. */
export function longLivedGracefulRestart(
  ...families: readonly (AfiSafi & { readonly staleTime: number; readonly forwarding?: boolean })[]
): Uint8Array {
  const list = families.map(({ afi, safi, staleTime, forwarding }) =>
    bytes(u16(afi), safi, forwarding ? 0x80 : 0, u32(staleTime).subarray(1)),
  );
  return capability(CAP_LONG_LIVED_GRACEFUL_RESTART, bytes(...list));
}

/** RFC 9234 §4.1: 0 provider, 1 route server, 2 route server client, 3 customer, 4 peer. */
export function role(value: number): Uint8Array {
  return capability(CAP_ROLE, [value]);
}

/** RFC 8950 §4: IPv4 unicast NLRI may have IPv6 next hops. */
export function extendedNextHop(family: AfiSafi = IPV4_UNICAST, nextHopAfi = 2): Uint8Array {
  return capability(CAP_EXTENDED_NEXT_HOP, bytes(u16(family.afi), u16(family.safi), u16(nextHopAfi)));
}
