import type { Node } from '../../protocol/calico/resources/node.ts';
import { formatMac, parseMac } from '../../protocol/ethernet/mac.ts';
import type { Forwarder } from '../../protocol/forwarder/forwarder.ts';
import type { Origin, PortId } from '../../protocol/forwarder/types.ts';
import { parseIpv4 } from '../../protocol/ip/ipv4.ts';
import { parsePrefix } from '../../protocol/ip/prefix.ts';
import type { BestChange, PathView } from '../bgp/types.ts';
import type { Log } from '../ports.ts';
import type { ClusterView } from './cluster-view.ts';

/** Device name of Calico's VXLAN interface. */
export const VXLAN_DEVICE = 'vxlan.calico';

/** How a BGP next hop is reached: the VTEP of the node that has that address. */
interface Via {
  readonly node: string;
  /** Tunnel address, which is the route's gateway. */
  readonly gateway: string;
  readonly mac: string;
  /** Underlay address. */
  readonly vtep: string;
}

interface Programmed {
  readonly address: number;
  readonly length: number;
  readonly via: Via;
}

export interface RouteProgrammerOptions {
  readonly self: string;
  readonly forwarder: Forwarder;
  readonly port: PortId;
  readonly view: ClusterView;
  readonly log: Log;
}

/**
 * Turns best paths into forwarding: a path's next hop names a node, the node's resource names its VTEP, and route,
 * neighbour and FDB entry are set together (Calico `felix/dataplane/linux/vxlan_mgr.go` sets the same entries, from
 * the datastore alone; see docs/decisions/0001). A path whose next hop has no VTEP is not programmed.
 */
export class RouteProgrammer {
  readonly #options: RouteProgrammerOptions;
  /** Best remote path per prefix, programmed or not. */
  readonly #best = new Map<string, PathView>();
  readonly #programmed = new Map<string, Programmed>();
  /** How many routes use a VTEP, by tunnel address. */
  readonly #users = new Map<string, { via: Via; count: number }>();

  constructor(options: RouteProgrammerOptions) {
    this.#options = options;
  }

  /** Prefixes of other nodes that are forwarded now. */
  reachable(): string[] {
    return [...this.#programmed.keys()];
  }

  /** BGP changed its mind about these prefixes. */
  bestChanged(changes: readonly BestChange[]): void {
    for (const { prefix, best } of changes) {
      // An own route has no peer: its block is already a blackhole with the pods' /32 in front.
      if (best === undefined || best.peer === undefined) this.#best.delete(prefix);
      else this.#best.set(prefix, best);
      this.#program(prefix);
    }
  }

  /** Nodes came, went or changed their VTEP: what was unreachable may be reachable now, and the other way round. */
  nodesChanged(): void {
    for (const prefix of new Set([...this.#best.keys(), ...this.#programmed.keys()])) this.#program(prefix);
  }

  #program(prefix: string): void {
    const best = this.#best.get(prefix);
    const via = best === undefined ? undefined : this.#resolve(best.nextHop);
    const before = this.#programmed.get(prefix);
    if (best === undefined || via === undefined) {
      if (before !== undefined) this.#remove(prefix, before);
      return;
    }
    const parsed = parsePrefix(prefix);
    if (parsed.version !== 4) return;
    const address = parseIpv4(prefix.split('/')[0]!);
    const route = { address, length: parsed.length, via };
    // Hold the new VTEP before letting go of the old: it may be the same.
    this.#hold(via);
    this.#options.forwarder.setRoute(address, parsed.length, {
      kind: 'vxlan',
      port: this.#options.port,
      gateway: parseIpv4(via.gateway),
      origin: bgpOrigin(best, via.node, this.#options.view),
    });
    this.#programmed.set(prefix, route);
    if (before !== undefined) this.#release(before.via);
  }

  #resolve(nextHop: string): Via | undefined {
    const node = this.#options.view.nodeAt(nextHop);
    if (node === undefined || node.metadata.name === this.#options.self) return undefined;
    return vtepOf(node, nextHop);
  }

  #hold(via: Via): void {
    const { forwarder, port } = this.#options;
    const user = this.#users.get(via.gateway);
    const count = (user?.count ?? 0) + 1;
    if (user === undefined || user.via.mac !== via.mac || user.via.vtep !== via.vtep) {
      const origin: Origin = { source: 'store', detail: `Node resource of ${via.node}` };
      if (user !== undefined && user.via.mac !== via.mac) forwarder.removeFdb(port, parseMac(user.via.mac));
      forwarder.setNeighbor(port, parseIpv4(via.gateway), parseMac(via.mac), origin);
      forwarder.setFdb(port, parseMac(via.mac), parseIpv4(via.vtep), origin);
    }
    this.#users.set(via.gateway, { via, count });
  }

  #release(via: Via): void {
    const user = this.#users.get(via.gateway);
    if (user === undefined) return;
    if (user.count > 1) {
      user.count--;
      return;
    }
    this.#users.delete(via.gateway);
    this.#options.forwarder.removeNeighbor(this.#options.port, parseIpv4(via.gateway));
    this.#options.forwarder.removeFdb(this.#options.port, parseMac(user.via.mac));
  }

  #remove(prefix: string, before: Programmed): void {
    this.#options.forwarder.removeRoute(before.address, before.length);
    this.#programmed.delete(prefix);
    this.#release(before.via);
    this.#options.log.info({ prefix, gateway: before.via.gateway }, 'route removed');
  }
}

function vtepOf(node: Node, address: string): Via | undefined {
  const { ipv4VXLANTunnelAddr: gateway, vxlanTunnelMACAddr: mac } = node.spec;
  if (gateway === undefined || mac === undefined) return undefined;
  return { node: node.metadata.name, gateway, mac: formatMac(parseMac(mac)), vtep: address };
}

/** Where a route came from, for people: the peer it was heard from and what it said. */
function bgpOrigin(best: PathView, nextHopNode: string, view: ClusterView): Origin {
  const { address } = best.peer!;
  const peer = view.nodeAt(address)?.metadata.name;
  const from = peer === undefined ? address : `${peer} (${address})`;
  const originator = best.originatorId === undefined ? '' : `, originator ${best.originatorId}`;
  const path = best.asPath === '' ? '' : `, AS path ${best.asPath}`;
  return {
    source: 'bgp',
    detail: `BGP from ${from}, next hop ${best.nextHop} (${nextHopNode})${originator}${path}`,
  };
}
