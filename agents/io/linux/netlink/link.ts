import { concatBytes } from '../../../../protocol/bytes/concat.ts';
import { DecodeError } from '../../../../protocol/bytes/decode-error.ts';
import { encodeInterfaceName } from '../ifreq.ts';
import { formatMac, parseMac } from '../mac.ts';
import { AF_INET6 } from '../sockaddr.ts';
import {
  attribute,
  decodeAttributes,
  decodeString,
  decodeU32,
  nested,
  stringAttribute,
  u8Attribute,
  u32Attribute,
} from './message.ts';

// Links (RFC 3549 §3.1.1; linux/if_link.h). Family header, struct ifinfomsg:
//
//   | family (1) | pad (1) | device type (2) |
//   |            interface index             |
//   |              flags (IFF_*)             |
//   |      change mask: which flags to set   |

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;

const IFINFOMSG_SIZE = 16;
const IFF_UP = 1;

const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_AF_SPEC = 26;
const IFLA_NET_NS_FD = 28;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const IN6_ADDR_GEN_MODE_NONE = 1;

const IFLA_VXLAN_ID = 1;
const IFLA_VXLAN_LINK = 3;
const IFLA_VXLAN_LOCAL = 4;
const IFLA_VXLAN_LEARNING = 7;
const IFLA_VXLAN_PORT = 15;
const IFLA_VXLAN_UDP_CSUM = 18;

/** An interface, as `ip link` shows it. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** Empty where the kind of interface has none. */
  readonly mac: string;
  readonly mtu: number;
  readonly up: boolean;
  /** Index of the bridge that it is a port of. */
  readonly master: number | undefined;
  /** `"veth"`, `"bridge"`, `"tun"`, ...; undefined for hardware and `lo`. */
  readonly linkKind: string | undefined;
}

/** What `ip link set` can change, and what a new link may be given at once. */
export interface LinkSettings {
  readonly name?: string;
  readonly up?: boolean;
  readonly mtu?: number;
  readonly mac?: string;
  /** Index of the bridge to join; 0 leaves it. */
  readonly master?: number;
  /** File descriptor of the network namespace to move to, or to be made in. */
  readonly netnsFd?: number;
  /** No IPv6 link-local address, hence no neighbour discovery for it. */
  readonly noLinkLocal?: boolean;
}

function ifinfomsg(index: number, up: boolean | undefined): Uint8Array {
  const bytes = new Uint8Array(IFINFOMSG_SIZE);
  const view = new DataView(bytes.buffer);
  view.setInt32(4, index, true);
  view.setUint32(8, up === true ? IFF_UP : 0, true);
  view.setUint32(12, up === undefined ? 0 : IFF_UP, true);
  return bytes;
}

function settingAttributes(settings: LinkSettings): Uint8Array[] {
  const { name, mtu, mac, master, netnsFd, noLinkLocal } = settings;
  const parts: Uint8Array[] = [];
  if (name !== undefined) parts.push(attribute(IFLA_IFNAME, encodeInterfaceName(name)));
  if (mac !== undefined) parts.push(attribute(IFLA_ADDRESS, parseMac(mac)));
  if (mtu !== undefined) parts.push(u32Attribute(IFLA_MTU, mtu));
  if (master !== undefined) parts.push(u32Attribute(IFLA_MASTER, master));
  if (netnsFd !== undefined) parts.push(u32Attribute(IFLA_NET_NS_FD, netnsFd));
  if (noLinkLocal === true) {
    const mode = u8Attribute(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    parts.push(nested(IFLA_AF_SPEC, [nested(AF_INET6, [mode])]));
  }
  return parts;
}

/** Body of RTM_NEWLINK that changes an interface; of RTM_DELLINK with no settings. */
export function encodeLink(index: number, settings: LinkSettings = {}): Uint8Array {
  return concatBytes([ifinfomsg(index, settings.up), ...settingAttributes(settings)]);
}

function encodeNew(settings: LinkSettings, kind: string, data: readonly Uint8Array[]): Uint8Array {
  const info = [stringAttribute(IFLA_INFO_KIND, kind)];
  if (data.length > 0) info.push(nested(IFLA_INFO_DATA, data));
  return concatBytes([
    ifinfomsg(0, settings.up),
    ...settingAttributes(settings),
    nested(IFLA_LINKINFO, info),
  ]);
}

/** Body of RTM_NEWLINK for a veth pair; either end may be made in another namespace. */
export function encodeVeth(end: LinkSettings, peer: LinkSettings): Uint8Array {
  return encodeNew(end, 'veth', [nested(VETH_INFO_PEER, [encodeLink(0, peer)])]);
}

/** Body of RTM_NEWLINK for a bridge (no STP, as the kernel makes it). */
export function encodeBridge(settings: LinkSettings): Uint8Array {
  return encodeNew(settings, 'bridge', []);
}

/** A kernel VXLAN device without learning and outer UDP checksum, as Calico and Flannel make it. */
export interface VxlanSettings {
  readonly vni: number;
  readonly port: number;
  /** Address bytes of the VTEP (IPv4). */
  readonly local: Uint8Array;
  /** Index of the underlay interface. */
  readonly device?: number;
}

/** Body of RTM_NEWLINK for a VXLAN device. */
export function encodeVxlan(settings: LinkSettings, vxlan: VxlanSettings): Uint8Array {
  const data = [
    u32Attribute(IFLA_VXLAN_ID, vxlan.vni),
    attribute(IFLA_VXLAN_LOCAL, vxlan.local),
    attribute(IFLA_VXLAN_PORT, Uint8Array.of(vxlan.port >> 8, vxlan.port & 255)),
    u8Attribute(IFLA_VXLAN_LEARNING, 0),
    u8Attribute(IFLA_VXLAN_UDP_CSUM, 0),
  ];
  if (vxlan.device !== undefined) data.push(u32Attribute(IFLA_VXLAN_LINK, vxlan.device));
  return encodeNew(settings, 'vxlan', data);
}

/** Body of RTM_GETLINK: of all interfaces, with NLM_F_DUMP. */
export function encodeGetLinks(): Uint8Array {
  return ifinfomsg(0, undefined);
}

/** Reads the body of an RTM_NEWLINK. @throws DecodeError. */
export function decodeLink(body: Uint8Array): Link {
  if (body.length < IFINFOMSG_SIZE)
    throw new DecodeError('netlink link', 0, `at least ${IFINFOMSG_SIZE} bytes, not ${body.length}`);
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const attributes = decodeAttributes(body.subarray(IFINFOMSG_SIZE));
  const mac = attributes.get(IFLA_ADDRESS);
  const master = attributes.get(IFLA_MASTER);
  const info = attributes.get(IFLA_LINKINFO);
  const kind = info === undefined ? undefined : decodeAttributes(info).get(IFLA_INFO_KIND);
  return {
    index: view.getInt32(4, true),
    name: decodeString(attributes.get(IFLA_IFNAME) ?? new Uint8Array()),
    mac: mac === undefined ? '' : formatMac(mac),
    mtu: decodeU32(attributes.get(IFLA_MTU)),
    up: (view.getUint32(8, true) & IFF_UP) !== 0,
    master: master === undefined ? undefined : decodeU32(master),
    linkKind: kind === undefined ? undefined : decodeString(kind),
  };
}
