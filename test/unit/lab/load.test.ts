// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of lab files
import { describe, expect, test } from 'vitest';
import { parseLab } from '../../../lab/file/load.ts';
import type { Lab } from '../../../lab/file/model.ts';
import { formatProblem, LabFileError } from '../../../lab/file/problem.ts';

interface Surroundings {
  readonly env?: Record<string, string>;
  readonly files?: Record<string, string>;
}

function parse(text: string, { env = {}, files = {} }: Surroundings = {}): Lab {
  const readBeside = (name: string): { file: string; text: string } => {
    const found = files[name];
    if (found === undefined) throw Object.assign(new Error(`no ${name}`), { code: 'ENOENT' });
    return { file: `beside/${name}`, text: found };
  };
  return parseLab(text, 'lab.yaml', { env, readBeside });
}

function problems(text: string, surroundings: Surroundings = {}): string[] {
  try {
    parse(text, surroundings);
  } catch (error) {
    if (error instanceof LabFileError) return error.problems.map(formatProblem);
    throw error;
  }
  return [];
}

/** A lab of two hosts with more lines below; they begin at line 3. */
function lab(...lines: string[]): string {
  return ['name: test', 'nodes: { h1: {}, h2: {}, rr1: { kind: route-reflector } }', ...lines].join('\n');
}

const pool = (name: string, spec: string): string =>
  `  - { apiVersion: projectcalico.org/v3, kind: IPPool, metadata: { name: ${name} }, spec: ${spec} }`;
const peer = (spec: string): string =>
  `  - { apiVersion: projectcalico.org/v3, kind: BGPPeer, metadata: { name: p }, spec: ${spec} }`;
const filter = (name: string, spec: string): string =>
  `  - { apiVersion: projectcalico.org/v3, kind: BGPFilter, metadata: { name: ${name} }, spec: ${spec} }`;
const configuration = (name: string, spec: string): string =>
  `  - { apiVersion: projectcalico.org/v3, kind: BGPConfiguration, metadata: { name: ${name} }, spec: ${spec} }`;

/**
 * The problems of a text as `line:column: message`, and `expected` with `@` replaced by the place of the mark `¦`,
 * which is taken out of the text.
 */
function compare(marked: string, expected: readonly string[]): { found: string[]; wanted: string[] } {
  const before = marked.split('¦')[0]!.split('\n');
  const place = `${before.length}:${before.at(-1)!.length + 1}`;
  const found = problems(marked.replace('¦', '')).map((line) => line.replace('lab.yaml:', ''));
  return { found, wanted: expected.map((line) => line.replace('@', place)) };
}

