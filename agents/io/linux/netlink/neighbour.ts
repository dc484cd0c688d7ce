import { concatBytes } from '../../../../protocol/bytes/concat.ts';
import { AF_INET, AF_INET6 } from '../sockaddr.ts';
import { attribute } from './message.ts';

// Neighbours and FDB entries (RFC 3549 §3.1.3; linux/neighbour.h). Family header, struct ndmsg:
//
//   | family (1) | pad (3)                  |
//   |           interface index             |
//   | state (2)      | flags (1) | type (1) |

export const RTM_NEWNEIGH = 28;

const AF_BRIDGE = 7;
const NDA_DST = 1;
const NDA_LLADDR = 2;
const NUD_NOARP = 0x40;
const NUD_PERMANENT = 0x80;
/** The entry is the device's own (a VXLAN device's FDB), not of the bridge that it is a port of. */
const NTF_SELF = 0x02;

function ndmsg(family: number, index: number, state: number, flags: number): Uint8Array {
  const header = new Uint8Array(12);
  const view = new DataView(header.buffer);
  view.setUint8(0, family);
  view.setInt32(4, index, true);
  view.setUint16(8, state, true);
  view.setUint8(10, flags);
  return header;
}

/** Body of RTM_NEWNEIGH: a permanent ARP or ND entry. */
export function encodeNeighbour(index: number, address: Uint8Array, mac: Uint8Array): Uint8Array {
  const family = address.length === 16 ? AF_INET6 : AF_INET;
  return concatBytes([
    ndmsg(family, index, NUD_PERMANENT, 0),
    attribute(NDA_DST, address),
    attribute(NDA_LLADDR, mac),
  ]);
}

/** Body of RTM_NEWNEIGH: a static FDB entry of a VXLAN device, MAC to VTEP (`bridge fdb append MAC dst VTEP`). */
export function encodeFdbEntry(index: number, mac: Uint8Array, vtep: Uint8Array): Uint8Array {
  return concatBytes([
    ndmsg(AF_BRIDGE, index, NUD_NOARP | NUD_PERMANENT, NTF_SELF),
    attribute(NDA_LLADDR, mac),
    attribute(NDA_DST, vtep),
  ]);
}
