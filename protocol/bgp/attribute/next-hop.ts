/** NEXT_HOP, type 3, RFC 4271 §5.1.3: 0: 4 IPv4 address */
import { formatAddress } from '../../ip/prefix.ts';
import { leaf } from '../dissect/field.ts';
import { type AttributeCodec, expectLength, single, TRANSITIVE } from './codec.ts';

export const nextHop: AttributeCodec<Uint8Array> = {
  type: 3,
  name: 'NEXT_HOP',
  rfc: 'RFC 4271 §5.1.3',
  flags: TRANSITIVE,
  malformed: 'treat-as-withdraw',
  malformedRfc: 'RFC 7606 §7.3',
  decode(value, _context, offset) {
    expectLength('NEXT_HOP', value, 4, offset);
    return value.slice();
  },
  encode: (value, writer) => writer.append(value),
  text: formatAddress,
  fields: (value, offset) =>
    single(value, 4, offset, () => leaf('next hop', offset, 4, formatAddress(value))),
};

/**
 * Whether an address can be a host's, so neither in 0.0.0.0/8 nor multicast nor reserved: what RFC 4271 §6.3 means by
 * a syntactically correct NEXT_HOP. RFC 7606 §7.3 speaks of the length alone, but its §3 e turns every session reset
 * that RFC 4271 demands for a NEXT_HOP into treat-as-withdraw, this one too.
 */
export function isHostAddress(nextHop: Uint8Array): boolean {
  return nextHop[0] !== 0 && nextHop[0]! < 224;
}
