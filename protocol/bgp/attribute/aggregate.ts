/**
 * ATOMIC_AGGREGATE, type 6, RFC 4271 §5.1.6: empty
 * AGGREGATOR, type 7, RFC 4271 §5.1.7: 0: AS number (2 or 4 octets, as negotiated) · then 4 octets BGP identifier
 * AS4_AGGREGATOR, type 18, RFC 6793 §3: as AGGREGATOR with 4 octets of AS number
 */
import { DecodeError } from '../../bytes/decode-error.ts';
import { formatIpv4 } from '../../ip/ipv4.ts';
import { readUint16, readUint32 } from '../byte-writer.ts';
import { type Field, leaf, rest } from '../dissect/field.ts';
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
  rfc: 'RFC 4271 §5.1.6',
  flags: TRANSITIVE,
  malformed: 'attribute-discard',
  malformedRfc: 'RFC 7606 §7.6',
  decode(value, _context, offset) {
    expectLength('ATOMIC_AGGREGATE', value, 0, offset);
    return true;
  },
  encode: () => undefined,
  text: () => 'yes',
  fields: (value, offset) => rest(value, 0, offset),
};

export const aggregator: AttributeCodec<Aggregator> = {
  type: 7,
  name: 'AGGREGATOR',
  rfc: 'RFC 4271 §5.1.7',
  flags: OPTIONAL | TRANSITIVE,
  malformed: 'attribute-discard',
  malformedRfc: 'RFC 7606 §7.7',
  decode(value, context, offset) {
    expectLength('AGGREGATOR', value, context.fourOctetAs ? 8 : 6, offset);
    return decodeAggregator('AGGREGATOR', value, offset);
  },
  encode(value, writer, context) {
    if (context.fourOctetAs) writer.uint32(value.asn);
    else writer.uint16(value.asn > 0xffff ? AS_TRANS : value.asn);
    writer.uint32(value.id);
  },
  text: aggregatorText,
  fields: (value, offset, context) => aggregatorFields(value, offset, context.fourOctetAs ? 4 : 2),
};

export const as4Aggregator: AttributeCodec<Aggregator> = {
  type: 18,
  name: 'AS4_AGGREGATOR',
  rfc: 'RFC 6793 §3',
  flags: OPTIONAL | TRANSITIVE,
  malformed: 'attribute-discard',
  malformedRfc: 'RFC 6793 §6',
  decode(value, _context, offset) {
    expectLength('AS4_AGGREGATOR', value, 8, offset);
    return decodeAggregator('AS4_AGGREGATOR', value, offset);
  },
  encode(value, writer) {
    writer.uint32(value.asn);
    writer.uint32(value.id);
  },
  text: aggregatorText,
  fields: (value, offset) => aggregatorFields(value, offset, 4),
};

function decodeAggregator(name: string, value: Uint8Array, offset: number): Aggregator {
  const size = value.length - 4;
  const asn = size === 4 ? readUint32(value, 0) : readUint16(value, 0);
  if (asn === 0) throw new DecodeError(name, offset, 'AS 0 is not allowed (RFC 7607 §2)');
  return { asn, id: readUint32(value, size) };
}

function aggregatorText({ asn, id }: Aggregator): string {
  return `${asn} ${formatIpv4(id)}`;
}

function aggregatorFields(value: Uint8Array, offset: number, size: 2 | 4): Field[] {
  if (value.length !== size + 4) return rest(value, 0, offset);
  return [
    leaf('AS', offset, size, size === 4 ? readUint32(value, 0) : readUint16(value, 0)),
    leaf('identifier', offset + size, 4, formatIpv4(readUint32(value, size))),
  ];
}
