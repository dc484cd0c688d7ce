import { DecodeError } from '../bytes/decode-error.ts';
import { readUint16, readUint32, writeUint16, writeUint32 } from '../bytes/uint.ts';
import { readMac, writeMac } from '../ethernet/mac.ts';

/**
 * ARP for IPv4 over Ethernet (RFC 826):
 *
 *     0  hardware type 1 (2)      2  protocol type 0x0800 (2)
 *     4  hardware length 6 (1)    5  protocol length 4 (1)      6  operation (2)
 *     8  sender MAC (6)          14  sender IPv4 (4)
 *    18  target MAC (6)          24  target IPv4 (4)
 */
export const ARP_LENGTH = 28;

export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

export interface Arp {
  readonly operation: number;
  readonly senderMac: number;
  /** 0 in a probe (RFC 5227 §1.1). */
  readonly senderIp: number;
  /** Meaningless in a request. */
  readonly targetMac: number;
  readonly targetIp: number;
}

/** Packet at `at`. @throws DecodeError where it is cut short or is not IPv4 over Ethernet. */
export function decodeArp(bytes: Uint8Array, at = 0): Arp {
  if (bytes.length - at < ARP_LENGTH) {
    throw new DecodeError('ARP', at, `expected 28 bytes, ${Math.max(0, bytes.length - at)} left`);
  }
  if (!isArpIpv4(bytes, at))
    throw new DecodeError('ARP', at, 'expected Ethernet (1, 6) and IPv4 (0x0800, 4)');
  return {
    operation: readUint16(bytes, at + 6),
    senderMac: readMac(bytes, at + 8),
    senderIp: readUint32(bytes, at + 14),
    targetMac: readMac(bytes, at + 18),
    targetIp: readUint32(bytes, at + 24),
  };
}

/** Whether 28 bytes at `at` are there and carry ARP for IPv4 over Ethernet. */
export function isArpIpv4(bytes: Uint8Array, at: number): boolean {
  return (
    bytes.length - at >= ARP_LENGTH &&
    readUint16(bytes, at) === 1 &&
    readUint16(bytes, at + 2) === 0x0800 &&
    readUint16(bytes, at + 4) === 0x0604
  );
}

/** Writes the 28 bytes at `at`. */
export function writeArp(bytes: Uint8Array, at: number, arp: Arp): void {
  writeUint16(bytes, at, 1);
  writeUint16(bytes, at + 2, 0x0800);
  writeUint16(bytes, at + 4, 0x0604);
  writeUint16(bytes, at + 6, arp.operation);
  writeMac(bytes, at + 8, arp.senderMac);
  writeUint32(bytes, at + 14, arp.senderIp);
  writeMac(bytes, at + 18, arp.targetMac);
  writeUint32(bytes, at + 24, arp.targetIp);
}
