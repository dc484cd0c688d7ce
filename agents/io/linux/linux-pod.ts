import { writeFileSync } from 'node:fs';
import { type EchoSocket, openEchoSocket } from './echo-socket.ts';
import { type Netlink, withNetlink } from './netlink.ts';
import { createNetns, createUtsNamespace, type Namespace, type Netns, withNetns } from './netns.ts';
import { type Poller, sharedPoller } from './poller.ts';
import { openTap, type TapDevice } from './tap.ts';

const INTERFACE = 'eth0';

/** What a pod's network is made of, as its CNI plugin decides it. */
export interface PodNetwork {
  /** IPv4 address, given to `eth0` as a /32. */
  readonly address: string;
  /** MAC of `eth0`; the kernel chooses one where it is not given. */
  readonly mac?: string;
  readonly mtu: number;
  /** Next hop of everything, on the link: `"169.254.1.1"` in Calico. The node answers ARP for it. */
  readonly gateway: string;
}

export interface LinuxPodOptions extends PodNetwork {
  /** The pod's name, for error messages. */
  readonly name: string;
  readonly hostname: string;
}

/** A pod that is a network namespace of this machine, gone when closed or when this process ends. */
export interface LinuxPod {
  readonly name: string;
  /** The wire end of the pod's `eth0`. */
  readonly device: TapDevice;
  /** Paths of the pod's namespaces for {@link spawnInNetns} and nsenter, while this process lives. */
  readonly netnsPath: string;
  readonly utsPath: string;
  /** Sends echo requests from inside of the pod. */
  readonly echo: EchoSocket;
  close(): void;
}

/**
 * Makes a pod: a network namespace with `lo` up and a TAP as `eth0` that has the address as a /32, the gateway as a
 * link route and the default route through it, as Calico does it; nothing speaks IPv6, and the node sees no frame
 * before the pod sends one. @throws PortError, with nothing left behind.
 */
export function createLinuxPod(options: LinuxPodOptions, poller: Poller = sharedPoller()): LinuxPod {
  const cleanup: Array<() => void> = [];
  const close = (): void => {
    for (const undo of cleanup.splice(0).reverse()) undo();
  };
  const owned = <T extends { close(): void }>(thing: T): T => {
    cleanup.push(() => thing.close());
    return thing;
  };
  try {
    const netns: Netns = owned(createNetns());
    const uts: Namespace = owned(createUtsNamespace(options.hostname));
    const { device, echo } = withNetns(netns, () => {
      disableIpv6();
      const device = owned(openTap(INTERFACE, poller));
      withNetlink(undefined, (netlink) => configurePod(netlink, options));
      return { device, echo: owned(openEchoSocket(poller)) };
    });
    return { name: options.name, device, netnsPath: netns.path, utsPath: uts.path, echo, close };
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * Configures `lo` and an existing `eth0` in the namespace of the netlink socket. @throws PortError.
 */
export function configurePod(netlink: Netlink, network: PodNetwork): void {
  const { address, mac, mtu, gateway } = network;
  netlink.setLink('lo', { up: true });
  netlink.setLink(INTERFACE, { mtu, ...(mac === undefined ? {} : { mac }) });
  netlink.addAddress(INTERFACE, `${address}/32`);
  netlink.setLink(INTERFACE, { up: true });
  netlink.addRoute(`${gateway}/32`, { dev: INTERFACE });
  netlink.addRoute('default', { via: gateway, dev: INTERFACE });
}

/**
 * Switches IPv6 off in the current network namespace: /proc/sys/net is that of the thread that opens the file, and the
 * synchronous call opens it on this one. Without, each pod would greet with router solicitations and MLD reports.
 * A kernel without IPv6 has no such file, and a container may have it read-only; the pod works as well.
 */
export function disableIpv6(): void {
  for (const scope of ['all', 'default']) {
    try {
      writeFileSync(`/proc/sys/net/ipv6/conf/${scope}/disable_ipv6`, '1');
    } catch {
      return;
    }
  }
}
