import type { Endpoint, TcpConnectOptions, TcpListenOptions } from '../../ports.ts';
import { formatEndpoint } from '../errors.ts';
import { check, libc } from './libc.ts';
import { AF_INET, AF_INET6, inetSockaddr, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from './sockaddr.ts';
import {
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SOL_SOCKET,
  setOption,
  TCP_SAVE_SYN,
  TCP_USER_TIMEOUT,
} from './sockopt.ts';
import { addAo } from './tcp-ao.ts';
import { ListenerKeys } from './tcp-keys.ts';
import { setMd5 } from './tcp-md5.ts';
import { setTtl } from './tcp-ttl.ts';

// Sockets whose options must be there before listen() or connect(), which Node does in one step with socket().
// Whoever adopts a descriptor closes it.

/**
 * A socket bound to `local` with the options, on which to listen.
 * @throws PortError as bind does, and where an option cannot be had.
 */
export function boundTcpSocket(
  local: Endpoint,
  options: TcpListenOptions,
): { readonly fd: number; readonly keys: ListenerKeys } {
  const what = `listen on ${formatEndpoint(local)}`;
  const address = inetSockaddr(local);
  return openTcpSocket(address, what, (fd, ipv6) => {
    // As libuv does: a restarted speaker gets its port back although old connections linger.
    setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1, what);
    if (ipv6) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, what);
    setOption(fd, IPPROTO_TCP, TCP_SAVE_SYN, 1, what);
    setTtl(fd, ipv6, options);
    setUserTimeout(fd, options.userTimeout);
    const keys = new ListenerKeys(fd);
    keys.replace(options);
    check(libc().bind(fd, address, address.length), what);
    return { fd, keys };
  });
}

/**
 * A socket with the options, and bound where they say so, that may dial `remote` and nobody else.
 * @throws PortError as bind does, and where an option cannot be had.
 */
export function diallingTcpSocket(remote: Endpoint, options: TcpConnectOptions): number {
  const { address } = remote;
  const { localAddress, localPort, md5, ao } = options;
  const what = `connect to ${formatEndpoint(remote)}`;
  return openTcpSocket(inetSockaddr(remote), what, (fd, ipv6) => {
    setTtl(fd, ipv6, options);
    setUserTimeout(fd, options.userTimeout);
    if (md5 !== undefined) setMd5(fd, { address, key: md5 });
    ao?.forEach((key, index) => {
      addAo(fd, { address }, key, index === 0);
    });
    if (localAddress !== undefined || localPort !== undefined) {
      setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1, what);
      const source = { address: localAddress ?? (ipv6 ? '::' : '0.0.0.0'), port: localPort ?? 0 };
      const local = inetSockaddr(source);
      check(libc().bind(fd, local, local.length), `${what} from ${formatEndpoint(source)}`);
    }
    return fd;
  });
}

/** Opens a socket for the family of `address`; it is closed again where `prepare` throws. */
function openTcpSocket<T>(address: Uint8Array, what: string, prepare: (fd: number, ipv6: boolean) => T): T {
  const { socket, close } = libc();
  const ipv6 = address.length > 16;
  const fd = check(socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), what);
  try {
    return prepare(fd, ipv6);
  } catch (error) {
    close(fd);
    throw error;
  }
}

function setUserTimeout(fd: number, timeout: number | undefined): void {
  if (timeout === undefined) return;
  const what = `set the TCP user timeout to ${timeout} ms`;
  setOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, Math.max(1, Math.round(timeout)), what);
}
