import type { Node } from '../../protocol/calico/resources/node.ts';
import { parseMac } from '../../protocol/ethernet/mac.ts';
import type { Forwarder } from '../../protocol/forwarder/forwarder.ts';
import type { Origin, PortId } from '../../protocol/forwarder/types.ts';
import { formatIpv4, parseIpv4, tryParseIpv4 } from '../../protocol/ip/ipv4.ts';
import { ipv4Prefix, parsePrefix } from '../../protocol/ip/prefix.ts';
import type { BestChange, PathView } from '../bgp/types.ts';
import type { Log } from '../ports.ts';
import type { ClusterView } from './cluster-view.ts';
import { SharedEntries } from './shared-entries.ts';

/** Device name of Calico's VXLAN interface. */
export const VXLAN_DEVICE = 'vxlan.calico';

/** How a BGP next hop is reached: the VTEP of the node that has that address. Addresses and MAC as integers. */
interface Via {
  readonly node: string;
  /** Tunnel address, which is the route's gateway. */
  readonly gateway: number;
  readonly mac: number;
  /** Underlay address. */
  readonly vtep: number;
}

/** A route and what it was made of: objects of the RIB and of the view, which are replaced when they change. */
interface Programmed {
  readonly best: PathView;
  /** Node that is the next hop. */
  readonly node: Node;
  /** Node that the path was heard from, where it is one. */
  readonly peer: Node | undefined;
  readonly address: number;
  readonly length: number;
  readonly via: Via;
}

export interface RouteProgrammerOptions {
  readonly self: string;
  readonly forwarder: Forwarder;
  readonly port: PortId;
  readonly view: Pick<ClusterView, 'nodeAt'>;
  readonly log: Log;
}

/**
 * Turns best paths into forwarding: a path's next hop names a node, the node's resource names its VTEP, and route,
 * neighbour and FDB entry are set together (Calico `felix/dataplane/linux/vxlan_mgr.go` sets the same entries, from
 * the datastore alone; see docs/decisions/0001). A path whose next hop has no VTEP is not programmed, nor is one to
 * what is this host's own: an own pod's address, an own block.
 */
export class RouteProgrammer {
  readonly #options: RouteProgrammerOptions;
  /** Best remote path per IPv4 prefix, programmed or not. */
  readonly #best = new Map<string, PathView>();
  readonly #programmed = new Map<string, Programmed>();
  /** Neighbour entries by gateway, FDB entries by MAC: routes share them. */
  readonly #neighbors: SharedEntries<Via>;
  readonly #fdb: SharedEntries<Via>;

  constructor(options: RouteProgrammerOptions) {
    this.#options = options;
    const { forwarder, port } = options;
    this.#neighbors = new SharedEntries(
      (gateway, via) => forwarder.setNeighbor(port, gateway, via.mac, vtepOrigin(via)),
      (gateway) => forwarder.removeNeighbor(port, gateway),
    );
    this.#fdb = new SharedEntries(
      (mac, via) => forwarder.setFdb(port, mac, via.vtep, vtepOrigin(via)),
      (mac) => forwarder.removeFdb(port, mac),
    );
  }

  /** Prefixes of other nodes that are forwarded now. */
  reachable(): string[] {
    return [...this.#programmed.keys()];
  }

  /** BGP changed its mind about these prefixes. */
  bestChanged(changes: readonly BestChange[]): void {
    for (const { prefix, best } of changes) {
      // An own route has no peer; the data plane carries IPv4 only.
      if (best?.peer === undefined || parsePrefix(prefix).version !== 4) this.#best.delete(prefix);
      else this.#best.set(prefix, best);
      this.#program(prefix);
    }
  }

  /** The speaker that told of the paths is gone. */
  reset(): void {
    this.#best.clear();
    this.refresh();
  }

  /**
   * Nodes came, went or changed their VTEP, or this host's own routes changed: what was unreachable may be reachable
   * now, and the other way round.
   */
  refresh(): void {
    for (const prefix of new Set([...this.#best.keys(), ...this.#programmed.keys()])) this.#program(prefix);
  }

  #program(prefix: string): void {
    const before = this.#programmed.get(prefix);
    const next = this.#wanted(prefix);
    if (next !== undefined && this.#isInPlace(next, before)) return;
    const { forwarder, port, log } = this.#options;
    if (next !== undefined) {
      const { address, length, via } = next;
      // Before the old one is let go of: they may share an entry.
      this.#hold(via);
      const origin = { source: 'bgp', detail: pathText(next) };
      forwarder.setRoute(address, length, { kind: 'vxlan', port, gateway: via.gateway, origin });
      this.#programmed.set(prefix, next);
      log.debug({ prefix, gateway: formatIpv4(via.gateway) }, 'route set');
    } else if (before !== undefined) {
      const { address, length } = before;
      // An own pod or block may have taken its place.
      if (forwarder.route(address, length)?.kind === 'vxlan') forwarder.removeRoute(address, length);
      this.#programmed.delete(prefix);
      log.info({ prefix, gateway: formatIpv4(before.via.gateway) }, 'route removed');
    }
    if (before !== undefined) this.#release(before.via);
  }

  /** What to program for a prefix; undefined where there is no way, or the prefix is this host's own. */
  #wanted(prefix: string): Programmed | undefined {
    const best = this.#best.get(prefix);
    if (best === undefined) return undefined;
    const { view, self, forwarder } = this.#options;
    const vtep = tryParseIpv4(best.nextHop);
    const node = view.nodeAt(best.nextHop);
    if (vtep === undefined || node === undefined || node.metadata.name === self) return undefined;
    const via = viaNode(node, vtep);
    if (via === undefined) return undefined;
    const { address, length } = ipv4Prefix(prefix);
    const present = forwarder.route(address, length);
    if (present !== undefined && present.kind !== 'vxlan') return undefined;
    return { best, node, peer: view.nodeAt(best.peer!.address), address, length, via };
  }

  /** Whether `next` is what was programmed; setting it again would make the forwarder resolve it again. */
  #isInPlace(next: Programmed, before: Programmed | undefined): boolean {
    if (next.best !== before?.best || next.node !== before.node || next.peer !== before.peer) return false;
    return this.#options.forwarder.route(next.address, next.length) !== undefined;
  }

  #hold(via: Via): void {
    this.#neighbors.hold(via.gateway, `${via.mac} ${via.node}`, via);
    this.#fdb.hold(via.mac, `${via.vtep} ${via.node}`, via);
  }

  #release(via: Via): void {
    this.#neighbors.release(via.gateway, `${via.mac} ${via.node}`);
    this.#fdb.release(via.mac, `${via.vtep} ${via.node}`);
  }
}

/** Where a route came from, for people: the peer it was heard from and what it said. */
function pathText({ best, node, peer }: Programmed): string {
  const { address } = best.peer!;
  const from = peer === undefined ? address : `${peer.metadata.name} (${address})`;
  const originator = best.originatorId === undefined ? '' : `, originator ${best.originatorId}`;
  const path = best.asPath === '' ? '' : `, AS path ${best.asPath}`;
  return `BGP from ${from}, next hop ${best.nextHop} (${node.metadata.name})${originator}${path}`;
}

function viaNode(node: Node, vtep: number): Via | undefined {
  const { ipv4VXLANTunnelAddr: gateway, vxlanTunnelMACAddr: mac } = node.spec;
  if (gateway === undefined || mac === undefined) return undefined;
  return { node: node.metadata.name, gateway: parseIpv4(gateway), mac: parseMac(mac), vtep };
}

function vtepOrigin(via: Via): Origin {
  return { source: 'store', detail: `Node resource of ${via.node}` };
}
