/** What the two OPENs of a session agree on, as far as it changes how messages are read. */
import { CAP_ADD_PATH, CAP_FOUR_OCTET_AS } from './wire/capabilities.ts';
import type { ReadOpen } from './wire/read.ts';

/** Whether an OPEN has a capability. */
export function hasCapability(open: ReadOpen | undefined, code: number): boolean {
  return open?.capabilities.some((capability) => capability.code === code) ?? false;
}

/** Octets of an AS number (RFC 6793 §4): 4 where both have the capability. */
export function asnOctetsOf(one: ReadOpen | undefined, other: ReadOpen | undefined): 2 | 4 {
  return hasCapability(one, CAP_FOUR_OCTET_AS) && hasCapability(other, CAP_FOUR_OCTET_AS) ? 4 : 2;
}

/** Whether NLRI of a family that `sender` sends to `receiver` have path identifiers (RFC 7911 §4). */
export function hasPathIds(
  sender: ReadOpen | undefined,
  receiver: ReadOpen | undefined,
  afi: number,
  safi: number,
): boolean {
  return (sendReceive(sender, afi, safi) & 2) !== 0 && (sendReceive(receiver, afi, safi) & 1) !== 0;
}

/** Send/receive of a family in the last ADD-PATH capability; 0 where it is none of 1 to 3. */
function sendReceive(open: ReadOpen | undefined, afi: number, safi: number): number {
  const value = open?.capabilities.findLast(({ code }) => code === CAP_ADD_PATH)?.value ?? new Uint8Array(0);
  for (let at = 0; at + 4 <= value.length; at += 4) {
    const same = ((value[at]! << 8) | value[at + 1]!) === afi && value[at + 2] === safi;
    if (same && value[at + 3]! <= 3) return value[at + 3]!;
  }
  return 0;
}
