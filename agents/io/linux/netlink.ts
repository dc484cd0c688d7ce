import { formatPrefix, parseAddress, parsePrefix } from '../../../protocol/ip/prefix.ts';
import { PortError } from '../../ports.ts';
import { errnoName, portError } from '../errors.ts';
import { check, EINTR, int32, lastErrno, lastError, libc } from './libc.ts';
import { parseMac } from './mac.ts';
import { encodeAddress, RTM_NEWADDR } from './netlink/address.ts';
import {
  decodeLink,
  encodeBridge,
  encodeGetLinks,
  encodeLink,
  encodeVeth,
  encodeVxlan,
  type Link,
  type LinkSettings,
  RTM_DELLINK,
  RTM_GETLINK,
  RTM_NEWLINK,
} from './netlink/link.ts';
import {
  decodeError,
  decodeMessages,
  encodeMessage,
  type NetlinkMessage,
  NLM_F_ACK,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
} from './netlink/message.ts';
import { encodeFdbEntry, encodeNeighbour, RTM_NEWNEIGH } from './netlink/neighbour.ts';
import { encodeRoute, RTM_DELROUTE, RTM_NEWROUTE } from './netlink/route.ts';
import { type Netns, withNetns } from './netns.ts';
import { AF_NETLINK, SOCK_CLOEXEC, SOCK_RAW } from './sockaddr.ts';

export type { Link } from './netlink/link.ts';

const NETLINK_ROUTE = 0;
const SOL_NETLINK = 270;
/** Errors shortened to the header of the request, with the kernel's explanation. */
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
/** Above the largest chunk that the kernel makes of a dump, 32 KiB. */
const RECEIVE_BUFFER = 65536;

/** One end of a veth pair. */
export interface VethEnd {
  readonly name: string;
  readonly mac?: string;
  readonly mtu?: number;
  /** The namespace that it is made in; without, that of the netlink socket. */
  readonly netns?: Pick<Netns, 'fd'>;
}

/** What a route says: `via`, else on the link; neither `via` nor `dev` makes a blackhole. */
export interface RouteOptions {
  readonly via?: string;
  readonly dev?: string;
  /** The gateway is on the link although no route says so. */
  readonly onlink?: boolean;
  readonly source?: string;
}

/**
 * Interfaces, addresses, routes and neighbours of one network namespace: that in which the socket was opened, wherever
 * its user is later. Calls are synchronous (the kernel answers within the call) and throw a {@link PortError} that
 * says in words what could not be done, e.g. `cannot create bridge br0: file already exists (EEXIST)`.
 */
export interface Netlink {
  links(): Link[];
  /** The interface of this name; undefined where there is none. */
  link(name: string): Link | undefined;
  setLink(name: string, settings: Pick<LinkSettings, 'up' | 'mtu' | 'mac' | 'name' | 'noLinkLocal'>): void;
  moveLink(name: string, netns: Pick<Netns, 'fd'>): void;
  deleteLink(name: string): void;
  addVeth(end: VethEnd, peer: VethEnd): void;
  addBridge(name: string): void;
  /** Makes `name` a port of the bridge; undefined takes it out. */
  setMaster(name: string, bridge: string | undefined): void;
  /** A kernel VXLAN device without learning; `local` is the VTEP's IPv4 address, `dev` the underlay interface. */
  addVxlan(
    name: string,
    options: { vni: number; port: number; local: string; dev?: string; mac?: string; mtu?: number },
  ): void;
  /** `address` with its prefix length: `10.0.0.1/24`, `2001:db8::1/64` (usable at once, without DAD). */
  addAddress(name: string, address: string): void;
  /** `destination` is a prefix or `default` (IPv4). */
  addRoute(destination: string, options: RouteOptions): void;
  deleteRoute(destination: string, options: RouteOptions): void;
  /** A permanent ARP or ND entry. */
  addNeighbour(name: string, address: string, mac: string): void;
  /** A static FDB entry of a VXLAN device. */
  addFdbEntry(name: string, mac: string, vtep: string): void;
  close(): void;
}

