import { beforeEach, describe, expect, test } from 'vitest';
import type { BestChange } from '../../../agents/bgp/types.ts';
import { RouteProgrammer } from '../../../agents/node/route-programmer.ts';
import type { Node } from '../../../protocol/calico/resources/node.ts';
import { Forwarder } from '../../../protocol/forwarder/forwarder.ts';
import { parseIpv4 } from '../../../protocol/ip/ipv4.ts';
import { best, gone, keptLog, nodeAt, tables } from './support.ts';

/** What the VXLAN device itself brings. */
const OWN = '10.65.1.0/32 local';
const VTEP2 = ['fdb 66:00:00:00:00:02 127.9.0.2', 'neigh 10.65.2.0 66:00:00:00:00:02'];
const MAC2 = '66:00:00:00:00:02';
const MAC3 = '66:00:00:00:00:03';

let nodes: Map<string, Node>;
let forwarder: Forwarder;
let programmer: RouteProgrammer;
let log: ReturnType<typeof keptLog>;
let vxlan: number;

beforeEach(() => {
  const sink = { toWorkload: () => undefined, toVtep: () => undefined, toUnderlay: () => undefined };
  forwarder = new Forwarder({ host: 'host1', icmpSource: 0, sink });
  const address = parseIpv4('10.65.1.0');
  vxlan = forwarder.addPort({ kind: 'vxlan', name: 'vxlan.calico', vni: 4096, mac: 1, address, mtu: 1450 });
  nodes = new Map();
  setNodes(nodeAt('rr1', '127.9.0.11'), nodeAt('host1', '127.9.0.1', '10.65.1.0'), host2());
  log = keptLog();
  const view = { nodeAt: (at: string) => nodes.get(at) };
  programmer = new RouteProgrammer({ self: 'host1', forwarder, port: vxlan, view, log });
});

function host2(tunnel = '10.65.2.0', mac = MAC2): Node {
  return nodeAt('host2', '127.9.0.2', tunnel, mac);
}

/** These are the nodes now; those that are not given go. */
function setNodes(...list: Node[]): void {
  nodes.clear();
  for (const node of list) nodes.set(node.spec.bgp!.ipv4Address!.split('/')[0]!, node);
}

function changed(...changes: BestChange[]): readonly string[] {
  programmer.bestChanged(changes);
  return programmed();
}

/** Tables without what the device brings. */
function programmed(): readonly string[] {
  return tables(forwarder).filter((line) => line !== OWN);
}

describe('a best path', () => {
  test('becomes a route with its neighbour and FDB entry, which say where they came from', () => {
    const more = { originatorId: '127.9.0.2', asPath: '65001' };
    expect(changed(best('10.65.2.0/26', '127.9.0.2', more))).toEqual([
      '10.65.2.0/26 vxlan via 10.65.2.0',
      ...VTEP2,
    ]);
    expect(programmer.reachable()).toEqual(['10.65.2.0/26']);
    expect(forwarder.route(parseIpv4('10.65.2.0'), 26)).toMatchObject({
      port: vxlan,
      origin: {
        source: 'bgp',
        detail: 'BGP from rr1 (127.9.0.11), next hop 127.9.0.2 (host2), originator 127.9.0.2, AS path 65001',
      },
    });
    expect([...forwarder.fdb()][0]!.origin).toEqual({ source: 'store', detail: 'Node resource of host2' });
  });

  test('of a peer that is no node of the cluster names its address', () => {
    changed(best('10.65.2.0/26', '127.9.0.2', { peer: { name: 'tor', address: '127.9.0.99' } }));
    const route = forwarder.route(parseIpv4('10.65.2.0'), 26);
    expect(route?.origin.detail).toBe('BGP from 127.9.0.99, next hop 127.9.0.2 (host2)');
  });

  test('that disappears takes everything with it', () => {
    changed(best('10.65.2.0/26', '127.9.0.2'));
    expect(changed(gone('10.65.2.0/26'))).toEqual([]);
    expect(programmer.reachable()).toEqual([]);
    expect(log.lines.at(-1)).toEqual([
      'info',
      'route removed',
      { prefix: '10.65.2.0/26', gateway: '10.65.2.0' },
    ]);
    expect(changed(gone('10.65.2.0/26'))).toEqual([]);
  });

  test('with another next hop moves the route to the other VTEP', () => {
    setNodes(host2(), nodeAt('host3', '127.9.0.3', '10.65.3.0', MAC3));
    changed(best('10.65.9.0/26', '127.9.0.2'));
    expect(changed(best('10.65.9.0/26', '127.9.0.3'))).toEqual([
      '10.65.9.0/26 vxlan via 10.65.3.0',
      'fdb 66:00:00:00:00:03 127.9.0.3',
      'neigh 10.65.3.0 66:00:00:00:00:03',
    ]);
  });

  test('with a next hop that is no node, has no VTEP, or is this node itself is not programmed', () => {
    setNodes(nodeAt('host1', '127.9.0.1', '10.65.1.0'), nodeAt('bird', '127.9.0.4'));
    const foreign = best('10.65.2.0/26', '127.9.0.77');
    const without = best('10.65.3.0/26', '127.9.0.4');
    const own = best('10.65.4.0/26', '127.9.0.1');
    expect(changed(foreign, without, own)).toEqual([]);
    expect(programmer.reachable()).toEqual([]);
  });

  test('that goes to such a next hop loses its route', () => {
    changed(best('10.65.2.0/26', '127.9.0.2'));
    expect(changed(best('10.65.2.0/26', '127.9.0.77'))).toEqual([]);
  });

  test('of IPv6 is ignored, wherever its next hop is', () => {
    expect(changed(best('fd00:65::/122', '127.9.0.2'), best('fd00:66::/122', 'fd00::2'))).toEqual([]);
    expect(programmer.reachable()).toEqual([]);
  });

  test('of IPv4 with an IPv6 next hop is not programmed', () => {
    nodes.set('fd00::2', host2());
    expect(changed(best('10.65.2.0/26', 'fd00::2'))).toEqual([]);
  });

  test('of this node itself is not programmed, and ends the route that was there before', () => {
    changed(best('10.65.2.0/26', '127.9.0.2'));
    expect(changed(best('10.65.2.0/26', '127.9.0.1', { peer: undefined }))).toEqual([]);
  });
});

