/**
 * AIGP, type 26, RFC 7311 §3: TLVs whose length counts the whole TLV, of which the first of type 1 is what matters:
 *
 *   0: 1 type · 1: 2 length (11) · 3: 8 accumulated IGP metric
 */
import { DecodeError } from '../../bytes/decode-error.ts';
import { leaf } from '../dissect/field.ts';
import { type AttributeCodec, OPTIONAL } from './codec.ts';
import { expectTlvs, forEachTlv, type TlvFormat, tlvFields } from './tlv.ts';

const FORMAT: TlvFormat = { type: 1, length: () => 2, inclusive: true };
const METRIC = 1;
const METRIC_LENGTH = 11;

/** The value octets: all TLVs, those that we do not know included, as §3 wants them passed on. */
export const aigp: AttributeCodec<Uint8Array> = {
  type: 26,
  name: 'AIGP',
  rfc: 'RFC 7311 §3',
  flags: OPTIONAL,
  malformed: 'attribute-discard',
  malformedRfc: 'RFC 7311 §3.2',
  wrongFlags: 'attribute-discard',
  // AIGP_SESSION is off by default towards other ASes, and what comes all the same is quietly ignored (§3.3).
  scope: { peers: ['internal', 'confederation'], quiet: true, rfc: 'RFC 7311 §3.3' },
  decode(value, _context, offset) {
    expectTlvs('AIGP', value, FORMAT, offset, (tlv) => {
      const length = tlv.end - tlv.start;
      if (tlv.type === METRIC && length !== METRIC_LENGTH) {
        throw new DecodeError(
          'AIGP',
          offset + tlv.start,
          `TLV of ${length} octets must have ${METRIC_LENGTH}`,
        );
      }
    });
    return value.slice();
  },
  encode: (value, writer) => writer.append(value),
  text: (value) => `metric ${aigpMetric(value) ?? 'none'}`,
  fields: (value, offset) =>
    tlvFields(value, 0, value.length, FORMAT, offset, (tlv) => {
      if (tlv.type !== METRIC || tlv.end - tlv.start !== METRIC_LENGTH) return { name: 'TLV' };
      const text = String(readUint64(value, tlv.value));
      return { name: 'AIGP TLV', text, inside: [leaf('metric', offset + tlv.value, 8, text)] };
    }),
};

/** The accumulated metric; `undefined` where no TLV holds one. */
export function aigpMetric(value: Uint8Array): bigint | undefined {
  let metric: bigint | undefined;
  forEachTlv(value, 0, value.length, FORMAT, (tlv) => {
    if (tlv.type === METRIC) metric ??= readUint64(value, tlv.value);
  });
  return metric;
}

/** An attribute value with a metric and nothing else. */
export function aigpOf(metric: bigint): Uint8Array {
  const bytes = new Uint8Array(METRIC_LENGTH);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, METRIC);
  view.setUint16(1, METRIC_LENGTH);
  view.setBigUint64(3, metric);
  return bytes;
}

function readUint64(bytes: Uint8Array, at: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset + at, 8).getBigUint64(0);
}
