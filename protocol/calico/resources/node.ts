/** Node (Calico `libcalico-go/lib/apis/internalapi/node.go`): a host that runs the agent. */

import {
  type Resource,
  readAddress,
  readAsNumber,
  readInterfaceAddress,
  readMac,
  resource,
} from './common.ts';
import { list, object, oneOf, type Reader, text, withDefault } from './field.ts';

export interface NodeBgpSpec {
  readonly asNumber?: number;
  /** Address with the prefix length of its subnet, `"172.18.0.2/16"`. */
  readonly ipv4Address?: string;
  readonly ipv6Address?: string;
  readonly ipv4IPIPTunnelAddr?: string;
  /** Dotted quad; makes the node a route reflector. */
  readonly routeReflectorClusterID?: string;
}

export interface NodeSpec {
  readonly bgp?: NodeBgpSpec;
  readonly ipv4VXLANTunnelAddr?: string;
  readonly vxlanTunnelMACAddr?: string;
  readonly ipv6VXLANTunnelAddr?: string;
  readonly vxlanTunnelMACAddrV6?: string;
  readonly wireguard?: { readonly interfaceIPv4Address?: string; readonly interfaceIPv6Address?: string };
  readonly addresses?: readonly { readonly address: string; readonly type?: string }[];
  readonly orchRefs?: readonly { readonly nodeName?: string; readonly orchestrator: string }[];
}

export interface NodeStatus {
  readonly wireguardPublicKey?: string;
  readonly wireguardPublicKeyV6?: string;
  readonly podCIDRs?: readonly string[];
}

export interface Node extends Resource<'Node', NodeSpec> {
  readonly status?: NodeStatus;
}

const readBgp: Reader<NodeBgpSpec> = object<object, NodeBgpSpec>(
  {},
  {
    asNumber: readAsNumber,
    ipv4Address: readInterfaceAddress(4),
    ipv6Address: readInterfaceAddress(6),
    ipv4IPIPTunnelAddr: readAddress(4),
    routeReflectorClusterID: readAddress(4),
  },
);

const readSpec: Reader<NodeSpec> = object<object, NodeSpec>(
  {},
  {
    bgp: readBgp,
    ipv4VXLANTunnelAddr: readAddress(4),
    vxlanTunnelMACAddr: readMac,
    ipv6VXLANTunnelAddr: readAddress(6),
    vxlanTunnelMACAddrV6: readMac,
    wireguard: object<object, NonNullable<NodeSpec['wireguard']>>(
      {},
      { interfaceIPv4Address: readAddress(4), interfaceIPv6Address: readAddress(6) },
    ),
    addresses: list(
      object<{ address: string }, { type: string }>(
        { address: readAddress() },
        { type: oneOf('CalicoNodeIP', 'InternalIP', 'ExternalIP') },
      ),
    ),
    orchRefs: list(
      object<{ orchestrator: string }, { nodeName: string }>({ orchestrator: text() }, { nodeName: text() }),
    ),
  },
);

const readStatus: Reader<NodeStatus> = object<object, NodeStatus>(
  {},
  { wireguardPublicKey: text(), wireguardPublicKeyV6: text(), podCIDRs: list(text()) },
);

const readWithoutStatus: Reader<Node> = resource('Node', withDefault(readSpec, {}));

export const readNode: Reader<Node> = (value, path, unknownFields) => {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'status')) {
    return readWithoutStatus(value, path, unknownFields);
  }
  const { status, ...rest } = value as { status: unknown };
  const node = readWithoutStatus(rest, path, unknownFields);
  return status === null ? node : { ...node, status: readStatus(status, [...path, 'status'], unknownFields) };
};

/** Address of a node in an IP version without its prefix length; `undefined` where it has none. */
export function nodeAddress(node: Node, version: 4 | 6 = 4): string | undefined {
  const text = version === 4 ? node.spec.bgp?.ipv4Address : node.spec.bgp?.ipv6Address;
  return text?.split('/')[0];
}
