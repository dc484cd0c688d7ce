/**
 * TUNNEL_ENCAPSULATION, type 23, RFC 9012 §2: a TLV for each tunnel
 *
 *   0: 2 tunnel type · 2: 2 length · 4: sub-TLVs, each 1 type · 1 length (2 for types of 128 and more) · value
 */

import { formatAddress } from '../../ip/prefix.ts';
import { readUint16, readUint32 } from '../byte-writer.ts';
import type { Field } from '../dissect/field.ts';
import { leaf } from '../dissect/field.ts';
import { type AttributeCodec, OPTIONAL, TRANSITIVE } from './codec.ts';
import { TUNNEL_TYPES } from './extended-community-text.ts';
import { expectTlvs, forEachTlv, type Tlv, type TlvFormat, tlvFields } from './tlv.ts';

const TUNNEL: TlvFormat = { type: 2, length: () => 2 };
const SUB_TLV: TlvFormat = { type: 1, length: (type) => (type < 128 ? 1 : 2) };

/** Sub-TLV types, RFC 9012 §3. */
const SUB_TLV_NAMES: Readonly<Record<number, string>> = {
  1: 'encapsulation',
  2: 'protocol type',
  4: 'color',
  6: 'tunnel egress endpoint',
  7: 'DS field',
  8: 'UDP destination port',
  9: 'embedded label handling',
  10: 'MPLS label stack',
  11: 'prefix SID',
};

/**
 * The value octets. Only tunnels that do not fit make the attribute malformed; a sub-TLV that does not, or that makes
 * no sense, costs at most its tunnel (§13), which is a matter of who uses the tunnel.
 */
export const tunnelEncapsulation: AttributeCodec<Uint8Array> = {
  type: 23,
  name: 'TUNNEL_ENCAPSULATION',
  rfc: 'RFC 9012 §2',
  flags: OPTIONAL | TRANSITIVE,
  malformed: 'treat-as-withdraw',
  malformedRfc: 'RFC 9012 §13',
  decode(value, _context, offset) {
    expectTlvs('TUNNEL_ENCAPSULATION', value, TUNNEL, offset);
    return value.slice();
  },
  encode: (value, writer) => writer.append(value),
  text(value) {
    const tunnels: string[] = [];
    forEachTlv(value, 0, value.length, TUNNEL, ({ type }) => tunnels.push(tunnelName(type)));
    return tunnels.join(' ');
  },
  fields: (value, offset) =>
    tlvFields(value, 0, value.length, TUNNEL, offset, (tunnel) => ({
      name: 'tunnel',
      text: tunnelName(tunnel.type),
      inside: tlvFields(value, tunnel.value, tunnel.end, SUB_TLV, offset, (sub) => ({
        name: SUB_TLV_NAMES[sub.type] ?? 'sub-TLV',
        ...inside(value, sub, offset),
      })),
    })),
};

function tunnelName(type: number): string {
  return TUNNEL_TYPES[type] ?? `tunnel-${type}`;
}

/** Sub-TLVs that are read: RFC 9012 §3.1, §3.3.1, §3.4.1, §3.4.2. */
function inside(value: Uint8Array, sub: Tlv, offset: number): { readonly inside?: readonly Field[] } {
  const at = sub.value;
  const length = sub.end - at;
  const one = (name: string, content: number | string): { readonly inside: readonly Field[] } => ({
    inside: [leaf(name, offset + at, length, content)],
  });
  if (sub.type === 6 && length >= 6) {
    const family = readUint16(value, at + 4);
    const address = value.subarray(at + 6, sub.end);
    const fits = (family === 1 && address.length === 4) || (family === 2 && address.length === 16);
    if (fits) return one('endpoint', formatAddress(address));
  }
  if (sub.type === 2 && length === 2) return one('protocol', readUint16(value, at));
  if (sub.type === 8 && length === 2) return one('port', readUint16(value, at));
  if (sub.type === 4 && length === 8) return one('color', readUint32(value, at + 4));
  return {};
}
