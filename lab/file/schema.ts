import { isIP, isIPv4 } from 'node:net';
import { z } from 'zod';
import { bgpFilterSpec } from './bgp-filter-schema.ts';
import type { CalicoResource } from './model.ts';
import { LAB_NAME, LAB_NAME_RULE } from './names.ts';
import { tryPrefix } from './prefix.ts';

/**
 * The shape of a lab file. Each `error` is what was expected there and each `describe` is what editors show; whatever
 * needs more than one value to judge is in check.ts.
 */

/** A node as written, after defaults. */
export interface RawNode {
  readonly kind: 'host' | 'route-reflector' | 'linux';
  readonly labels?: Record<string, string> | undefined;
  readonly asn?: number | undefined;
  readonly clusterId?: string | undefined;
  readonly address?: string | undefined;
  readonly exec?: string[] | undefined;
  readonly run?: string | undefined;
  readonly env?: Record<string, string> | undefined;
  readonly calico?: RawForeign | undefined;
}

export interface RawForeign {
  readonly vxlanTunnelAddr?: string | undefined;
  readonly vxlanTunnelMACAddr?: string | undefined;
  readonly blocks?: string[] | undefined;
}

/** What all pods of an entry share. */
export interface RawPodFields {
  readonly namespace?: string | undefined;
  readonly labels?: Record<string, string> | undefined;
  readonly kind: 'auto' | 'linux' | 'emulated';
  readonly pool?: string | undefined;
}

/** A pod or a pattern of pods as written, after defaults. */
export interface RawPod extends RawPodFields {
  readonly node?: string | undefined;
  readonly address?: string | undefined;
}

export interface RawPodsPerNode extends RawPodFields {
  readonly count: number;
}

/** The file as written, after defaults; names are still patterns. */
export interface RawLab {
  readonly name: string;
  readonly description?: string | undefined;
  readonly cni: 'calico';
  readonly links?: { name: string; subnet: string; mtu: number }[] | undefined;
  readonly nodes: Record<string, RawNode | null>;
  readonly pods?: Record<string, RawPod | null> | undefined;
  readonly podsPerNode?: number | RawPodsPerNode | undefined;
  readonly bgp?: { holdTime?: number | undefined } | undefined;
  readonly calico?: unknown[] | undefined;
}

/** DNS label (RFC 1123), the form of every name in a lab. */
export const LABEL: RegExp = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

const expectString = { error: 'a string (quote numbers and true/false)' };
const boolean = z.boolean({ error: 'true or false' });
const asnError = { error: 'an AS number from 1 to 4294967295' };
const asn = z.int(asnError).min(1, asnError).max(4294967295, asnError);
const quadError = { error: 'a dotted quad such as 10.0.0.1' };
const dottedQuad = z.string(quadError).refine(isIPv4, quadError);
const ipv4Error = { error: 'an IPv4 address such as 10.0.0.1' };
const ipv4 = z.string(ipv4Error).refine(isIPv4, ipv4Error);
const cidrError = { error: 'a CIDR without host bits such as 192.168.0.0/16' };
const cidr = z.string(cidrError).refine((text) => tryPrefix(text) !== undefined, cidrError);
const ipv4CidrError = { error: 'an IPv4 CIDR without host bits such as 192.168.0.0/16' };
const ipv4Cidr = z.string(ipv4CidrError).refine((text) => tryPrefix(text)?.version === 4, ipv4CidrError);
const nameError = { error: 'a name of lower-case letters, digits and -, at most 63' };
const name = z.string(nameError).regex(LABEL, nameError);
const text = z.string(expectString).min(1, { error: 'some text' });
const labelMap = { error: 'a mapping of label names to strings' };
const labels = z.record(z.string(), z.string(expectString), labelMap);

function integer(min: number, max: number): z.ZodInt {
  const error = { error: `a whole number from ${min} to ${max}` };
  return z.int(error).min(min, error).max(max, error);
}

