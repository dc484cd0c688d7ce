import { ETHERNET_HEADER_LENGTH, ETHERTYPE_IPV4, writeEthernet } from '../ethernet/ethernet.ts';
import { VXLAN_HEADER_LENGTH, writeVxlan } from '../vxlan/header.ts';
import type { PortState } from './port-table.ts';
import type { Route, VxlanPort } from './types.ts';

/**
 * What a route comes to for packets: the port, and the bytes to put in front of the packet. Kept with the route until
 * any table changes.
 */
export type Adjacency =
  | { readonly kind: 'workload'; readonly out: PortState; readonly mtu: number; readonly header: Uint8Array }
  | {
      readonly kind: 'vxlan';
      readonly out: PortState;
      readonly mtu: number;
      readonly header: Uint8Array;
      readonly vtep: number;
    }
  | { readonly kind: 'underlay'; readonly out: PortState; readonly mtu: number; readonly nextHop: number }
  /** Nothing can be sent; the reason is found on the way. */
  | {
      readonly kind: 'fault';
      readonly out: PortState | undefined;
      readonly mtu: number;
      readonly reason: 'no-such-port' | 'no-neighbor' | 'no-fdb';
    };

const NO_PORT: Adjacency = { kind: 'fault', out: undefined, mtu: 65535, reason: 'no-such-port' };

/**
 * Resolves a route that leads out of the host. `destination` is the gateway of an underlay route without one (0): the
 * destination itself is on the link, so the result then holds for this destination only and must not be kept.
 */
export function resolveAdjacency(
  route: Route,
  ports: ReadonlyMap<number, PortState>,
  gatewayMac: number,
  destination: number,
): Adjacency {
  if (route.kind === 'blackhole' || route.kind === 'local') return NO_PORT;
  const out = ports.get(route.port);
  if (out === undefined || out.port.kind !== route.kind) return NO_PORT;
  const { port } = out;
  switch (route.kind) {
    case 'workload': {
      const header = new Uint8Array(ETHERNET_HEADER_LENGTH);
      writeEthernet(header, 0, port.kind === 'workload' ? port.podMac : 0, gatewayMac, ETHERTYPE_IPV4);
      return { kind: 'workload', out, mtu: port.mtu, header };
    }
    case 'underlay':
      return {
        kind: 'underlay',
        out,
        mtu: port.mtu,
        nextHop: route.gateway === 0 ? destination : route.gateway,
      };
    case 'vxlan':
      return resolveVxlan(out, port as VxlanPort, route.gateway);
  }
}

function resolveVxlan(out: PortState, port: VxlanPort, gateway: number): Adjacency {
  const neighbor = out.neighbors.get(gateway);
  if (neighbor === undefined) return { kind: 'fault', out, mtu: port.mtu, reason: 'no-neighbor' };
  const fdb = out.fdb.get(neighbor.mac);
  if (fdb === undefined) return { kind: 'fault', out, mtu: port.mtu, reason: 'no-fdb' };
  const header = new Uint8Array(VXLAN_HEADER_LENGTH + ETHERNET_HEADER_LENGTH);
  writeVxlan(header, 0, port.vni);
  writeEthernet(header, VXLAN_HEADER_LENGTH, neighbor.mac, port.mac, ETHERTYPE_IPV4);
  return { kind: 'vxlan', out, mtu: port.mtu, header, vtep: fdb.vtep };
}
