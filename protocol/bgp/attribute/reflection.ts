/**
 * ORIGINATOR_ID, type 9, and CLUSTER_LIST, type 10, RFC 4456 §8: one BGP identifier; cluster identifiers, latest first
 */
import { formatIpv4 } from '../../ip/ipv4.ts';
import { readUint32 } from '../byte-writer.ts';
import { leaf } from '../dissect/field.ts';
import { type AttributeCodec, expectItems, expectLength, items, OPTIONAL, single } from './codec.ts';

export const originatorId: AttributeCodec<number> = {
  type: 9,
  name: 'ORIGINATOR_ID',
  rfc: 'RFC 4456 §8',
  flags: OPTIONAL,
  malformed: 'treat-as-withdraw',
  malformedRfc: 'RFC 7606 §7.9',
  scope: { peers: ['internal'], rfc: 'RFC 7606 §7.9' },
  decode(value, _context, offset) {
    expectLength('ORIGINATOR_ID', value, 4, offset);
    return readUint32(value, 0);
  },
  encode: (value, writer) => writer.uint32(value),
  text: formatIpv4,
  fields: (value, offset) =>
    single(value, 4, offset, () => leaf('originator', offset, 4, formatIpv4(readUint32(value, 0)))),
};

export const clusterList: AttributeCodec<readonly number[]> = {
  type: 10,
  name: 'CLUSTER_LIST',
  rfc: 'RFC 4456 §8',
  flags: OPTIONAL,
  malformed: 'treat-as-withdraw',
  malformedRfc: 'RFC 7606 §7.10',
  scope: { peers: ['internal'], rfc: 'RFC 7606 §7.10' },
  decode(value, _context, offset) {
    expectItems('CLUSTER_LIST', value, 4, offset);
    const ids: number[] = [];
    for (let at = 0; at < value.length; at += 4) ids.push(readUint32(value, at));
    return ids;
  },
  encode: (ids, writer) => {
    for (const id of ids) writer.uint32(id);
  },
  text: (ids) => ids.map(formatIpv4).join(' '),
  fields: (value, offset) =>
    items('cluster', value, 4, offset, (bytes, at) => formatIpv4(readUint32(bytes, at))),
};