function oneOf<const T extends readonly [string, ...string[]]>(
  ...values: T
): z.ZodEnum<{ [K in T[number]]: K }> {
  return z.enum(values, { error: values.length === 1 ? values[0] : `one of ${values.join(', ')}` });
}

const foreignCalico = z
  .strictObject({
    vxlanTunnelAddr: ipv4.describe("Tunnel address of the node's own VXLAN device.").optional(),
    vxlanTunnelMACAddr: z
      .string({ error: 'a MAC address such as 66:3e:ca:a4:db:65' })
      .regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i, { error: 'a MAC address such as 66:3e:ca:a4:db:65' })
      .describe("MAC address of the node's own VXLAN device.")
      .optional(),
    blocks: z
      .array(ipv4Cidr, { error: 'a list of CIDRs' })
      .describe('IPAM blocks that belong to the node.')
      .optional(),
  })
  .describe(
    'Makes a linux node known to the agents: written into the store as its Node resource and IPAM affinities.',
  );

const commands = z
  .array(text, { error: 'a list of shell commands' })
  .describe(
    'Shell commands run to completion, in order, when the interface is up. They see PODWIRE_* variables.',
  );

/** A node; keys that only one kind has are checked in check.ts, which can say so. */
export const nodeSchema: z.ZodType<RawNode> = z.strictObject({
  kind: oneOf('host', 'route-reflector', 'linux')
    .describe(
      'host runs an agent and pods; route-reflector only speaks BGP; linux is a foreign node: a network namespace running commands (netns runtime).',
    )
    .default('host'),
  labels: labels.describe('Node labels, for nodeSelector and peerSelector.').optional(),
  asn: asn
    .describe('AS number of this node alone. Default: that of the BGPConfiguration, or 64512.')
    .optional(),
  clusterId: dottedQuad
    .describe(
      'routeReflectorClusterID: reflects routes under this cluster id. Default for route-reflector: 244.0.0.1.',
    )
    .optional(),
  address: ipv4
    .describe('Fixed address on the link; the link then needs a fixed subnet. Default: automatic.')
    .optional(),
  exec: commands.optional(),
  run: text
    .describe(
      'Shell command of a process that runs as long as the lab (linux nodes). It sees PODWIRE_* variables.',
    )
    .optional(),
  env: z
    .record(z.string(), z.string(expectString), { error: 'a mapping of names to strings' })
    .describe('More environment variables for exec and run (linux nodes).')
    .optional(),
  calico: foreignCalico.optional(),
});

const podFields = {
  namespace: name.describe('Kubernetes namespace. Default: default.').optional(),
  labels: labels.describe('Pod labels.').optional(),
  kind: oneOf('auto', 'linux', 'emulated')
    .describe(
      'linux is a network namespace with a TAP; emulated is an IP host inside podwire; auto takes linux where it can.',
    )
    .default('auto'),
  pool: text
    .describe('Name of the IPPool to take the address from. Default: any that selects the node.')
    .optional(),
};

export const podSchema: z.ZodType<RawPod> = z.strictObject({
  node: text
    .describe('Host, or a pattern of hosts: pods go to them in turn. Default: all hosts in turn.')
    .optional(),
  address: ipv4.describe('Fixed address out of a pool, for one pod.').optional(),
  ...podFields,
});

const podsPerNodeError = { error: 'a whole number from 0 to 1000, or a mapping with count' };
const podsPerNode = z
  .union(
    [
      integer(0, 1000),
      z.strictObject({ count: integer(0, 1000).describe('Pods on each host.'), ...podFields }),
    ],
    {
      error: (issue) => (typeof issue.input === 'object' ? undefined : podsPerNodeError.error),
    },
  )
  .describe('As many pods on every host, named HOST-pod-1, HOST-pod-2 and so on.');

