/**
 * BGPPeer (Calico `api/pkg/apis/projectcalico/v3/bgppeer.go`): which nodes (all, one, or by label) peer with which
 * address, or with which nodes by label.
 */

import { parseAddress } from '../../ip/prefix.ts';
import {
  type Resource,
  readAddress,
  readAsNumber,
  readDuration,
  readName,
  readSecretRef,
  readSelector,
  resource,
  type SecretRef,
} from './common.ts';
import { boolean, FieldError, integer, list, object, oneOf, parsedText, type Reader } from './field.ts';

export interface BgpPeerSpec {
  /** Node that has the session; neither this nor nodeSelector: every node. */
  readonly node?: string;
  readonly nodeSelector?: string;
  /** Address, `IP`, `IP:PORT` or `[IPv6]:PORT`. */
  readonly peerIP?: string;
  readonly asNumber?: number;
  readonly localASNumber?: number;
  /** Nodes to peer with, instead of an address. */
  readonly peerSelector?: string;
  readonly keepOriginalNextHop?: boolean;
  readonly nextHopMode?: 'Auto' | 'Self' | 'Keep';
  readonly password?: SecretRef;
  readonly sourceAddress?: 'UseNodeIP' | 'None';
  readonly maxRestartTime?: string;
  readonly keepaliveTime?: string;
  readonly numAllowedLocalASNumbers?: number;
  readonly ttlSecurity?: number;
  readonly reachableBy?: string;
  /** Names of BGPFilters, asked in order. */
  readonly filters?: readonly string[];
  readonly localWorkloadSelector?: string;
  /** Manual: the nodes named as peers get no session back by this resource. */
  readonly reversePeering?: 'Auto' | 'Manual';
}

export type BgpPeer = Resource<'BGPPeer', BgpPeerSpec>;

/**
 * Splits `"10.0.0.1"`, `"10.0.0.1:1179"` or `"[fd00::1]:179"`.
 * @throws RangeError where the text is none of them.
 */
export function parsePeerAddress(text: string): {
  readonly address: string;
  readonly port: number | undefined;
} {
  if (parseAddress(text) !== undefined) return { address: text, port: undefined };
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const address = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (address === undefined || parseAddress(address) === undefined || port < 1 || port > 65535) {
    throw new RangeError('expected IP, IP:PORT or [IPv6]:PORT');
  }
  return { address, port };
}

const readFields: Reader<BgpPeerSpec> = object<object, BgpPeerSpec>(
  {},
  {
    node: readName,
    nodeSelector: readSelector,
    peerIP: parsedText(parsePeerAddress),
    asNumber: readAsNumber,
    localASNumber: readAsNumber,
    peerSelector: readSelector,
    keepOriginalNextHop: boolean,
    nextHopMode: oneOf('Auto', 'Self', 'Keep'),
    password: readSecretRef,
    sourceAddress: oneOf('UseNodeIP', 'None'),
    maxRestartTime: readDuration,
    keepaliveTime: readDuration,
    numAllowedLocalASNumbers: integer(0, 0x7fffffff),
    ttlSecurity: integer(0, 255),
    reachableBy: readAddress(),
    filters: list(readName),
    localWorkloadSelector: readSelector,
    reversePeering: oneOf('Auto', 'Manual'),
  },
);

/** Pairs of fields that exclude each other. */
const EXCLUSIVE = [
  ['node', 'nodeSelector'],
  ['peerIP', 'peerSelector'],
  ['peerIP', 'localWorkloadSelector'],
  ['peerSelector', 'localWorkloadSelector'],
  ['peerSelector', 'asNumber'],
  ['keepOriginalNextHop', 'nextHopMode'],
] as const;

const readSpec: Reader<BgpPeerSpec> = (value, path, unknownFields) => {
  const spec = readFields(value, path, unknownFields);
  for (const [first, second] of EXCLUSIVE) {
    if (isSet(spec[first]) && isSet(spec[second])) {
      throw new FieldError([...path, second], `${first} and ${second} exclude each other`);
    }
  }
  if (!isSet(spec.peerIP) && !isSet(spec.peerSelector) && !isSet(spec.localWorkloadSelector)) {
    throw new FieldError(path, 'expected one of peerIP, peerSelector, localWorkloadSelector');
  }
  if (isSet(spec.reachableBy) && !isSet(spec.peerIP)) {
    throw new FieldError([...path, 'reachableBy'], 'needs peerIP');
  }
  return spec;
};

/** Go leaves unset text empty and unset flags false. */
function isSet(value: unknown): boolean {
  return value !== undefined && value !== '' && value !== false;
}

export const readBgpPeer: Reader<BgpPeer> = resource('BGPPeer', readSpec);
