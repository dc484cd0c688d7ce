/**
 * Long-lived Graceful Restart, code 71, RFC 9494 §3.1: per family
 *
 *   0: 2 AFI · 2: 1 SAFI · 3: 1 flags (0x80 = forwarding state preserved) · 4: 3 stale time in seconds
 */
import { readUint16 } from '../byte-writer.ts';
import type { AfiSafi } from '../family.ts';
import type { CapabilityCodec } from './codec.ts';

export interface LongLivedGracefulRestartCapability {
  readonly kind: 'long-lived-graceful-restart';
  readonly families: readonly (AfiSafi & { readonly forwarding: boolean; readonly staleTime: number })[];
}

export const longLivedGracefulRestart: CapabilityCodec<LongLivedGracefulRestartCapability> = {
  code: 71,
  kind: 'long-lived-graceful-restart',
  decode(value) {
    if (value.length % 7 !== 0) return undefined;
    const families: (AfiSafi & { forwarding: boolean; staleTime: number })[] = [];
    for (let at = 0; at < value.length; at += 7) {
      families.push({
        afi: readUint16(value, at),
        safi: value[at + 2]!,
        forwarding: (value[at + 3]! & 0x80) !== 0,
        staleTime: (value[at + 4]! << 16) | readUint16(value, at + 5),
      });
    }
    return { kind: 'long-lived-graceful-restart', families };
  },
  encode(capability, writer) {
    for (const family of capability.families) {
      writer.uint16(family.afi);
      writer.uint8(family.safi);
      writer.uint8(family.forwarding ? 0x80 : 0);
      writer.uint8(family.staleTime >>> 16);
      writer.uint16(family.staleTime & 0xffff);
    }
  },
};
