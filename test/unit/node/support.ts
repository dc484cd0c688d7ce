import type { BestChange, PathView } from '../../../agents/bgp/types.ts';
import type { Log } from '../../../agents/ports.ts';
import type { Node, NodeSpec } from '../../../protocol/calico/resources/node.ts';
import { formatMac } from '../../../protocol/ethernet/mac.ts';
import type { Forwarder } from '../../../protocol/forwarder/forwarder.ts';
import { formatIpv4 } from '../../../protocol/ip/ipv4.ts';

/** A line of a log: level, message and fields. */
export type LogLine = readonly [level: string, message: string, fields: object];

/** A log that keeps its lines. */
export function keptLog(lines: LogLine[] = []): Log & { readonly lines: LogLine[] } {
  const keep =
    (level: string) =>
    (fields: object, message: string): void =>
      void lines.push([level, message, fields]);
  return {
    lines,
    trace: keep('trace'),
    debug: keep('debug'),
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
    child: () => keptLog(lines),
  };
}

/** A Node resource at an underlay address, with a VTEP where `tunnel` is given. */
export function nodeAt(name: string, address: string, tunnel?: string, mac = '66:00:00:00:00:01'): Node {
  const vtep = tunnel === undefined ? {} : { ipv4VXLANTunnelAddr: tunnel, vxlanTunnelMACAddr: mac };
  const spec: NodeSpec = { bgp: { ipv4Address: `${address}/24` }, ...vtep };
  return { apiVersion: 'projectcalico.org/v3', kind: 'Node', metadata: { name }, spec };
}

/** A path to a prefix, heard from a route reflector at 127.9.0.11 unless said otherwise. */
export function path(prefix: string, nextHop: string, more: Partial<PathView> = {}): PathView {
  return {
    family: 'ipv4-unicast',
    prefix,
    nextHop,
    peer: { name: 'Global_127_9_0_11', address: '127.9.0.11' },
    source: 'internal',
    origin: 'IGP',
    asPath: '',
    localPref: 100,
    med: undefined,
    originatorId: undefined,
    clusterList: [],
    communities: [],
    best: true,
    ...more,
  };
}

/** The change that makes this path the best of its prefix. */
export function best(prefix: string, nextHop: string, more: Partial<PathView> = {}): BestChange {
  return { prefix, best: path(prefix, nextHop, more) };
}

/** The change that leaves a prefix without a path. */
export function gone(prefix: string): BestChange {
  return { prefix, best: undefined };
}

/** Routes, neighbours and FDB entries as lines, sorted. */
export function tables(forwarder: Forwarder): readonly string[] {
  const routes = [...forwarder.routes()].map(({ address, length, route }) => {
    const via = 'gateway' in route ? ` via ${formatIpv4(route.gateway)}` : '';
    return `${formatIpv4(address)}/${length} ${route.kind}${via}`;
  });
  const neighbors = [...forwarder.neighbors()].map(
    ({ ip, mac }) => `neigh ${formatIpv4(ip)} ${formatMac(mac)}`,
  );
  const fdb = [...forwarder.fdb()].map(({ mac, vtep }) => `fdb ${formatMac(mac)} ${formatIpv4(vtep)}`);
  return [...routes, ...neighbors, ...fdb].sort();
}
