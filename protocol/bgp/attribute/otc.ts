/** OTC (Only to Customer), type 35, RFC 9234 §5: 0: 4 AS number */
import { readUint32 } from '../byte-writer.ts';
import { leaf } from '../dissect/field.ts';
import { type AttributeCodec, expectLength, OPTIONAL, single, TRANSITIVE } from './codec.ts';

export const otc: AttributeCodec<number> = {
  type: 35,
  name: 'OTC',
  rfc: 'RFC 9234 §5',
  flags: OPTIONAL | TRANSITIVE,
  malformed: 'treat-as-withdraw',
  malformedRfc: 'RFC 9234 §5',
  decode(value, _context, offset) {
    expectLength('OTC', value, 4, offset);
    return readUint32(value, 0);
  },
  encode: (value, writer) => writer.uint32(value),
  text: String,
  fields: (value, offset) => single(value, 4, offset, () => leaf('AS', offset, 4, readUint32(value, 0))),
};