describe('a lab file', () => {
  test('gets defaults', () => {
    const { nodes, pods, ...rest } = parse('name: small\nnodes:\n  host[1-2]:\n');
    expect(nodes.map(({ name, kind }) => [name, kind])).toEqual([
      ['host1', 'host'],
      ['host2', 'host'],
    ]);
    expect(pods).toEqual([]);
    expect(rest).toMatchObject({
      name: 'small',
      cni: 'calico',
      file: 'lab.yaml',
      links: [{ name: 'underlay', subnet: 'auto', mtu: 1500 }],
      bgp: { holdTime: 240 },
      resources: [{ kind: 'IPPool', spec: { cidr: '192.168.0.0/16', blockSize: 26, vxlanMode: 'Always' } }],
    });
  });

  test('pods go to the named hosts in turn, or to all hosts', () => {
    const { pods } = parse(
      lab(
        'pods:',
        '  a-[1-3]: { node: "h[1-2]" }',
        '  kube-system/b-[1-2]: {}',
        '  c: { node: h2, namespace: x }',
      ),
    );
    expect(pods.map(({ namespace, name, node }) => `${namespace}/${name} ${node}`)).toEqual([
      'default/a-1 h1',
      'default/a-2 h2',
      'default/a-3 h1',
      'kube-system/b-1 h1',
      'kube-system/b-2 h2',
      'x/c h2',
    ]);
  });

  test('podsPerNode gives every host its pods, and reflectors none', () => {
    const { pods } = parse(lab('podsPerNode: { count: 2, labels: { app: x } }'));
    expect(pods.map(({ name, node }) => `${name} ${node}`)).toEqual([
      'h1-pod-1 h1',
      'h1-pod-2 h1',
      'h2-pod-1 h2',
      'h2-pod-2 h2',
    ]);
    expect(pods[0]!.labels).toEqual({ app: 'x' });
  });

  test('nodes of each kind', () => {
    const { nodes } = parse(
      [
        'name: t',
        'links: [{ name: lan, subnet: 10.9.0.0/24, mtu: 9000 }]',
        'nodes:',
        '  h: { clusterId: 1.1.1.1, asn: 65001, labels: { rack: a } }',
        '  rr: { kind: route-reflector }',
        '  l:',
        '    kind: linux',
        '    address: 10.9.0.77',
        '    exec: [ip link]',
        '    run: bird -f',
        '    calico: { vxlanTunnelAddr: 192.168.9.0, vxlanTunnelMACAddr: "66:AA:00:00:00:01", blocks: [192.168.9.0/26] }',
      ].join('\n'),
    );
    expect(nodes).toMatchObject([
      {
        kind: 'host',
        clusterId: '1.1.1.1',
        asn: 65001,
        labels: { rack: 'a', 'kubernetes.io/hostname': 'h' },
      },
      { kind: 'route-reflector', clusterId: '244.0.0.1', asn: undefined },
      {
        kind: 'linux',
        address: '10.9.0.77',
        exec: ['ip link'],
        run: 'bird -f',
        calico: {
          vxlanTunnelAddr: '192.168.9.0',
          vxlanTunnelMACAddr: '66:aa:00:00:00:01',
          blocks: ['192.168.9.0/26'],
        },
      },
    ]);
  });

  test('environment variables, anchors and merge keys', () => {
    const { nodes } = parse(
      'name: ${NAME:=n}\nnodes:\n  a: &x { asn: ${ASN} }\n  b: { <<: *x, labels: { z: y } }',
      {
        env: { ASN: '65009' },
      },
    );
    expect(nodes.map(({ asn }) => asn)).toEqual([65009, 65009]);
  });

  test('resources of other files, several documents and Lists', () => {
    const one =
      'apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: { name: one }\nspec: { cidr: 10.1.0.0/16 }\n';
    const two =
      '---\nkind: List\nitems:\n  - apiVersion: projectcalico.org/v3\n    kind: BGPConfiguration\n    metadata: { name: default }\n    spec: { asNumber: 65000 }\n';
    const { resources } = parse(lab('calico: [r.yaml]'), { files: { 'r.yaml': one + two } });
    expect(resources).toMatchObject([
      {
        kind: 'IPPool',
        metadata: { name: 'one' },
        spec: { cidr: '10.1.0.0/16', blockSize: 26, vxlanMode: 'Never' },
      },
      { kind: 'BGPConfiguration', spec: { asNumber: 65000 } },
    ]);
  });
});

describe('errors in the text', () => {
  test.each<[string, string, string[]]>([
    ['empty file', '', ['1:1: empty file, expected a lab with name and nodes']],
    ['only a comment', '# x\n', ['1:1: empty file, expected a lab with name and nodes']],
    ['duplicate key', 'name: a\nname: b\nnodes: { h: {} }', ['2:1: duplicate key, expected each key once']],
    [
      'pattern in a flow mapping',
      lab('pods:', '  p: { node: h[1-2] }'),
      ['4:15: bad YAML, expected quotes around a name pattern inside { }, such as "host[1-3]"'],
    ],
    [
      'alias without anchor',
      'name: *n\nnodes: { h: {} }',
      ['1:7: alias *n has no anchor, expected &n before it'],
    ],
    [
      'unset variable',
      'name: ${NAME}\nnodes: { h: {} }',
      ['1:7: environment variable NAME is not set, expected a value or a default as in ${NAME:=value}'],
    ],
    ['second document', `${lab()}\n---\nx: 1`, ['4:1: second YAML document, expected one lab per file']],
    ['no mapping', '- a', ['1:1: the file is a list, expected a mapping']],
  ])('%s', (_name, text, expected) => {
    const { found, wanted } = compare(text, expected);
    expect(found).toEqual(wanted);
  });

  test('a tab is a syntax error with its place', () => {
    expect(problems('name: a\nnodes:\n\th: {}')[0]).toMatch(
      /^lab\.yaml:3:1: bad YAML, expected something else here: /,
    );
  });

  test('positions hold behind a substituted variable', () => {
    expect(problems('name: t\nnodes: { h: { asn: ${A:=1}, xx: 1 } }')).toEqual([
      'lab.yaml:2:29: unknown key "xx", expected one of kind, labels, asn, clusterId, address, exec, run, env, calico',
    ]);
  });
});