const linkSchema = z.strictObject({
  name: name.describe('Default: underlay.').default('underlay'),
  subnet: z
    .string({ error: 'auto or an IPv4 CIDR such as 172.30.0.0/24' })
    .refine((value) => value === 'auto' || tryPrefix(value)?.version === 4, {
      error: 'auto or an IPv4 CIDR without host bits such as 172.30.0.0/24',
    })
    .describe(
      'Addresses of the nodes. auto takes a free network: 127.x in the local runtime, 172.30.x in netns.',
    )
    .default('auto'),
  mtu: integer(576, 9216).describe('Largest IP packet in bytes. Default: 1500.').default(1500),
});

const metadata = z.strictObject({
  name: z.string({ error: 'the name of the resource' }).regex(/^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/, {
    error: 'a name of lower-case letters, digits, - and .',
  }),
  labels: labels.optional(),
  annotations: z.record(z.string(), z.string(expectString)).optional(),
});

const apiVersion = z.literal('projectcalico.org/v3', { error: 'projectcalico.org/v3' });
const encapsulation = oneOf('Never', 'Always', 'CrossSubnet');
const selector = z.string({ error: 'a selector such as all() or has(rack)' });

const ipPool = z.strictObject({
  apiVersion,
  kind: z.literal('IPPool'),
  metadata,
  spec: z.strictObject({
    cidr: cidr.describe('Addresses that pods and tunnels are given.'),
    blockSize: integer(20, 128)
      .describe('Prefix length of a block: 20 to 32 (default 26), IPv6 116 to 128 (122).')
      .optional(),
    vxlanMode: encapsulation.describe('When to encapsulate in VXLAN.').optional(),
    ipipMode: encapsulation
      .describe('When to encapsulate in IP-in-IP; not together with vxlanMode.')
      .optional(),
    natOutgoing: boolean.describe('Masquerade what leaves all pools.').optional(),
    disabled: boolean.describe('No new allocations.').optional(),
    disableBGPExport: boolean.describe('Blocks are not announced by BGP.').optional(),
    nodeSelector: selector.describe('Nodes that may use the pool.').optional(),
    namespaceSelector: selector.optional(),
    allowedUses: z.array(oneOf('Workload', 'Tunnel', 'LoadBalancer')).optional(),
    assignmentMode: oneOf('Automatic', 'Manual').optional(),
  }),
});

const bgpConfiguration = z.strictObject({
  apiVersion,
  kind: z.literal('BGPConfiguration'),
  metadata,
  spec: z.strictObject({
    nodeToNodeMeshEnabled: boolean.describe('Every node peers with every other. Default: true.').optional(),
    asNumber: asn.describe('AS number of all nodes. Default: 64512.').optional(),
    listenPort: integer(1, 65535)
      .describe('TCP port of BGP. Default: 179, or 1790 where 179 may not be bound.')
      .optional(),
    logSeverityScreen: oneOf('Trace', 'Debug', 'Info', 'Warning', 'Error', 'Fatal').optional(),
  }),
});

const peerAddressError = { error: 'an IP address with an optional port such as 10.0.0.9:1790' };
const bgpPeer = z.strictObject({
  apiVersion,
  kind: z.literal('BGPPeer'),
  metadata,
  spec: z.strictObject({
    node: text.describe('The one node that gets this peer.').optional(),
    nodeSelector: selector.describe('Nodes that get this peer. Default: all.').optional(),
    peerIP: z
      .string(peerAddressError)
      .refine(isPeerAddress, peerAddressError)
      .describe(
        'Address of the peer. The variable PODWIRE_NODE_ADDRESS stands for the address of the node NODE of the lab.',
      )
      .optional(),
    asNumber: asn.describe('AS number of peerIP.').optional(),
    peerSelector: selector.describe('Nodes to peer with.').optional(),
    keepOriginalNextHop: boolean.optional(),
    nextHopMode: oneOf('Auto', 'Self', 'Keep').optional(),
    sourceAddress: oneOf('UseNodeIP', 'None').optional(),
    filters: z
      .array(text, { error: 'a list of names' })
      .describe('Names of BGPFilters for what comes in and goes out, asked in order.')
      .optional(),
    reversePeering: oneOf('Auto', 'Manual').optional(),
  }),
});

