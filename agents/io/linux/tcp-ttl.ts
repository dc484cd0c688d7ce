import { PortError, type TcpTtl } from '../../ports.ts';
import {
  getOption,
  IP_MINTTL,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_MINHOPCOUNT,
  IPV6_UNICAST_HOPS,
  setOption,
  TCP_SAVED_SYN,
} from './sockopt.ts';

/** Sets the TTLs of a TCP socket in any state. @throws PortError: EINVAL where one is not 1 to 255. */
export function setTtl(fd: number, ipv6: boolean, { ttl, minTtl }: TcpTtl): void {
  const level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
  if (ttl !== undefined) {
    const what = `set the TTL to ${ttl}`;
    checkRange(ttl, what);
    setOption(fd, level, ipv6 ? IPV6_UNICAST_HOPS : IP_TTL, ttl, what);
  }
  if (minTtl !== undefined) {
    const what = `set the least TTL to ${minTtl} (GTSM)`;
    checkRange(minTtl, what);
    setOption(fd, level, ipv6 ? IPV6_MINHOPCOUNT : IP_MINTTL, minTtl, what);
  }
}

function checkRange(ttl: number, what: string): void {
  if (Number.isInteger(ttl) && ttl >= 1 && ttl <= 255) return;
  throw new PortError('EINVAL', `cannot ${what}: a TTL must be 1 to 255`);
}

/**
 * TTL with which the SYN of an accepted connection came (IPv6: hop limit); undefined where the listener did not keep
 * it. The kernel forgets it with this call.
 */
export function synTtl(fd: number): number | undefined {
  const headers = getOption(fd, IPPROTO_TCP, TCP_SAVED_SYN, 256);
  if (headers === undefined || headers.length < 40) return undefined;
  return headers[0]! >> 4 === 6 ? headers[7] : headers[8];
}
