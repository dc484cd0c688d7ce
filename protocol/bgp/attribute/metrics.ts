/**
 * MULTI_EXIT_DISC, type 4, RFC 4271 §5.1.4, and LOCAL_PREF, type 5, §5.1.5: 0: 4 unsigned integer
 */
import { readUint32 } from '../byte-writer.ts';
import { type AttributeCodec, expectLength, OPTIONAL, TRANSITIVE } from './codec.ts';

export const med: AttributeCodec<number> = {
  type: 4,
  name: 'MULTI_EXIT_DISC',
  flags: OPTIONAL,
  malformed: 'treat-as-withdraw',
  decode(value, _context, offset) {
    expectLength('MULTI_EXIT_DISC', value, 4, offset);
    return readUint32(value, 0);
  },
  encode: (value, writer) => writer.uint32(value),
};

export const localPref: AttributeCodec<number> = {
  type: 5,
  name: 'LOCAL_PREF',
  flags: TRANSITIVE,
  malformed: 'treat-as-withdraw',
  internalOnly: true,
  decode(value, _context, offset) {
    expectLength('LOCAL_PREF', value, 4, offset);
    return readUint32(value, 0);
  },
  encode: (value, writer) => writer.uint32(value),
};
