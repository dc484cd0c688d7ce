/**
 * EXTENDED COMMUNITIES, type 16, RFC 4360 §2: 8 octets each, of which the first is a type and, in most types, the
 * second a subtype
 *
 * IPv6 EXTENDED COMMUNITIES, type 25, RFC 5701 §2: 20 octets each
 *
 *   0: 1 type · 1: 1 subtype · 2: 16 IPv6 address · 18: 2 local administrator
 */
import { formatAddress } from '../../ip/prefix.ts';
import { readUint16, readUint32 } from '../byte-writer.ts';
import type { AttributeCodec } from './codec.ts';
import { communityList } from './community-list.ts';
import { extendedCommunityText } from './extended-community-text.ts';

/** An extended community by its two halves; type and subtype are the top 16 bits of `high`. */
export interface ExtendedCommunity {
  readonly high: number;
  readonly low: number;
}

export interface Ipv6ExtendedCommunity {
  /** Type in the upper 8 bits, subtype in the lower. */
  readonly kind: number;
  /** 16 octets. */
  readonly address: Uint8Array;
  readonly localAdministrator: number;
}

export const extendedCommunities: AttributeCodec<readonly ExtendedCommunity[]> = communityList({
  type: 16,
  name: 'EXTENDED_COMMUNITIES',
  rfc: 'RFC 4360 §2',
  malformedRfc: 'RFC 7606 §7.14',
  size: 8,
  read: (bytes, at) => ({ high: readUint32(bytes, at), low: readUint32(bytes, at + 4) }),
  encode: (values, writer) => {
    for (const value of values) {
      writer.uint32(value.high);
      writer.uint32(value.low);
    }
  },
  text: extendedCommunityText,
});

export const ipv6ExtendedCommunities: AttributeCodec<readonly Ipv6ExtendedCommunity[]> = communityList({
  type: 25,
  name: 'IPV6_EXTENDED_COMMUNITIES',
  rfc: 'RFC 5701 §2',
  malformedRfc: 'RFC 7606 §7.15',
  size: 20,
  read: (bytes, at) => ({
    kind: readUint16(bytes, at),
    address: bytes.slice(at + 2, at + 18),
    localAdministrator: readUint16(bytes, at + 18),
  }),
  encode: (values, writer) => {
    for (const value of values) {
      writer.uint16(value.kind);
      writer.append(value.address);
      writer.uint16(value.localAdministrator);
    }
  },
  text: ipv6ExtendedCommunityText,
});

/** `"rt:[2001:db8::1]:100"`; of other than route target and site of origin, type and subtype in hex come first. */
export function ipv6ExtendedCommunityText({
  kind,
  address,
  localAdministrator,
}: Ipv6ExtendedCommunity): string {
  const name = kind === 0x0002 ? 'rt' : kind === 0x0003 ? 'soo' : `0x${kind.toString(16).padStart(4, '0')}`;
  return `${name}:[${formatAddress(address)}]:${localAdministrator}`;
}