describe('errors of shape', () => {
  test.each<[string, string, string[]]>([
    ['missing name', 'nodes: { h: {} }', ['1:1: name is missing, expected the name of the lab']],
    [
      'missing nodes',
      'name: t',
      ['1:1: nodes is missing, expected a mapping of node names, such as host[1-3]'],
    ],
    ['unknown key', lab('podz: {}'), ['3:1: unknown key "podz", did you mean "pods"?']],
    [
      'AS number',
      'name: t\nnodes: { h: { asn: 0 } }',
      ['2:20: nodes.h.asn is 0, expected an AS number from 1 to 4294967295'],
    ],
    [
      'AS number too large',
      'name: t\nnodes: { h: { asn: 4294967296 } }',
      ['2:20: nodes.h.asn is 4294967296, expected an AS number from 1 to 4294967295'],
    ],
    [
      'kind',
      'name: t\nnodes: { h: { kind: hots } }',
      ['2:21: nodes.h.kind is "hots", expected one of host, route-reflector, linux, did you mean "host"?'],
    ],
    [
      'label that is no string',
      lab('pods:', '  p:', '    labels: { a: true }'),
      ['5:18: pods.p.labels.a is true, expected a string (quote numbers and true/false)'],
    ],
    [
      'hold time',
      lab('bgp: { holdTime: 2 }'),
      ['3:18: bgp.holdTime is 2, expected 0 or a number of seconds from 3 to 65535'],
    ],
    [
      'subnet with host bits',
      lab('links: [{ subnet: 10.0.0.1/24 }]'),
      [
        '3:19: links[0].subnet is "10.0.0.1/24", expected auto or an IPv4 CIDR without host bits such as 172.30.0.0/24',
      ],
    ],
    [
      'podsPerNode',
      lab('podsPerNode: many'),
      ['3:14: podsPerNode is "many", expected a whole number from 0 to 1000, or a mapping with count'],
    ],
    [
      'podsPerNode key',
      lab('podsPerNode: { count: 1, lables: {} }'),
      ['3:26: unknown key "lables", did you mean "labels"?'],
    ],
    [
      'name',
      'name: Bad_Name\nnodes: { h: {} }',
      ['1:7: name is "Bad_Name", expected at most 40 lower-case letters, digits and -, a letter first'],
    ],
    ['cni', lab('cni: flannel'), ['3:6: cni is "flannel", expected calico']],
    [
      'resource kind',
      lab('calico:', '  - { kind: IPPol }'),
      ['4:13: unknown kind "IPPol", did you mean "IPPool"?'],
    ],
    [
      'resource without kind',
      lab('calico:', '  - { spec: {} }'),
      ['4:5: resource without a kind, expected one of IPPool, BGPConfiguration, BGPPeer, BGPFilter'],
    ],
    [
      'resource that is none',
      lab('calico: [7]'),
      ['3:10: 7, expected a projectcalico.org/v3 resource or the name of a file'],
    ],
    [
      'resource file',
      lab('calico: [gone.yaml]'),
      ['3:10: resource file gone.yaml does not exist, expected a YAML file beside the lab file'],
    ],
    [
      'pool without cidr',
      lab('calico:', pool('a', '¦{}')),
      ['@: calico[0].spec.cidr is missing, expected a CIDR without host bits such as 192.168.0.0/16'],
    ],
    [
      'unknown field of a resource',
      lab('calico:', pool('a', '{ cidr: 10.0.0.0/16, ¦vxlanmode: Always }')),
      ['@: unknown key "vxlanmode", did you mean "vxlanMode"?'],
    ],
  ])('%s', (_name, text, expected) => {
    const { found, wanted } = compare(text, expected);
    expect(found).toEqual(wanted);
  });

  test('errors of a resource file are at their place in that file', () => {
    const text =
      'apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: { name: one }\nspec:\n  cidr: 10.0.0.1/16\n';
    expect(problems(lab('calico: [r.yaml]'), { files: { 'r.yaml': text } })).toEqual([
      'beside/r.yaml:5:9: spec.cidr is "10.0.0.1/16", expected a CIDR without host bits such as 192.168.0.0/16',
    ]);
  });

  test('all errors come at once, in file order, those of sense with those of shape', () => {
    const text = lab(
      'bgp: { holdTime: 1 }',
      'pods:',
      '  p: { node: h3, labels: { a: 1 } }',
      '  q: { pol: x }',
    );
    expect(problems(text)).toEqual([
      'lab.yaml:3:18: bgp.holdTime is 1, expected 0 or a number of seconds from 3 to 65535',
      'lab.yaml:5:14: unknown node "h3", did you mean "h1"?',
      'lab.yaml:5:31: pods.p.labels.a is 1, expected a string (quote numbers and true/false)',
      'lab.yaml:6:8: unknown key "pol", did you mean "pool"?',
    ]);
  });
});

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