describe('a VTEP', () => {
  const two = [best('10.65.2.0/26', '127.9.0.2'), best('10.65.2.64/26', '127.9.0.2')];
  const routes = (via: string) => [`10.65.2.0/26 vxlan via ${via}`, `10.65.2.64/26 vxlan via ${via}`];

  function nodesNow(...list: Node[]): readonly string[] {
    setNodes(...list);
    programmer.refresh();
    return programmed();
  }

  test('that appears after the path makes it reachable, and one that goes unreachable', () => {
    setNodes(nodeAt('host2', '127.9.0.2'));
    expect(changed(...two)).toEqual([]);
    expect(nodesNow(host2())).toEqual([...routes('10.65.2.0'), ...VTEP2]);
    expect(nodesNow(nodeAt('host2', '127.9.0.2'))).toEqual([]);
    expect(nodesNow(host2())).toEqual([...routes('10.65.2.0'), ...VTEP2]);
    expect(nodesNow()).toEqual([]);
  });

  test('of two prefixes stays until the last of them goes', () => {
    changed(...two);
    expect(changed(gone('10.65.2.0/26'))).toEqual(['10.65.2.64/26 vxlan via 10.65.2.0', ...VTEP2]);
    expect(changed(gone('10.65.2.64/26'))).toEqual([]);
  });

  test('that gets another MAC', () => {
    changed(...two);
    expect(nodesNow(host2('10.65.2.0', '66:00:00:00:00:22'))).toEqual([
      ...routes('10.65.2.0'),
      'fdb 66:00:00:00:00:22 127.9.0.2',
      'neigh 10.65.2.0 66:00:00:00:00:22',
    ]);
    expect(changed(...two.map(({ prefix }) => gone(prefix)))).toEqual([]);
  });

  test('that gets another tunnel address keeps its FDB entry, which is by MAC', () => {
    changed(...two);
    expect(nodesNow(host2('10.65.2.5'))).toEqual([
      ...routes('10.65.2.5'),
      'fdb 66:00:00:00:00:02 127.9.0.2',
      'neigh 10.65.2.5 66:00:00:00:00:02',
    ]);
    expect(changed(...two.map(({ prefix }) => gone(prefix)))).toEqual([]);
  });

  test('that moves to another underlay address is followed with the next hop', () => {
    changed(...two);
    const moved = nodeAt('host2', '127.9.0.22', '10.65.2.0', MAC2);
    expect(nodesNow(moved)).toEqual([]);
    expect(changed(...two.map(({ prefix }) => best(prefix, '127.9.0.22')))).toEqual([
      ...routes('10.65.2.0'),
      'fdb 66:00:00:00:00:02 127.9.0.22',
      'neigh 10.65.2.0 66:00:00:00:00:02',
    ]);
  });

  test('whose tunnel address went to another node', () => {
    changed(best('10.65.2.0/26', '127.9.0.2'), best('10.65.3.0/26', '127.9.0.3'));
    const host3 = nodeAt('host3', '127.9.0.3', '10.65.2.0', MAC3);
    expect(nodesNow(nodeAt('host2', '127.9.0.2'), host3)).toEqual([
      '10.65.3.0/26 vxlan via 10.65.2.0',
      'fdb 66:00:00:00:00:03 127.9.0.3',
      'neigh 10.65.2.0 66:00:00:00:00:03',
    ]);
  });

  test('two that swap their MACs', () => {
    setNodes(host2(), nodeAt('host3', '127.9.0.3', '10.65.3.0', MAC3));
    changed(best('10.65.2.0/26', '127.9.0.2'), best('10.65.3.0/26', '127.9.0.3'));
    expect(nodesNow(host2('10.65.2.0', MAC3), nodeAt('host3', '127.9.0.3', '10.65.3.0', MAC2))).toEqual([
      '10.65.2.0/26 vxlan via 10.65.2.0',
      '10.65.3.0/26 vxlan via 10.65.3.0',
      'fdb 66:00:00:00:00:02 127.9.0.3',
      'fdb 66:00:00:00:00:03 127.9.0.2',
      'neigh 10.65.2.0 66:00:00:00:00:03',
      'neigh 10.65.3.0 66:00:00:00:00:02',
    ]);
    expect(changed(gone('10.65.2.0/26'), gone('10.65.3.0/26'))).toEqual([]);
  });

  test('that nothing changed about leaves the routes as they are, so that they need not be resolved again', () => {
    changed(...two);
    const before = forwarder.route(parseIpv4('10.65.2.0'), 26);
    programmer.refresh();
    expect(forwarder.route(parseIpv4('10.65.2.0'), 26)).toBe(before);
  });

  test('a peer that becomes a node of the cluster is named', () => {
    setNodes(host2());
    changed(two[0]!);
    nodesNow(host2(), nodeAt('rr1', '127.9.0.11'));
    const route = forwarder.route(parseIpv4('10.65.2.0'), 26);
    expect(route?.origin.detail).toContain('BGP from rr1 (127.9.0.11)');
  });
});

