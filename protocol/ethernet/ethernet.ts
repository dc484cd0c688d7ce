import { DecodeError } from '../bytes/decode-error.ts';
import { readUint16, writeUint16 } from '../bytes/uint.ts';
import { readMac, writeMac } from './mac.ts';

/**
 * Ethernet II (IEEE 802.3 §3.1.1, type interpretation), without FCS:
 *
 *     0  destination MAC (6)
 *     6  source MAC (6)
 *    12  EtherType (2)
 *    14  payload
 */
export const ETHERNET_HEADER_LENGTH = 14;

/** EtherTypes (IANA "IEEE 802 Numbers"). */
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;

export interface EthernetHeader {
  readonly destination: number;
  readonly source: number;
  /** EtherType; below 0x600 an 802.3 length. */
  readonly type: number;
}

/** Header at `at`. @throws DecodeError where fewer than 14 bytes are left. */
export function decodeEthernet(bytes: Uint8Array, at = 0): EthernetHeader {
  if (bytes.length - at < ETHERNET_HEADER_LENGTH) {
    throw new DecodeError('Ethernet header', at, `expected 14 bytes, ${Math.max(0, bytes.length - at)} left`);
  }
  return { destination: readMac(bytes, at), source: readMac(bytes, at + 6), type: etherType(bytes, at) };
}

/** EtherType of the frame at `at`, of which 14 bytes must be there. */
export function etherType(bytes: Uint8Array, at: number): number {
  return readUint16(bytes, at + 12);
}

/** Writes the 14 bytes at `at`. */
export function writeEthernet(
  bytes: Uint8Array,
  at: number,
  destination: number,
  source: number,
  type: number,
): void {
  writeMac(bytes, at, destination);
  writeMac(bytes, at + 6, source);
  writeUint16(bytes, at + 12, type);
}

/** A whole frame: header and a copy of `payload`. */
export function encodeEthernet(header: EthernetHeader, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER_LENGTH + payload.length);
  writeEthernet(frame, 0, header.destination, header.source, header.type);
  frame.set(payload, ETHERNET_HEADER_LENGTH);
  return frame;
}
