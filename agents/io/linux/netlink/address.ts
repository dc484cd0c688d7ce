import { concatBytes } from '../../../../protocol/bytes/concat.ts';
import { AF_INET, AF_INET6 } from '../sockaddr.ts';
import { attribute, u32Attribute } from './message.ts';

// Addresses (RFC 3549 §3.1.2; linux/if_addr.h). Family header, struct ifaddrmsg:
//
//   | family (1) | prefix length (1) | flags (1) | scope (1) |
//   |                   interface index                      |

export const RTM_NEWADDR = 20;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_FLAGS = 8;
/** No duplicate address detection: the address is there at once and nothing is sent. */
const IFA_F_NODAD = 0x02;

/** Body of RTM_NEWADDR: `address` (4 or 16 bytes) with its prefix length on an interface. */
export function encodeAddress(index: number, address: Uint8Array, prefixLength: number): Uint8Array {
  const v6 = address.length === 16;
  const header = new Uint8Array(8);
  const view = new DataView(header.buffer);
  view.setUint8(0, v6 ? AF_INET6 : AF_INET);
  view.setUint8(1, prefixLength);
  view.setUint32(4, index, true);
  const parts = [header, attribute(IFA_LOCAL, address), attribute(IFA_ADDRESS, address)];
  if (v6) parts.push(u32Attribute(IFA_FLAGS, IFA_F_NODAD));
  return concatBytes(parts);
}
