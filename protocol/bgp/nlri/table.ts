/** The NLRI codec of every family, in one table. */
import type { Family } from '../family.ts';
import type { NlriCodec } from './codec.ts';
import { opaqueCodec } from './opaque.ts';
import { prefixCodec } from './unicast.ts';

const ipv4 = prefixCodec(4);
const ipv6 = prefixCodec(16);

export const NLRI_CODECS: Readonly<Record<Family, NlriCodec>> = {
  'ipv4-unicast': ipv4,
  'ipv6-unicast': ipv6,
  'ipv4-multicast': ipv4,
  'ipv6-multicast': ipv6,
  'ipv4-labeled': opaqueCodec,
  'ipv6-labeled': opaqueCodec,
  'ipv4-vpn': opaqueCodec,
  'ipv6-vpn': opaqueCodec,
  'l2vpn-vpls': opaqueCodec,
  'l2vpn-evpn': opaqueCodec,
  'rt-constraint': opaqueCodec,
  'ipv4-flowspec': opaqueCodec,
  'ipv6-flowspec': opaqueCodec,
  'ipv4-vpn-flowspec': opaqueCodec,
  'ipv6-vpn-flowspec': opaqueCodec,
  'link-state': opaqueCodec,
};
