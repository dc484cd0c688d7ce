import { formatIpv4, parseIpv4 } from '../../../../protocol/ip/ipv4.ts';
import type { Profile } from '../profile.ts';

/** IGP cost of next hops in `farNextHops`; that of the others is less. */
export const FAR_COST = 100;

/**
 * IPv4 prefixes that the tester's next hops lie in, as the target must be able to resolve them. Next hops outside of
 * these (and of `nextHops6`) are unreachable on purpose.
 */
export function resolvablePrefixes(profile: Profile): string[] {
  if (profile.nextHops !== undefined) return [profile.nextHops];
  return profile.peers
    .map(({ address }) => address)
    .filter((address) => !address.includes(':'))
    .map((address) => (address.includes('/') ? address : `${address}/32`));
}

/** The IPv4 address below that of the target: what is to be the address of another PE, one that wins against it. */
export function addressBelow({ target }: Profile): string {
  return formatIpv4(parseIpv4(target.address) - 1);
}
