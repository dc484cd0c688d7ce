import type { Endpoint } from '../../ports.ts';
import { formatEndpoint } from '../errors.ts';
import { check, int32, libc } from './libc.ts';
import { AF_INET, AF_INET6, inetSockaddr, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from './sockaddr.ts';

const SOL_SOCKET = 1;
const SO_NO_CHECK = 11;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const IPPROTO_UDP = 17;
/** UDPv6 ignores SO_NO_CHECK; this option is its own (RFC 6935 allows zero checksums to tunnels). */
const UDP_NO_CHECK6_TX = 101;
const UDP_NO_CHECK6_RX = 102;

/**
 * A bound UDP socket whose datagrams leave with checksum 0, as the kernel's VXLAN sends them over IPv4. Returns its
 * descriptor; whoever adopts it closes it.
 * @throws PortError where it cannot be bound.
 */
export function bindUdpWithoutChecksum(local: Endpoint): number {
  const { socket, setsockopt, bind, close } = libc();
  const address = inetSockaddr(local);
  const v6 = address.length > 16;
  const what = `bind UDP ${formatEndpoint(local)}`;
  const fd = check(socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), what);
  try {
    const set = (level: number, option: number): void =>
      void check(setsockopt(fd, level, option, int32(1), 4), what);
    if (v6) {
      set(IPPROTO_IPV6, IPV6_V6ONLY);
      set(IPPROTO_UDP, UDP_NO_CHECK6_TX);
      set(IPPROTO_UDP, UDP_NO_CHECK6_RX);
    } else {
      set(SOL_SOCKET, SO_NO_CHECK);
    }
    check(bind(fd, address, address.length), what);
  } catch (error) {
    close(fd);
    throw error;
  }
  return fd;
}
