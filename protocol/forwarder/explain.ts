import { readUint16, readUint32 } from '../bytes/uint.ts';
import { formatMac } from '../ethernet/mac.ts';
import { icmpName, isIcmpError } from '../icmp/icmp.ts';
import { formatIpv4 } from '../ip/ipv4.ts';
import {
  ipv4FragmentOffset,
  ipv4HeaderLength,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../ipv4/header.ts';
import type { FdbEntry, NeighborEntry } from './port-table.ts';
import type { DropReason, Port, Route, TraceFilter, TraceStep } from './types.ts';

/** One line of the addresses, protocol and size of the checked IPv4 packet at `at`, as tcpdump would begin it. */
export function describePacket(bytes: Uint8Array, at: number): string {
  const pair = `${formatIpv4(readUint32(bytes, at + 12))} > ${formatIpv4(readUint32(bytes, at + 16))}`;
  return `${pair} ${describePayload(bytes, at)}, ${readUint16(bytes, at + 2)} bytes`;
}

function describePayload(bytes: Uint8Array, at: number): string {
  const protocol = bytes[at + 9]!;
  const offset = ipv4FragmentOffset(bytes, at);
  const name =
    protocol === PROTOCOL_ICMP
      ? 'ICMP'
      : protocol === PROTOCOL_UDP
        ? 'UDP'
        : protocol === PROTOCOL_TCP
          ? 'TCP'
          : undefined;
  if (name === undefined) return `protocol ${protocol}`;
  if (offset !== 0) return `${name} fragment at ${offset}`;
  const payload = at + ipv4HeaderLength(bytes, at);
  if (at + readUint16(bytes, at + 2) < payload + 8) return `${name} (short)`;
  if (protocol !== PROTOCOL_ICMP)
    return `${name} ${readUint16(bytes, payload)} > ${readUint16(bytes, payload + 2)}`;
  const type = bytes[payload]!;
  const text = `ICMP ${icmpName(type, bytes[payload + 1]!)}`;
  if (type !== 0 && type !== 8) return text;
  return `${text} id ${readUint16(bytes, payload + 4)} seq ${readUint16(bytes, payload + 6)}`;
}

/** Whether the filter selects the checked IPv4 packet at `at`, itself or as an ICMP error about a selected packet. */
export function matchesFilter(filter: TraceFilter, bytes: Uint8Array, at: number): boolean {
  if (matchesHeader(filter, bytes, at)) return true;
  if (bytes[at + 9] !== PROTOCOL_ICMP || ipv4FragmentOffset(bytes, at) !== 0) return false;
  const icmp = at + ipv4HeaderLength(bytes, at);
  const end = at + readUint16(bytes, at + 2);
  return end >= icmp + 28 && isIcmpError(bytes[icmp]!) && matchesHeader(filter, bytes, icmp + 8);
}

function matchesHeader(filter: TraceFilter, bytes: Uint8Array, at: number): boolean {
  if (filter.protocol !== undefined && bytes[at + 9] !== filter.protocol) return false;
  const source = readUint32(bytes, at + 12);
  const destination = readUint32(bytes, at + 16);
  return matchesPair(filter, source, destination) || matchesPair(filter, destination, source);
}

function matchesPair({ a, b }: TraceFilter, one: number, other: number): boolean {
  return (a === undefined || a === one) && (b === undefined || b === other);
}

/** A prefix and route as `ip route` prints it, e.g. `192.168.66.0/26 via 192.168.66.0 dev vxlan.calico onlink`. */
function formatRoute(address: number, length: number, route: Route, port: Port | undefined): string {
  const text = formatIpv4(address);
  const prefix = length === 32 ? text : length === 0 ? 'default' : `${text}/${length}`;
  const dev = port?.name ?? 'a port that is gone';
  switch (route.kind) {
    case 'workload':
      return `${prefix} dev ${dev} scope link`;
    case 'vxlan':
      return `${prefix} via ${formatIpv4(route.gateway)} dev ${dev} onlink`;
    case 'underlay':
      return route.gateway === 0
        ? `${prefix} dev ${dev} scope link`
        : `${prefix} via ${formatIpv4(route.gateway)} dev ${dev}`;
    default:
      return `${route.kind} ${prefix}`;
  }
}

/** Step: a route was chosen. */
export function routeStep(address: number, length: number, route: Route, port: Port | undefined): TraceStep {
  return {
    at: 'route',
    text: `route ${formatRoute(address, length, route, port)} — ${route.origin.detail}`,
    fields: {
      prefix: `${formatIpv4(address)}/${length}`,
      kind: route.kind,
      ...('gateway' in route ? { via: formatIpv4(route.gateway) } : {}),
      ...(port === undefined ? {} : { dev: port.name }),
      source: route.origin.source,
      origin: route.origin.detail,
    },
  };
}

/** Step: the neighbour entry that gave the MAC. */
export function neighborStep(ip: number, entry: NeighborEntry, port: Port): TraceStep {
  const [address, mac] = [formatIpv4(ip), formatMac(entry.mac)];
  return {
    at: 'neighbor',
    text: `neighbor ${address} dev ${port.name} lladdr ${mac} PERMANENT — ${entry.origin.detail}`,
    fields: { ip: address, mac, dev: port.name, source: entry.origin.source, origin: entry.origin.detail },
  };
}

/** Step: the FDB entry that gave the VTEP. */
export function fdbStep(mac: number, entry: FdbEntry, port: Port): TraceStep {
  const [text, vtep] = [formatMac(mac), formatIpv4(entry.vtep)];
  return {
    at: 'fdb',
    text: `fdb ${text} dev ${port.name} dst ${vtep} self permanent — ${entry.origin.detail}`,
    fields: { mac: text, vtep, dev: port.name, source: entry.origin.source, origin: entry.origin.detail },
  };
}

/** What a reason for a drop is to people. */
const DROP_TEXTS: Readonly<Record<DropReason, string>> = {
  malformed: 'malformed packet',
  'bad-checksum': 'wrong IPv4 header checksum',
  'spoofed-source': 'source address is not the pod’s',
  blackhole: 'blackhole route',
  'no-route': 'no route to the destination',
  'no-neighbor': 'no neighbor entry for the gateway',
  'no-fdb': 'no FDB entry for the gateway’s MAC',
  'ttl-exceeded': 'TTL exceeded',
  'fragmentation-needed': 'larger than the MTU and DF is set',
  'unknown-vni': 'no device has this VNI',
  'wrong-vtep-mac': 'inner destination MAC is not the VTEP’s',
  'unknown-vtep': 'sender is no known VTEP',
  'wrong-mac': 'frame is not to the gateway MAC',
  martian: 'address that is no host’s',
  'no-such-port': 'port is gone',
  'not-supported': 'nothing on this host takes it',
};

/** Step: the packet ends here. */
export function dropStep(reason: DropReason): TraceStep {
  return { at: 'drop', text: `dropped: ${DROP_TEXTS[reason]}`, fields: { reason } };
}
