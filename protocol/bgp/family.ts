/**
 * Address families (RFC 4760 §8; numbers from IANA's Address Family and SAFI registries). The families that podwire
 * carries have names; any other pair of AFI and SAFI stays a pair of numbers.
 */
export type Family =
  | 'ipv4-unicast'
  | 'ipv6-unicast'
  | 'ipv4-multicast'
  | 'ipv6-multicast'
  | 'ipv4-labeled'
  | 'ipv6-labeled'
  | 'ipv4-vpn'
  | 'ipv6-vpn'
  | 'l2vpn-vpls'
  | 'l2vpn-evpn'
  | 'rt-constraint'
  | 'ipv4-flowspec'
  | 'ipv6-flowspec'
  | 'ipv4-vpn-flowspec'
  | 'ipv6-vpn-flowspec'
  | 'link-state';

/** An address family as it stands on the wire. */
export interface AfiSafi {
  readonly afi: number;
  readonly safi: number;
}

/** A family that podwire carries: its numbers, and the size of its addresses. */
export interface FamilyInfo extends AfiSafi {
  readonly family: Family;
  /** Octets in an address of the AFI; 0 for AFIs that are no IP version (L2VPN, link-state). */
  readonly bytes: 0 | 4 | 16;
  /** NLRI is plain prefixes and nothing else: unicast and multicast. */
  readonly prefixes: boolean;
}

/** Every carried family by name, in the order in which we advertise them. */
export const FAMILIES: Readonly<Record<Family, FamilyInfo>> = {
  'ipv4-unicast': info('ipv4-unicast', 1, 1, true),
  'ipv6-unicast': info('ipv6-unicast', 2, 1, true),
  'ipv4-multicast': info('ipv4-multicast', 1, 2, true),
  'ipv6-multicast': info('ipv6-multicast', 2, 2, true),
  'ipv4-labeled': info('ipv4-labeled', 1, 4),
  'ipv6-labeled': info('ipv6-labeled', 2, 4),
  'ipv4-vpn': info('ipv4-vpn', 1, 128),
  'ipv6-vpn': info('ipv6-vpn', 2, 128),
  'l2vpn-vpls': info('l2vpn-vpls', 25, 65),
  'l2vpn-evpn': info('l2vpn-evpn', 25, 70),
  'rt-constraint': info('rt-constraint', 1, 132),
  'ipv4-flowspec': info('ipv4-flowspec', 1, 133),
  'ipv6-flowspec': info('ipv6-flowspec', 2, 133),
  'ipv4-vpn-flowspec': info('ipv4-vpn-flowspec', 1, 134),
  'ipv6-vpn-flowspec': info('ipv6-vpn-flowspec', 2, 134),
  'link-state': info('link-state', 16388, 71),
};

const BY_NUMBERS: ReadonlyMap<number, Family> = new Map(
  Object.values(FAMILIES).map(({ family, afi, safi }) => [afi * 65536 + safi, family]),
);

/** Name of a carried family, `undefined` where podwire does not carry that AFI and SAFI. */
export function familyOf(afi: number, safi: number): Family | undefined {
  return BY_NUMBERS.get(afi * 65536 + safi);
}

/** The family's name, or `"AFI 1 SAFI 99"` where it has none here. */
export function familyText(afi: number, safi: number): string {
  return familyOf(afi, safi) ?? `AFI ${afi} SAFI ${safi}`;
}

function info(family: Family, afi: number, safi: number, prefixes = false): FamilyInfo {
  return { family, afi, safi, bytes: afi === 1 ? 4 : afi === 2 ? 16 : 0, prefixes };
}

/** Whether routes are of VPNs: a next hop has a route distinguisher of 0 before its address (RFC 4364 §4.3.2, RFC 4659 §3.2.1). */
export function isVpn(family: Family): boolean {
  return family === 'ipv4-vpn' || family === 'ipv6-vpn';
}

/** Whether routes of the family are flow specifications, whose next hop means nothing (RFC 8955 §4). */
export function isFlowspec(family: Family): boolean {
  return FAMILIES[family].safi === 133 || FAMILIES[family].safi === 134;
}
