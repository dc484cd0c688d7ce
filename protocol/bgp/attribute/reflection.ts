/**
 * ORIGINATOR_ID, type 9, and CLUSTER_LIST, type 10, RFC 4456 §8: one BGP identifier; cluster identifiers, latest first
 */
import { readUint32 } from '../byte-writer.ts';
import { type AttributeCodec, expectItems, expectLength, OPTIONAL } from './codec.ts';

export const originatorId: AttributeCodec<number> = {
  type: 9,
  name: 'ORIGINATOR_ID',
  flags: OPTIONAL,
  malformed: 'treat-as-withdraw',
  internalOnly: true,
  decode(value, _context, offset) {
    expectLength('ORIGINATOR_ID', value, 4, offset);
    return readUint32(value, 0);
  },
  encode: (value, writer) => writer.uint32(value),
};

export const clusterList: AttributeCodec<readonly number[]> = {
  type: 10,
  name: 'CLUSTER_LIST',
  flags: OPTIONAL,
  malformed: 'treat-as-withdraw',
  internalOnly: true,
  decode(value, _context, offset) {
    expectItems('CLUSTER_LIST', value, 4, offset);
    const ids: number[] = [];
    for (let at = 0; at < value.length; at += 4) ids.push(readUint32(value, at));
    return ids;
  },
  encode: (ids, writer) => {
    for (const id of ids) writer.uint32(id);
  },
};