/** Opens a netlink socket in a namespace, by default the current one. */
export function openNetlink(netns?: Pick<Netns, 'fd'>): Netlink {
  return netns === undefined ? new RouteSocket() : withNetns(netns, () => new RouteSocket());
}

/** Opens, runs `fn`, closes. */
export function withNetlink<T>(netns: Pick<Netns, 'fd'> | undefined, fn: (netlink: Netlink) => T): T {
  const netlink = openNetlink(netns);
  try {
    return fn(netlink);
  } finally {
    netlink.close();
  }
}

function addressBytes(text: string, what: string): Uint8Array {
  const bytes = parseAddress(text);
  if (bytes === undefined)
    throw new PortError('EINVAL', `cannot ${what}: not an IP address: ${JSON.stringify(text)}`);
  return bytes;
}

class RouteSocket implements Netlink {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(RECEIVE_BUFFER);
  #sequence = 0;
  #open = true;

  constructor() {
    const { socket, setsockopt } = libc();
    this.#fd = check(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), 'open a netlink socket');
    // Kernels before 4.12 lack these; errors come without explanation then.
    for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK])
      setsockopt(this.#fd, SOL_NETLINK, option, int32(1), 4);
  }

  links(): Link[] {
    const messages = this.#exchange('list interfaces', RTM_GETLINK, NLM_F_DUMP, encodeGetLinks());
    return messages.filter(({ type }) => type === RTM_NEWLINK).map(({ body }) => decodeLink(body));
  }

  link(name: string): Link | undefined {
    return this.links().find((link) => link.name === name);
  }

  setLink(name: string, settings: LinkSettings): void {
    const words = Object.entries(settings).map(([key, value]) => `${key} ${value}`);
    const what = `set ${name} to ${words.join(', ')}`;
    const index = this.#index(name, what);
    const { noLinkLocal, ...rest } = settings;
    // First and alone: in one request the kernel would bring the interface up, with its address, before it looks here.
    if (noLinkLocal === true) this.#request(what, RTM_NEWLINK, 0, encodeLink(index, { noLinkLocal }));
    this.#request(what, RTM_NEWLINK, 0, encodeLink(index, rest));
  }

  moveLink(name: string, netns: Pick<Netns, 'fd'>): void {
    const what = `move ${name} to another network namespace`;
    this.#request(what, RTM_NEWLINK, 0, encodeLink(this.#index(name, what), { netnsFd: netns.fd }));
  }

  deleteLink(name: string): void {
    const what = `delete interface ${name}`;
    this.#request(what, RTM_DELLINK, 0, encodeLink(this.#index(name, what)));
  }

  addVeth(end: VethEnd, peer: VethEnd): void {
    const settings = ({ netns, ...rest }: VethEnd): LinkSettings =>
      netns === undefined ? rest : { ...rest, netnsFd: netns.fd };
    this.#create(`create veth pair ${end.name} and ${peer.name}`, encodeVeth(settings(end), settings(peer)));
  }

  addBridge(name: string): void {
    this.#create(`create bridge ${name}`, encodeBridge({ name }));
  }

  setMaster(name: string, bridge: string | undefined): void {
    const what = bridge === undefined ? `take ${name} out of its bridge` : `add ${name} to bridge ${bridge}`;
    const master = bridge === undefined ? 0 : this.#index(bridge, what);
    this.#request(what, RTM_NEWLINK, 0, encodeLink(this.#index(name, what), { master }));
  }

  addVxlan(
    name: string,
    options: { vni: number; port: number; local: string; dev?: string; mac?: string; mtu?: number },
  ): void {
    const { vni, port, local, dev, mac, mtu } = options;
    const what = `create VXLAN device ${name}`;
    const settings = { name, ...(mac === undefined ? {} : { mac }), ...(mtu === undefined ? {} : { mtu }) };
    const device = dev === undefined ? {} : { device: this.#index(dev, what) };
    this.#create(what, encodeVxlan(settings, { vni, port, local: addressBytes(local, what), ...device }));
  }

  addAddress(name: string, address: string): void {
    const what = `add address ${address} to ${name}`;
    const slash = address.indexOf('/');
    const bytes = addressBytes(slash < 0 ? address : address.slice(0, slash), what);
    const { length } = parsePrefix(address, 'mask');
    const body = encodeAddress(this.#index(name, what), bytes, length);
    this.#request(what, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, body);
  }

  addRoute(destination: string, options: RouteOptions): void {
    this.#route('add', destination, options, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
  }

  deleteRoute(destination: string, options: RouteOptions): void {
    this.#route('delete', destination, options, RTM_DELROUTE, 0);
  }

  #route(verb: string, destination: string, options: RouteOptions, type: number, flags: number): void {
    const { via, dev, onlink, source } = options;
    const prefix = parsePrefix(destination === 'default' ? '0.0.0.0/0' : destination);
    const words = [via === undefined ? '' : ` via ${via}`, dev === undefined ? '' : ` dev ${dev}`].join('');
    const what = `${verb} route ${formatPrefix(prefix)}${words}`;
    const body = encodeRoute({
      destination: prefix,
      gateway: via === undefined ? undefined : addressBytes(via, what),
      device: dev === undefined ? undefined : this.#index(dev, what),
      onlink,
      source: source === undefined ? undefined : addressBytes(source, what),
    });
    this.#request(what, type, flags, body);
  }

  addNeighbour(name: string, address: string, mac: string): void {
    const what = `add neighbour ${address} at ${mac} on ${name}`;
    const body = encodeNeighbour(this.#index(name, what), addressBytes(address, what), parseMac(mac));
    this.#request(what, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, body);
  }

  addFdbEntry(name: string, mac: string, vtep: string): void {
    const what = `add FDB entry ${mac} to ${vtep} on ${name}`;
    const body = encodeFdbEntry(this.#index(name, what), parseMac(mac), addressBytes(vtep, what));
    this.#request(what, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_APPEND, body);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    libc().close(this.#fd);
  }

  #create(what: string, body: Uint8Array): void {
    this.#request(what, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body);
  }

  #index(name: string, what: string): number {
    const link = this.link(name);
    if (link === undefined) throw new PortError('ENODEV', `cannot ${what}: there is no interface ${name}`);
    return link.index;
  }

  #request(what: string, type: number, flags: number, body: Uint8Array): void {
    this.#exchange(what, type, flags | NLM_F_ACK, body);
  }

  /** Sends one request and collects its answers up to the acknowledgement or the end of the dump. */
  #exchange(what: string, type: number, flags: number, body: Uint8Array): NetlinkMessage[] {
    if (!this.#open) throw portError(what, 'EBADF', 'the netlink socket is closed');
    const sequence = ++this.#sequence;
    const request = encodeMessage(type, flags | NLM_F_REQUEST, sequence, [body]);
    check(libc().send(this.#fd, request, request.length, 0), what);
    const answers: NetlinkMessage[] = [];
    for (;;) {
      for (const message of this.#receive(what)) {
        if (message.sequence !== sequence) continue;
        if (message.type === NLMSG_DONE) return answers;
        if (message.type === NLMSG_ERROR) {
          throwRefusal(what, message);
          return answers;
        }
        answers.push(message);
      }
    }
  }

  /** Messages of one datagram. Blocks: the kernel has put its answer in the queue before send() returned. */
  #receive(what: string): NetlinkMessage[] {
    for (;;) {
      const length = libc().recv(this.#fd, this.#buffer, RECEIVE_BUFFER, 0);
      if (length >= 0) return decodeMessages(this.#buffer.slice(0, length));
      if (lastErrno() !== EINTR) throw lastError(what);
    }
  }
}

function throwRefusal(what: string, message: NetlinkMessage): void {
  const { errno, text } = decodeError(message);
  if (errno !== 0) throw portError(what, errnoName(errno), text);
}
