/**
 * BGPConfiguration (Calico `api/pkg/apis/projectcalico/v3/bgpconfig.go`): `default` for the cluster, `node.NAME` for
 * what one node does differently.
 */

import {
  type Resource,
  readAddress,
  readAsNumber,
  readCidr,
  readDuration,
  readPort,
  readSecretRef,
  resource,
  type SecretRef,
} from './common.ts';
import { boolean, FieldError, integer, list, object, oneOf, type Reader, text } from './field.ts';

interface CidrEntry {
  readonly cidr: string;
}

export interface BgpConfigurationSpec {
  readonly logSeverityScreen?: string;
  /** Absent: true. */
  readonly nodeToNodeMeshEnabled?: boolean;
  /** AS of nodes that have none of their own; absent: 64512. */
  readonly asNumber?: number;
  readonly serviceLoadBalancerIPs?: readonly CidrEntry[];
  readonly serviceExternalIPs?: readonly CidrEntry[];
  readonly serviceClusterIPs?: readonly CidrEntry[];
  readonly serviceLoadBalancerAggregation?: 'Enabled' | 'Disabled';
  readonly communities?: readonly { readonly name: string; readonly value: string }[];
  readonly prefixAdvertisements?: readonly {
    readonly cidr: string;
    readonly communities: readonly string[];
  }[];
  /** Port of the node's BGP, 179 where absent. */
  readonly listenPort?: number;
  readonly nodeMeshPassword?: SecretRef;
  readonly nodeMeshMaxRestartTime?: string;
  readonly bindMode?: 'None' | 'NodeIP';
  readonly ignoredInterfaces?: readonly string[];
  readonly localWorkloadPeeringIPV4?: string;
  readonly localWorkloadPeeringIPV6?: string;
  readonly programClusterRoutes?: string;
  readonly ipv4NormalRoutePriority?: number;
  readonly ipv6NormalRoutePriority?: number;
}

export type BgpConfiguration = Resource<'BGPConfiguration', BgpConfigurationSpec>;

/** Name of the configuration that concerns the whole cluster. */
export const GLOBAL_BGP_CONFIGURATION = 'default';

/** Name of the configuration of one node. */
export function nodeBgpConfigurationName(node: string): string {
  return `node.${node}`;
}

const readCidrs: Reader<CidrEntry[]> = list(object<CidrEntry, object>({ cidr: readCidr }, {}));
const COMMUNITY = /^\d+:\d+(:\d+)?$/;
const readCommunity: Reader<string> = text('a community a:b or a:b:c', (value) => COMMUNITY.test(value));
const readPriority: Reader<number> = integer(1, 0x7ffffffe);

const readSpec: Reader<BgpConfigurationSpec> = object<object, BgpConfigurationSpec>(
  {},
  {
    logSeverityScreen: oneOf('Trace', 'Debug', 'Info', 'Warning', 'Error', 'Fatal', 'None'),
    nodeToNodeMeshEnabled: boolean,
    asNumber: readAsNumber,
    serviceLoadBalancerIPs: readCidrs,
    serviceExternalIPs: readCidrs,
    serviceClusterIPs: readCidrs,
    serviceLoadBalancerAggregation: oneOf('Enabled', 'Disabled'),
    communities: list(
      object<{ name: string; value: string }, object>({ name: text(), value: readCommunity }, {}),
    ),
    prefixAdvertisements: list(
      object<{ cidr: string; communities: string[] }, object>(
        { cidr: readCidr, communities: list(text()) },
        {},
      ),
    ),
    listenPort: readPort,
    nodeMeshPassword: readSecretRef,
    nodeMeshMaxRestartTime: readDuration,
    bindMode: oneOf('None', 'NodeIP'),
    ignoredInterfaces: list(text()),
    localWorkloadPeeringIPV4: readAddress(4),
    localWorkloadPeeringIPV6: readAddress(6),
    programClusterRoutes: text(),
    ipv4NormalRoutePriority: readPriority,
    ipv6NormalRoutePriority: readPriority,
  },
);

const readAny: Reader<BgpConfiguration> = resource('BGPConfiguration', readSpec);

/** Reads a BGPConfiguration; the mesh and the AS of the cluster belong to `default` alone. */
export const readBgpConfiguration: Reader<BgpConfiguration> = (value, path, unknownFields) => {
  const configuration = readAny(value, path, unknownFields);
  const { name } = configuration.metadata;
  if (name === GLOBAL_BGP_CONFIGURATION) return configuration;
  if (!name.startsWith('node.'))
    throw new FieldError([...path, 'metadata', 'name'], 'expected default or node.NAME');
  for (const field of ['nodeToNodeMeshEnabled', 'asNumber'] as const) {
    if (configuration.spec[field] !== undefined) {
      throw new FieldError(
        [...path, 'spec', field],
        `may be set only in the BGPConfiguration named ${GLOBAL_BGP_CONFIGURATION}`,
      );
    }
  }
  return configuration;
};
