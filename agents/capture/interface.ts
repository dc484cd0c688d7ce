import { parseMac, writeMac } from '../../protocol/ethernet/mac.ts';
import { formatIpv4, ipv4Mask } from '../../protocol/ip/ipv4.ts';
import { parseAddress } from '../../protocol/ip/prefix.ts';
import {
  encodeInterfaceDescription,
  type InterfaceDescription,
  LINK_TYPE_ETHERNET,
  NANOSECONDS,
} from '../../protocol/pcapng/interface-description.ts';
import { encodeNameResolution } from '../../protocol/pcapng/name-resolution.ts';
import type { CaptureFilter } from '../control/types.ts';

/** Number of an interface of one hub. */
export type InterfaceId = number;

/** Where frames are recorded: becomes an interface of the capture. */
export interface CaptureInterface {
  /** As shown in Wireshark: `host1:eth0`, `default/web-1:eth0`, `underlay`. */
  readonly name: string;
  readonly description?: string;
  /** What a {@link CaptureFilter} selects it by. */
  readonly scope:
    | { readonly kind: 'underlay' }
    | { readonly kind: 'pod' /** `namespace/name`. */; readonly pod: string }
    | { readonly kind: 'link'; readonly link: string };
  /** `"02:00:00:00:00:01"`. */
  readonly mac?: string;
  /** With prefix length, `"10.0.0.1/24"`; a bare address is a /32 or /128. */
  readonly addresses?: readonly string[];
  /** What the addresses are called in the capture's name resolution: node or pod name. */
  readonly hostName?: string;
}

/** Whether a capture with this filter includes the interface: all pods where none are named, but only named links. */
export function filterIncludes(filter: CaptureFilter, scope: CaptureInterface['scope']): boolean {
  switch (scope.kind) {
    case 'underlay':
      return filter.underlay;
    case 'pod':
      return filter.pods === undefined || filter.pods.includes(scope.pod);
    case 'link':
      return filter.links?.includes(scope.link) ?? false;
  }
}

/**
 * The blocks that introduce an interface: its description and, where it has a host name, the names of its addresses.
 * @throws RangeError naming a MAC or IP address that is none.
 */
export function encodeInterface(it: CaptureInterface): Uint8Array[] {
  const addresses = (it.addresses ?? []).map(interfaceAddress);
  const { mac, hostName } = it;
  const description: Omit<InterfaceDescription, 'kind'> = {
    linkType: LINK_TYPE_ETHERNET,
    snapLength: 0,
    name: it.name,
    ...(it.description === undefined ? {} : { description: it.description }),
    ipv4Addresses: addresses.filter(isIpv4).map(({ bytes, prefixLength }) => {
      const mask = parseAddress(formatIpv4(ipv4Mask(prefixLength)))!;
      return { address: bytes, mask };
    }),
    ipv6Addresses: addresses
      .filter((address) => !isIpv4(address))
      .map(({ bytes, prefixLength }) => ({ address: bytes, prefixLength })),
    ...(mac === undefined ? {} : { macAddress: macBytes(mac) }),
    timestampResolution: NANOSECONDS,
  };
  const blocks = [encodeInterfaceDescription(description)];
  if (hostName !== undefined && addresses.length > 0) {
    const names = addresses.map(({ bytes }) => ({ address: bytes, names: [hostName] }));
    blocks.push(encodeNameResolution({ names }));
  }
  return blocks;
}

interface InterfaceAddress {
  readonly bytes: Uint8Array;
  readonly prefixLength: number;
}

function isIpv4(address: InterfaceAddress): boolean {
  return address.bytes.length === 4;
}

function interfaceAddress(text: string): InterfaceAddress {
  const [address, length] = text.split('/');
  const bytes = parseAddress(address!);
  if (bytes === undefined) throw new RangeError(`not an interface address: ${JSON.stringify(text)}`);
  const bits = 8 * bytes.length;
  const prefixLength = length === undefined ? bits : Number(length);
  if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > bits) {
    throw new RangeError(`prefix length of ${JSON.stringify(text)} must be 0 to ${bits}`);
  }
  return { bytes, prefixLength };
}

function macBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(6);
  writeMac(bytes, 0, parseMac(text));
  return bytes;
}
