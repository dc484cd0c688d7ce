/** A family whose NLRI podwire passes on without looking into it: the whole field counts as one route. */
import { toHex } from '../../bytes/hex.ts';
import { type NlriCodec, NO_DATA } from './codec.ts';

export const opaqueCodec: NlriCodec = {
  measure: (_bytes, at, limit) => (at >= limit ? { offset: at, expected: 'NLRI is empty' } : limit - at),
  validate: () => undefined,
  key: (nlri) => nlri,
  data: () => NO_DATA,
  join: (key) => key,
  text: (nlri) => `0x${toHex(nlri)}`,
  fields: (nlri, offset) => [{ name: 'nlri', offset, length: nlri.length, value: toHex(nlri) }],
};
