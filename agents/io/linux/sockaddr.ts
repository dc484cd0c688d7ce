import { parseAddress } from '../../../protocol/ip/prefix.ts';
import type { Endpoint } from '../../ports.ts';
import { portError } from '../errors.ts';

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0x800;
/** Set on every descriptor here: a pod's process must not inherit what the agent holds. */
export const SOCK_CLOEXEC = 0x80000;

/** Bytes of sun_path, of which one is the closing zero. */
const UNIX_PATH_MAX = 108;

/**
 * `struct sockaddr_in` (RFC-order port and address after a host-order family) or `struct sockaddr_in6`, by the
 * address given. @throws PortError EINVAL where it is no IP address.
 */
export function inetSockaddr({ address, port }: Endpoint): Uint8Array {
  const ip = parseAddress(address);
  if (ip === undefined) throw portError(`use ${JSON.stringify(address)} as an IP address`, 'EINVAL');
  const bytes = new Uint8Array(ip.length === 4 ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, ip.length === 4 ? AF_INET : AF_INET6, true);
  view.setUint16(2, port);
  bytes.set(ip, ip.length === 4 ? 4 : 8);
  return bytes;
}

/** `struct sockaddr_un` of a path. @throws PortError ENAMETOOLONG above 107 bytes. */
export function unixSockaddr(path: string): Uint8Array {
  const text = new TextEncoder().encode(path);
  if (text.length >= UNIX_PATH_MAX) {
    throw portError(
      `use ${path} as a Unix socket`,
      'ENAMETOOLONG',
      `at most ${UNIX_PATH_MAX - 1} bytes, not ${text.length}`,
    );
  }
  const bytes = new Uint8Array(2 + UNIX_PATH_MAX);
  new DataView(bytes.buffer).setUint16(0, AF_UNIX, true);
  bytes.set(text, 2);
  return bytes;
}
