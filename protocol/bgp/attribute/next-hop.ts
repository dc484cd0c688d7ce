/** NEXT_HOP, type 3, RFC 4271 §5.1.3: 0: 4 IPv4 address */
import { DecodeError } from '../../bytes/decode-error.ts';
import { type AttributeCodec, expectLength, TRANSITIVE } from './codec.ts';

export const nextHop: AttributeCodec<Uint8Array> = {
  type: 3,
  name: 'NEXT_HOP',
  flags: TRANSITIVE,
  malformed: 'treat-as-withdraw',
  decode(value, _context, offset) {
    expectLength('NEXT_HOP', value, 4, offset);
    // RFC 4271 §6.3: syntactically a host address, so neither 0/8 nor multicast nor reserved.
    if (value[0] === 0 || value[0]! >= 224) {
      throw new DecodeError('NEXT_HOP', offset, `${value.join('.')} must be a host address`);
    }
    return value.slice();
  },
  encode: (value, writer) => writer.append(value),
};
