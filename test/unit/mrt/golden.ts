// MRT records by hand: what RFC 6396 and RFC 8050 draw, in hex.

export function bytes(...hex: string[]): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.join('').replaceAll(/\s/g, ''), 'hex'));
}

/** ORIGIN IGP, AS_PATH 65001 4200000001, NEXT_HOP 192.0.2.1, COMMUNITIES 65001:5 no-export. */
export const ATTRIBUTES: string =
  '40010100 40020a 0202 0000fde9 fa56ea01 400304c0000201 c00808 fde90005 ffffff01'.replaceAll(' ', '');

/** Two peers: 192.0.2.1 AS 65001 (2 octets), and 2001:db8::1 AS 4200000001. */
export const PEERS: Uint8Array = bytes(
  '65920080 000d 0001 0000002e',
  'c0000202 0002 7632 0002',
  '00 c0000201 c0000201 fde9',
  '03 0a000001 20010db8000000000000000000000001 fa56ea01',
);

/** 198.51.100.0/24 from the first peer. */
export const RIB: Uint8Array = bytes(
  '65920080 000d 0002 00000035 00000007 18c63364 0001 0000 65910000 0023',
  ATTRIBUTES,
);

/** 2001:db8:5::/48 from the second, with path identifier 9 and the short MP_REACH_NLRI. */
export const RIB6_ADDPATH: Uint8Array = bytes(
  '65920080 000d 000a 00000042 00000008 30 20010db80005 0001 0001 65910000 00000009 0029',
  '40010102 400206 0201 fa56ea01 900e0011 10 20010db8000000000000000000000001',
  '80040400000014',
);

/** An UPDATE of a 2-octet peer with AS4_PATH: AS_PATH 65001 23456, AS4_PATH 4200000001. */
export const AS4_UPDATE: Uint8Array = bytes(
  '65920081 0010 0001 0000004c fde9 fde8 0000 0001 c0000201 c0000202',
  'ffffffffffffffffffffffffffffffff 003c 02 0004 18cb0071 001d',
  '40010100 400206 0202 fde9 5ba0 400304c0000201 c01106 0201 fa56ea01',
  '18c63364',
);

/** Established, with microseconds. */
export const STATE: Uint8Array = bytes(
  '65920082 0011 0005 0000001c 0000002a 0000fde9 0000fde8 0000 0001 c0000201 c0000202 0005 0006',
);

/** 198.51.100.0/24 as dumps were long ago. */
export const TABLE_DUMP: Uint8Array = bytes(
  '65920083 000c 0001 0000002a 0000 0001 c6336400 18 01 65910000 c0000201 fde9 0014',
  '40010100 400206 0202 fde9 0d1c 400304c0000201',
);

/** Established: a peer with this IPv6 address, in hex. */
export function stateOfPeer(address: string): Uint8Array {
  const local = '20010db8000000000000000000000001';
  return bytes('65920084 0010 0005 00000030 0000fde9 0000fde8 0000 0002', address, local, '0005 0006');
}
