/** Multiple Labels, code 8, RFC 8277 §2.1: per family 0: 2 AFI · 2: 1 SAFI · 3: 1 how many labels a prefix may have */
import type { AfiSafi } from '../family.ts';
import type { CapabilityCodec } from './codec.ts';
import { type FamilyListCapability, familyListCodec, readFamily, writeFamily } from './family-list.ts';

export type MultipleLabelsCapability = FamilyListCapability<
  'multiple-labels',
  AfiSafi & { readonly count: number }
>;

export const multipleLabels: CapabilityCodec<MultipleLabelsCapability> = familyListCodec(
  {
    code: 8,
    kind: 'multiple-labels',
    name: 'Multiple Labels',
    rfc: 'RFC 8277 §2.1',
    malformed: 'session-reset',
  },
  {
    size: 4,
    read: (bytes, at) => ({ ...readFamily(bytes, at), count: bytes[at + 3]! }),
    write(family, writer) {
      writeFamily(family, writer);
      writer.uint8(family.count);
    },
    show: ({ count }) => `${count} labels`,
  },
);
