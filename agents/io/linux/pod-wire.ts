import { PortError } from '../../ports.ts';
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
 * Makes `eth0` in the current network namespace, which must be a pod's: nothing but `lo` is up in it. Run by mistake in
 * a machine's own namespace it would take the machine's network for a pod's.
 * @throws PortError EEXIST where the namespace has a network already, ENOENT without /dev/net/tun, EPERM without
 * CAP_NET_ADMIN, EBUSY where there is an `eth0`.
 */
export function openPodWire(): PodWire {
  refuseUsedNamespace();
  const fds = [openTapFd('eth0')];
  disableIpv6();
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

function refuseUsedNamespace(): void {
  const links = withNetlink(undefined, (netlink) => netlink.links());
  const used = links.filter(({ name, up }) => up && name !== 'lo').map(({ name }) => name);
  if (used.length === 0) return;
  const what = `cannot make a pod of this network namespace: ${used.join(', ')} up already`;
  throw new PortError('EEXIST', `${what}, expected an empty one (a container with network_mode none)`);
}
