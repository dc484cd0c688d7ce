// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of lab files
// What a lab file says that has the right shape but cannot be meant.
import { describe, expect, test } from 'vitest';
import { compare, configuration, filter, lab, peer, pool } from './load-support.ts';

describe('errors of sense', () => {
  test.each<[string, string, string[]]>([
    ['no nodes', 'name: t\nnodes: {}', ['2:8: the lab has no nodes, expected at least one host']],
    [
      'duplicate node',
      'name: t\nnodes:\n  h[1-2]: {}\n  h2: {}',
      ['4:3: duplicate node h2, expected each node once'],
    ],
    [
      'node name',
      'name: t\nnodes: { Host_1: {} }',
      ['2:10: node name "Host_1", expected lower-case letters, digits and -, at most 63'],
    ],
    [
      'pattern',
      'name: t\nnodes:\n  h[2-1]: {}',
      [
        '3:3: name pattern "h[2-1]" has the descending range 2-1, expected a range such as host[1-3] or r[1,4-5]',
      ],
    ],
    [
      'key of another kind',
      'name: t\nnodes: { h: { exec: [ls] } }',
      ['2:15: exec on a host node, expected only on kind linux'],
    ],
    [
      'cluster id on linux',
      'name: t\nnodes: { h: {}, l: { kind: linux, clusterId: 1.1.1.1 } }',
      ['2:35: clusterId on a linux node, expected only on kind host or route-reflector'],
    ],
    [
      'unknown node of a pod',
      lab('pods:', '  p: { node: host1 }'),
      ['4:14: unknown node "host1", expected one of h1, h2'],
    ],
    [
      'pod on a reflector',
      lab('pods:', '  p: { node: rr1 }'),
      ['4:14: node rr1 is a route-reflector, expected a host, which alone runs pods'],
    ],
    [
      'pod without hosts',
      'name: t\nnodes: { rr: { kind: route-reflector } }\npods: { p: {} }',
      ['3:9: pod without a host to run on, expected a node of kind host'],
    ],
    [
      'duplicate pod',
      lab('pods:', '  p-[1-2]: {}', '  default/p-2: {}'),
      ['5:3: duplicate pod default/p-2, expected each pod once'],
    ],
    [
      'two namespaces',
      lab('pods:', '  a/p: { namespace: b }'),
      ['4:21: namespace b of pod a/p, expected a as in its name'],
    ],
    [
      'pod name',
      lab('pods:', '  P: {}'),
      ['4:3: pod name "P", expected lower-case letters, digits and -, at most 63'],
    ],
    [
      'unknown pool',
      lab('pods:', '  p: { pool: default }'),
      ['4:14: unknown IPPool "default", expected one of default-ipv4-ippool'],
    ],
    [
      'disabled pool',
      lab('pods:', '  p: { pool: a }', 'calico:', pool('a', '{ cidr: 10.0.0.0/16, disabled: true }')),
      ['4:14: IPPool a is disabled, expected an enabled one'],
    ],
    [
      'pool that does not select the node',
      lab(
        'pods:',
        '  p: { pool: a, node: h1 }',
        'calico:',
        pool('a', '{ cidr: 10.0.0.0/16, nodeSelector: rack == "b" }'),
      ),
      ['4:14: IPPool a does not select node h1, expected a pool whose nodeSelector does'],
    ],
    [
      'no pool for a pod',
      lab(
        'pods:',
        '  p: { node: h1 }',
        'calico:',
        pool('a', '{ cidr: 10.0.0.0/16, nodeSelector: has(rack) }'),
      ),
      ['4:3: pod default/p on h1 has no IPPool, expected an enabled pool that selects the node'],
    ],
    [
      'address in no pool',
      lab('pods:', '  p: { address: 10.0.0.1 }'),
      [
        '4:17: address 10.0.0.1 of pod default/p is in no pool, expected one inside default-ipv4-ippool 192.168.0.0/16',
      ],
    ],
    [
      'same address of pods',
      lab('pods:', '  p: { address: 192.168.0.9 }', '  q: { address: 192.168.0.9 }'),
      ['5:17: pods default/p and default/q both have the address 192.168.0.9, expected different ones'],
    ],
    [
      'one address for many',
      lab('pods:', '  p[1-2]:', '    address: 192.168.0.9'),
      ['5:14: one address for 2 pods, expected an address on a single pod'],
    ],
    [
      'too many pods',
      lab(
        'pods:',
        '  p[1-15]: {}',
        'calico:',
        pool('a', '{ cidr: 10.0.0.0/28, blockSize: 28, vxlanMode: Always }'),
      ),
      ['4:3: 15 pods in a 10.0.0.0/28, expected at most 14 beside 2 tunnel addresses'],
    ],
    [
      'block size',
      lab('calico:', pool('a', '{ cidr: 10.0.0.0/16, blockSize: ¦19 }')),
      ['@: calico[0].spec.blockSize is 19, expected a whole number from 20 to 128'],
    ],
    [
      'block size of IPv6',
      lab('calico:', pool('a', '{ cidr: 10.0.0.0/16, blockSize: ¦122 }')),
      ['@: blockSize 122, expected 20 to 32 for an IPv4 pool'],
    ],
    [
      'block larger than pool',
      lab('calico:', pool('a', '{ cidr: 10.0.0.0/24, blockSize: ¦20 }')),
      ['@: blockSize 20 is larger than the pool 10.0.0.0/24, expected 24 to 32'],
    ],
    [
      'default block larger than pool',
      lab('calico:', pool('a', '{ cidr: ¦10.0.0.0/28 }')),
      ['@: blockSize 26 is larger than the pool 10.0.0.0/28, expected 28 to 32'],
    ],
    [
      'IPv6 pool',
      lab('calico:', pool('a', '{ cidr: ¦"fd00::/64" }')),
      ['@: IPPool a is IPv6, expected an IPv4 CIDR (pods have IPv4 addresses)'],
    ],
    [
      'both encapsulations',
      lab('calico:', pool('a', '{ cidr: 10.0.0.0/16, vxlanMode: Always, ipipMode: ¦CrossSubnet }')),
      ['@: ipipMode CrossSubnet together with vxlanMode Always, expected one of them to be Never'],
    ],
    [
      'IP-in-IP',
      lab('calico:', pool('a', '{ cidr: 10.0.0.0/16, ipipMode: ¦Always }')),
      ['@: ipipMode Always, expected Never (podwire carries VXLAN or plain packets)'],
    ],
    [
      'overlapping pools',
      lab('calico:', pool('a', '{ cidr: 10.0.0.0/16 }'), pool('b', '{ cidr: ¦10.0.1.0/24 }')),
      ['@: IPPool b 10.0.1.0/24 overlaps IPPool a 10.0.0.0/16, expected separate CIDRs'],
    ],
    [
      'pool over the link',
      lab('links: [{ subnet: 10.0.5.0/24 }]', 'calico:', pool('a', '{ cidr: ¦10.0.0.0/16 }')),
      ['@: IPPool a 10.0.0.0/16 overlaps the link underlay 10.0.5.0/24, expected separate CIDRs'],
    ],
    [
      'pool over loopback',
      lab('calico:', pool('a', '{ cidr: ¦127.1.0.0/16 }')),
      ['@: IPPool a 127.1.0.0/16 overlaps 127.0.0.0/8, expected another CIDR'],
    ],
    [
      'bad selector',
      lab('calico:', pool('a', '{ cidr: 10.0.0.0/16, nodeSelector: ¦"rack = b" }')),
      [
        '@: bad nodeSelector: selector "rack = b", character 6: expected ==, !=, in, not in, contains, starts with or ends with',
      ],
    ],
    [
      'duplicate resource',
      lab('calico:', pool('a', '{ cidr: 10.0.0.0/16 }'), pool('a', '{ cidr: 10.1.0.0/16 }')),
      ['5:73: duplicate IPPool a, expected each resource once'],
    ],
    [
      'filter that is not there',
      lab('calico:', filter('f', '{}'), peer('{ peerSelector: all(), filters: [f, ¦g] }')),
      ['@: BGPPeer p names the BGPFilter g, which is not there, did you mean "f"?'],
    ],
    [
      'filter whose rule makes no sense',
      lab('calico:', filter('f', '{ exportV4: [{ action: Accept, prefixLength: ¦{ min: 8 } }] }')),
      ['@: BGPFilter f: spec.exportV4[0].prefixLength: needs cidr'],
    ],
    [
      'filter with an unknown key',
      lab('calico:', filter('f', '{ importV6: [{ ¦acton: Accept, action: Accept }] }')),
      ['@: unknown key "acton", did you mean "action"?'],
    ],
    [
      'peer without peer',
      lab('calico:', peer('¦{ nodeSelector: all() }')),
      ['@: BGPPeer p names no peer, expected peerIP with asNumber, or peerSelector'],
    ],
    [
      'peer with both',
      lab('calico:', peer('{ peerIP: 10.0.0.1, asNumber: 65000, peerSelector: all() }')),
      [
        '4:115: BGPPeer p has asNumber with peerSelector, expected it only with peerIP',
        '4:136: BGPPeer p has peerIP and peerSelector, expected one of them',
      ],
    ],
    [
      'peer without AS',
      lab('calico:', peer('{ peerIP: ¦10.0.0.1 }')),
      ["@: BGPPeer p has peerIP without asNumber, expected the peer's AS number"],
    ],
    [
      'peer of an unknown node',
      lab('calico:', peer('{ node: ¦h9, peerSelector: all() }')),
      ['@: unknown node "h9", did you mean "h1"?'],
    ],
    [
      'peer address',
      lab('calico:', peer('{ peerIP: ¦bird, asNumber: 1 }')),
      [
        '@: calico[0].spec.peerIP is "bird", expected an IP address with an optional port such as 10.0.0.9:1790',
      ],
    ],
    [
      'address of an unknown node',
      lab('calico:', peer('{ peerIP: ¦"${PODWIRE_BIRD_ADDRESS}", asNumber: 1 }')),
      ['@: PODWIRE_BIRD_ADDRESS: no node has that name, expected one of H1, H2, RR1'],
    ],
    [
      'configuration name',
      lab('calico:', configuration('¦other', '{}')),
      ['@: BGPConfiguration other, expected the name default or node.NODE'],
    ],
    [
      'configuration of an unknown node',
      lab('calico:', configuration('¦node.h7', '{}')),
      ['@: unknown node "h7", did you mean "h1"?'],
    ],
    [
      'global field of a node',
      lab('calico:', configuration('node.h1', '{ ¦asNumber: 65000 }')),
      ['@: asNumber in BGPConfiguration node.h1, expected only in the one named default'],
    ],
    ['second link', lab('links: [{}, {}]'), ['3:13: second link, expected one link, which all nodes are on']],
    [
      'address on an automatic subnet',
      'name: t\nnodes: { h: { address: 10.0.0.1 } }',
      ['2:24: address 10.0.0.1 on an automatic subnet, expected a fixed subnet of the link underlay'],
    ],
    [
      'address off the link',
      'name: t\nlinks: [{ subnet: 10.0.0.0/24 }]\nnodes: { h: { address: 10.0.1.1 } }',
      ['3:24: address 10.0.1.1 is outside the link underlay 10.0.0.0/24, expected one inside'],
    ],
    [
      'network address',
      'name: t\nlinks: [{ subnet: 10.0.0.0/24 }]\nnodes: { h: { address: 10.0.0.255 } }',
      [
        '3:24: address 10.0.0.255 is the network or broadcast address of 10.0.0.0/24, expected a host address',
      ],
    ],
    [
      'same address of nodes',
      'name: t\nlinks: [{ subnet: 10.0.0.0/24 }]\nnodes: { a: { address: 10.0.0.1 }, b: { address: 10.0.0.1 } }',
      ['3:50: nodes a and b both have the address 10.0.0.1, expected different ones'],
    ],
    [
      'link too small',
      'name: t\nlinks: [{ subnet: 10.0.0.0/30 }]\nnodes:\n  h[1-3]: {}',
      ['2:19: link underlay 10.0.0.0/30 has 2 addresses for 3 nodes, expected a larger subnet'],
    ],
    [
      'foreign block in no pool',
      'name: t\nnodes: { h: {}, l: { kind: linux, calico: { blocks: [10.0.0.0/26] } } }',
      ['2:54: block 10.0.0.0/26 is in no pool, expected one inside default-ipv4-ippool 192.168.0.0/16'],
    ],
    [
      'foreign block of another size',
      'name: t\nnodes: { h: {}, l: { kind: linux, calico: { blocks: [192.168.0.0/24] } } }',
      ['2:54: block 192.168.0.0/24 of IPPool default-ipv4-ippool, expected a /26 as its blockSize'],
    ],
    [
      'foreign block given twice',
      'name: t\nnodes: { h: {}, l: { kind: linux, calico: { blocks: [192.168.0.0/26, 192.168.0.0/26] } } }',
      ['2:70: block 192.168.0.0/26 overlaps 192.168.0.0/26 of node l, expected each block once'],
    ],
    [
      'tunnel address in no pool',
      'name: t\nnodes: { h: {}, l: { kind: linux, calico: { vxlanTunnelAddr: 10.0.0.1 } } }',
      ['2:62: tunnel address 10.0.0.1 is in no pool, expected one inside default-ipv4-ippool 192.168.0.0/16'],
    ],
  ])('%s', (_name, text, expected) => {
    const { found, wanted } = compare(text, expected);
    expect(found).toEqual(wanted);
  });
});
