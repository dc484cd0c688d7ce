/** Multiprotocol Extensions, code 1, RFC 4760 §8: 0: 2 AFI · 2: 1 reserved · 3: 1 SAFI */
import { readUint16 } from '../byte-writer.ts';
import type { AfiSafi } from '../family.ts';
import type { CapabilityCodec } from './codec.ts';

export interface MultiprotocolCapability extends AfiSafi {
  readonly kind: 'multiprotocol';
}

export const multiprotocol: CapabilityCodec<MultiprotocolCapability> = {
  code: 1,
  kind: 'multiprotocol',
  decode: (value) =>
    value.length === 4 ? { kind: 'multiprotocol', afi: readUint16(value, 0), safi: value[3]! } : undefined,
  encode(capability, writer) {
    writer.uint16(capability.afi);
    writer.uint8(0);
    writer.uint8(capability.safi);
  },
};
