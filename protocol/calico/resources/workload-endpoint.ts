/** WorkloadEndpoint (Calico `libcalico-go/lib/apis/internalapi/workloadendpoint.go`): one interface of one pod. */

import { type Resource, readInterfaceAddress, readMac, resource } from './common.ts';
import { integer, list, object, oneOf, type Reader, text, withDefault } from './field.ts';

export interface WorkloadEndpointPort {
  readonly name?: string;
  readonly protocol: string;
  readonly port: number;
  readonly hostPort?: number;
  readonly hostIP?: string;
}

export interface WorkloadEndpointSpec {
  readonly orchestrator: string;
  readonly workload?: string;
  readonly node: string;
  readonly containerID?: string;
  readonly pod?: string;
  /** Interface in the pod, `eth0`. */
  readonly endpoint: string;
  readonly serviceAccountName?: string;
  /** Addresses of the pod as host prefixes, `"192.168.0.3/32"`. */
  readonly ipNetworks: readonly string[];
  readonly ipNATs?: readonly { readonly internalIP: string; readonly externalIP: string }[];
  readonly ipv4Gateway?: string;
  readonly ipv6Gateway?: string;
  readonly profiles?: readonly string[];
  /** Interface on the host side. */
  readonly interfaceName: string;
  readonly mac?: string;
  readonly ports?: readonly WorkloadEndpointPort[];
}

export type WorkloadEndpoint = Resource<'WorkloadEndpoint', WorkloadEndpointSpec>;

type Required = 'orchestrator' | 'node' | 'endpoint' | 'ipNetworks' | 'interfaceName';

const readNetwork: Reader<string> = (value, path, unknownFields) =>
  readInterfaceAddress(typeof value === 'string' && value.includes(':') ? 6 : 4)(value, path, unknownFields);

const readPort: Reader<WorkloadEndpointPort> = object<
  Pick<WorkloadEndpointPort, 'protocol' | 'port'>,
  Omit<WorkloadEndpointPort, 'protocol' | 'port'>
>(
  { protocol: oneOf('TCP', 'UDP', 'SCTP'), port: integer(1, 65535) },
  { name: text(), hostPort: integer(0, 65535), hostIP: text() },
);

const readSpec: Reader<WorkloadEndpointSpec> = object<
  Pick<WorkloadEndpointSpec, Required>,
  Omit<WorkloadEndpointSpec, Required>
>(
  {
    orchestrator: text(),
    node: text(),
    endpoint: text(),
    ipNetworks: withDefault(list(readNetwork), []),
    interfaceName: text(
      'an interface name of at most 15 characters',
      (name) => name.length > 0 && name.length <= 15,
    ),
  },
  {
    workload: text(),
    containerID: text(),
    pod: text(),
    serviceAccountName: text(),
    ipNATs: list(
      object<{ internalIP: string; externalIP: string }, object>(
        { internalIP: text(), externalIP: text() },
        {},
      ),
    ),
    ipv4Gateway: text(),
    ipv6Gateway: text(),
    profiles: list(text()),
    mac: readMac,
    ports: list(readPort),
  },
);

export const readWorkloadEndpoint: Reader<WorkloadEndpoint> = resource('WorkloadEndpoint', readSpec);
