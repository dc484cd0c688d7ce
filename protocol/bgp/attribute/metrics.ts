/**
 * MULTI_EXIT_DISC, type 4, RFC 4271 §5.1.4, and LOCAL_PREF, type 5, §5.1.5: 0: 4 unsigned integer
 */
import { readUint32 } from '../byte-writer.ts';
import { leaf } from '../dissect/field.ts';
import { type AttributeCodec, expectLength, OPTIONAL, single, TRANSITIVE } from './codec.ts';

export const med: AttributeCodec<number> = {
  type: 4,
  name: 'MULTI_EXIT_DISC',
  rfc: 'RFC 4271 §5.1.4',
  flags: OPTIONAL,
  malformed: 'treat-as-withdraw',
  malformedRfc: 'RFC 7606 §7.4',
  ...number('MULTI_EXIT_DISC', 'metric'),
};

export const localPref: AttributeCodec<number> = {
  type: 5,
  name: 'LOCAL_PREF',
  rfc: 'RFC 4271 §5.1.5',
  flags: TRANSITIVE,
  malformed: 'treat-as-withdraw',
  malformedRfc: 'RFC 7606 §7.5',
  // RFC 5065 §5.3 lets it cross the member ASes of a confederation.
  scope: { peers: ['internal', 'confederation'], rfc: 'RFC 7606 §7.5' },
  ...number('LOCAL_PREF', 'preference'),
};

function number(
  name: string,
  field: string,
): Pick<AttributeCodec<number>, 'decode' | 'encode' | 'text' | 'fields'> {
  return {
    decode(value, _context, offset) {
      expectLength(name, value, 4, offset);
      return readUint32(value, 0);
    },
    encode: (value, writer) => writer.uint32(value),
    text: String,
    fields: (value, offset) => single(value, 4, offset, () => leaf(field, offset, 4, readUint32(value, 0))),
  };
}
