/** The NLRI codec of every family, in one table. */
import type { Family } from '../family.ts';
import type { NlriCodec } from './codec.ts';
import { evpnCodec } from './evpn/evpn.ts';
import { flowspecCodec } from './flowspec/flowspec.ts';
import { labeledCodec } from './labeled.ts';
import { linkStateCodec } from './link-state/link-state.ts';
import { rtConstraintCodec } from './rt-constraint.ts';
import { prefixCodec } from './unicast.ts';
import { vplsCodec } from './vpls.ts';

const ipv4 = prefixCodec(4);
const ipv6 = prefixCodec(16);

export const NLRI_CODECS: Readonly<Record<Family, NlriCodec>> = {
  'ipv4-unicast': ipv4,
  'ipv6-unicast': ipv6,
  'ipv4-multicast': ipv4,
  'ipv6-multicast': ipv6,
  'ipv4-labeled': labeledCodec(4, false),
  'ipv6-labeled': labeledCodec(16, false),
  'ipv4-vpn': labeledCodec(4, true),
  'ipv6-vpn': labeledCodec(16, true),
  'l2vpn-vpls': vplsCodec,
  'l2vpn-evpn': evpnCodec,
  'rt-constraint': rtConstraintCodec,
  'ipv4-flowspec': flowspecCodec(4, false),
  'ipv6-flowspec': flowspecCodec(16, false),
  'ipv4-vpn-flowspec': flowspecCodec(4, true),
  'ipv6-vpn-flowspec': flowspecCodec(16, true),
  'link-state': linkStateCodec,
};
