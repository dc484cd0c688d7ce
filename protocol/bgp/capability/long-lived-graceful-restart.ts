/**
 * Long-lived Graceful Restart, code 71, RFC 9494 §3.1: per family
 *
 *   0: 2 AFI · 2: 1 SAFI · 3: 1 flags (0x80 = forwarding state preserved) · 4: 3 stale time in seconds
 */
import { readUint16 } from '../byte-writer.ts';
import type { AfiSafi } from '../family.ts';
import type { CapabilityCodec } from './codec.ts';
import { type FamilyListCapability, familyListCodec, readFamily, writeFamily } from './family-list.ts';
import { FORWARDING } from './graceful-restart.ts';

export type LongLivedGracefulRestartCapability = FamilyListCapability<
  'long-lived-graceful-restart',
  AfiSafi & { readonly forwarding: boolean; readonly staleTime: number }
>;

export const longLivedGracefulRestart: CapabilityCodec<LongLivedGracefulRestartCapability> = familyListCodec(
  {
    code: 71,
    kind: 'long-lived-graceful-restart',
    name: 'Long-Lived Graceful Restart',
    rfc: 'RFC 9494 §3.1',
    malformed: 'session-reset',
  },
  {
    size: 7,
    read: (bytes, at) => ({
      ...readFamily(bytes, at),
      forwarding: (bytes[at + 3]! & FORWARDING) !== 0,
      staleTime: (bytes[at + 4]! << 16) | readUint16(bytes, at + 5),
    }),
    write(family, writer) {
      writeFamily(family, writer);
      writer.uint8(family.forwarding ? FORWARDING : 0);
      writer.uint8(family.staleTime >>> 16);
      writer.uint16(family.staleTime & 0xffff);
    },
    show: ({ forwarding, staleTime }) => `time ${staleTime}${forwarding ? ' forwarding' : ''}`,
  },
);
