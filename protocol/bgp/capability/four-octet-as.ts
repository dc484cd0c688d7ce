/** Four-octet AS number, code 65, RFC 6793 §3: 0: 4 AS number of the sender */
import { readUint32 } from '../byte-writer.ts';
import type { CapabilityCodec } from './codec.ts';

export interface FourOctetAsCapability {
  readonly kind: 'four-octet-as';
  readonly asn: number;
}

export const fourOctetAs: CapabilityCodec<FourOctetAsCapability> = {
  code: 65,
  kind: 'four-octet-as',
  name: '4-octet AS Number',
  rfc: 'RFC 6793 §3',
  malformed: 'session-reset',
  decode: (value) => (value.length === 4 ? { kind: 'four-octet-as', asn: readUint32(value, 0) } : undefined),
  encode: (capability, writer) => writer.uint32(capability.asn),
  text: ({ asn }) => `AS ${asn}`,
  fields: (value, offset) => [{ name: 'AS number', offset, length: 4, value: readUint32(value, 0) }],
};
