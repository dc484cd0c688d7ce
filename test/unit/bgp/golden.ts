// Messages as real speakers sent them on loopback: captured bytes, with what they mean.
import { fromHex } from '../../../protocol/bytes/hex.ts';

const MARKER = 'ff'.repeat(16);

/** A message from what follows the marker. */
export function message(hex: string): Uint8Array {
  return fromHex(MARKER + hex);
}

/** OPEN of BIRD 2.0.12 with Calico's session settings: one parameter, seven capabilities. */
export const BIRD_OPEN: Uint8Array = message(
  `003f 01 04 fc00 00f0 7f4c0002 22 | 02 20 | 01 04 0001 00 01 | 02 00 | 40 06 0078 0001 01 00
   41 04 0000fc00 | 45 04 0001 01 03 | 46 00 | 47 00`,
);

/** UPDATE of BIRD 2.0.12 to an internal peer: 10.76.2.0/26, community 64512:100. */
export const BIRD_UPDATE: Uint8Array = message(
  `0038 02 0000 001c | 40 01 01 00 | 40 02 00 | 40 03 04 7f4c0002 | 40 05 04 00000064 | c0 08 04 fc000064
   1a 0a4c0200`,
);

/** OPEN of FRR 8.4.4 with AS 4200000078: one parameter for each capability. */
export const FRR_OPEN: Uint8Array = message(
  `0071 01 04 5ba0 00b4 7f4e0002 54 | 0206 0104 0001 00 01 | 0206 0104 0002 00 01 | 0202 8000 | 0202 0200 | 0202 4600
   0206 4104 fa56ea4e | 0202 0600 | 020a 4508 0001 01 01 0002 01 01 | 0206 4904 02766d00
   0204 4002 c078 | 0210 470e 0001 01 80 000000 0002 01 80 000000`,
);

/** OPEN of GoBGP 3.10: extended next hop, and a host name. */
export const GOBGP_OPEN: Uint8Array = message(
  `0047 01 04 fde8 005a 0a370002 2a | 02 28 | 02 00 | 49 04 02766d00 | 01 04 0001 00 01 | 01 04 0019 00 46
   41 04 0000fde8 | 05 0c 0001 0001 0002 0019 0046 0002`,
);

/** UPDATE of FRR 8.4.4 to an external peer: 10.78.2.0/26, AS_PATH with an extended length. */
export const FRR_UPDATE: Uint8Array = message(
  `0056 02 0000 003a | 40 01 01 00 | 50 02 000a 02 02 fa56ea4e 0000fde9 | 40 03 04 7f4e0002 | 80 04 04 0000004d
   c0 08 08 fc000064 ffffff01 | c0 20 0c 0000fc00 00000001 00000002 | 1a 0a4e0200`,
);

/** UPDATE of FRR 8.4.4: 2001:db8:78::/64 in MP_REACH_NLRI. */
export const FRR_UPDATE_IPV6: Uint8Array = message(
  `006c 02 0000 0055 | 90 0e 001e 0002 01 10 20010db8000000000000000000000078 00 40 20010db800780000
   40 01 01 00 | 50 02 000a 02 02 fa56ea4e 0000fde9 | 80 04 04 0000004d | c0 08 08 fc000064 ffffff01
   c0 20 0c 0000fc00 00000001 00000002`,
);

/** KEEPALIVE, and End-of-RIB for IPv4 unicast. */
export const KEEPALIVE: Uint8Array = message('0013 04');
export const END_OF_RIB: Uint8Array = message('0017 02 0000 0000');
/** End-of-RIB for IPv6 unicast. */
export const END_OF_RIB_IPV6: Uint8Array = message('001e 02 0000 0007 | 90 0f 0003 0002 01');
