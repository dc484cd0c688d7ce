/**
 * Paths Limit, code 76, draft-abraitis-idr-addpath-paths-limit: per family
 *
 *   0: 2 AFI · 2: 1 SAFI · 3: 2 how many paths of a prefix the sender wants at most
 */
import { readUint16 } from '../byte-writer.ts';
import type { AfiSafi } from '../family.ts';
import type { CapabilityCodec } from './codec.ts';
import { type FamilyListCapability, familyListCodec, readFamily, writeFamily } from './family-list.ts';

export type PathsLimitCapability = FamilyListCapability<'paths-limit', AfiSafi & { readonly limit: number }>;

export const pathsLimit: CapabilityCodec<PathsLimitCapability> = familyListCodec(
  {
    code: 76,
    kind: 'paths-limit',
    name: 'Paths Limit for Multiple Paths',
    rfc: 'draft-abraitis-idr-addpath-paths-limit',
    malformed: 'ignored',
  },
  {
    size: 5,
    read: (bytes, at) => ({ ...readFamily(bytes, at), limit: readUint16(bytes, at + 3) }),
    write(family, writer) {
      writeFamily(family, writer);
      writer.uint16(family.limit);
    },
    show: ({ limit }) => `at most ${limit}`,
  },
);
