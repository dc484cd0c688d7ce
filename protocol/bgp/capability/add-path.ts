/**
 * ADD-PATH, code 69, RFC 7911 §4: per family
 *
 *   0: 2 AFI · 2: 1 SAFI · 3: 1 (1 = can receive, 2 = can send, 3 = both)
 *
 * Other values of the last octet are kept; the receiver ignores such an entry.
 */
import { readUint16 } from '../byte-writer.ts';
import type { AfiSafi } from '../family.ts';
import type { CapabilityCodec } from './codec.ts';

export interface AddPathCapability {
  readonly kind: 'add-path';
  readonly families: readonly (AfiSafi & { readonly sendReceive: number })[];
}

export const addPath: CapabilityCodec<AddPathCapability> = {
  code: 69,
  kind: 'add-path',
  decode(value) {
    if (value.length % 4 !== 0) return undefined;
    const families: (AfiSafi & { sendReceive: number })[] = [];
    for (let at = 0; at < value.length; at += 4) {
      families.push({ afi: readUint16(value, at), safi: value[at + 2]!, sendReceive: value[at + 3]! });
    }
    return { kind: 'add-path', families };
  },
  encode(capability, writer) {
    for (const family of capability.families) {
      writer.uint16(family.afi);
      writer.uint8(family.safi);
      writer.uint8(family.sendReceive);
    }
  },
};
