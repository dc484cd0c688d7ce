import { writeFileSync } from 'node:fs';
import { setTxChecksum } from '../../agents/io/linux/ethtool.ts';
import { openNetlink, withNetlink } from '../../agents/io/linux/netlink.ts';
import { createNetns, type Netns, withNetns } from '../../agents/io/linux/netns.ts';

const BRIDGE = 'br0';
const INTERFACE = 'eth0';
/** Longest name of a Linux interface (IFNAMSIZ without its NUL, `include/uapi/linux/if.h`). */
const MAX_NAME = 15;

/** What is cabled to the fabric. */
export interface Plug {
  readonly name: string;
  /** Position of the node in the lab. */
  readonly index: number;
  readonly mac: string;
  /** With the prefix length of the underlay. */
  readonly address: string;
}

/** A node's place on the fabric: its namespace with `eth0` up and addressed. */
export interface Attachment {
  readonly netns: Netns;
  /** Gives the namespace up: its interface, and its end of the cable, go when its processes have ended. */
  detach(): void;
}

/**
 * The underlay of a `netns` lab: a Linux bridge in a namespace of its own, one veth pair per node. The machine's own
 * namespace gets nothing, and there is no route out: packets of the lab cannot leave.
 */
export class NetnsFabric {
  readonly #netns: Netns;
  readonly #mtu: number;

  /** @throws PortError EPERM without root. */
  constructor(mtu: number) {
    this.#mtu = mtu;
    this.#netns = createNetns();
    withNetns(this.#netns, quietIpv6);
    withNetlink(this.#netns, (netlink) => {
      netlink.addBridge(BRIDGE);
      netlink.setLink(BRIDGE, { up: true, mtu, noLinkLocal: true });
    });
  }

  /** Path of the bridge's namespace, for captures on the bridge. */
  get path(): string {
    return this.#netns.path;
  }

  /** Makes a namespace for a node and cables it. */
  attach({ name, index, mac, address }: Plug): Attachment {
    const netns = createNetns();
    const port = portName(name, index);
    try {
      withNetlink(this.#netns, (netlink) => {
        netlink.addVeth({ name: port, mtu: this.#mtu }, { name: INTERFACE, mac, mtu: this.#mtu, netns });
        netlink.setMaster(port, BRIDGE);
        netlink.setLink(port, { up: true, noLinkLocal: true });
      });
      // A veth leaves checksums to hardware that it does not have; captures shall show them right.
      withNetns(netns, () => setTxChecksum(INTERFACE, false));
      const netlink = openNetlink(netns);
      try {
        netlink.setLink('lo', { up: true });
        netlink.addAddress(INTERFACE, address);
        netlink.setLink(INTERFACE, { up: true, noLinkLocal: true });
      } finally {
        netlink.close();
      }
    } catch (error) {
      netns.close();
      throw error;
    }
    return { netns, detach: () => this.#detach(netns, port) };
  }

  close(): void {
    this.#netns.close();
  }

  /** Takes the cable out at once: the namespace itself may live on until a killed process is gone. */
  #detach(netns: Netns, port: string): void {
    withNetlink(this.#netns, (netlink) => {
      if (netlink.link(port) !== undefined) netlink.deleteLink(port);
    });
    netns.close();
  }
}

/** Bridge and ports have no business with IPv6: without it they do not talk to the nodes by themselves (MLD). */
function quietIpv6(): void {
  for (const scope of ['all', 'default']) {
    try {
      writeFileSync(`/proc/sys/net/ipv6/conf/${scope}/disable_ipv6`, '1');
    } catch {
      // A machine without IPv6, or with /proc/sys for reading only: a few packets more on the bridge.
    }
  }
}

/** The bridge's port is named after the node, for `bridge link`, unless Linux does not take the name. */
function portName(node: string, index: number): string {
  const taken = [BRIDGE, 'lo'].includes(node) || /^port\d+$/.test(node);
  return node.length <= MAX_NAME && !taken ? node : `port${index}`;
}
