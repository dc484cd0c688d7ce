// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of lab files
import { describe, expect, test } from 'vitest';
import { compare, lab, parse, pool, problems } from './load-support.ts';

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