describe('what is this host’s own', () => {
  const blackhole = { kind: 'blackhole', origin: { source: 'ipam', detail: 'block' } } as const;
  const block = [parseIpv4('10.65.2.0'), 26] as const;

  test('is not overwritten by a path to the same prefix, and set when it is not own any more', () => {
    forwarder.setRoute(...block, blackhole);
    expect(changed(best('10.65.2.0/26', '127.9.0.2'))).toEqual(['10.65.2.0/26 blackhole']);
    expect(programmer.reachable()).toEqual([]);
    forwarder.removeRoute(...block);
    programmer.refresh();
    expect(programmed()).toEqual(['10.65.2.0/26 vxlan via 10.65.2.0', ...VTEP2]);
  });

  test('stays when the path that it replaced is withdrawn', () => {
    changed(best('10.65.2.0/26', '127.9.0.2'));
    forwarder.setRoute(...block, blackhole);
    expect(changed(gone('10.65.2.0/26'))).toEqual(['10.65.2.0/26 blackhole']);
  });

  test('makes the path that it replaced unreachable', () => {
    changed(best('10.65.2.0/26', '127.9.0.2'));
    forwarder.setRoute(...block, blackhole);
    programmer.refresh();
    expect(programmer.reachable()).toEqual([]);
    expect(programmed()).toEqual(['10.65.2.0/26 blackhole']);
  });

  test('a route that went with the pod that had replaced it comes back', () => {
    changed(best('10.65.2.7/32', '127.9.0.2'));
    const address = parseIpv4('10.65.2.7');
    const common = { kind: 'workload', name: 'cali1', workload: 'default/a', podMac: 2 } as const;
    const pod = forwarder.addPort({ ...common, addresses: [address], mtu: 1450 });
    forwarder.setRoute(address, 32, { kind: 'workload', port: pod, origin: blackhole.origin });
    forwarder.removePort(pod);
    programmer.refresh();
    expect(programmed()).toEqual(['10.65.2.7/32 vxlan via 10.65.2.0', ...VTEP2]);
  });
});

test('reset forgets every path', () => {
  changed(best('10.65.2.0/26', '127.9.0.2'));
  programmer.reset();
  expect(programmed()).toEqual([]);
  programmer.refresh();
  expect(programmed()).toEqual([]);
});
