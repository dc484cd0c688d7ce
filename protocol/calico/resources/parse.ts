import { RESOURCE_KINDS, type ResourceKind } from '../keys.ts';
import { type BgpConfiguration, readBgpConfiguration } from './bgp-configuration.ts';
import { type BgpFilter, readBgpFilter } from './bgp-filter.ts';
import { type BgpPeer, readBgpPeer } from './bgp-peer.ts';
import { FieldError, type Reader, type UnknownFields, unexpected } from './field.ts';
import { type IpPool, readIpPool } from './ip-pool.ts';
import { type Node, readNode } from './node.ts';
import { readWorkloadEndpoint, type WorkloadEndpoint } from './workload-endpoint.ts';

/** The resources by kind. */
export interface CalicoResources {
  readonly IPPool: IpPool;
  readonly BGPConfiguration: BgpConfiguration;
  readonly BGPPeer: BgpPeer;
  readonly BGPFilter: BgpFilter;
  readonly Node: Node;
  readonly WorkloadEndpoint: WorkloadEndpoint;
}
export type CalicoResource = CalicoResources[ResourceKind];

const READERS: { readonly [K in ResourceKind]: Reader<CalicoResources[K]> } = {
  IPPool: readIpPool,
  BGPConfiguration: readBgpConfiguration,
  BGPPeer: readBgpPeer,
  BGPFilter: readBgpFilter,
  Node: readNode,
  WorkloadEndpoint: readWorkloadEndpoint,
};

/**
 * Reads a resource of any kind from JSON (or YAML) as a person or the store holds it, with defaults filled in.
 * @throws FieldError naming kind, name and field; its `path` leads to the field in `value`.
 */
export function parseResource(value: unknown, unknownFields: UnknownFields = 'reject'): CalicoResource {
  const kind = (value as { kind?: unknown } | null | undefined)?.kind;
  if (typeof kind !== 'string' || !Object.hasOwn(RESOURCE_KINDS, kind)) {
    throw unexpected(['kind'], `one of ${Object.keys(RESOURCE_KINDS).join(', ')}`, kind);
  }
  return parseResourceOf(kind as ResourceKind, value, unknownFields);
}

/** As {@link parseResource} where the kind is known. */
export function parseResourceOf<K extends ResourceKind>(
  kind: K,
  value: unknown,
  unknownFields: UnknownFields = 'reject',
): CalicoResources[K] {
  try {
    const resource = READERS[kind](value, [], unknownFields);
    checkNamespace(kind, resource.metadata.namespace);
    return resource;
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    const name = (value as { metadata?: { name?: unknown } } | null | undefined)?.metadata?.name;
    throw new FieldError(error.path, error.problem, typeof name === 'string' ? `${kind} ${name}` : kind);
  }
}

function checkNamespace(kind: ResourceKind, namespace: string | undefined): void {
  const { namespaced } = RESOURCE_KINDS[kind];
  if (namespaced === (namespace !== undefined)) return;
  throw new FieldError(
    ['metadata', 'namespace'],
    namespaced ? 'expected a namespace' : `a ${kind} has no namespace`,
  );
}
