/**
 * ATOMIC_AGGREGATE, type 6, RFC 4271 §5.1.6: empty
 * AGGREGATOR, type 7, RFC 4271 §5.1.7: 0: AS number (2 or 4 octets, as negotiated) · then 4 octets BGP identifier
 * AS4_AGGREGATOR, type 18, RFC 6793 §3: as AGGREGATOR with 4 octets of AS number
 */
import { DecodeError } from '../../bytes/decode-error.ts';
import { readUint16, readUint32 } from '../byte-writer.ts';
import { AS_TRANS } from '../message/open.ts';
import { type AttributeCodec, expectLength, OPTIONAL, TRANSITIVE } from './codec.ts';

export interface Aggregator {
  readonly asn: number;
  /** BGP identifier as an unsigned integer. */
  readonly id: number;
}

export const atomicAggregate: AttributeCodec<true> = {
  type: 6,
  name: 'ATOMIC_AGGREGATE',
  flags: TRANSITIVE,
  malformed: 'attribute-discard',
  decode(value, _context, offset) {
    expectLength('ATOMIC_AGGREGATE', value, 0, offset);
    return true;
  },
  encode: () => undefined,
};

export const aggregator: AttributeCodec<Aggregator> = {
  type: 7,
  name: 'AGGREGATOR',
  flags: OPTIONAL | TRANSITIVE,
  malformed: 'attribute-discard',
  decode(value, context, offset) {
    expectLength('AGGREGATOR', value, context.fourOctetAs ? 8 : 6, offset);
    return decodeAggregator('AGGREGATOR', value, offset);
  },
  encode(value, writer, context) {
    if (context.fourOctetAs) writer.uint32(value.asn);
    else writer.uint16(value.asn > 0xffff ? AS_TRANS : value.asn);
    writer.uint32(value.id);
  },
};

export const as4Aggregator: AttributeCodec<Aggregator> = {
  type: 18,
  name: 'AS4_AGGREGATOR',
  flags: OPTIONAL | TRANSITIVE,
  malformed: 'attribute-discard',
  decode(value, _context, offset) {
    expectLength('AS4_AGGREGATOR', value, 8, offset);
    return decodeAggregator('AS4_AGGREGATOR', value, offset);
  },
  encode(value, writer) {
    writer.uint32(value.asn);
    writer.uint32(value.id);
  },
};

function decodeAggregator(name: string, value: Uint8Array, offset: number): Aggregator {
  const size = value.length - 4;
  const asn = size === 4 ? readUint32(value, 0) : readUint16(value, 0);
  if (asn === 0) throw new DecodeError(name, offset, 'AS 0 is not allowed (RFC 7607 §2)');
  return { asn, id: readUint32(value, size) };
}