const bgpFilter = z.strictObject({
  apiVersion,
  kind: z.literal('BGPFilter'),
  metadata,
  spec: bgpFilterSpec,
});

const resource = z.discriminatedUnion('kind', [ipPool, bgpConfiguration, bgpPeer, bgpFilter], {
  error: 'one of IPPool, BGPConfiguration, BGPPeer, BGPFilter',
});

/** Schemas of the resources that a lab may declare. */
export const resourceSchemas: Readonly<Record<CalicoResource['kind'], z.ZodType<CalicoResource>>> = {
  IPPool: ipPool,
  BGPConfiguration: bgpConfiguration,
  BGPPeer: bgpPeer,
  BGPFilter: bgpFilter,
};

/** The whole file. */
export const labSchema: z.ZodType<RawLab> = z
  .strictObject({
    name: z
      .string({ error: 'the name of the lab' })
      .regex(LAB_NAME, { error: LAB_NAME_RULE })
      .describe('Name of the lab; --name overrides it.'),
    description: z.string(expectString).describe('For people.').optional(),
    cni: oneOf('calico').describe('Which network plugin the agents are.').default('calico'),
    links: z
      .array(linkSchema, { error: 'a list of networks' })
      .describe(
        'Networks between nodes; one today, which all nodes are on. Default: underlay, automatic addresses.',
      )
      .optional(),
    nodes: z
      .record(z.string(), nodeSchema.nullable(), { error: 'a mapping of node names, such as host[1-3]' })
      .describe('Nodes by name; a name may be a pattern such as host[1-3] or r[1,4-5].'),
    pods: z
      .record(z.string(), podSchema.nullable(), { error: 'a mapping of pod names, such as web-[1-3]' })
      .describe('Pods by name or namespace/name; a name may be a pattern such as web-[1-6].')
      .optional(),
    podsPerNode: podsPerNode.optional(),
    bgp: z
      .strictObject({
        holdTime: z
          .int({ error: '0 or a number of seconds from 3 to 65535' })
          .min(0, { error: '0 or a number of seconds from 3 to 65535' })
          .max(65535, { error: '0 or a number of seconds from 3 to 65535' })
          .refine((seconds) => seconds === 0 || seconds >= 3, {
            error: '0 or a number of seconds from 3 to 65535',
          })
          .describe("Hold time that agents offer, in seconds. Default: 240, as Calico's BIRD.")
          .optional(),
      })
      .describe('BGP timers; AS number and port belong to the BGPConfiguration resource.')
      .optional(),
    calico: z
      .array(z.unknown(), { error: 'a list of resources or file names' })
      .describe('projectcalico.org/v3 resources, inline or names of YAML files beside the lab file.')
      .optional(),
  })
  .describe('A podwire lab.');

/** The file's schema with the resources spelled out, for editors. */
export function editorSchema(): Record<string, unknown> {
  const whole = z.toJSONSchema(labSchema, { io: 'input', target: 'draft-7' }) as Record<string, unknown>;
  const item = z.toJSONSchema(z.union([z.string().describe('Name of a YAML file.'), resource]), {
    io: 'input',
    target: 'draft-7',
  }) as Record<string, unknown>;
  const { $schema: _dialect, ...items } = item;
  const properties = whole.properties as Record<string, Record<string, unknown>>;
  properties.calico = { ...properties.calico, items };
  return whole;
}

function isPeerAddress(value: string): boolean {
  const plain = value.replace(/^\$\{PODWIRE_[A-Z0-9_]+_ADDRESS\}/, '192.0.2.1');
  if (isIP(plain) !== 0) return true;
  const match = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(plain);
  return match !== null && isIP(match[1] ?? match[2] ?? '') !== 0 && Number(match[3]) <= 65535;
}
