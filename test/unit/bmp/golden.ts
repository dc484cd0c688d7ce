// BMP messages by hand: what RFC 7854, RFC 8671 and RFC 9069 draw, in hex.

export function bytes(...hex: string[]): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.join('').replaceAll(/\s/g, ''), 'hex'));
}

/** Global instance peer 192.0.2.1 AS 65001, BGP ID 192.0.2.1, at 1704067200.000005; flags come before. */
const PEER = '0000000000000000 000000000000000000000000c0000201 0000fde9 c0000201 65920080 00000005';
const MARKER = 'ffffffffffffffffffffffffffffffff';
/** OPEN of AS 65000, hold time 90, 192.0.2.2, without parameters. */
const OPEN_SENT = `${MARKER} 001d 01 04 fde8 005a c0000202 00`;
/** OPEN of AS 65001 with 4-octet AS numbers. */
const OPEN_RECEIVED = `${MARKER} 0025 01 04 fde9 005a c0000201 08 02 06 41 04 0000fde9`;

/** sysDescr "d", sysName "n", String "hi". */
export const INITIATION: Uint8Array = bytes(
  '03 00000016 04',
  '0001 0001 64',
  '0002 0001 6e',
  '0000 0002 6869',
);

export const PEER_UP: Uint8Array = bytes(
  '03 00000086 03 00 00',
  PEER,
  '000000000000000000000000c0000202 00b3 c001',
  OPEN_SENT,
  OPEN_RECEIVED,
);

/** 198.51.100.0/24, AS_PATH 65001, next hop 192.0.2.1, post-policy. */
export const ROUTE_MONITORING: Uint8Array = bytes(
  '03 0000005f 00 00 40',
  PEER,
  MARKER,
  '002f 02 0000 0014',
  '40010100 400206 0201 0000fde9 400304 c0000201',
  '18c63364',
);

/** The same with an AS_PATH of 2-octet AS numbers: the A flag. */
export const LEGACY_ROUTE_MONITORING: Uint8Array = bytes(
  '03 0000005d 00 00 20',
  PEER,
  MARKER,
  '002d 02 0000 0012',
  '40010100 400204 0201 fde9 400304 c0000201',
  '18c63364',
);

/** The End-of-RIB of what an IPv6 peer is sent. */
export const IPV6_END_OF_RIB: Uint8Array = bytes(
  '03 0000004d 00 00 90 0000000000000000 20010db8000000000000000000000001',
  '0000fde9 c0000201 00000000 00000000',
  MARKER,
  '001d 02 0000 0006 800f03 0002 01',
);

/** 3 prefixes rejected; 1000 routes in Adj-RIB-In; 7 of them ipv6-unicast; type 999 with 2 octets. */
export const STATISTICS: Uint8Array = bytes(
  '03 0000005d 01 00 00',
  PEER,
  '00000004',
  '0000 0004 00000003',
  '0007 0008 00000000000003e8',
  '0009 000b 0002 01 0000000000000007',
  '03e7 0002 abcd',
);

/** NOTIFICATION 6/2 received. */
export const PEER_DOWN: Uint8Array = bytes('03 00000046 02 00 00', PEER, '03', MARKER, '0015 03 06 02');

/** FSM event 2. */
export const PEER_DOWN_SILENT: Uint8Array = bytes('03 00000033 02 00 00', PEER, '02 0002');

/** No longer monitored. */
export const PEER_DOWN_DECONFIGURED: Uint8Array = bytes('03 00000031 02 00 00', PEER, '05');

/** Of a Loc-RIB with a name. */
export const LOC_RIB_DOWN: Uint8Array = bytes(
  '03 0000003b 02 03 00 0000000000000000 00000000000000000000000000000000',
  '0000fde8 c0000202 65920080 00000000',
  '06 0003 0006 676c6f62616c',
);

/** Reason 0, and text. */
export const TERMINATION: Uint8Array = bytes('03 00000012 05', '0001 0002 0000', '0000 0002 6f6b');

/** A KEEPALIVE, and "errored PDU". */
export const ROUTE_MIRRORING: Uint8Array = bytes(
  '03 0000004d 06 00 00',
  PEER,
  '0000 0013',
  MARKER,
  '0013 04',
  '0001 0002 0000',
);

export const GOLDEN: Readonly<Record<string, Uint8Array>> = {
  INITIATION,
  PEER_UP,
  ROUTE_MONITORING,
  LEGACY_ROUTE_MONITORING,
  IPV6_END_OF_RIB,
  STATISTICS,
  PEER_DOWN,
  PEER_DOWN_SILENT,
  PEER_DOWN_DECONFIGURED,
  LOC_RIB_DOWN,
  TERMINATION,
  ROUTE_MIRRORING,
};
