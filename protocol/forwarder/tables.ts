import { formatIpv4 } from '../ip/ipv4.ts';
import { IPV4_MINIMUM_MTU } from '../ipv4/fragment.ts';
import { IPV4_MAX_LENGTH } from '../ipv4/header.ts';
import {
  type FdbEntry,
  type NeighborEntry,
  newPortState,
  type PortState,
  removeFdbEntry,
  setFdbEntry,
} from './port-table.ts';
import { RouteTable } from './route-table.ts';
import type { Origin, Port, PortId, Route } from './types.ts';

/** A route as `ip route` lists it. */
export interface RouteRow {
  readonly address: number;
  readonly length: number;
  readonly route: Route;
}

/** A neighbour as `ip neigh` lists it. */
export interface NeighborRow extends NeighborEntry {
  readonly port: PortId;
  readonly ip: number;
}

/** An FDB entry as `bridge fdb` lists it. */
export interface FdbRow extends FdbEntry {
  readonly port: PortId;
  readonly mac: number;
}

/**
 * The forwarder's tables and how they are programmed. What refers to a port goes with it, as in Linux. Addresses of
 * `vxlan` and `underlay` ports are the host's own: a `local` /32 is there for each while the port is.
 */
export class ForwarderTables {
  protected readonly portTable: Map<PortId, PortState> = new Map();
  protected readonly routeTable: RouteTable = new RouteTable();
  /** VXLAN ports by VNI. */
  protected readonly vnis: Map<number, PortState> = new Map();
  /** Raised by every change on which resolved adjacencies depend. */
  protected generation = 0;
  #nextPort: PortId = 1;

  /** Adds a port; ids are never used again. @throws RangeError on a VNI of another port or an MTU outside 68 to 65535. */
  addPort(port: Port): PortId {
    if (!(port.mtu >= IPV4_MINIMUM_MTU && port.mtu <= IPV4_MAX_LENGTH)) {
      throw new RangeError(
        `MTU of ${port.name} must be ${IPV4_MINIMUM_MTU} to ${IPV4_MAX_LENGTH}, not ${port.mtu}`,
      );
    }
    if (port.kind === 'vxlan' && this.vnis.has(port.vni)) {
      throw new RangeError(`VNI ${port.vni} is already that of ${this.vnis.get(port.vni)!.port.name}`);
    }
    const id = this.#nextPort++;
    const state = newPortState(id, port);
    this.portTable.set(id, state);
    if (port.kind === 'vxlan') this.vnis.set(port.vni, state);
    if (port.kind !== 'workload' && port.address !== 0) {
      this.setRoute(port.address, 32, {
        kind: 'local',
        origin: { source: 'local', detail: `address of ${port.name}` },
      });
    }
    this.generation++;
    return id;
  }

  /** Removes a port with its routes, neighbours and FDB entries. @returns whether it existed. */
  removePort(id: PortId): boolean {
    const state = this.portTable.get(id);
    if (state === undefined) return false;
    const { port } = state;
    for (const { address, length, route } of [...this.routeTable.entries()]) {
      if ('port' in route && route.port === id) this.routeTable.remove(address, length);
    }
    if (port.kind === 'vxlan') this.vnis.delete(port.vni);
    if (port.kind !== 'workload' && this.routeTable.get(port.address, 32)?.route.kind === 'local') {
      this.routeTable.remove(port.address, 32);
    }
    this.portTable.delete(id);
    this.generation++;
    return true;
  }

  port(id: PortId): Port | undefined {
    return this.portTable.get(id)?.port;
  }

  /** All ports with their ids, in order of addition. */
  *ports(): IterableIterator<{ readonly id: PortId; readonly port: Port }> {
    for (const { id, port } of this.portTable.values()) yield { id, port };
  }

  /** Adds or replaces the route of a prefix. @throws RangeError on host bits or a port that does not exist. */
  setRoute(address: number, length: number, route: Route): void {
    if ('port' in route && this.#state(route.port).port.kind !== route.kind) {
      throw new RangeError(
        `route ${formatIpv4(address)}/${length}: port ${route.port} is no ${route.kind} port`,
      );
    }
    this.routeTable.set(address, length, route);
  }

  /** @returns whether there was such a route. */
  removeRoute(address: number, length: number): boolean {
    return this.routeTable.remove(address, length);
  }

  /** The route of exactly this prefix. */
  route(address: number, length: number): Route | undefined {
    return this.routeTable.get(address, length)?.route;
  }

  /** The table, longest prefixes first. */
  *routes(): IterableIterator<RouteRow> {
    for (const { address, length, route } of this.routeTable.entries()) yield { address, length, route };
  }

  /** The route that a packet to `address` takes. */
  lookup(address: number): RouteRow | undefined {
    return this.routeTable.lookup(address);
  }

  /** Adds or replaces a permanent neighbour. @throws RangeError where the port does not exist. */
  setNeighbor(port: PortId, ip: number, mac: number, origin: Origin): void {
    this.#state(port).neighbors.set(ip, { mac, origin });
    this.generation++;
  }

  /** @returns whether there was one. */
  removeNeighbor(port: PortId, ip: number): boolean {
    this.generation++;
    return this.portTable.get(port)?.neighbors.delete(ip) === true;
  }

  *neighbors(): IterableIterator<NeighborRow> {
    for (const { id, neighbors } of this.portTable.values()) {
      for (const [ip, entry] of neighbors) yield { port: id, ip, ...entry };
    }
  }

  /** Adds or replaces a permanent FDB entry of a VXLAN port. @throws RangeError where the port is none. */
  setFdb(port: PortId, mac: number, vtep: number, origin: Origin): void {
    const state = this.#state(port);
    if (state.port.kind !== 'vxlan')
      throw new RangeError(`${state.port.name} has no FDB: it is no vxlan port`);
    setFdbEntry(state, mac, { vtep, origin });
    this.generation++;
  }

  /** @returns whether there was one. */
  removeFdb(port: PortId, mac: number): boolean {
    this.generation++;
    const state = this.portTable.get(port);
    return state !== undefined && removeFdbEntry(state, mac);
  }

  *fdb(): IterableIterator<FdbRow> {
    for (const { id, fdb } of this.portTable.values()) {
      for (const [mac, entry] of fdb) yield { port: id, mac, ...entry };
    }
  }

  #state(id: PortId): PortState {
    const state = this.portTable.get(id);
    if (state === undefined) throw new RangeError(`port ${id} does not exist`);
    return state;
  }
}
