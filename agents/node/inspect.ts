import { formatMac } from '../../protocol/ethernet/mac.ts';
import type { Forwarder } from '../../protocol/forwarder/forwarder.ts';
import type { Origin, Route } from '../../protocol/forwarder/types.ts';
import { formatIpv4 } from '../../protocol/ip/ipv4.ts';
import type { NeighborStatus } from '../bgp/types.ts';
import type { FdbRow, NeighborRow, PodRow, RouteRow, StoreRow } from '../control/types.ts';
import type { KvClient } from '../store/client.ts';
import type { RunningPod } from './pods.ts';

/** As beginning and end of a range: from the least key on (etcd's `--from-key ''`). */
const ALL_KEYS = Uint8Array.of(0);

/** Neighbours as rows, with the time in RFC 3339. */
export function neighborRows(node: string, neighbors: readonly NeighborStatus[]): NeighborRow[] {
  return neighbors.map(({ since, ...rest }) => ({
    ...rest,
    node_name: node,
    since: new Date(Number(since / 1_000_000n)).toISOString(),
  }));
}

/** The forwarding table as `ip route` would list it. */
export function routeRows(node: string, forwarder: Forwarder): RouteRow[] {
  return [...forwarder.routes()].map(({ address, length, route }) => ({
    node,
    destination: destination(address, length),
    ...routeColumns(route, forwarder),
    learnedFrom: originText(route.origin),
  }));
}

function destination(address: number, length: number): string {
  if (length === 0) return 'default';
  return length === 32 ? formatIpv4(address) : `${formatIpv4(address)}/${length}`;
}

/** What iproute2 would print behind the destination; `proto 80` is Felix's, `bird` BIRD's. */
function routeColumns(
  route: Route,
  forwarder: Forwarder,
): Omit<RouteRow, 'node' | 'destination' | 'learnedFrom'> {
  const none = { gateway: null, device: null, scope: null, flags: [], mtu: null };
  switch (route.kind) {
    case 'blackhole':
      return { ...none, type: 'blackhole', protocol: '80' };
    case 'local':
      return { ...none, type: 'local', protocol: 'kernel', scope: 'host' };
    case 'workload': {
      const device = forwarder.port(route.port)?.name ?? null;
      return { ...none, type: 'unicast', device, protocol: '80', scope: 'link' };
    }
    case 'vxlan':
    case 'underlay': {
      const port = forwarder.port(route.port);
      const gateway = formatIpv4(route.gateway);
      const flags = route.kind === 'vxlan' ? ['onlink'] : [];
      const mtu = port?.mtu ?? null;
      return { ...none, type: 'unicast', gateway, device: port?.name ?? null, protocol: 'bird', flags, mtu };
    }
  }
}

/** The FDB with the neighbour entries that lead to it. */
export function fdbRows(node: string, forwarder: Forwarder): FdbRow[] {
  const neighbors = new Map([...forwarder.neighbors()].map((each) => [`${each.port} ${each.mac}`, each]));
  return [...forwarder.fdb()].map(({ port, mac, vtep, origin }) => {
    const neighbor = neighbors.get(`${port} ${mac}`);
    return {
      node,
      mac: formatMac(mac),
      device: forwarder.port(port)?.name ?? '',
      destination: formatIpv4(vtep),
      neighbor: neighbor === undefined ? '' : formatIpv4(neighbor.ip),
      state: 'permanent',
      learnedFrom: originText(origin),
    };
  });
}

export function podRows(node: string, pods: readonly RunningPod[]): PodRow[] {
  return pods.map(({ spec, network, pod, interfaceName }) => ({
    node,
    namespace: spec.namespace,
    name: spec.name,
    kind: pod.kind,
    addresses: [network.address],
    mac: pod.device.mac,
    interface: interfaceName,
    labels: spec.labels,
    ready: true,
    netns: pod.netns,
    uts: pod.uts,
  }));
}

/** Every key of the store, as this agent reads it, in order. */
export async function storeRows(kv: KvClient): Promise<StoreRow[]> {
  const { kvs } = await kv.range({ key: ALL_KEYS, rangeEnd: ALL_KEYS });
  return kvs.map((kv) => ({
    key: new TextDecoder().decode(kv.key),
    ...valueColumns(kv.value),
    createRevision: kv.createRevision.toString(),
    modRevision: kv.modRevision.toString(),
    version: kv.version.toString(),
    lease: kv.lease.toString(),
  }));
}

function valueColumns(value: Uint8Array): Pick<StoreRow, 'value' | 'encoding'> {
  try {
    return { value: new TextDecoder('utf-8', { fatal: true }).decode(value), encoding: 'utf8' };
  } catch {
    return { value: Buffer.from(value).toString('base64'), encoding: 'base64' };
  }
}

function originText(origin: Origin): string {
  return origin.detail;
}
