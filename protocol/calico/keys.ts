/**
 * Calico's keys in etcd v3 (Calico `libcalico-go/lib/backend/model/*.go`): resources of the v3 API as JSON objects,
 * and IPAM's own data. In keys the slash of a CIDR is a dash: `192.168.0.0-26`.
 */

import { formatPrefix, type IpVersion, parsePrefix } from '../ip/prefix.ts';

const RESOURCES = '/calico/resources/v3/projectcalico.org/';
const IPAM = '/calico/ipam/v2/';

/** Kinds of resources with their plural in keys, and whether the key has a namespace. */
export const RESOURCE_KINDS = {
  IPPool: { plural: 'ippools', namespaced: false },
  BGPConfiguration: { plural: 'bgpconfigurations', namespaced: false },
  BGPPeer: { plural: 'bgppeers', namespaced: false },
  BGPFilter: { plural: 'bgpfilters', namespaced: false },
  Node: { plural: 'nodes', namespaced: false },
  WorkloadEndpoint: { plural: 'workloadendpoints', namespaced: true },
} as const;

export type ResourceKind = keyof typeof RESOURCE_KINDS;

/** Who a block is affine to: a node, or (`virtual`) a function of the cluster such as `load-balancer`. */
export type AffinityType = 'host' | 'virtual';

/** Configuration of IPAM: {@link IpamConfig} as JSON. */
export const IPAM_CONFIG_KEY: string = `${IPAM}config`;
export const HANDLE_PREFIX: string = `${IPAM}handle/`;

/**
 * `/calico/resources/v3/projectcalico.org/ippools/NAME`, or `.../workloadendpoints/NAMESPACE/NAME`.
 * @throws RangeError where a namespace is missing or does not belong.
 */
export function resourceKey(kind: ResourceKind, name: string, namespace?: string): string {
  if (RESOURCE_KINDS[kind].namespaced !== (namespace !== undefined)) {
    throw new RangeError(
      `${kind} ${name}: ${namespace === undefined ? 'needs a namespace' : 'has no namespace'}`,
    );
  }
  return `${resourcePrefix(kind, namespace)}${segment(name, `name of a ${kind}`)}`;
}

/** Prefix of all keys of a kind (of one namespace); ends with a slash. */
export function resourcePrefix(kind: ResourceKind, namespace?: string): string {
  const { plural } = RESOURCE_KINDS[kind];
  return `${RESOURCES}${plural}/${namespace === undefined ? '' : `${segment(namespace, 'namespace')}/`}`;
}

/** `/calico/ipam/v2/assignment/ipv4/block/192.168.0.0-26` of a block's CIDR. */
export function blockKey(cidr: string): string {
  return `${blockPrefix(cidrVersion(cidr))}${cidrSegment(cidr)}`;
}

/** Prefix of the keys of all blocks of an IP version. */
export function blockPrefix(version: IpVersion): string {
  return `${IPAM}assignment/ipv${version}/block/`;
}

/** `/calico/ipam/v2/host/NODE/ipv4/block/192.168.0.0-26`, whose value holds the affinity's state. */
export function affinityKey(owner: string, cidr: string, type: AffinityType = 'host'): string {
  return `${affinityPrefix(owner, cidrVersion(cidr), type)}${cidrSegment(cidr)}`;
}

/** Prefix of a node's affinities of an IP version. */
export function affinityPrefix(owner: string, version: IpVersion, type: AffinityType = 'host'): string {
  return `${IPAM}${type}/${segment(owner, 'node name')}/ipv${version}/block/`;
}

/** `/calico/ipam/v2/handle/ID`. */
export function handleKey(id: string): string {
  return `${HANDLE_PREFIX}${segment(id, 'handle id')}`;
}

/** What a key of Calico names. */
export type CalicoKey =
  | {
      readonly kind: 'resource';
      readonly resource: ResourceKind;
      readonly namespace: string | undefined;
      readonly name: string;
    }
  | { readonly kind: 'block'; readonly cidr: string }
  | { readonly kind: 'affinity'; readonly type: AffinityType; readonly owner: string; readonly cidr: string }
  | { readonly kind: 'handle'; readonly id: string }
  | { readonly kind: 'ipam-config' };

/** Meaning of a key; `undefined` for keys of other forms. */
export function parseKey(key: string): CalicoKey | undefined {
  if (key.startsWith(RESOURCES)) return parseResourceKey(key.slice(RESOURCES.length));
  if (!key.startsWith(IPAM)) return undefined;
  const [area, ...rest] = key.slice(IPAM.length).split('/');
  if (area === 'config' && rest.length === 0) return { kind: 'ipam-config' };
  if (area === 'handle' && rest.length === 1 && rest[0] !== '') return { kind: 'handle', id: rest[0]! };
  if (area === 'assignment' && rest.length === 3 && rest[1] === 'block') {
    const cidr = cidrOfSegment(rest[0]!, rest[2]!);
    return cidr === undefined ? undefined : { kind: 'block', cidr };
  }
  if ((area === 'host' || area === 'virtual') && rest.length === 4 && rest[2] === 'block' && rest[0] !== '') {
    const cidr = cidrOfSegment(rest[1]!, rest[3]!);
    return cidr === undefined ? undefined : { kind: 'affinity', type: area, owner: rest[0]!, cidr };
  }
  return undefined;
}

function parseResourceKey(rest: string): CalicoKey | undefined {
  const [plural, ...names] = rest.split('/');
  for (const [resource, info] of Object.entries(RESOURCE_KINDS)) {
    if (info.plural !== plural) continue;
    if (names.length !== (info.namespaced ? 2 : 1) || names.includes('')) return undefined;
    const namespace = info.namespaced ? names[0] : undefined;
    return { kind: 'resource', resource: resource as ResourceKind, namespace, name: names.at(-1)! };
  }
  return undefined;
}

function cidrVersion(cidr: string): IpVersion {
  return parsePrefix(cidr).version;
}

/** The canonical text of a CIDR with a dash, so that one block has one key. */
function cidrSegment(cidr: string): string {
  return formatPrefix(parsePrefix(cidr)).replace('/', '-');
}

function cidrOfSegment(family: string, text: string): string | undefined {
  try {
    const prefix = parsePrefix(text.replace('-', '/'));
    return family === `ipv${prefix.version}` ? formatPrefix(prefix) : undefined;
  } catch {
    return undefined;
  }
}

function segment(text: string, what: string): string {
  if (text === '' || text.includes('/'))
    throw new RangeError(`${what} must not be empty nor contain "/": ${JSON.stringify(text)}`);
  return text;
}
