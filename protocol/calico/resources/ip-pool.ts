/** IPPool (Calico `api/pkg/apis/projectcalico/v3/ippool.go`): a range of which IPAM gives blocks to nodes. */

import { parsePrefix } from '../../ip/prefix.ts';
import { type Resource, readCidr, readSelector, resource } from './common.ts';
import { boolean, FieldError, integer, list, object, oneOf, type Reader, withDefault } from './field.ts';

export type EncapsulationMode = 'Never' | 'Always' | 'CrossSubnet';
export type AllowedUse = 'Workload' | 'Tunnel' | 'LoadBalancer';

export interface IpPoolSpec {
  readonly cidr: string;
  /** Exclusive with ipipMode. */
  readonly vxlanMode: EncapsulationMode;
  readonly ipipMode: EncapsulationMode;
  readonly natOutgoing: boolean;
  /** Gives out no addresses; blocks that exist stay announced. */
  readonly disabled: boolean;
  readonly disableBGPExport: boolean;
  /** Prefix length of a block: 20 to 32, default 26; IPv6 116 to 128, default 122. */
  readonly blockSize: number;
  readonly nodeSelector: string;
  readonly namespaceSelector?: string;
  readonly allowedUses: readonly AllowedUse[];
  /** Manual: used only where a request names the pool. */
  readonly assignmentMode: 'Automatic' | 'Manual';
}

export type IpPool = Resource<'IPPool', IpPoolSpec>;

type Optional = 'namespaceSelector' | 'blockSize';
const readMode: Reader<EncapsulationMode> = withDefault(oneOf('Never', 'Always', 'CrossSubnet'), 'Never');

const readFields: Reader<Omit<IpPoolSpec, 'blockSize'> & { readonly blockSize?: number }> = object<
  Omit<IpPoolSpec, Optional>,
  Pick<IpPoolSpec, Optional>
>(
  {
    cidr: readCidr,
    vxlanMode: readMode,
    ipipMode: readMode,
    natOutgoing: withDefault(boolean, false),
    disabled: withDefault(boolean, false),
    disableBGPExport: withDefault(boolean, false),
    nodeSelector: withDefault(readSelector, 'all()'),
    allowedUses: withDefault(list(oneOf('Workload', 'Tunnel', 'LoadBalancer')), ['Workload', 'Tunnel']),
    assignmentMode: withDefault(oneOf('Automatic', 'Manual'), 'Automatic'),
  },
  { namespaceSelector: readSelector, blockSize: integer(20, 128) },
);

/** Reads a pool's spec and fills in defaults. */
export const readIpPoolSpec: Reader<IpPoolSpec> = (value, path, unknownFields) => {
  const fields = readFields(value, path, unknownFields);
  const prefix = parsePrefix(fields.cidr);
  const blockSize = fields.blockSize ?? (prefix.version === 4 ? 26 : 122);
  const [smallest, largest] = prefix.version === 4 ? [20, 32] : [116, 128];
  integer(smallest, largest)(blockSize, [...path, 'blockSize'], unknownFields);
  if (prefix.length > blockSize) {
    throw new FieldError(
      [...path, 'cidr'],
      `${fields.cidr} is smaller than one block of blockSize ${blockSize}`,
    );
  }
  if (fields.vxlanMode !== 'Never' && fields.ipipMode !== 'Never') {
    throw new FieldError(
      [...path, 'vxlanMode'],
      'vxlanMode and ipipMode exclude each other: one must be Never',
    );
  }
  if (prefix.version === 6 && fields.ipipMode !== 'Never') {
    throw new FieldError(
      [...path, 'ipipMode'],
      'IP in IP carries IPv4 only: expected Never for an IPv6 pool',
    );
  }
  return { ...fields, blockSize };
};

export const readIpPool: Reader<IpPool> = resource('IPPool', readIpPoolSpec);
