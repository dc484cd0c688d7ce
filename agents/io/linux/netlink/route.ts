import { concatBytes } from '../../../../protocol/bytes/concat.ts';
import type { Prefix } from '../../../../protocol/ip/prefix.ts';
import { AF_INET, AF_INET6 } from '../sockaddr.ts';
import { attribute, u32Attribute } from './message.ts';

// Routes (linux/rtnetlink.h). Family header, struct rtmsg:
//
//   | family (1) | dst length (1) | src length (1) | TOS (1)  |
//   | table (1)  | protocol (1)   | scope (1)      | type (1) |
//   |                        flags (4)                        |

export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;

const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PREFSRC = 7;

const RT_TABLE_MAIN = 254;
/** As `ip route add` marks its routes. */
const RTPROT_BOOT = 3;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RTN_UNICAST = 1;
const RTN_BLACKHOLE = 6;
const RTNH_F_ONLINK = 4;

/** A route in the main table. Without gateway and interface it is a blackhole. */
export interface RouteSettings {
  readonly destination: Prefix;
  /** Address bytes of the next hop; without, the destination is on the link. */
  readonly gateway?: Uint8Array | undefined;
  /** Index of the interface. */
  readonly device?: number | undefined;
  /** The gateway is on the link although no route says so. */
  readonly onlink?: boolean | undefined;
  /** Address bytes that local sockets use as their source. */
  readonly source?: Uint8Array | undefined;
}

function scopeOf(route: RouteSettings): number {
  const direct = route.device !== undefined && route.gateway === undefined;
  return direct && route.destination.version === 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

/** Body of RTM_NEWROUTE and RTM_DELROUTE. */
export function encodeRoute(route: RouteSettings): Uint8Array {
  const { destination, gateway, device, onlink, source } = route;
  const blackhole = gateway === undefined && device === undefined;
  const header = new Uint8Array(12);
  const view = new DataView(header.buffer);
  view.setUint8(0, destination.version === 6 ? AF_INET6 : AF_INET);
  view.setUint8(1, destination.length);
  view.setUint8(4, RT_TABLE_MAIN);
  view.setUint8(5, RTPROT_BOOT);
  view.setUint8(6, scopeOf(route));
  view.setUint8(7, blackhole ? RTN_BLACKHOLE : RTN_UNICAST);
  view.setUint32(8, onlink === true ? RTNH_F_ONLINK : 0, true);
  const parts: Uint8Array[] = [header];
  if (destination.length > 0) parts.push(attribute(RTA_DST, destination.bytes));
  if (gateway !== undefined) parts.push(attribute(RTA_GATEWAY, gateway));
  if (device !== undefined) parts.push(u32Attribute(RTA_OIF, device));
  if (source !== undefined) parts.push(attribute(RTA_PREFSRC, source));
  return concatBytes(parts);
}
