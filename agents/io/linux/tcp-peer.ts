import { parseAddress } from '../../../protocol/ip/prefix.ts';
import { PortError } from '../../ports.ts';
import { inetSockaddr } from './sockaddr.ts';

/** `struct __kernel_sockaddr_storage`. */
export const SOCKADDR_STORAGE_SIZE = 128;

/** Longest key that Linux takes, TCP_MD5SIG_MAXKEYLEN and TCP_AO_MAXKEYLEN. */
const KEY_MAX = 80;

/** The peers of a key, as the kernel wants them. */
export interface PeerPrefix {
  /** A socket address with host bits and port zero. */
  readonly sockaddr: Uint8Array;
  readonly prefixLength: number;
  readonly ipv6: boolean;
}

/** Whom a key is for: `127.0.0.2`, `127.0.0.0/8`. */
export function peerText({ address, prefixLength }: { address: string; prefixLength?: number }): string {
  return prefixLength === undefined ? address : `${address}/${prefixLength}`;
}

/** @throws PortError EINVAL where it is no address, or the length is none of its. */
export function peerPrefix(peer: { address: string; prefixLength?: number }, what: string): PeerPrefix {
  const address = parseAddress(peer.address);
  if (address === undefined) throw new PortError('EINVAL', `cannot ${what}: not an IP address`);
  const bits = address.length * 8;
  const prefixLength = peer.prefixLength ?? bits;
  if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > bits)
    throw new PortError('EINVAL', `cannot ${what}: a prefix length must be 0 to ${bits}`);
  const sockaddr = inetSockaddr({ address: peer.address, port: 0 });
  const at = address.length === 4 ? 4 : 8;
  for (let i = 0; i < address.length; i++) {
    const keep = Math.min(8, Math.max(0, prefixLength - 8 * i));
    sockaddr[at + i]! &= 0xff << (8 - keep);
  }
  return { sockaddr, prefixLength, ipv6: address.length === 16 };
}

/** Octets of a key. @throws PortError EINVAL where Linux does not take so few or so many. */
export function keyBytes(key: string, what: string): Uint8Array {
  const bytes = new TextEncoder().encode(key);
  if (bytes.length >= 1 && bytes.length <= KEY_MAX) return bytes;
  throw new PortError(
    'EINVAL',
    `cannot ${what}: a key must have 1 to ${KEY_MAX} octets, not ${bytes.length}`,
  );
}
