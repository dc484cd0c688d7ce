/**
 * Extended Next Hop Encoding, code 5, RFC 8950 §4: per family
 *
 *   0: 2 NLRI AFI · 2: 2 NLRI SAFI · 4: 2 next hop AFI
 */
import { readUint16 } from '../byte-writer.ts';
import type { AfiSafi } from '../family.ts';
import type { CapabilityCodec } from './codec.ts';
import { type FamilyListCapability, familyListCodec } from './family-list.ts';

export type ExtendedNextHopCapability = FamilyListCapability<
  'extended-next-hop',
  AfiSafi & { readonly nextHopAfi: number }
>;

export const extendedNextHop: CapabilityCodec<ExtendedNextHopCapability> = familyListCodec(
  {
    code: 5,
    kind: 'extended-next-hop',
    name: 'Extended Next Hop Encoding',
    rfc: 'RFC 8950 §4',
    malformed: 'session-reset',
  },
  {
    size: 6,
    read: (bytes, at) => ({
      afi: readUint16(bytes, at),
      safi: readUint16(bytes, at + 2),
      nextHopAfi: readUint16(bytes, at + 4),
    }),
    write({ afi, safi, nextHopAfi }, writer) {
      writer.uint16(afi);
      writer.uint16(safi);
      writer.uint16(nextHopAfi);
    },
    show: ({ nextHopAfi }) => `next hop ${['', 'ipv4', 'ipv6'][nextHopAfi] ?? `AFI ${nextHopAfi}`}`,
  },
);
