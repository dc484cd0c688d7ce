/** Next hops in MP_REACH_NLRI: which lengths a family has (RFC 7606 §7.11), and how they read. */
import { toHex } from '../../bytes/hex.ts';
import { formatAddress } from '../../ip/prefix.ts';
import type { CodecContext } from '../context.ts';
import type { Family } from '../family.ts';

const ADDRESS = [4] as const;
/** Global, or global and link-local (RFC 2545 §3). */
const ADDRESS6 = [16, 32] as const;
/** As above, each behind a route distinguisher of zero (RFC 4364 §4.3.2, RFC 4659 §3.2.1). */
const VPN = [12] as const;
const VPN6 = [24, 48] as const;
/** RFC 4761 §3.2.2, RFC 7432 §7, RFC 4684 §6.1 (the next hop of the session's address family). */
const EITHER = [4, 16] as const;

/** Lengths by family; any length for flow specifications, where the next hop means nothing (RFC 8955 §4). */
const LENGTHS: Readonly<Record<Family, readonly number[] | undefined>> = {
  'ipv4-unicast': ADDRESS,
  'ipv4-multicast': ADDRESS,
  'ipv4-labeled': ADDRESS,
  'ipv6-unicast': ADDRESS6,
  'ipv6-multicast': ADDRESS6,
  'ipv6-labeled': ADDRESS6,
  'ipv4-vpn': VPN,
  'ipv6-vpn': VPN6,
  'l2vpn-vpls': EITHER,
  'l2vpn-evpn': EITHER,
  'rt-constraint': EITHER,
  'ipv4-flowspec': undefined,
  'ipv6-flowspec': undefined,
  'ipv4-vpn-flowspec': undefined,
  'ipv6-vpn-flowspec': undefined,
  // RFC 9552 §5.5
  'link-state': [4, 16, 32],
};

/** With IPv6 next hops negotiated for IPv4 routes, RFC 8950 §3. */
const EXTENDED: Partial<Readonly<Record<Family, readonly number[]>>> = {
  'ipv4-unicast': [...ADDRESS, ...ADDRESS6],
  'ipv4-multicast': [...ADDRESS, ...ADDRESS6],
  'ipv4-labeled': [...ADDRESS, ...ADDRESS6],
  'ipv4-vpn': [...VPN, ...VPN6],
};

/** Octets that a next hop of the family may have on this session; `undefined` where any will do. */
export function nextHopLengths(
  family: Family,
  context: Pick<CodecContext, 'extendedNextHop'>,
): readonly number[] | undefined {
  const extended = context.extendedNextHop?.includes(family) === true ? EXTENDED[family] : undefined;
  return extended ?? LENGTHS[family];
}

/** Addresses in a next hop: `"2001:db8::1 fe80::1"`; route distinguishers of zero are left out. */
export function nextHopText(nextHop: Uint8Array): string {
  const { length } = nextHop;
  if (length === 0) return 'none';
  const withRd = length === 12 || length === 24 || length === 48;
  const stride = length === 4 || length === 12 ? 4 : 16;
  const step = stride + (withRd ? 8 : 0);
  if (length % step !== 0 || length / step > 2) return `0x${toHex(nextHop)}`;
  const addresses: string[] = [];
  for (let at = step - stride; at < length; at += step) {
    addresses.push(formatAddress(nextHop.subarray(at, at + stride)));
  }
  return addresses.join(' ');
}
