import { DecodeError } from '../bytes/decode-error.ts';

/**
 * VXLAN header (RFC 7348 §5): flags, of which only I (0x08, "VNI valid") means something (1), reserved (3), VNI (3),
 * reserved (1). Reserved bits are sent as 0 and ignored on receipt. An Ethernet frame follows.
 */
export const VXLAN_HEADER_LENGTH = 8;

/** Destination port (IANA). */
export const VXLAN_PORT = 4789;

/** VNI of the header at `at`. @throws DecodeError where it is cut short or the I flag is not set. */
export function decodeVxlan(bytes: Uint8Array, at = 0): { readonly vni: number } {
  if (bytes.length - at < VXLAN_HEADER_LENGTH) {
    throw new DecodeError('VXLAN header', at, `expected 8 bytes, ${Math.max(0, bytes.length - at)} left`);
  }
  if (!hasVni(bytes, at)) throw new DecodeError('VXLAN header', at, 'expected the I flag (0x08)');
  return { vni: vxlanVni(bytes, at) };
}

/** Whether the I flag is set in the header at `at`. */
export function hasVni(bytes: Uint8Array, at: number): boolean {
  return (bytes[at]! & 0x08) !== 0;
}

/** VNI of the header at `at`, of which 8 bytes must be there. */
export function vxlanVni(bytes: Uint8Array, at: number): number {
  return (bytes[at + 4]! << 16) | (bytes[at + 5]! << 8) | bytes[at + 6]!;
}

/** Writes the 8 bytes at `at`. */
export function writeVxlan(bytes: Uint8Array, at: number, vni: number): void {
  bytes.fill(0, at, at + VXLAN_HEADER_LENGTH);
  bytes[at] = 0x08;
  bytes[at + 4] = vni >>> 16;
  bytes[at + 5] = vni >>> 8;
  bytes[at + 6] = vni;
}
