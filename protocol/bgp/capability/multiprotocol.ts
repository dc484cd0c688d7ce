/** Multiprotocol Extensions, code 1, RFC 4760 §8: 0: 2 AFI · 2: 1 reserved · 3: 1 SAFI */
import { readUint16 } from '../byte-writer.ts';
import { type AfiSafi, familyText } from '../family.ts';
import type { CapabilityCodec } from './codec.ts';

export interface MultiprotocolCapability extends AfiSafi {
  readonly kind: 'multiprotocol';
}

export const multiprotocol: CapabilityCodec<MultiprotocolCapability> = {
  code: 1,
  kind: 'multiprotocol',
  name: 'Multiprotocol Extensions',
  rfc: 'RFC 4760 §8',
  malformed: 'session-reset',
  decode: (value) =>
    value.length === 4 ? { kind: 'multiprotocol', afi: readUint16(value, 0), safi: value[3]! } : undefined,
  encode(capability, writer) {
    writer.uint16(capability.afi);
    writer.uint8(0);
    writer.uint8(capability.safi);
  },
  text: ({ afi, safi }) => familyText(afi, safi),
  fields: (value, offset) => [
    { name: 'AFI', offset, length: 2, value: readUint16(value, 0) },
    { name: 'reserved', offset: offset + 2, length: 1, value: value[2]! },
    {
      name: 'SAFI',
      offset: offset + 3,
      length: 1,
      value: value[3]!,
      text: familyText(readUint16(value, 0), value[3]!),
    },
  ],
};
