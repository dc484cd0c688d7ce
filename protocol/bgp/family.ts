/**
 * Address families (RFC 4760 §8; numbers from IANA's Address Family and SAFI registries). The families that podwire
 * carries have names; any other pair of AFI and SAFI stays a pair of numbers.
 */
export type Family = 'ipv4-unicast' | 'ipv6-unicast';

/** An address family as it stands on the wire. */
export interface AfiSafi {
  readonly afi: number;
  readonly safi: number;
}

/** A family that podwire carries: its numbers, and the size of its addresses. */
export interface FamilyInfo extends AfiSafi {
  readonly family: Family;
  /** Octets in an address. */
  readonly bytes: 4 | 16;
}

/** Every carried family by name, in the order in which we advertise them. */
export const FAMILIES: Readonly<Record<Family, FamilyInfo>> = {
  'ipv4-unicast': { family: 'ipv4-unicast', afi: 1, safi: 1, bytes: 4 },
  'ipv6-unicast': { family: 'ipv6-unicast', afi: 2, safi: 1, bytes: 16 },
};

/** Name of a carried family, `undefined` where podwire does not carry that AFI and SAFI. */
export function familyOf(afi: number, safi: number): Family | undefined {
  if (safi !== 1) return undefined;
  return afi === 1 ? 'ipv4-unicast' : afi === 2 ? 'ipv6-unicast' : undefined;
}
