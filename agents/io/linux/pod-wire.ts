import { openEchoSocketFd } from './echo-socket.ts';
import { libc } from './libc.ts';
import { configurePod, disableIpv6, type PodNetwork } from './linux-pod.ts';
import { withNetlink } from './netlink.ts';
import { openTapFd } from './tap.ts';

/** The `eth0` of a pod whose network namespace is this process's own, and whose wire end is for another process. */
export interface PodWire {
  /** For handing over: the TAP, and where one may be opened an ICMP socket. */
  readonly fds: readonly number[];
  /** Gives `eth0` its MAC, address and routes, and switches it on. @throws PortError. */
  configure(network: PodNetwork): void;
  /** `eth0` goes as soon as the other process has let go as well. */
  close(): void;
}

/**
 * Makes `eth0` in the current network namespace.
 * @throws PortError ENOENT without /dev/net/tun, EPERM without CAP_NET_ADMIN, EBUSY where there is an `eth0`.
 */
export function openPodWire(): PodWire {
  disableIpv6();
  const fds = [openTapFd('eth0')];
  try {
    fds.push(openEchoSocketFd());
  } catch {
    // Not allowed to this container's groups: a pod without it answers pings, but sends none for the agent.
  }
  return {
    fds,
    configure: (network) => withNetlink(undefined, (netlink) => configurePod(netlink, network)),
    close: () => {
      for (const fd of fds.splice(0)) libc().close(fd);
    },
  };
}
