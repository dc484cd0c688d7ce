/** ORIGIN, type 1, RFC 4271 §5.1.1: 0: 1 (0 IGP, 1 EGP, 2 INCOMPLETE) */
import { DecodeError } from '../../bytes/decode-error.ts';
import { leaf } from '../dissect/field.ts';
import { type AttributeCodec, expectLength, single, TRANSITIVE } from './codec.ts';

export type Origin = 0 | 1 | 2;

export const ORIGIN_NAMES: readonly ['IGP', 'EGP', 'INCOMPLETE'] = ['IGP', 'EGP', 'INCOMPLETE'];

export const origin: AttributeCodec<Origin> = {
  type: 1,
  name: 'ORIGIN',
  rfc: 'RFC 4271 §5.1.1',
  flags: TRANSITIVE,
  malformed: 'treat-as-withdraw',
  malformedRfc: 'RFC 7606 §7.1',
  decode(value, _context, offset) {
    expectLength('ORIGIN', value, 1, offset);
    const code = value[0]!;
    if (code > 2) throw new DecodeError('ORIGIN', offset, `value ${code} must be 0, 1 or 2`);
    return code as Origin;
  },
  encode: (value, writer) => writer.uint8(value),
  text: (value) => ORIGIN_NAMES[value],
  fields: (value, offset) =>
    single(value, 1, offset, () =>
      leaf('origin', offset, 1, value[0]!, ORIGIN_NAMES[value[0]!] ?? 'undefined'),
    ),
};
