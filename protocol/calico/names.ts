/** Names and addresses that Calico derives from other names. */

import { toHex } from '../bytes/hex.ts';
import { sha1 } from '../hash/sha1.ts';
import { sha256 } from '../hash/sha256.ts';
import type { IpVersion } from '../ip/prefix.ts';

/**
 * MAC of a node's VXLAN device, `"66:f9:37:c3:7e:94"`: byte 0x66, then five bytes of SHA-1 of the node name (for the
 * IPv6 device, of the name with `-v6`). Calico `felix/calc/vxlan_resolver.go`.
 */
export function vtepMac(node: string, version: IpVersion = 4): string {
  const digest = sha1(version === 4 ? node : `${node}-v6`);
  return formatMac(Uint8Array.of(0x66, ...digest.subarray(0, 5)));
}

/**
 * Host side of a pod's veth pair, `"cali7f94ce7c295"`: 15 characters, the longest that Linux allows. Calico
 * `libcalico-go/lib/backend/k8s/conversion/workload_endpoint_default.go`.
 */
export function hostInterfaceName(namespace: string, pod: string): string {
  return `cali${toHex(sha1(`${namespace}.${pod}`)).slice(0, 11)}`;
}

/**
 * BGP identifier of a node whose router id is configured as `hash`, as a dotted quad: four bytes of SHA-256 of the
 * node name, the first brought below 224 so that it is no multicast address. Calico
 * `confd/pkg/resource/template/util.go`.
 */
export function hashedRouterId(node: string): string {
  const [first, ...rest] = sha256(node).subarray(0, 4);
  return [first! > 223 ? first! - 32 : first!, ...rest].join('.');
}

/** What identifies a workload endpoint of orchestrator `k8s`. */
export interface WorkloadEndpointIdentity {
  readonly node: string;
  readonly orchestrator: 'k8s';
  readonly pod: string;
  /** Interface in the pod, `eth0`. */
  readonly endpoint: string;
}

/**
 * Name of a WorkloadEndpoint, `node--1-k8s-web--0-eth0`: node, orchestrator, pod, endpoint joined by dashes, dashes
 * inside a segment doubled. Calico `libcalico-go/lib/names/workloadendpoint.go`.
 * @throws RangeError where a segment is empty or begins or ends with a dash (the name could not be split again).
 */
export function workloadEndpointName(identity: Omit<WorkloadEndpointIdentity, 'orchestrator'>): string {
  const segments = {
    node: identity.node,
    orchestrator: 'k8s',
    pod: identity.pod,
    endpoint: identity.endpoint,
  };
  return Object.entries(segments)
    .map(([what, segment]) => {
      if (segment === '' || segment.startsWith('-') || segment.endsWith('-')) {
        throw new RangeError(
          `${what} of a workload endpoint must not be empty nor begin or end with "-": ${JSON.stringify(segment)}`,
        );
      }
      return segment.replaceAll('-', '--');
    })
    .join('-');
}

/** Reverse of {@link workloadEndpointName}; `undefined` where the name has another form. */
export function parseWorkloadEndpointName(name: string): WorkloadEndpointIdentity | undefined {
  // A separator is a dash that is not part of a pair; pairs are consumed first, from the left.
  const segments = (name.match(/(?:--|[^-])+/g) ?? []).map((segment) => segment.replaceAll('--', '-'));
  const [node, orchestrator, pod, endpoint] = segments;
  if (segments.length !== 4 || orchestrator !== 'k8s') return undefined;
  const identity = { node: node!, orchestrator, pod: pod!, endpoint: endpoint! } as const;
  return identitySurvives(identity, name) ? identity : undefined;
}

function identitySurvives(identity: WorkloadEndpointIdentity, name: string): boolean {
  try {
    return workloadEndpointName(identity) === name;
  } catch {
    return false;
  }
}

/** Handle of a pod's addresses as Calico's CNI plugin forms it, `k8s-pod-network.CONTAINERID`. */
export function podHandleId(network: string, containerId: string): string {
  return `${network}.${containerId}`;
}

/** Handle of a node's tunnel address, `vxlan-tunnel-addr-NODE`. Calico `node/pkg/allocateip/allocateip.go`. */
export function tunnelHandleId(tunnel: 'vxlan' | 'ipip' | 'wireguard', node: string): string {
  return `${tunnel}-tunnel-addr-${node}`;
}

function formatMac(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
